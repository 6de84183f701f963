//! F(S) = `w_conf` confidence(S) + `w_eff` effectiveness(S) + `w_cons` p(S) + `w_coll` (1 - p(V \ S)): how much of
//! what a model says of an input the regions S explain (SMDL-Attribution, ICLR 2024; LiMA, 2025). p is the target's
//! probability.
//!
//! Neither monotone nor submodular in general: effectiveness alone falls where a region comes close to
//! others, and its gains rise with the set. The papers' claim to the contrary has counter-examples in the tests.

use super::{Objective, Properties, State};
use crate::attribution::{Effectiveness, Evaluator, Pair, Regions, Settings, Terms};
use crate::{Ctl, Error, Halt, Item, Set};
use std::sync::Arc;

/// The set function of regions, over a model that an [`Evaluator`] asks. A question is one set, shown beside its
/// complement.
#[derive(Clone)]
pub struct Attribution {
    regions: Arc<Regions>,
    settings: Settings,
    evaluator: Arc<dyn Evaluator>,
    /// Which region an item is: a part renumbers.
    names: Vec<Item>,
}

impl Attribution {
    /// All regions.
    ///
    /// # Errors
    /// As [`Settings::check`]; [`Error::Parameter`] where effectiveness counts and distances are not known;
    /// [`Error::Shape`] where the evaluator is of another number of regions.
    pub fn new(
        regions: Arc<Regions>,
        settings: Settings,
        evaluator: Arc<dyn Evaluator>,
    ) -> Result<Self, Error> {
        settings.check()?;
        settings.check_distances(regions.has_distances())?;
        let (expected, found) = (regions.count(), evaluator.count());
        if expected != found {
            return Err(Error::Shape { what: "regions of the evaluator", expected, found });
        }
        let names = (0..).take(expected).collect();
        Ok(Self { regions, settings, evaluator, names })
    }

    /// The regions.
    pub fn regions(&self) -> &Arc<Regions> {
        &self.regions
    }
    /// What makes four terms one function.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
    /// Who tells what the model says.
    pub fn evaluator(&self) -> &Arc<dyn Evaluator> {
        &self.evaluator
    }

    /// The four terms of a set of regions.
    pub(crate) fn terms(&self, effectiveness: f64, pair: &Pair) -> Terms {
        Terms {
            confidence: pair.shown.confidence,
            effectiveness: self.regions.has_distances().then_some(effectiveness),
            consistency: pair.shown.p_target,
            collaboration: 1.0 - pair.complement.p_target,
        }
    }

    fn value(&self, effectiveness: f64, pair: &Pair) -> Result<f64, Halt> {
        let value = self.terms(effectiveness, pair).value(&self.settings.weights);
        value.ok_or_else(|| Error::Oracle("an answer came without confidence".into()).into())
    }

    fn extended(&self, to: &Effectiveness, items: &[Item]) -> Effectiveness {
        let mut to = to.clone();
        items.iter().for_each(|&e| to.add(self.names[e as usize], &self.regions));
        to
    }

    fn with(&self, members: &Effectiveness, e: Item) -> f64 {
        members.with(self.names[e as usize], &self.regions, self.settings.single_effectiveness)
    }
}

impl Objective for Attribution {
    fn len(&self) -> usize {
        self.names.len()
    }
    fn properties(&self) -> Properties {
        Properties { asks: true, restricts_exactly: true, ..Properties::default() }
    }
    fn memory(&self, k: usize) -> u64 {
        let (m, n) = (self.regions.count() as u64, self.names.len() as u64);
        8 * m * (m + 1) + n * (4 + 4 * k as u64) // distances, and one round of sets of k items
    }
    fn state(self: Arc<Self>) -> Box<dyn State> {
        Box::new(Shown { f: self, members: Effectiveness::default(), value: f64::NAN })
    }
    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        let names = items.iter().map(|&e| self.names[e as usize]).collect();
        Ok(Arc::new(Self { names, ..(*self).clone() }))
    }
}

/// The regions shown.
#[derive(Clone)]
struct Shown {
    f: Arc<Attribution>,
    members: Effectiveness,
    value: f64,
}

impl State for Shown {
    fn value(&self) -> f64 {
        self.value
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let f = &self.f;
        let members = f.extended(&self.members, add);
        let mut sets: Vec<Set> = vec![members.members().to_vec()];
        sets.extend(ask.iter().map(|&e| {
            let (mut set, c) = (members.members().to_vec(), f.names[e as usize]);
            set.insert(set.partition_point(|&i| i < c), c);
            set
        }));
        let pairs = f.evaluator.pairs(&sets, ctl)?;
        let value = f.value(members.value(f.settings.single_effectiveness), &pairs[0])?;
        for ((out, &e), pair) in out.iter_mut().zip(ask).zip(&pairs[1..]) {
            *out = f.value(f.with(&members, e), pair)? - value;
        }
        (self.members, self.value) = (members, value);
        Ok(())
    }

    /// LiMA's: what the model says of `from + c` stands, only effectiveness is that of S + c.
    fn screen(&self, from: &[Item], up: &[f64], ask: &[Item], out: &mut [f64]) {
        let f = &self.f;
        let there = f.extended(&Effectiveness::default(), from);
        for ((out, up), &e) in out.iter_mut().zip(up).zip(ask) {
            *out = up + f.settings.weights.effectiveness * (f.with(&self.members, e) - f.with(&there, e));
        }
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(self.clone())
    }
}
