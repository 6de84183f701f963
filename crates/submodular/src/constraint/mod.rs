//! Rules on which sets are answers. Each file is one; this one holds the traits.

mod groups;
mod intersection;
mod knapsack;
mod min_distance;
mod unconstrained;

pub use groups::{Bounds, Groups};
pub use intersection::Intersection;
pub use knapsack::Knapsack;
pub(crate) use knapsack::ratio;
pub use min_distance::MinDistance;
pub use unconstrained::Unconstrained;

use crate::Item;
use std::sync::Arc;

/// Which sum of a rule cannot be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// The lower bounds together ask for more than k.
    AtLeast,
    /// The upper bounds together (with what is allowed) leave less than k.
    AtMost,
    /// One group holds less than its own lower bound.
    Group,
}

/// No set satisfies the rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Infeasible {
    /// A sum that cannot be met.
    #[error("{} needs {needed}, only {available} can be had", name(*.sum))]
    Sum {
        /// Which sum.
        sum: Sum,
        /// What it needs.
        needed: usize,
        /// What can be had.
        available: usize,
        /// The group, where the sum is of one.
        group: Option<usize>,
    },
    /// What must be chosen costs more than the budget.
    #[error("what must be chosen costs {needed} at least, the budget is {available}")]
    Budget {
        /// The least cost of it.
        needed: f64,
        /// The budget.
        available: f64,
    },
    /// Two items that are closer than the least distance.
    #[error("items {item} and {other} are {distance} apart, less than {least}")]
    Distance {
        /// The later of the two.
        item: Item,
        /// The one chosen before it.
        other: Item,
        /// How far apart they are.
        distance: f64,
        /// How far apart they must be.
        least: f64,
    },
    /// An included item that the rule does not allow beside those before it.
    #[error("item {item} cannot be included beside those before it: {because}")]
    Include {
        /// The item.
        item: Item,
        /// The sum it would break.
        because: Box<Infeasible>,
    },
    /// An item that the rule never allows, for no sum that could be named.
    #[error("item {item} is not allowed")]
    Item {
        /// The item.
        item: Item,
    },
}

fn name(sum: Sum) -> &'static str {
    match sum {
        Sum::AtLeast => "the sum of lower bounds",
        Sum::AtMost => "k under the upper bounds",
        Sum::Group => "a group",
    }
}

/// The kind of rule, for guarantees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// Size of every answer; under a budget, the largest.
    pub k: Option<usize>,
    /// The sets from which an answer can still be reached form one matroid.
    pub matroid: bool,
    /// There are bounds per group.
    pub groups: bool,
    /// How many partitions into groups there are, each with bounds of its own.
    pub partitions: usize,
    /// Some group has a lower bound, so that a prefix of an answer need not be one.
    pub lower: bool,
    /// There is a budget.
    pub knapsack: bool,
    /// Chosen items keep a distance from each other.
    pub min_distance: bool,
}

/// What quotas still require, at least cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Owed {
    /// The least cost of the items still to be chosen for quotas; infinite where there are not enough.
    pub cost: f64,
    /// By how much that cost falls when an item is chosen, by item. Empty where nothing is owed.
    pub relief: Vec<f64>,
}

impl Owed {
    /// The cost that is left once `e` is chosen.
    pub fn after(&self, e: Item) -> f64 {
        self.cost - self.relief.get(e as usize).copied().unwrap_or(0.0)
    }
}

impl Shape {
    /// |S| = k and nothing else.
    pub fn is_cardinality(&self) -> bool {
        *self == Self { k: self.k, matroid: true, ..Self::default() } && self.k.is_some()
    }
}

/// A pure rule over items `0..n`; [`start`](Self::start) makes one run's bookkeeping.
pub trait Constraint: Send + Sync {
    /// What kind of rule.
    fn shape(&self) -> Shape;
    /// `allowed`: sorted, excluded items left out.
    ///
    /// # Errors
    /// [`Infeasible`] when no answer exists.
    fn start(&self, allowed: &[Item]) -> Result<Box<dyn Feasible>, Infeasible>;
    /// The rule inside a part, renumbered (item i of the part is `items[i]`), with k and lower bounds clipped to what
    /// the part holds: so that the union of parts still holds every quota.
    fn restrict(&self, items: &[Item]) -> Arc<dyn Constraint>;
    /// At least the largest sum of gains of a feasible set that holds `base`. `gains` lists every other allowed item,
    /// chosen ones with 0. The default, greedy over a fresh start, is exact for matroids. O(n log n).
    fn bound(&self, base: &[Item], gains: &mut Vec<(f64, Item)>) -> f64 {
        best_base(self.start(&items(base, gains)), base, gains)
    }
}

fn items(base: &[Item], gains: &[(f64, Item)]) -> Vec<Item> {
    let mut all: Vec<Item> = gains.iter().map(|g| g.1).chain(base.iter().copied()).collect();
    all.sort_unstable();
    all
}

/// The sum of the best gains that `started` allows beside `base`; infinite where it could not start.
fn best_base(
    started: Result<Box<dyn Feasible>, Infeasible>,
    base: &[Item],
    gains: &mut [(f64, Item)],
) -> f64 {
    let Ok(mut feasible) = started else { return f64::INFINITY };
    base.iter().for_each(|&e| feasible.add(e));
    gains.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut sum = 0.0;
    for &(gain, e) in gains.iter() {
        if feasible.done() {
            break;
        }
        if feasible.may_add(e) {
            feasible.add(e);
            // Gains are not negative where there is a bound to compute; rounding may make them.
            sum += gain.max(0.0);
        }
    }
    sum
}

/// One run's bookkeeping. Law, *extendable*: from a feasible start, whatever `may_add` and `may_discard` allow leaves
/// an answer reachable. Only where rules meet that know nothing of each other (an intersection of partitions, a least
/// distance) a search may find nothing more to add before it has a whole answer.
pub trait Feasible: Send {
    /// Whether `e` may be chosen next. Hereditary: once false, false for ever.
    fn may_add(&self, e: Item) -> bool;
    /// Why `e` may not be chosen next, where [`may_add`](Self::may_add) says so.
    fn why_not(&self, e: Item) -> Infeasible {
        Infeasible::Item { item: e }
    }
    /// Whether an answer without `e` remains.
    fn may_discard(&self, e: Item) -> bool;
    /// Chooses `e`.
    fn add(&mut self, e: Item);
    /// Gives `e` up.
    fn discard(&mut self, e: Item);
    /// Whether what was chosen is a whole answer.
    fn done(&self) -> bool;
    /// Cost of `e`; 1 without a budget.
    fn price(&self, e: Item) -> f64 {
        let _ = e;
        1.0
    }
    /// Whether quotas still require items.
    fn owes(&self) -> bool {
        false
    }
    /// What quotas still require, where item e costs `costs[e]` (infinite: it cannot be had): how a budget that wraps
    /// this rule leaves room for it. O(n).
    fn owed(&self, costs: &[f64]) -> Owed {
        let _ = costs;
        Owed::default()
    }
}
