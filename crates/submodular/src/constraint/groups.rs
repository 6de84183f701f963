//! Exactly k items, with lower and upper bounds per disjoint group: the extendable sets of fair selection
//! (Celis, Huang, Vishnoi, 2018; El Halabi et al., 2020). Plain cardinality is the case without groups: lower bounds
//! need k to know how many places are left, so the two are one rule.

use super::{Constraint, Feasible, Infeasible, Shape, Sum};
use crate::Item;
use std::sync::Arc;

/// How many items of one group an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At least this many.
    pub at_least: usize,
    /// At most this many.
    pub at_most: usize,
}

/// |S| = k, with bounds per group. Items outside every group are unbounded.
#[derive(Debug, Clone)]
pub struct Groups {
    k: usize,
    /// Group of each item; empty when there are no groups.
    of: Arc<[Option<u32>]>,
    bounds: Vec<Bounds>,
}

impl Groups {
    /// |S| = k and nothing else.
    pub fn cardinality(k: usize) -> Self {
        Self { k, of: Arc::new([]), bounds: vec![] }
    }

    /// |S| = k; item `e` belongs to group `of[e]`, whose bounds are `bounds[of[e]]`. Whether an answer exists is told
    /// by [`Constraint::start`].
    pub fn new(k: usize, of: Vec<Option<u32>>, bounds: Vec<Bounds>) -> Self {
        Self { k, of: of.into(), bounds }
    }

    fn places(&self, allowed: &[Item]) -> Places {
        let ungrouped = self.bounds.len();
        let mut bounds = self.bounds.clone();
        bounds.push(Bounds { at_least: 0, at_most: usize::MAX });
        let mut members = vec![vec![]; bounds.len()];
        let mut gone = vec![true; allowed.last().map_or(0, |&e| e as usize + 1)];
        for &e in allowed {
            members[group_of(&self.of, ungrouped, e)].push(e);
            gone[e as usize] = false;
        }
        let left: Vec<usize> = members.iter().map(Vec::len).collect();
        let held = vec![0; left.len()];
        let mut places = Places {
            k: self.k,
            of: self.of.clone(),
            bounds,
            members,
            gone,
            held,
            left,
            size: 0,
            spare: 0,
            reach: 0,
        };
        places.tally();
        places
    }
}

fn group_of(of: &[Option<u32>], ungrouped: usize, e: Item) -> usize {
    of.get(e as usize).copied().flatten().map_or(ungrouped, |g| g as usize)
}

impl Constraint for Groups {
    fn shape(&self) -> Shape {
        Shape {
            k: Some(self.k),
            matroid: true,
            groups: !self.bounds.is_empty(),
            lower: self.bounds.iter().any(|b| b.at_least > 0),
            knapsack: false,
        }
    }

    fn start(&self, allowed: &[Item]) -> Result<Box<dyn Feasible>, Infeasible> {
        let places = self.places(allowed);
        for (g, bounds) in self.bounds.iter().enumerate() {
            let available = places.left[g].min(bounds.at_most);
            if available < bounds.at_least {
                let needed = bounds.at_least;
                return Err(Infeasible::Sum { sum: Sum::Group, needed, available, group: Some(g) });
            }
        }
        let owed = places.claimed();
        if owed > self.k {
            return Err(Infeasible::Sum { sum: Sum::AtLeast, needed: owed, available: self.k, group: None });
        }
        if places.reach < self.k {
            let (needed, available) = (self.k, places.reach);
            return Err(Infeasible::Sum { sum: Sum::AtMost, needed, available, group: None });
        }
        Ok(Box::new(places))
    }

    fn restrict(&self, items: &[Item]) -> Arc<dyn Constraint> {
        let of = items.iter().map(|&e| self.of.get(e as usize).copied().flatten()).collect();
        let mut part = Groups::new(self.k, of, self.bounds.clone());
        let all: Vec<Item> = (0..).take(items.len()).collect();
        let places = part.places(&all);
        for (bounds, &left) in part.bounds.iter_mut().zip(&places.left) {
            bounds.at_least = bounds.at_least.min(left);
        }
        part.k = self.k.min(places.reach);
        Arc::new(part)
    }
}

/// One run's places: held and left per group, the last group being that of the ungrouped.
struct Places {
    k: usize,
    of: Arc<[Option<u32>]>,
    bounds: Vec<Bounds>,
    members: Vec<Vec<Item>>,
    gone: Vec<bool>,
    held: Vec<usize>,
    left: Vec<usize>,
    size: usize,
    /// Places that no lower bound claims.
    spare: usize,
    /// Largest size that can still be reached.
    reach: usize,
}

impl Places {
    fn group(&self, e: Item) -> usize {
        group_of(&self.of, self.bounds.len() - 1, e)
    }
    fn owing(&self, g: usize) -> usize {
        self.bounds[g].at_least.saturating_sub(self.held[g])
    }
    fn room(&self, g: usize) -> usize {
        self.bounds[g].at_most.saturating_sub(self.held[g])
    }
    /// Places that lower bounds claim. Saturating: bounds come from a stranger and have not been checked yet.
    fn claimed(&self) -> usize {
        (0..self.left.len()).fold(0, |owed: usize, g| owed.saturating_add(self.owing(g)))
    }
    fn tally(&mut self) {
        self.spare = self.k.saturating_sub(self.size.saturating_add(self.claimed()));
        self.reach = self.size + (0..self.left.len()).map(|g| self.room(g).min(self.left[g])).sum::<usize>();
    }
    fn leave(&mut self, e: Item) -> usize {
        self.gone[e as usize] = true;
        let g = self.group(e);
        self.left[g] -= 1;
        g
    }
}

impl Feasible for Places {
    fn may_add(&self, e: Item) -> bool {
        let g = self.group(e);
        !self.done() && self.room(g) > 0 && (self.owing(g) > 0 || self.spare > 0)
    }
    fn why_not(&self, e: Item) -> Infeasible {
        let g = self.group(e);
        let sum = |sum, needed, available, group| Infeasible::Sum { sum, needed, available, group };
        if self.done() {
            return sum(Sum::AtMost, self.size + 1, self.k, None);
        }
        if self.room(g) == 0 {
            return sum(Sum::Group, self.held[g] + 1, self.bounds[g].at_most, Some(g));
        }
        // Its place is owed to a lower bound.
        sum(Sum::AtLeast, (self.size + 1).saturating_add(self.claimed()), self.k, None)
    }
    fn may_discard(&self, e: Item) -> bool {
        let g = self.group(e);
        self.left[g] > self.owing(g) && (self.left[g] > self.room(g) || self.reach > self.k)
    }
    fn add(&mut self, e: Item) {
        let g = self.leave(e);
        self.held[g] += 1;
        self.size += 1;
        self.tally();
    }
    fn discard(&mut self, e: Item) {
        self.leave(e);
        self.tally();
    }
    fn done(&self) -> bool {
        self.size >= self.k
    }
    fn owed(&self, costs: &[f64], add: Option<Item>, drop: Option<Item>) -> f64 {
        (0..self.bounds.len())
            .map(|g| {
                let chosen = add.is_some_and(|e| self.group(e) == g);
                let need = self.owing(g).saturating_sub(chosen.into());
                if need == 0 {
                    return 0.0;
                }
                let free = |e: Item| !self.gone[e as usize] && Some(e) != add && Some(e) != drop;
                let mut left: Vec<f64> =
                    self.members[g].iter().filter(|&&e| free(e)).map(|&e| costs[e as usize]).collect();
                left.sort_unstable_by(f64::total_cmp);
                left.get(..need).map_or(f64::INFINITY, |cheapest| cheapest.iter().sum())
            })
            .sum()
    }
}
