//! Several selections of one universe, of other seeds say: what stays, and how much of that chance would have kept.

use super::{Margins, Overlap};
use crate::{Error, Item};

/// What two of the selections share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The first one's index.
    pub a: usize,
    /// The second one's.
    pub b: usize,
    /// What they share.
    pub overlap: Overlap,
}

/// Pairwise overlaps, and in how many selections each item is.
#[derive(Debug, Clone, PartialEq)]
pub struct Stability {
    selections: usize,
    pairs: Vec<Pair>,
    /// At c - 1: items that c selections hold.
    held_by: Vec<usize>,
}

impl Stability {
    /// Of at least two selections, each of distinct items below `universe`. O(m log m) of all items, and O(m) a pair.
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer than two; [`Error::UnknownItem`]; [`Error::Parameter`] for an item that one selection
    /// holds twice.
    pub fn new(universe: usize, selections: &[&[Item]]) -> Result<Self, Error> {
        if selections.len() < 2 {
            let found = selections.len();
            return Err(Error::Shape { what: "selections, at least", expected: 2, found });
        }
        let mut sets = Vec::with_capacity(selections.len());
        for (index, selection) in selections.iter().enumerate() {
            let mut set = selection.to_vec();
            set.sort_unstable();
            if let Some(&item) = set.last().filter(|&&item| item as usize >= universe) {
                return Err(Error::UnknownItem { item, len: universe });
            }
            if let Some(twice) = set.windows(2).find(|pair| pair[0] == pair[1]) {
                let reason = format!("selection {index} holds item {} twice", twice[0]);
                return Err(Error::Parameter { name: "selections", reason });
            }
            sets.push(set);
        }
        let mut pairs = vec![];
        for (a, first) in sets.iter().enumerate() {
            for (b, second) in sets.iter().enumerate().skip(a + 1) {
                let margins = Margins::new(universe as u64, first.len() as u64, second.len() as u64)?;
                pairs.push(Pair { a, b, overlap: Overlap::new(margins, common(first, second))? });
            }
        }
        let mut all = sets.concat();
        all.sort_unstable();
        let mut held_by = vec![0; sets.len()];
        all.chunk_by(|a, b| a == b).for_each(|holders| held_by[holders.len() - 1] += 1);
        Ok(Self { selections: sets.len(), pairs, held_by })
    }

    /// How many selections there are.
    pub fn selections(&self) -> usize {
        self.selections
    }

    /// Every pair, the first with the others, then the second.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Items in every selection.
    pub fn in_all(&self) -> usize {
        self.held_by.last().copied().unwrap_or(0)
    }

    /// Items in any.
    pub fn in_any(&self) -> usize {
        self.held_by.iter().sum()
    }

    /// At c - 1 the number of items that exactly c selections hold.
    pub fn held_by(&self) -> &[usize] {
        &self.held_by
    }

    /// Mean of the pairs' Jaccard indices; none where a pair has none, both being empty.
    pub fn mean_jaccard(&self) -> Option<f64> {
        let sum: Option<f64> = self.pairs.iter().map(|pair| pair.overlap.jaccard()).sum();
        sum.map(|sum| sum / self.pairs.len() as f64)
    }

    /// Mean size of the pairs' intersections.
    pub fn mean_intersection(&self) -> f64 {
        self.mean(|overlap| overlap.intersection() as f64)
    }

    /// Mean of what chance would have given them.
    pub fn mean_expected(&self) -> f64 {
        self.mean(Overlap::expected)
    }

    fn mean(&self, of: impl Fn(&Overlap) -> f64) -> f64 {
        self.pairs.iter().map(|pair| of(&pair.overlap)).sum::<f64>() / self.pairs.len() as f64
    }
}

/// How many items two ascending sets share.
fn common(a: &[Item], b: &[Item]) -> u64 {
    let (mut a, mut b, mut count) = (a, b, 0);
    while let ([x, after_x @ ..], [y, after_y @ ..]) = (a, b) {
        count += u64::from(x == y);
        (a, b) = (if x <= y { after_x } else { a }, if y <= x { after_y } else { b });
    }
    count
}
