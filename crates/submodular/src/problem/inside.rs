//! Books of runs inside a run: the same question again, another rule, a part.

use super::Problem;
use crate::constraint::{Constraint, Groups};
use crate::{Error, Halt, Item, Objective};
use std::sync::Arc;

impl Problem {
    /// Books of another run on the same question, in which the included items are taken and the gains beside them are
    /// known to be at most `upper`.
    ///
    /// # Errors
    /// As the rule's [`start`](Constraint::start); never where this run could start.
    pub(crate) fn again(&self, upper: &[f64]) -> Result<Self, Error> {
        let (objective, constraint) = (self.objective.clone(), self.constraint.clone());
        let again =
            Self::begin(objective, constraint, self.allowed.clone(), self.include.clone(), self.seed)?;
        let (stop_at, empty) = (self.stop_at, self.empty);
        let mut again = Self { stop_at, empty, upper: upper.to_vec(), ..again };
        for (&e, &gain) in self.include.iter().zip(&self.gains) {
            again.take(e, gain);
        }
        Ok(again)
    }

    /// Empty books of the same search under another rule: a run inside this one.
    pub(crate) fn under(&self, constraint: Arc<dyn Constraint>) -> Result<Self, Error> {
        let (allowed, include) = (self.allowed.clone(), self.include.clone());
        let under = Self::begin(self.objective.clone(), constraint, allowed, include, self.seed)?;
        Ok(under.stop_when_gain_at_most(self.stop_at))
    }

    /// Empty books of the function and the rule on a part, renumbered: item i is `items[i]`. `items` holds every
    /// included item. Without the threshold on gains, which is one of the whole function.
    pub(crate) fn part(&self, items: &[Item], seed: u64) -> Result<Self, Halt> {
        let local = |e: &Item| items.binary_search(e).ok().and_then(|at| Item::try_from(at).ok());
        let include: Vec<Item> = self.include.iter().filter_map(local).collect();
        let objective = self.objective.clone().restrict(items)?;
        let constraint = self.constraint.restrict(items);
        Ok(Self::new(objective, constraint, &include, &[], seed)?)
    }

    /// Empty books of a part's function under a budget of its own, renumbered: item i is `items[i]`, ascending. Items of
    /// the part that may not be chosen here may not there, but stay rows to represent; included ones come first
    /// in their own part.
    pub(crate) fn share(
        &self,
        objective: Arc<dyn Objective>,
        items: &[Item],
        k: usize,
        seed: u64,
    ) -> Result<Self, Halt> {
        if objective.len() != items.len() {
            let (expected, found) = (items.len(), objective.len());
            return Err(Error::Shape { what: "items of a part's function", expected, found }.into());
        }
        let local = |e: &Item| items.binary_search(e).ok().and_then(|at| Item::try_from(at).ok());
        let include: Vec<Item> = self.include.iter().filter_map(local).collect();
        let barred = |e: &&Item| self.allowed.binary_search(e).is_err();
        let exclude: Vec<Item> = items.iter().filter(barred).filter_map(local).collect();
        let rule = Arc::new(Groups::cardinality(k));
        Ok(Self::new(objective, rule, &include, &exclude, seed)?.stop_when_gain_at_most(self.stop_at))
    }
}
