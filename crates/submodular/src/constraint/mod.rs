//! Rules on which sets are answers. Each file is one; this one holds the traits.

mod groups;
mod unconstrained;

pub use groups::{Bounds, Groups};
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// Size of every answer.
    pub k: Option<usize>,
    /// The sets from which an answer can still be reached form one matroid.
    pub matroid: bool,
    /// There are bounds per group.
    pub groups: bool,
    /// Some group has a lower bound, so that a prefix of an answer need not be one.
    pub lower: bool,
    /// There is a budget.
    pub knapsack: bool,
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
        let mut all: Vec<Item> = gains.iter().map(|g| g.1).chain(base.iter().copied()).collect();
        all.sort_unstable();
        let Ok(mut feasible) = self.start(&all) else { return f64::INFINITY };
        base.iter().for_each(|&e| feasible.add(e));
        gains.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut sum = 0.0;
        for &(gain, e) in gains.iter() {
            if feasible.done() {
                break;
            }
            if feasible.may_add(e) {
                feasible.add(e);
                sum += gain;
            }
        }
        sum
    }
}

/// One run's bookkeeping. Law, *extendable*: from a feasible start, whatever `may_add` and `may_discard` allow leaves
/// an answer reachable.
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
    /// Least cost still to be paid for items owed to quotas, after choosing `add` and without `drop`: how a budget
    /// that wraps this rule leaves room for it.
    fn owed(&self, costs: &[f64], add: Option<Item>, drop: Option<Item>) -> f64 {
        let _ = (costs, add, drop);
        0.0
    }
}
