//! Committees: `f(S) = sum over voters v of weight_v f_v(S)`, where a [`Rule`] says what S is worth to a voter, from the
//! positions of its members alone.
//!
//! Separable rules are modular: the scores of all candidates are summed once, O(voters x candidates), and a gain costs
//! O(1). The others are ordered weighted averages. The best committee of a separable rule
//! under quotas is the sorted one; for the others it is NP-hard to find (Skowron, Faliszewski, Lang 2016).

use super::modular::Modular;
use super::ordered_averages::{self, OrderedAverages};
use super::voters::{add_up, block_sums, blocks, each, scratch};
use super::{Objective, Properties, State};
use crate::committee::{InvalidRule, Profile, Rule};
use crate::{Ctl, Halt, Item};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The set function; items are the profile's candidates.
#[derive(Debug)]
pub struct Committee {
    rule: Rule,
    profile: Arc<Profile>,
    slack: f64,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Separable(Arc<Separable>),
    Ordered(Arc<OrderedAverages>),
}

#[derive(Debug)]
struct Separable {
    profile: Arc<Profile>,
    /// The candidate that each item is.
    candidates: Vec<Item>,
    /// Of each place.
    scores: Arc<[f64]>,
    /// Summed over the voters when first asked for.
    totals: OnceLock<Arc<Modular>>,
}

impl Committee {
    /// `k`: the size of the committee, which some rules look at. O(candidates); no ranking is looked at yet.
    ///
    /// # Errors
    /// [`InvalidRule`]: as [`Rule::check`], or numbers so large that a value may be infinite.
    pub fn new(profile: Arc<Profile>, rule: Rule, k: usize) -> Result<Self, InvalidRule> {
        let m = profile.candidates();
        rule.check(m)?;
        let (gamma, weights) = (rule.gamma(m, k), rule.owa(m + 1));
        let most = gamma.iter().copied().fold(0.0, f64::max) * weights.iter().sum::<f64>();
        if !(most * profile.weights().iter().sum::<f64>()).is_finite() {
            let reason = "the scores, weights and voters' weights are so large that values overflow".into();
            return Err(InvalidRule { parameter: "positions", reason });
        }
        let (candidates, scores) = ((0..m as Item).collect(), profile.place_scores(&gamma));
        let (form, slack) = if rule.separable() {
            let (profile, scores) = (profile.clone(), scores.into());
            let totals = OnceLock::new();
            (Form::Separable(Arc::new(Separable { profile, candidates, scores, totals })), 0.0)
        } else {
            let f = OrderedAverages::new(profile.clone(), candidates, &scores, weights);
            let slack = f.slack();
            (Form::Ordered(Arc::new(f)), slack)
        };
        Ok(Self { rule, profile, slack, form })
    }

    /// What a committee is worth to a voter.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}

/// What holds for a rule; `slack` is a profile's own.
pub fn properties(rule: &Rule, slack: f64) -> Properties {
    Properties {
        monotone: true,
        submodular: rule.submodular(),
        normalised: true,
        nonnegative: true,
        modular: rule.separable(),
        streamable: true,
        depends_on_k: rule.depends_on_k(),
        restricts_exactly: true,
        slack,
        ..Properties::default()
    }
}

/// Bytes of the function and of the state of a set of `k` items, without the [profile](Profile::memory).
pub fn memory(rule: &Rule, candidates: usize, voters: usize, k: usize) -> u64 {
    if rule.separable() {
        return scratch(candidates, voters).saturating_add(32 * candidates as u64);
    }
    ordered_averages::memory(candidates, voters, k)
}

impl Separable {
    fn totals(&self, ctl: &Ctl) -> Result<Arc<Modular>, Halt> {
        if let Some(known) = self.totals.get() {
            return Ok(known.clone());
        }
        let (profile, weights) = (&*self.profile, self.profile.weights());
        let work = |block: &mut Range<usize>| {
            block_sums(profile, block, &self.candidates, ctl, |tile, sums| {
                let weights = &weights[tile.voters.clone()];
                tile.add(&self.candidates, sums, |lane, place| weights[lane] * self.scores[place]);
            })
        };
        let mut all: Vec<Range<usize>> = blocks(profile.voters()).collect();
        let sums = each(&mut all, profile.voters() * self.candidates.len(), work)?;
        let mut totals = vec![0.0; self.candidates.len()];
        add_up(&sums, &mut totals);
        let totals = Arc::new(Modular::new(totals)?);
        // Another thread that was faster has the same.
        Ok(self.totals.get_or_init(|| totals).clone())
    }
}

impl Objective for Committee {
    fn len(&self) -> usize {
        match &self.form {
            Form::Separable(f) => f.candidates.len(),
            Form::Ordered(f) => f.len(),
        }
    }

    fn properties(&self) -> Properties {
        properties(&self.rule, self.slack)
    }

    fn memory(&self, k: usize) -> u64 {
        memory(&self.rule, self.profile.candidates(), self.profile.voters(), k)
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        match &self.form {
            Form::Separable(f) => Box::new(Summed { f: f.clone(), state: None }),
            Form::Ordered(f) => f.clone().state(),
        }
    }

    /// Members of a part keep their positions among all candidates.
    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        let form = match &self.form {
            Form::Separable(f) => Form::Separable(Arc::new(Separable {
                profile: f.profile.clone(),
                candidates: items.iter().map(|&e| f.candidates[e as usize]).collect(),
                scores: f.scores.clone(),
                totals: OnceLock::new(),
            })),
            Form::Ordered(f) => Form::Ordered(Arc::new(f.restrict(items))),
        };
        let (rule, profile) = (self.rule.clone(), self.profile.clone());
        Ok(Arc::new(Self { rule, profile, slack: self.slack, form }))
    }
}

/// A sum of scores, which are summed over the voters when anything is first asked for.
struct Summed {
    f: Arc<Separable>,
    state: Option<Box<dyn State>>,
}

impl Summed {
    fn state(&mut self, ctl: &Ctl) -> Result<&mut dyn State, Halt> {
        let state = match self.state.take() {
            Some(state) => state,
            None => self.f.totals(ctl)?.state(),
        };
        Ok(&mut **self.state.insert(state))
    }
}

impl State for Summed {
    fn value(&self) -> f64 {
        self.state.as_ref().map_or(0.0, |state| state.value())
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        self.state(ctl)?.advance(add, ask, out, ctl)
    }

    fn retreat(&mut self, drop: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        self.state(ctl)?.retreat(drop, ask, out, ctl)
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(Self { f: self.f.clone(), state: self.state.as_ref().map(|state| state.fork()) })
    }
}
