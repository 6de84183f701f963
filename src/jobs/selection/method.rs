//! Which optimizer runs, and why.

mod effort;

use super::error::{FieldError, SelectionError};
use super::function::Ground;
use super::parts::{Partition, Search};
use super::resolve::{Resolver, Size};
use crate::jobs::spec::{OptimizerSpec, SelectionSpec, WarmStartSpec};
use std::sync::Arc;
use submodular::constraint::Shape;
use submodular::guarantee::{Claim, Mismatch};
use submodular::optimizer::{
    AdaptiveSequencing, BidirectionalGreedy, DoubleGreedy, Exact, Gist, Greedy, KnapsackGreedy, LazyGreedy,
    PartFunction, RandomGreedy, SieveStreaming, StochasticGreedy, ThreeSieves, ThresholdGreedy, WarmGreedy,
};
use submodular::similarity::{Any, MatrixBuilder};
use submodular::tile::Kernel;
use submodular::{Error, Item, Optimizer, Properties};

/// An optimizer whose names are looked up.
pub(super) struct Method {
    choice: Choice,
    /// What the spec says of an end before k, for those that make more of it than to stop.
    stop_at: Option<f64>,
    /// How much worse than the best the gain of a kept item may be, where it begins with an earlier answer.
    tolerance: Option<f64>,
    /// Whether a search under a budget begins with each single item, too.
    enumerate: bool,
    kernel: Kernel,
}

enum Choice {
    Greedy,
    LazyGreedy,
    StochasticGreedy { epsilon: f64 },
    ThresholdGreedy { epsilon: f64 },
    AdaptiveSequencing { epsilon: f64 },
    BidirectionalGreedy { pool: usize, full_ranking: bool, merge_rounds: bool },
    DoubleGreedy { randomised: bool },
    RandomGreedy,
    PartitionedGreedy(Partition),
    SieveStreaming { epsilon: f64, top_up: bool },
    ThreeSieves { epsilon: f64, rejections: u64, top_up: bool },
    Gist { lambda: f64, epsilon: f64, distances: Ground },
    Exact { max_evaluations: u64 },
}

/// What a search looks at beside the function: nothing, for claims.
#[derive(Default)]
pub(super) struct Looked {
    /// Distances of all items.
    pub(super) distances: Option<Arc<Any>>,
    /// The part of each item.
    pub(super) clusters: Option<Vec<u32>>,
    /// Makes the function of a part.
    pub(super) function: Option<PartFunction>,
    /// Items of an earlier answer.
    pub(super) kept: Vec<Item>,
}

const ASKED: &str = "asked for";

impl Method {
    /// What was asked for, or what `auto` makes of the objective; and the reason. Offences are collected.
    pub(super) fn choose(
        spec: &SelectionSpec,
        objective: &Properties,
        resolver: &mut Resolver<'_>,
        kernel: Kernel,
    ) -> Result<(Self, String), SelectionError> {
        let mut reason = ASKED.to_owned();
        let constraints = &spec.constraints;
        let choice = match &spec.optimizer {
            OptimizerSpec::Auto {} => {
                let (choice, why) = auto(objective);
                reason = format!("auto: {why}");
                choice
            }
            OptimizerSpec::Greedy {} => Choice::Greedy,
            OptimizerSpec::LazyGreedy {} => Choice::LazyGreedy,
            &OptimizerSpec::StochasticGreedy { epsilon } => Choice::StochasticGreedy { epsilon },
            &OptimizerSpec::ThresholdGreedy { epsilon } => Choice::ThresholdGreedy { epsilon },
            &OptimizerSpec::AdaptiveSequencing { epsilon } => Choice::AdaptiveSequencing { epsilon },
            &OptimizerSpec::BidirectionalGreedy { pool, full_ranking, merge_rounds } => {
                let pool = usize::try_from(pool).unwrap_or(usize::MAX);
                Choice::BidirectionalGreedy { pool, full_ranking, merge_rounds }
            }
            &OptimizerSpec::DoubleGreedy { randomised } => Choice::DoubleGreedy { randomised },
            OptimizerSpec::RandomGreedy {} => Choice::RandomGreedy,
            OptimizerSpec::PartitionedGreedy { parts, merge, rank_all, inner } => {
                let form = (*merge, *rank_all);
                let submodular = objective.submodular;
                Choice::PartitionedGreedy(Partition::choose(parts, form, *inner, submodular, resolver)?)
            }
            &OptimizerSpec::SieveStreaming { epsilon, top_up } => Choice::SieveStreaming { epsilon, top_up },
            &OptimizerSpec::ThreeSieves { epsilon, rejections, top_up } => {
                Choice::ThreeSieves { epsilon, rejections, top_up }
            }
            &OptimizerSpec::Gist { lambda, epsilon, distance } => Choice::Gist {
                lambda,
                epsilon,
                distances: resolver.distances(distance, "/optimizer/distance"),
            },
            &OptimizerSpec::Exact { max_evaluations } => Choice::Exact { max_evaluations },
        };
        let tolerance = spec.warm_start.as_ref().map(WarmStartSpec::tolerance);
        if tolerance.is_some() && !matches!(choice, Choice::Greedy | Choice::LazyGreedy) {
            let detail =
                "greedy, lazy_greedy and auto begin with an earlier answer: use one of them, or leave it out";
            resolver.refuse("/warm_start", "optimizer_mismatch", detail);
        }
        if tolerance.is_some() && constraints.knapsack.is_some() {
            let detail =
                "a warm start is for k items, with or without quotas: leave the knapsack or the start out";
            resolver.refuse("/warm_start", "optimizer_mismatch", detail);
        }
        let enumerate = constraints.knapsack.as_ref().is_some_and(|knapsack| knapsack.enumerate > 0);
        let method =
            Self { choice, stop_at: constraints.stop_when_gain_at_most, tolerance, enumerate, kernel };
        Ok((method, reason))
    }

    pub(super) fn name(&self) -> &'static str {
        match &self.choice {
            Choice::Greedy => "greedy",
            Choice::LazyGreedy => "lazy_greedy",
            Choice::StochasticGreedy { .. } => "stochastic_greedy",
            Choice::ThresholdGreedy { .. } => "threshold_greedy",
            Choice::AdaptiveSequencing { .. } => "adaptive_sequencing",
            Choice::BidirectionalGreedy { .. } => "bidirectional_greedy",
            Choice::DoubleGreedy { .. } => "double_greedy",
            Choice::RandomGreedy => "random_greedy",
            Choice::PartitionedGreedy(_) => "partitioned_greedy",
            Choice::SieveStreaming { .. } => "sieve_streaming",
            Choice::ThreeSieves { .. } => "three_sieves",
            Choice::Gist { .. } => "gist",
            Choice::Exact { .. } => "exact",
        }
    }

    /// The distances that the search itself looks at.
    pub(super) fn distances(&self) -> Option<&Ground> {
        if let Choice::Gist { distances, .. } = &self.choice { Some(distances) } else { None }
    }

    /// The parts that it searches, where it does.
    pub(super) fn partition(&self) -> Option<&Partition> {
        if let Choice::PartitionedGreedy(partition) = &self.choice { Some(partition) } else { None }
    }

    /// The parts, where they are the answer: none is searched among what they chose.
    pub(super) fn apart(&self) -> Option<&Partition> {
        self.partition().filter(|partition| !partition.merges())
    }

    /// How many parts k-means makes at most, where it makes them.
    pub(super) fn clusters(&self) -> Option<usize> {
        self.partition().and_then(Partition::clusters)
    }

    /// Whether each part orders its items instead of choosing a share of k.
    pub(super) fn ranks_parts(&self) -> bool {
        self.apart().is_some_and(Partition::ranks_all)
    }

    /// Says into how many parts the items are divided.
    pub(super) fn divide(&mut self, into: usize) {
        if let Choice::PartitionedGreedy(partition) = &mut self.choice {
            partition.divide(into);
        }
    }

    /// What searches in a part.
    fn inside(&self, partition: &Partition) -> Self {
        let choice = match partition.inner() {
            Search::Greedy => Choice::Greedy,
            Search::LazyGreedy => Choice::LazyGreedy,
            Search::StochasticGreedy { epsilon } => Choice::StochasticGreedy { epsilon },
        };
        Self { choice, ..*self }
    }

    /// The search under a rule of this shape, with what it looks at.
    pub(super) fn build(&self, shape: &Shape, looked: Looked) -> Result<Box<dyn Optimizer>, Error> {
        if let (Some(tolerance), Choice::Greedy | Choice::LazyGreedy) = (self.tolerance, &self.choice) {
            let lazy = matches!(self.choice, Choice::LazyGreedy);
            return Ok(Box::new(WarmGreedy::new(&looked.kept, tolerance)?.lazy(lazy)));
        }
        Ok(match &self.choice {
            Choice::Greedy | Choice::LazyGreedy if shape.knapsack => {
                Box::new(KnapsackGreedy::new(self.enumerate))
            }
            Choice::Greedy => Box::new(Greedy),
            Choice::LazyGreedy => Box::new(LazyGreedy::default()),
            Choice::StochasticGreedy { epsilon } => Box::new(StochasticGreedy::new(*epsilon)?),
            Choice::ThresholdGreedy { epsilon } => Box::new(ThresholdGreedy::new(*epsilon)?),
            Choice::AdaptiveSequencing { epsilon } => Box::new(AdaptiveSequencing::new(*epsilon)?),
            Choice::BidirectionalGreedy { pool, full_ranking, merge_rounds } => Box::new(
                BidirectionalGreedy::new(*pool)?.full_ranking(*full_ranking).merge_rounds(*merge_rounds),
            ),
            Choice::DoubleGreedy { randomised } => Box::new(DoubleGreedy::new(*randomised)),
            Choice::RandomGreedy => Box::new(RandomGreedy::new(self.stop_at)),
            Choice::PartitionedGreedy(partition) => partition.build(looked.clusters, looked.function)?,
            Choice::SieveStreaming { epsilon, top_up } => {
                Box::new(SieveStreaming::new(*epsilon)?.top_up(*top_up))
            }
            Choice::ThreeSieves { epsilon, rejections, top_up } => {
                Box::new(ThreeSieves::new(*epsilon, *rejections)?.top_up(*top_up))
            }
            Choice::Gist { lambda, epsilon, distances: ground } => {
                let distances = match looked.distances {
                    Some(distances) => distances,
                    None => unmeasured(self.kernel)?,
                };
                Box::new(Gist::new(*lambda, *epsilon, distances, ground.triangle())?)
            }
            Choice::Exact { max_evaluations } => Box::new(Exact::new(*max_evaluations, self.stop_at)),
        })
    }

    /// What the search earns.
    pub(super) fn claim(&self, objective: &Properties, shape: &Shape) -> Result<Claim, SelectionError> {
        let refuse = |error: &dyn std::error::Error| {
            SelectionError::Invalid(vec![FieldError::new(
                "/optimizer",
                "optimizer_mismatch",
                error.to_string(),
            )])
        };
        if matches!(self.choice, Choice::LazyGreedy) && shape.knapsack && !objective.submodular {
            return Err(refuse(&Mismatch("lazy_greedy needs a submodular objective. Use greedy")));
        }
        let optimizer = self.build(shape, Looked::default()).map_err(|error| {
            let parameter = if let Error::Parameter { name, .. } = &error { Some(name) } else { None };
            let pointer = parameter.map_or("/optimizer".to_owned(), |name| format!("/optimizer/{name}"));
            SelectionError::Invalid(vec![FieldError::new(pointer, "invalid_parameter", error.to_string())])
        })?;
        optimizer.claim(objective, shape).map_err(|mismatch| refuse(&mismatch))
    }

    /// Whether it makes of `stop_when_gain_at_most` what its claim is about.
    pub(super) fn minds_the_threshold(&self) -> bool {
        matches!(self.choice, Choice::RandomGreedy | Choice::Exact { .. })
    }

    /// Whether fewer than k items are a whole answer of it.
    pub(super) fn may_choose_fewer(&self) -> bool {
        match self.choice {
            Choice::SieveStreaming { top_up, .. } | Choice::ThreeSieves { top_up, .. } => !top_up,
            Choice::Gist { .. } => true,
            Choice::RandomGreedy | Choice::Exact { .. } => self.stop_at.is_some(),
            Choice::Greedy
            | Choice::LazyGreedy
            | Choice::StochasticGreedy { .. }
            | Choice::ThresholdGreedy { .. }
            | Choice::AdaptiveSequencing { .. }
            | Choice::BidirectionalGreedy { .. }
            | Choice::DoubleGreedy { .. }
            | Choice::PartitionedGreedy(_) => false,
        }
    }

    /// How many items it chooses.
    pub(super) fn size(&self) -> Size {
        match self.choice {
            Choice::BidirectionalGreedy { full_ranking: true, .. } => {
                Size::Free("full_ranking orders every item")
            }
            Choice::DoubleGreedy { .. } => Size::Free("double_greedy chooses any number of items"),
            Choice::PartitionedGreedy(ref partition) if partition.ranks_all() => Size::Ranked,
            Choice::Greedy
            | Choice::LazyGreedy
            | Choice::StochasticGreedy { .. }
            | Choice::ThresholdGreedy { .. }
            | Choice::AdaptiveSequencing { .. }
            | Choice::BidirectionalGreedy { .. }
            | Choice::RandomGreedy
            | Choice::PartitionedGreedy(_)
            | Choice::SieveStreaming { .. }
            | Choice::ThreeSieves { .. }
            | Choice::Gist { .. }
            | Choice::Exact { .. } => Size::Bounded,
        }
    }

    /// Whether every item is ordered instead of k chosen.
    pub(super) fn ranks_all(&self) -> bool {
        matches!(self.choice, Choice::BidirectionalGreedy { full_ranking: true, .. })
    }

    /// An enumeration that is sure to break its own limit.
    pub(super) fn refuse_enumeration(
        &self,
        resolver: &mut Resolver<'_>,
        objective: &Properties,
        shape: &Shape,
        (allowed, included): (usize, usize),
    ) {
        let (Choice::Exact { max_evaluations }, Some(k), None) = (&self.choice, shape.k, self.stop_at) else {
            return;
        };
        let needed = Exact::evaluations(allowed - included, k.saturating_sub(included));
        if !objective.submodular && !shape.knapsack && needed > *max_evaluations {
            let detail = format!(
                "the objective is not submodular, so every set has to be looked at: {needed} evaluations, at most \
                 {max_evaluations} by max_evaluations"
            );
            resolver.refuse("/optimizer/max_evaluations", "estimate_exceeds_limit", detail);
        }
    }

    /// What the caller should know before trusting the answer.
    pub(super) fn warnings(&self, n: usize, shape: &Shape) -> Vec<String> {
        if let Some(partition) = self.apart() {
            let sizes = partition.sizes(n, n, shape.k);
            let inside = Shape { k: Some(sizes.mean_share), ..*shape };
            return self.inside(partition).warnings(sizes.mean, &inside);
        }
        let Choice::StochasticGreedy { epsilon } = &self.choice else { return vec![] };
        let Ok(search) = StochasticGreedy::new(*epsilon) else { return vec![] };
        let size = search.sample_size(n, shape.k.unwrap_or(n));
        if size >= 4 {
            return vec![];
        }
        vec![format!(
            "stochastic_greedy looks at {size} of {n} items a step, which is close to choosing at random: lower \
             epsilon ({epsilon}) or use lazy_greedy"
        )]
    }
}

/// What serves an objective best, and why.
fn auto(objective: &Properties) -> (Choice, &'static str) {
    match (objective.submodular, objective.monotone, objective.dispersion) {
        (true, true, _) => (
            Choice::LazyGreedy,
            "the objective is submodular, so lazy_greedy makes greedy's picks with fewer evaluations",
        ),
        (true, false, _) => (
            Choice::LazyGreedy,
            "the objective is submodular but not monotone: lazy_greedy makes greedy's picks, which are good but earn \
             no factor; random_greedy and double_greedy earn one",
        ),
        (false, _, Some(_)) => (
            Choice::Greedy,
            "the objective is of distances, on which greedy is farthest-first; every gain is computed each step",
        ),
        (false, _, None) => {
            (Choice::Greedy, "the objective is not submodular, so every gain has to be computed each step")
        }
    }
}

/// Distances of a single point, for claims, which look at none.
fn unmeasured(kernel: Kernel) -> Result<Arc<Any>, Error> {
    let mut point = MatrixBuilder::new(kernel, 1, 1)?;
    point.push(&[0.0])?;
    Ok(Arc::new(point.finish()?.into()))
}
