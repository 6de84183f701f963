//! How many items of each group the selections have: all that a permutation within groups needs to know.

use super::{CompareError, core};
use std::collections::HashMap;
use submodular::compare::{Margins, Shuffle};

/// Sizes of the groups, and of each selection in them.
pub(super) struct Strata {
    sizes: Vec<u64>,
    /// Of each selection its groups, ascending, with how many of its items each has.
    held: Vec<Vec<(u32, u64)>>,
}

impl Strata {
    /// `of`: the group of each item; none: all items are of one.
    pub(super) fn new(universe: u64, of: Option<&[u32]>, sets: &[Vec<u64>]) -> Self {
        let Some(of) = of else {
            let held = sets.iter().map(|set| vec![(0, set.len() as u64)]).collect();
            return Self { sizes: vec![universe], held };
        };
        let mut sizes = vec![0; of.iter().max().map_or(0, |&last| last as usize + 1)];
        of.iter().for_each(|&group| sizes[group as usize] += 1);
        let count = |set: &Vec<u64>| {
            let mut groups: Vec<u32> = set.iter().map(|&row| of[row as usize]).collect();
            groups.sort_unstable();
            groups.chunk_by(u32::eq).map(|run| (run[0], run.len() as u64)).collect()
        };
        Self { held: sets.iter().map(count).collect(), sizes }
    }

    /// The permutation test of two of the selections. O(their groups).
    pub(super) fn shuffle(&self, a: usize, b: usize) -> Result<Shuffle, CompareError> {
        let mut of_b = self.held[b].iter().peekable();
        let mut groups = Vec::new();
        for &(group, in_a) in &self.held[a] {
            while of_b.next_if(|(other, _)| *other < group).is_some() {}
            if let Some(&(_, in_b)) = of_b.next_if(|(other, _)| *other == group) {
                groups.push(Margins::new(self.sizes[group as usize], in_a, in_b).map_err(core)?);
            }
        }
        Ok(Shuffle::new(groups))
    }
}

/// Labels as numbers from 0, in order of appearance; what has none is a group of its own.
pub(super) fn numbered(labels: &[Option<String>]) -> Vec<u32> {
    let mut known = HashMap::new();
    labels
        .iter()
        .map(|label| {
            let next = known.len() as u32;
            *known.entry(label.as_deref()).or_insert(next)
        })
        .collect()
}
