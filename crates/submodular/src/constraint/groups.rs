//! Exactly k items, with lower and upper bounds per disjoint group: the extendable sets of fair selection
//! (Celis, Huang, Vishnoi, 2018; El Halabi et al., 2020). Plain cardinality is the case without groups: lower bounds
//! need k to know how many places are left, so the two are one rule. Under a budget k is only the most that may be
//! chosen, or there is none.

use super::{Constraint, Feasible, Infeasible, Owed, Shape, Sum};
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

/// How many items an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Exactly(usize),
    AtMost(usize),
    Any,
}

impl Size {
    fn most(self) -> usize {
        match self {
            Size::Exactly(k) | Size::AtMost(k) => k,
            Size::Any => usize::MAX,
        }
    }
}

/// |S| = k (or at most k), with bounds per group. Items outside every group are unbounded.
#[derive(Debug, Clone)]
pub struct Groups {
    size: Size,
    /// Group of each item; empty when there are no groups.
    of: Arc<[Option<u32>]>,
    bounds: Vec<Bounds>,
}

impl Groups {
    /// |S| = k and nothing else.
    pub fn cardinality(k: usize) -> Self {
        Self { size: Size::Exactly(k), of: Arc::new([]), bounds: vec![] }
    }

    /// |S| = k; item `e` belongs to group `of[e]`, whose bounds are `bounds[of[e]]`. Whether an answer exists is told
    /// by [`Constraint::start`].
    pub fn new(k: usize, of: Vec<Option<u32>>, bounds: Vec<Bounds>) -> Self {
        Self { size: Size::Exactly(k), of: of.into(), bounds }
    }

    /// The same bounds with |S| <= k, or without k any size: for a budget, which decides how many items there are.
    pub fn up_to(k: Option<usize>, of: Vec<Option<u32>>, bounds: Vec<Bounds>) -> Self {
        Self { size: k.map_or(Size::Any, Size::AtMost), of: of.into(), bounds }
    }

    pub(super) fn groups(&self) -> usize {
        self.bounds.len()
    }

    /// [`Constraint::restrict`].
    pub(super) fn part(&self, items: &[Item]) -> Self {
        let of = items.iter().map(|&e| self.of.get(e as usize).copied().flatten()).collect();
        let mut part = Groups { size: self.size, of, bounds: self.bounds.clone() };
        let all: Vec<Item> = (0..).take(items.len()).collect();
        let places = part.places(&all);
        for (bounds, &left) in part.bounds.iter_mut().zip(&places.left) {
            bounds.at_least = bounds.at_least.min(left);
        }
        if let Size::Exactly(k) = self.size {
            part.size = Size::Exactly(k.min(places.reach));
        }
        part
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
            size: self.size,
            of: self.of.clone(),
            bounds,
            members,
            gone,
            held,
            left,
            chosen: 0,
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
            k: (self.size != Size::Any).then(|| self.size.most()),
            matroid: true,
            groups: !self.bounds.is_empty(),
            partitions: usize::from(!self.bounds.is_empty()),
            lower: self.bounds.iter().any(|b| b.at_least > 0),
            ..Shape::default()
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
        let (owed, most) = (places.claimed(), self.size.most());
        if owed > most {
            return Err(Infeasible::Sum { sum: Sum::AtLeast, needed: owed, available: most, group: None });
        }
        if let Size::Exactly(k) = self.size
            && places.reach < k
        {
            return Err(Infeasible::Sum {
                sum: Sum::AtMost,
                needed: k,
                available: places.reach,
                group: None,
            });
        }
        Ok(Box::new(places))
    }

    fn restrict(&self, items: &[Item]) -> Arc<dyn Constraint> {
        Arc::new(self.part(items))
    }

    /// Exact, also where k items cannot be had among those listed: then over fewer.
    fn bound(&self, base: &[Item], gains: &mut Vec<(f64, Item)>) -> f64 {
        let size = match self.size {
            Size::Exactly(k) => Size::AtMost(k),
            size @ (Size::AtMost(_) | Size::Any) => size,
        };
        let relaxed = Self { size, of: self.of.clone(), bounds: self.bounds.clone() };
        super::best_base(relaxed.start(&super::items(base, gains)), base, gains)
    }
}

/// One run's places: held and left per group, the last group being that of the ungrouped.
struct Places {
    size: Size,
    of: Arc<[Option<u32>]>,
    bounds: Vec<Bounds>,
    members: Vec<Vec<Item>>,
    gone: Vec<bool>,
    held: Vec<usize>,
    left: Vec<usize>,
    chosen: usize,
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
        self.spare = self.size.most().saturating_sub(self.chosen.saturating_add(self.claimed()));
        self.reach =
            self.chosen + (0..self.left.len()).map(|g| self.room(g).min(self.left[g])).sum::<usize>();
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
            return sum(Sum::AtMost, self.chosen + 1, self.size.most(), None);
        }
        if self.room(g) == 0 {
            return sum(Sum::Group, self.held[g] + 1, self.bounds[g].at_most, Some(g));
        }
        // Its place is owed to a lower bound.
        sum(Sum::AtLeast, (self.chosen + 1).saturating_add(self.claimed()), self.size.most(), None)
    }
    fn may_discard(&self, e: Item) -> bool {
        let g = self.group(e);
        let whole = match self.size {
            Size::Exactly(k) => self.left[g] > self.room(g) || self.reach > k,
            Size::AtMost(_) | Size::Any => true,
        };
        whole && self.left[g] > self.owing(g)
    }
    fn add(&mut self, e: Item) {
        let g = self.leave(e);
        self.held[g] += 1;
        self.chosen += 1;
        self.tally();
    }
    fn discard(&mut self, e: Item) {
        self.leave(e);
        self.tally();
    }
    fn done(&self) -> bool {
        self.chosen >= self.size.most()
    }
    fn owes(&self) -> bool {
        self.claimed() > 0
    }
    fn owed(&self, costs: &[f64]) -> Owed {
        let mut owed = Owed::default();
        for (g, members) in self.members.iter().enumerate() {
            let Some(last) = self.owing(g).checked_sub(1) else { continue };
            let free =
                || members.iter().filter(|&&e| !self.gone[e as usize]).map(|&e| (e, costs[e as usize]));
            let mut left: Vec<f64> = free().map(|(_, cost)| cost).collect();
            if last >= left.len() {
                owed.cost = f64::INFINITY;
                continue;
            }
            let (cheaper, &mut dearest, _) = left.select_nth_unstable_by(last, f64::total_cmp);
            owed.cost += cheaper.iter().sum::<f64>() + dearest;
            owed.relief.resize(costs.len(), 0.0);
            free().for_each(|(e, cost)| owed.relief[e as usize] = cost.min(dearest));
        }
        owed
    }
}
