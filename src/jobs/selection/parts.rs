//! Items divided into parts that are searched one by one: by what, into how many, and by which search.

use super::error::SelectionError;
use super::function::PartSizes;
use super::resolve::Resolver;
use crate::dataset::Kind;
use crate::jobs::spec::{InnerSpec, PartsBySpec, PartsSpec};
use submodular::Error;
use submodular::Optimizer;
use submodular::optimizer::{
    Greedy, Inner, LazyGreedy, PartFunction, PartitionedGreedy, Parts, PerPart, StochasticGreedy,
};

/// A search of parts whose names are looked up.
pub(super) struct Partition {
    division: Division,
    inner: Search,
    merge: bool,
    rank_all: bool,
}

/// By what the items are divided.
enum Division {
    /// Draws, into so many parts; none where the memory shall say how many.
    Random(Option<usize>),
    /// The part of each item.
    Given(Vec<u32>),
    /// k-means over the vectors, into at most so many.
    Kmeans(Option<usize>),
}

/// What searches in a part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Search {
    Greedy,
    LazyGreedy,
    StochasticGreedy { epsilon: f64 },
}

impl Search {
    fn of(spec: Option<InnerSpec>, submodular: bool) -> Self {
        match spec {
            None | Some(InnerSpec::Auto) if submodular => Self::LazyGreedy,
            None | Some(InnerSpec::Auto | InnerSpec::Greedy) => Self::Greedy,
            Some(InnerSpec::LazyGreedy) => Self::LazyGreedy,
            Some(InnerSpec::StochasticGreedy { epsilon }) => Self::StochasticGreedy { epsilon },
        }
    }

    /// Makes one for each part.
    fn maker(self) -> Result<Inner, Error> {
        Ok(match self {
            Self::Greedy => Box::new(|| Box::new(Greedy)),
            Self::LazyGreedy => Box::new(|| Box::new(LazyGreedy::default())),
            Self::StochasticGreedy { epsilon } => {
                let search = StochasticGreedy::new(epsilon)?;
                Box::new(move || Box::new(search))
            }
        })
    }
}

impl Partition {
    /// What was asked for. Offences are collected.
    pub(super) fn choose(
        parts: &PartsSpec,
        (merge, rank_all): (bool, bool),
        inner: Option<InnerSpec>,
        submodular: bool,
        resolver: &mut Resolver<'_>,
    ) -> Result<Self, SelectionError> {
        if merge && rank_all {
            let detail = "a merge chooses among what the parts chose, and ranks nothing: leave rank_all out, or give \
                          \"merge\": false";
            resolver.refuse("/optimizer/rank_all", "invalid_parameter", detail);
        }
        if parts.by != PartsBySpec::Column && parts.column.is_some() {
            let detail = "a column divides the rows with \"by\": \"column\" only";
            resolver.refuse("/optimizer/parts/column", "invalid_parameter", detail);
        }
        let count = parts.count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let count = count.map(|count| count.min(resolver.source.items()));
        let division = match parts.by {
            PartsBySpec::Random => Division::Random(count),
            PartsBySpec::Kmeans => {
                let kind = resolver.source.kind();
                if kind != Kind::Vectors {
                    let detail = format!(
                        "k-means needs vectors, and this dataset holds {kind}: divide by random or column"
                    );
                    resolver.refuse("/optimizer/parts/by", "invalid_parameter", detail);
                }
                Division::Kmeans(count)
            }
            PartsBySpec::Column => {
                if count.is_some() {
                    let detail = "the column says how many parts there are: leave count out";
                    resolver.refuse("/optimizer/parts/count", "invalid_parameter", detail);
                }
                let column = parts.column.as_deref().unwrap_or_default();
                Division::Given(resolver.parts(column, "/optimizer/parts/column")?)
            }
        };
        Ok(Self { division, inner: Search::of(inner, submodular), merge, rank_all })
    }

    pub(super) fn merges(&self) -> bool {
        self.merge
    }

    pub(super) fn ranks_all(&self) -> bool {
        self.rank_all
    }

    pub(super) fn inner(&self) -> Search {
        self.inner
    }

    /// How many parts k-means makes at most, where it makes them.
    pub(super) fn clusters(&self) -> Option<usize> {
        if let Division::Kmeans(count) = self.division { Some(count.unwrap_or(1)) } else { None }
    }

    /// Whether the memory shall say how many parts there are.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.division, Division::Random(None) | Division::Kmeans(None))
    }

    /// Says how many.
    pub(super) fn divide(&mut self, into: usize) {
        match &mut self.division {
            Division::Random(count) | Division::Kmeans(count) => *count = Some(into),
            Division::Given(_) => {}
        }
    }

    /// The search; `clusters` where k-means has made some, `function` of a part.
    pub(super) fn build(
        &self,
        clusters: Option<Vec<u32>>,
        function: Option<PartFunction>,
    ) -> Result<Box<dyn Optimizer>, Error> {
        let parts = match &self.division {
            Division::Random(count) => Parts::Random(count.unwrap_or(1)),
            Division::Given(of) => Parts::Given(of.clone()),
            // Claims ask how many there may be, before there are any.
            Division::Kmeans(count) => {
                Parts::Given(clusters.unwrap_or_else(|| (0..).take(count.unwrap_or(1)).collect()))
            }
        };
        let inner = self.inner.maker()?;
        if self.merge {
            return Ok(Box::new(PartitionedGreedy::new(parts, inner)?));
        }
        let search = PerPart::new(parts, inner)?.rank_all(self.rank_all);
        Ok(Box::new(match function {
            Some(function) => search.function(function),
            None => search,
        }))
    }

    /// How large the parts of `n` items are, of which `allowed` may be chosen, about; and what each chooses of k.
    pub(super) fn sizes(&self, n: usize, allowed: usize, k: Option<usize>) -> PartSizes {
        let (count, largest, squares) = match &self.division {
            Division::Given(of) => {
                let mut sizes = vec![0_usize; of.iter().max().map_or(0, |&last| last as usize + 1)];
                of.iter().for_each(|&part| sizes[part as usize] += 1);
                let squares = sizes.iter().map(|&size| (size as f64).powi(2)).sum();
                (sizes.len(), sizes.into_iter().max().unwrap_or(0), squares)
            }
            Division::Random(count) => Self::drawn(n, count.unwrap_or(1)),
            Division::Kmeans(count) => Self::clustered(n, count.unwrap_or(1)),
        };
        let k = k.filter(|_| !self.rank_all);
        let share = |size: usize| {
            let most = size.saturating_sub(1);
            k.map_or(most, |k| (size as f64 / allowed.max(1) as f64 * k as f64).ceil() as usize).min(most)
        };
        let mean = (n as f64 / count.max(1) as f64).ceil() as usize;
        PartSizes { count, mean, largest, squares, mean_share: share(mean), largest_share: share(largest) }
    }

    /// Items of the largest part at most: nothing bounds a cluster.
    pub(super) fn largest(&self, n: usize, allowed: usize) -> usize {
        if matches!(self.division, Division::Kmeans(_)) { n } else { self.sizes(n, allowed, None).largest }
    }

    /// Items of the largest of so many parts that are drawn: six standard deviations above the mean are not reached.
    fn drawn(n: usize, count: usize) -> (usize, usize, f64) {
        let mean = n as f64 / count.max(1) as f64;
        let largest = if count <= 1 { n } else { ((mean + 6.0 * mean.sqrt()).ceil() as usize).min(n) };
        (count, largest, count as f64 * mean * mean + n as f64)
    }

    /// Clusters are of any size: twice the mean is expected of the largest. One that is larger stores nothing.
    fn clustered(n: usize, count: usize) -> (usize, usize, f64) {
        let mean = n as f64 / count.max(1) as f64;
        (count, ((2.0 * mean).ceil() as usize).min(n), 1.5 * count as f64 * mean * mean)
    }
}
