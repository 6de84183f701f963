//! Which earlier selection to start from: the one whose view of the new items predicts their labels best, by nearest
//! neighbours (ExSSNeT, Yadav and Bansal 2023).

use crate::{Ctl, Error, Halt, Item};
use rayon::prelude::*;

/// Neighbours that vote, where there are so many.
pub const NEIGHBORS: usize = 200;
/// Share of the items, the first ones, that votes on the others.
pub const BASE_SHARE: f64 = 0.66;
/// Items scored between two looks at [`Ctl`].
const BLOCK: usize = 16;

/// Labelled items in one representation.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    features: &'a [f32],
    dim: usize,
    labels: &'a [u32],
}

impl<'a> Labelled<'a> {
    /// `features`: a row of `dim` finite numbers a label.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`] with row and column.
    pub fn new(features: &'a [f32], dim: usize, labels: &'a [u32]) -> Result<Self, Error> {
        if dim == 0 {
            return Err(Error::Shape { what: "columns", expected: 1, found: 0 });
        }
        let (expected, found) = (labels.len().saturating_mul(dim), features.len());
        if expected != found {
            return Err(Error::Shape { what: "coordinates", expected, found });
        }
        if let Some(at) = features.iter().position(|x| !x.is_finite()) {
            let (row, column) = (at / dim, at % dim);
            return Err(Error::NotFinite { row, column, value: f64::from(features[at]) });
        }
        Ok(Self { features, dim, labels })
    }

    /// Distinct labels.
    fn classes(&self) -> usize {
        let mut names = self.labels.to_vec();
        names.sort_unstable();
        names.dedup();
        names.len()
    }

    fn row(&self, item: Item) -> &[f32] {
        &self.features[item as usize * self.dim..][..self.dim]
    }

    /// The label that most of the `neighbors` nearest of `base` have, in Euclidean distance; ties to the earlier of the
    /// base, then to the lowest label.
    fn predict(&self, item: Item, base: &[Item], neighbors: usize) -> Option<u32> {
        let square = |e: Item| -> f64 {
            let pairs = self.row(item).iter().zip(self.row(e));
            pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
        };
        let mut near: Vec<(f64, usize)> = base.iter().map(|&e| square(e)).zip(0..).collect();
        if neighbors < near.len() {
            near.select_nth_unstable_by(neighbors, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            near.truncate(neighbors);
        }
        let mut votes: Vec<u32> = near.iter().map(|&(_, at)| self.labels[base[at] as usize]).collect();
        votes.sort_unstable();
        let counted = votes.chunk_by(|a, b| a == b).map(|same| (same.len(), same[0]));
        counted.max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1))).map(|(_, label)| label)
    }

    /// Share of `scored` whose label `base` predicts, [`NEIGHBORS`] of it or `neighbors` voting. O(|scored| |base| dim) in
    /// the current rayon pool.
    fn accuracy(&self, base: &[Item], scored: &[Item], neighbors: usize, ctl: &Ctl) -> Result<f64, Halt> {
        if base.is_empty() || scored.is_empty() || neighbors == 0 {
            let reason = "a prediction needs an item to vote, one to be scored and at least 1 neighbour";
            return Err(Error::Parameter { name: "neighbors", reason: reason.to_owned() }.into());
        }
        let right = |&item: &Item| self.predict(item, base, neighbors) == Some(self.labels[item as usize]);
        let blocks: Vec<usize> = scored
            .par_chunks(BLOCK)
            .map(|items| {
                ctl.tick((items.len() * base.len()) as u64)?;
                Ok(items.iter().filter(|&item| right(item)).count())
            })
            .collect::<Result<_, Halt>>()?;
        Ok(blocks.iter().sum::<usize>() as f64 / scored.len() as f64)
    }
}

/// How well each earlier selection predicts, and which one to start from.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// Share of the scored items that each predicts.
    pub accuracies: Vec<f64>,
    /// 1 / classes.
    pub chance: f64,
    /// The most accurate, ties to the earliest; none where no one beats chance.
    pub best: Option<usize>,
}

impl Transfer {
    fn of(accuracies: Vec<f64>, classes: usize) -> Self {
        let chance = 1.0 / classes.max(1) as f64;
        let best = accuracies.iter().copied().enumerate().filter(|&(_, accuracy)| accuracy > chance);
        let best = best.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).map(|(index, _)| index);
        Self { accuracies, chance, best }
    }
}

/// The paper's choice: the new items as each earlier selection represents them. The first floor([`BASE_SHARE`] n) vote on
/// the others, by the `neighbors` nearest ([`NEIGHBORS`] in the paper, at most what votes).
///
/// # Errors
/// [`Error::Shape`] for no representation or other labels than the first one's; [`Error::Parameter`] where no item votes
/// or none is scored; [`Halt`] when stopped.
pub fn by_representation(views: &[Labelled<'_>], neighbors: usize, ctl: &Ctl) -> Result<Transfer, Halt> {
    let Some(first) = views.first() else {
        return Err(Error::Shape { what: "representations, at least", expected: 1, found: 0 }.into());
    };
    let items: Vec<Item> = (0..).take(first.labels.len()).collect();
    let (base, scored) = items.split_at((BASE_SHARE * items.len() as f64) as usize);
    let mut accuracies = vec![];
    for view in views {
        if view.labels != first.labels {
            let (expected, found) = (first.labels.len(), view.labels.len());
            return Err(Error::Shape { what: "items with the labels of the first", expected, found }.into());
        }
        accuracies.push(view.accuracy(base, scored, neighbors, ctl)?);
    }
    Ok(Transfer::of(accuracies, first.classes()))
}

/// The same of one representation for all: the items that each earlier selection chose vote on those of `scored` that it
/// did not choose.
///
/// # Errors
/// [`Error::UnknownItem`]; as [`by_representation`].
pub fn by_chosen(
    items: &Labelled<'_>,
    chosen: &[&[Item]],
    scored: &[Item],
    neighbors: usize,
    ctl: &Ctl,
) -> Result<Transfer, Halt> {
    let len = items.labels.len();
    let all = chosen.iter().copied().flatten().chain(scored);
    if let Some(&item) = all.into_iter().find(|&&item| item as usize >= len) {
        return Err(Error::UnknownItem { item, len }.into());
    }
    let mut accuracies = vec![];
    for &base in chosen {
        let mut own = base.to_vec();
        own.sort_unstable();
        let others: Vec<Item> = scored.iter().copied().filter(|e| own.binary_search(e).is_err()).collect();
        accuracies.push(items.accuracy(base, &others, neighbors, ctl)?);
    }
    Ok(Transfer::of(accuracies, items.classes()))
}
