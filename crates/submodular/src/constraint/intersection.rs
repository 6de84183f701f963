//! Several partitions at once: at most so many items of each group, in every one of them. Whether k items exist that
//! keep to all of them is as hard as finding them, so a search may end with fewer: then nothing more can be added.

use super::{Constraint, Feasible, Groups, Infeasible, Shape};
use crate::{Error, Item};
use std::sync::Arc;

/// The upper bounds of every partition hold. A group's number counts through all partitions in their order.
#[derive(Debug, Clone)]
pub struct Intersection {
    partitions: Vec<Groups>,
}

impl Intersection {
    /// Sets that keep to each of `partitions`, all made for the same k.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is none, one has a lower bound, or their k differ.
    pub fn new(partitions: Vec<Groups>) -> Result<Self, Error> {
        let reason = if partitions.is_empty() {
            "at least one partition is needed"
        } else if partitions.iter().any(|partition| partition.shape().lower) {
            "several partitions take upper bounds (at_most) only"
        } else if partitions.windows(2).any(|pair| pair[0].shape().k != pair[1].shape().k) {
            "all partitions need the same k"
        } else {
            return Ok(Self { partitions });
        };
        Err(Error::Parameter { name: "groups", reason: reason.into() })
    }

    /// How many groups the partitions before this one have.
    fn before(&self, partition: usize) -> usize {
        self.partitions[..partition].iter().map(Groups::groups).sum()
    }
}

impl Constraint for Intersection {
    fn shape(&self) -> Shape {
        Shape {
            k: self.partitions.iter().filter_map(|partition| partition.shape().k).min(),
            matroid: self.partitions.len() == 1,
            groups: true,
            partitions: self.partitions.len(),
            ..Shape::default()
        }
    }

    /// Refuses only what a single partition refuses.
    fn start(&self, allowed: &[Item]) -> Result<Box<dyn Feasible>, Infeasible> {
        let each = |(p, partition): (usize, &Groups)| Ok((self.before(p), partition.start(allowed)?));
        let partitions = self.partitions.iter().enumerate().map(each).collect::<Result<_, Infeasible>>()?;
        Ok(Box::new(All { partitions }))
    }

    fn restrict(&self, items: &[Item]) -> Arc<dyn Constraint> {
        let partitions = self.partitions.iter().map(|partition| partition.part(items)).collect();
        Arc::new(Self { partitions })
    }

    /// The smallest of the partitions' own bounds.
    fn bound(&self, base: &[Item], gains: &mut Vec<(f64, Item)>) -> f64 {
        self.partitions.iter().map(|partition| partition.bound(base, gains)).fold(f64::INFINITY, f64::min)
    }
}

/// One run's places in every partition, with the number of its first group.
struct All {
    partitions: Vec<(usize, Box<dyn Feasible>)>,
}

impl Feasible for All {
    fn may_add(&self, e: Item) -> bool {
        self.partitions.iter().all(|(_, partition)| partition.may_add(e))
    }
    fn why_not(&self, e: Item) -> Infeasible {
        let full = self.partitions.iter().find(|(_, partition)| !partition.may_add(e));
        match full.map(|(first, partition)| (first, partition.why_not(e))) {
            Some((first, Infeasible::Sum { sum, needed, available, group })) => {
                Infeasible::Sum { sum, needed, available, group: group.map(|g| first + g) }
            }
            Some((_, other)) => other,
            None => Infeasible::Item { item: e },
        }
    }
    fn may_discard(&self, e: Item) -> bool {
        self.partitions.iter().all(|(_, partition)| partition.may_discard(e))
    }
    fn add(&mut self, e: Item) {
        self.partitions.iter_mut().for_each(|(_, partition)| partition.add(e));
    }
    fn discard(&mut self, e: Item) {
        self.partitions.iter_mut().for_each(|(_, partition)| partition.discard(e));
    }
    fn done(&self) -> bool {
        self.partitions.iter().any(|(_, partition)| partition.done())
    }
}
