//! Committees of a profile: the best without quotas as a yardstick, and the one a rule chooses under a quota.

use super::{Profile, Rule};
use crate::constraint::{Bounds, Groups};
use crate::objective::committee::Committee;
use crate::optimizer::{Exact, Greedy, LazyGreedy, Optimizer, Step, Termination};
use crate::{Chain, Ctl, Error, Halt, Item, Objective, Problem};
use std::sync::Arc;

/// What each candidate is worth alone, F({c}).
///
/// # Errors
/// [`Halt`] when stopped.
pub(super) fn singles(committee: &Arc<dyn Objective>, ctl: &Ctl) -> Result<Vec<f64>, Halt> {
    let all: Vec<Item> = (0..).take(committee.len()).collect();
    Chain::new(committee, &[]).gains(&all, ctl)
}

/// A rule on one profile, for committees of k.
pub(super) struct Choice {
    k: usize,
    submodular: bool,
    committee: Arc<dyn Objective>,
    /// Where the rule is separable: everybody's worth, and everybody from the best on, ties to the lowest index.
    separable: Option<(Vec<f64>, Vec<Item>)>,
}

impl Choice {
    pub(super) fn new(profile: &Arc<Profile>, rule: &Rule, k: usize, ctl: &Ctl) -> Result<Self, Halt> {
        let committee: Arc<dyn Objective> =
            Arc::new(Committee::new(profile.clone(), rule.clone(), k).map_err(Error::from)?);
        let separable = if rule.separable() {
            let worth = singles(&committee, ctl)?;
            let mut order: Vec<Item> = (0..).take(worth.len()).collect();
            order.sort_by(|&a, &b| worth[b as usize].total_cmp(&worth[a as usize]));
            Some((worth, order))
        } else {
            None
        };
        Ok(Self { k, submodular: rule.submodular(), committee, separable })
    }

    /// A committee, in ascending order, of which `at_least` are disadvantaged: the best for a separable rule, greedy's
    /// for others.
    pub(super) fn committee(
        &self,
        at_least: usize,
        disadvantaged: &[bool],
        ctl: &Ctl,
    ) -> Result<Vec<Item>, Halt> {
        let Some((_, order)) = &self.separable else {
            let bounds = Bounds { at_least, at_most: self.k };
            let of = disadvantaged.iter().map(|&against| against.then_some(0)).collect();
            let mut lazy = LazyGreedy::default();
            let mut naive = Greedy;
            let greedy: &mut dyn Optimizer = if self.submodular { &mut lazy } else { &mut naive };
            return Ok(self.search(Groups::new(self.k, of, vec![bounds]), greedy, ctl)?.0);
        };
        // A matroid: the places that the quota keeps go to the best of those it is for.
        let against = |e: &Item| disadvantaged[*e as usize];
        let kept: Vec<Item> = order.iter().copied().filter(against).take(at_least).collect();
        let others = order.iter().copied().filter(|e| !kept.contains(e)).take(self.k - kept.len());
        let mut chosen: Vec<Item> = kept.iter().copied().chain(others).collect();
        chosen.sort_unstable();
        Ok(chosen)
    }

    fn search(
        &self,
        rule: Groups,
        optimizer: &mut dyn Optimizer,
        ctl: &Ctl,
    ) -> Result<(Vec<Item>, Termination), Halt> {
        let mut problem = Problem::new(self.committee.clone(), Arc::new(rule), &[], &[], 0)?;
        loop {
            if let Step::Done(why) = problem.advance(optimizer, ctl)? {
                let mut chosen = optimizer.answer(&problem);
                chosen.sort_unstable();
                return Ok((chosen, why));
            }
        }
    }

    /// F of a committee in ascending order: the same set has the same bits.
    fn worth(&self, committee: &[Item], ctl: &Ctl) -> Result<f64, Halt> {
        match &self.separable {
            Some((worth, _)) => Ok(committee.iter().map(|&e| worth[e as usize]).sum()),
            None => Chain::new(&self.committee, committee).value(ctl),
        }
    }
}

/// The best committee of a profile, to measure others by.
pub(super) struct Yardstick {
    choice: Choice,
    optimum: f64,
    proved: bool,
}

impl Yardstick {
    /// `max_evaluations`: see [`Exact::new`].
    pub(super) fn new(
        profile: &Arc<Profile>,
        rule: &Rule,
        k: usize,
        max_evaluations: u64,
        ctl: &Ctl,
    ) -> Result<Self, Halt> {
        let choice = Choice::new(profile, rule, k, ctl)?;
        let nobody = vec![false; profile.candidates()];
        let mut best = choice.committee(0, &nobody, ctl)?;
        let mut proved = rule.separable();
        if !proved {
            let mut exact = Exact::new(max_evaluations, None);
            let (found, why) = choice.search(Groups::cardinality(k), &mut exact, ctl)?;
            proved = why != Termination::EvaluationLimit;
            if proved {
                best = found;
            }
        }
        Ok(Self { optimum: choice.worth(&best, ctl)?, choice, proved })
    }

    /// Whether the optimum is one, not greedy's value.
    pub(super) fn proved(&self) -> bool {
        self.proved
    }

    /// F of a committee in ascending order as a share of the optimum; `None` where that is 0.
    pub(super) fn ratio(&self, committee: &[Item], ctl: &Ctl) -> Result<Option<f64>, Halt> {
        if self.optimum == 0.0 {
            return Ok(None);
        }
        Ok(Some(self.choice.worth(committee, ctl)? / self.optimum))
    }
}
