//! One run's books: what every optimizer needs, saved and rolled back in one place.
//!
//! Choosing is infallible, asking is restartable: [`Problem::take`] only writes a name down, the state catches up
//! inside the next [`Problem::gains`]. So a step asks first and commits last.

mod inside;

use crate::certificate::{Basis, Certificate};
use crate::constraint::{Constraint, Feasible, Infeasible};
use crate::optimizer::{LastLook, Optimizer, Step};
use crate::{Chain, Ctl, Error, Halt, Item, Objective, both, sampling};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Picks with gains, discards, candidates, stale upper bounds and the certificate of one run.
pub struct Problem {
    objective: Arc<dyn Objective>,
    constraint: Arc<dyn Constraint>,
    seed: u64,
    stop_at: Option<f64>,
    allowed: Vec<Item>,
    include: Vec<Item>,
    feasible: Box<dyn Feasible>,
    chain: Chain,
    gains: Vec<f64>,
    discarded: Vec<Item>,
    /// Items neither taken, discarded nor closed by the constraint, ascending.
    open: Vec<Item>,
    /// Items that may stand beside the included ones, ascending: the others are in no answer.
    eligible: Vec<Item>,
    taken: Vec<bool>,
    step: u64,
    empty: f64,
    /// Last gain seen of every item: an upper bound for ever where f is submodular. Items closed by quotas keep
    /// theirs, since the optimum may hold them.
    upper: Vec<f64>,
    undo: Vec<(Item, f64)>,
    certificate: Option<Certificate>,
}

/// All it takes to go on with a run: plain data, about 8 bytes an item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Saved {
    /// Steps made.
    pub step: u64,
    /// Picks in order, with their gains.
    pub took: Vec<(Item, f64)>,
    /// Items given up, in order.
    pub discarded: Vec<Item>,
    /// Last gain seen of every item, infinite where none was; empty where none was of any.
    pub upper: Vec<f64>,
    /// f(empty); NaN before it is known.
    pub empty: f64,
    /// Smallest bound found so far.
    pub certificate: Option<Certificate>,
    /// Gains computed by steps that succeeded.
    pub evaluations: u64,
    /// The optimizer's own numbers: [`Optimizer::save`].
    pub numbers: Vec<f64>,
    /// The optimizer's own sets.
    pub sets: Vec<Vec<Item>>,
    /// The run inside this run.
    pub inner: Option<Box<Saved>>,
}

/// Bytes that the books of a run over `n` items take at their fullest: candidates, bounds, their order, one round of
/// gains and the certificate's sort.
pub fn memory(n: usize) -> u64 {
    n as u64 * 96
}

/// Items of `0..n` but `exclude`, ascending, once it is sure that the rule has an answer that holds `include`.
///
/// # Errors
/// [`Error::UnknownItem`], [`Error::Parameter`] for an item named twice, [`Error::Infeasible`].
pub fn check(
    constraint: &dyn Constraint,
    n: usize,
    include: &[Item],
    exclude: &[Item],
) -> Result<Vec<Item>, Error> {
    let mut named = vec![false; n];
    for &e in include.iter().chain(exclude) {
        let seen = named.get_mut(e as usize).ok_or(Error::UnknownItem { item: e, len: n })?;
        if std::mem::replace(seen, true) {
            let reason = format!("item {e} is named twice");
            return Err(Error::Parameter { name: "include, exclude", reason });
        }
    }
    include.iter().for_each(|&e| named[e as usize] = false);
    let allowed: Vec<Item> = (0..).take(n).filter(|&e: &Item| !named[e as usize]).collect();
    let mut feasible = constraint.start(&allowed)?;
    for &item in include {
        if !feasible.may_add(item) {
            let because = Box::new(feasible.why_not(item));
            return Err(Infeasible::Include { item, because }.into());
        }
        feasible.add(item);
    }
    Ok(allowed)
}

impl Problem {
    /// A run over the items of `objective` but `exclude`, starting with `include` in that order.
    ///
    /// # Errors
    /// As [`check`].
    pub fn new(
        objective: Arc<dyn Objective>,
        constraint: Arc<dyn Constraint>,
        include: &[Item],
        exclude: &[Item],
        seed: u64,
    ) -> Result<Self, Error> {
        let allowed = check(&*constraint, objective.len(), include, exclude)?;
        Self::begin(objective, constraint, allowed, include.to_vec(), seed)
    }

    /// Empty books.
    fn begin(
        objective: Arc<dyn Objective>,
        constraint: Arc<dyn Constraint>,
        allowed: Vec<Item>,
        include: Vec<Item>,
        seed: u64,
    ) -> Result<Self, Error> {
        let n = objective.len();
        let mut problem = Self {
            chain: Chain::new(&objective, &[]),
            feasible: constraint.start(&allowed)?,
            objective,
            constraint,
            seed,
            stop_at: None,
            open: allowed.clone(),
            eligible: vec![],
            allowed,
            include,
            gains: vec![],
            discarded: vec![],
            taken: vec![false; n],
            step: 0,
            empty: f64::NAN,
            upper: vec![f64::INFINITY; n],
            undo: vec![],
            certificate: None,
        };
        problem.narrow();
        Ok(problem)
    }

    /// Ends the run before a pick whose gain is at most `gain`.
    #[must_use]
    pub fn stop_when_gain_at_most(mut self, gain: Option<f64>) -> Self {
        self.stop_at = gain;
        self
    }

    /// The function to maximise.
    pub fn objective(&self) -> &Arc<dyn Objective> {
        &self.objective
    }
    /// The rule.
    pub fn constraint(&self) -> &Arc<dyn Constraint> {
        &self.constraint
    }
    /// The rule's books.
    pub fn feasible(&self) -> &dyn Feasible {
        &*self.feasible
    }
    /// Items that may be in an answer, ascending.
    pub fn allowed(&self) -> &[Item] {
        &self.allowed
    }
    /// Items that come first.
    pub fn include(&self) -> &[Item] {
        &self.include
    }
    /// What was chosen, in order.
    pub fn picks(&self) -> &[Item] {
        self.chain.items()
    }
    /// Gain of each pick at its turn.
    pub fn pick_gains(&self) -> &[f64] {
        &self.gains
    }
    /// What was given up, in order.
    pub fn discarded(&self) -> &[Item] {
        &self.discarded
    }
    /// f of the picks; NaN before the first gains were asked.
    pub fn value(&self) -> f64 {
        self.empty + self.gains.iter().sum::<f64>()
    }
    /// f(empty); NaN before the first gains were asked.
    pub fn empty_value(&self) -> f64 {
        self.empty
    }
    /// The last gain seen of `e`; infinite before.
    pub fn upper(&self, e: Item) -> f64 {
        self.upper[e as usize]
    }
    /// The last gain seen of every item, by item.
    pub(crate) fn uppers(&self) -> &[f64] {
        &self.upper
    }
    /// Whether `e` was chosen.
    pub(crate) fn is_taken(&self, e: Item) -> bool {
        self.taken[e as usize]
    }
    /// Items that an answer may hold beside the included ones, ascending; known once those are taken.
    pub fn eligible(&self) -> &[Item] {
        &self.eligible
    }
    /// Whether a pick of this gain ends the run instead.
    pub fn stops_at(&self, gain: f64) -> bool {
        self.stop_at.is_some_and(|x| gain <= x)
    }
    /// The smallest bound on the optimum found so far.
    pub fn certificate(&self) -> Option<Certificate> {
        self.certificate
    }
    /// A bound on the same optimum that another run found.
    pub(crate) fn learn(&mut self, found: Option<Certificate>) {
        if let Some(found) = found {
            self.certificate = Certificate::tighten(self.certificate, found);
        }
    }
    /// The key of every draw.
    pub fn seed(&self) -> u64 {
        self.seed
    }
    /// The draws of this step, the same in a resumed run.
    pub fn draw(&self) -> ChaCha8Rng {
        sampling::stream(self.seed, self.step)
    }

    /// Items that may still be added, ascending. O(n).
    pub fn candidates(&mut self) -> Vec<Item> {
        let feasible = &self.feasible;
        self.open.retain(|&e| feasible.may_add(e));
        self.open.clone()
    }

    /// Leaves no candidates but those of `pool`, which is ascending. Not saved: a resumed search says it again.
    pub(crate) fn keep(&mut self, pool: &[Item]) {
        self.open.retain(|e| pool.binary_search(e).is_ok());
    }

    /// Takes note that the gain of `e` at the picks, or at those of this step, is at most `bound`.
    pub(crate) fn lower(&mut self, e: Item, bound: f64) {
        let upper = &mut self.upper[e as usize];
        self.undo.push((e, *upper));
        *upper = upper.min(bound);
    }

    /// `f(S + e) - f(S)` for every `e` of `ask`, S being the picks.
    ///
    /// # Errors
    /// [`Halt`]; nothing has changed then.
    pub fn gains(&mut self, ask: &[Item], ctl: &Ctl) -> Result<Vec<f64>, Halt> {
        let out = self.chain.gains(ask, ctl)?;
        if self.picks().is_empty() {
            self.empty = self.chain.state().value();
        }
        for (&e, &gain) in ask.iter().zip(&out) {
            self.undo.push((e, self.upper[e as usize]));
            self.upper[e as usize] = gain;
        }
        Ok(out)
    }

    /// Whether [`ceilings`](Self::ceilings) costs much less than gains.
    pub(crate) fn has_ceilings(&self) -> bool {
        self.chain.state().has_ceilings()
    }

    /// Lowers what is known of the gains of `ask` without computing them. After [`gains`](Self::gains) in the same step.
    ///
    /// # Errors
    /// [`Halt`]; nothing has changed then.
    pub(crate) fn ceilings(&mut self, ask: &[Item], ctl: &Ctl) -> Result<(), Halt> {
        let mut bounds: Vec<f64> = ask.iter().map(|&e| self.upper(e)).collect();
        self.chain.ceilings(ask, &mut bounds, ctl)?;
        ask.iter().zip(bounds).for_each(|(&e, bound)| self.lower(e, bound));
        Ok(())
    }

    /// Asks what the next step will ask if `e` is taken, so that an outside model answers both rounds in one. The
    /// answers are found again by the next step; nothing is counted or kept here.
    ///
    /// # Errors
    /// [`Halt`], most often [`Halt::Ask`].
    pub fn prefetch(&self, e: Item, ask: &[Item], ctl: &Ctl) -> Result<(), Halt> {
        let counted = ctl.evaluations();
        let mut ahead = self.chain.fork();
        ahead.push(e);
        let result = ahead.gains(ask, ctl).map(|_| ());
        ctl.recount(counted);
        result
    }

    /// A copy of the picks and their state, for looking ahead.
    pub fn fork(&self) -> Chain {
        self.chain.fork()
    }

    /// Makes `took` the picks, included items first: a search found something better. Stale gains are of no use then,
    /// since the new picks need not hold the old ones.
    ///
    /// # Errors
    /// [`Error::Infeasible`], where [`new`](Self::new) would say so too.
    pub fn replace(&mut self, took: &[(Item, f64)]) -> Result<(), Error> {
        let feasible = self.constraint.start(&self.allowed)?;
        (self.feasible, self.chain) = (feasible, Chain::new(&self.objective, &[]));
        self.gains.clear();
        self.discarded.clear();
        self.taken.fill(false);
        self.open.clone_from(&self.allowed);
        self.upper.fill(f64::INFINITY);
        took.iter().for_each(|&(e, gain)| self.take(e, gain));
        Ok(())
    }

    /// No feasible set that holds the included items is better than the picks.
    pub fn prove(&mut self) {
        self.certificate = Some(Certificate { upper_bound: self.value(), basis: Basis::Proved });
    }

    /// Chooses `e`.
    pub fn take(&mut self, e: Item, gain: f64) {
        self.feasible.add(e);
        self.chain.push(e);
        self.gains.push(gain);
        self.taken[e as usize] = true;
        self.close(e);
        self.narrow();
    }

    /// At the moment when the included items are taken, what may be added to them is all that an answer may hold.
    fn narrow(&mut self) {
        if self.picks().len() == self.include.len() {
            self.eligible = self.candidates();
        }
    }

    /// Gives `e` up.
    pub fn discard(&mut self, e: Item) {
        self.feasible.discard(e);
        self.discarded.push(e);
        self.close(e);
    }

    fn close(&mut self, e: Item) {
        if let Ok(i) = self.open.binary_search(&e) {
            self.open.remove(i);
        }
    }

    /// One transaction: the included items first, in one round, then the optimizer's steps. `Err` leaves the books as
    /// they were.
    pub(crate) fn advance(&mut self, optimizer: &mut dyn Optimizer, ctl: &Ctl) -> Result<Step, Halt> {
        let (counted, before) = (ctl.evaluations(), self.picks().len());
        self.undo.clear();
        let result = ctl.tick(0).and_then(|()| {
            if self.picks().len() < self.include.len() {
                self.take_included(ctl)
            } else {
                optimizer.step(self, ctl)
            }
        });
        match &result {
            Err(_) => {
                for (e, upper) in self.undo.drain(..).rev() {
                    self.upper[e as usize] = upper;
                }
                ctl.recount(counted);
            }
            Ok(Step::More) => {
                self.step += 1;
                // Each bound sorts n gains: seldom enough to cost nothing beside the search.
                let (look, included) = (optimizer.last_look(), self.include.len());
                if look == LastLook::Sweep && before == included && self.picks().len() == included + 1 {
                    // The gains that led to the first pick are those beside the included items alone.
                    self.certify(included, Basis::StalePrefixes);
                } else if look != LastLook::Nothing && self.step.is_power_of_two() {
                    self.certify(self.picks().len(), Basis::StalePrefixes);
                }
            }
            Ok(Step::Done(_)) => {}
        }
        result
    }

    fn take_included(&mut self, ctl: &Ctl) -> Result<Step, Halt> {
        let mut chain = self.chain.fork();
        let include = self.include.clone();
        let (_, gains) = both(self.gains(&[], ctl), chain.walk(&include, ctl))?;
        if let Some(position) = gains.iter().position(|&gain| gain == f64::NEG_INFINITY) {
            let reason =
                format!("item {} adds nothing to those before it that arithmetic can see", include[position]);
            return Err(Error::Parameter { name: "include", reason }.into());
        }
        for (e, gain) in include.into_iter().zip(gains) {
            self.take(e, gain);
        }
        Ok(Step::More)
    }

    /// Tightens the certificate by the bounds at hand, which are of the first `prefix` picks: all, or those included.
    pub(crate) fn certify(&mut self, prefix: usize, basis: Basis) {
        let f = self.objective.properties();
        if !(f.monotone && f.submodular) || self.picks().len() < self.include.len() {
            return;
        }
        // Included items are not eligible.
        let held = |e: Item| prefix > self.include.len() && self.taken[e as usize];
        let mut gains: Vec<(f64, Item)> =
            self.eligible.iter().map(|&e| (if held(e) { 0.0 } else { self.upper(e) }, e)).collect();
        if gains.iter().any(|gain| gain.0 == f64::INFINITY) {
            return;
        }
        let value = self.empty + self.gains[..prefix].iter().sum::<f64>();
        let upper_bound = value + self.constraint.bound(&self.include, &mut gains);
        if upper_bound.is_finite() {
            self.learn(Some(Certificate { upper_bound, basis }));
        }
    }

    /// Finished: writes the answer into the books in its own order (it may not be the order taken) and looks once more
    /// at the gains it leaves, as far as the search allows. Without `tail_gains` those of what is appended to the picks
    /// are not asked for. Restartable: may ask.
    pub(crate) fn settle(
        &mut self,
        answer: Vec<Item>,
        look: LastLook,
        tail_gains: bool,
        ctl: &Ctl,
    ) -> Result<(), Halt> {
        if !tail_gains && answer.starts_with(self.picks()) {
            for &e in &answer[self.picks().len()..] {
                self.chain.push(e);
                self.gains.push(f64::NAN);
                self.taken[e as usize] = true;
            }
        } else if answer != self.picks() {
            let mut chain = Chain::new(&self.objective, &[]);
            let (empty, gains) = both(chain.fork().value(ctl), chain.walk(&answer, ctl))?;
            self.taken.fill(false);
            answer.iter().for_each(|&e| self.taken[e as usize] = true);
            (self.chain, self.gains, self.empty) = (chain, gains, empty);
        }
        if look == LastLook::Seen {
            self.certify(self.picks().len(), Basis::StalePrefixes);
        }
        let f = self.objective.properties();
        let proved = self.certificate.is_some_and(|found| found.basis == Basis::Proved);
        if look == LastLook::Sweep && f.monotone && f.submodular && !f.asks && !proved {
            let rest: Vec<Item> =
                self.eligible.iter().copied().filter(|&e| !self.taken[e as usize]).collect();
            self.gains(&rest, ctl)?;
            self.certify(self.picks().len(), Basis::FreshSweep);
        }
        Ok(())
    }

    /// Finished, where parts chose: writes their answer down with its gains, which are not those of the books' function.
    pub(crate) fn record(&mut self, took: &[(Item, f64)]) {
        let (items, gains): (Vec<Item>, Vec<f64>) = took.iter().copied().unzip();
        self.chain = Chain::new(&self.objective, &items);
        self.taken.fill(false);
        items.iter().for_each(|&e| self.taken[e as usize] = true);
        self.gains = gains;
    }

    /// Everything needed to go on. O(n).
    pub fn save(&self, optimizer: &dyn Optimizer, ctl: &Ctl) -> Saved {
        let mut saved = Saved { evaluations: ctl.evaluations(), ..self.books() };
        optimizer.save(&mut saved);
        saved
    }

    /// The same without what the optimizer and the evaluation count hold.
    pub(crate) fn books(&self) -> Saved {
        Saved {
            step: self.step,
            took: self.picks().iter().copied().zip(self.gains.iter().copied()).collect(),
            discarded: self.discarded.clone(),
            upper: if self.upper.iter().all(|&upper| upper == f64::INFINITY) {
                vec![]
            } else {
                self.upper.clone()
            },
            empty: self.empty,
            certificate: self.certificate,
            ..Saved::default()
        }
    }

    /// Takes up a saved run. Infallible: no evaluation happens before the next step asks for one.
    pub(crate) fn load(&mut self, saved: &Saved, optimizer: &mut dyn Optimizer) {
        self.reopen(saved);
        optimizer.load(saved);
    }

    /// The same without the optimizer. Items taken already are known to be the first of those saved.
    pub(crate) fn reopen(&mut self, saved: &Saved) {
        saved.took[self.picks().len()..].iter().for_each(|&(e, gain)| self.take(e, gain));
        saved.discarded.iter().for_each(|&e| self.discard(e));
        (self.step, self.empty, self.certificate) = (saved.step, saved.empty, saved.certificate);
        if !saved.upper.is_empty() {
            self.upper.clone_from(&saved.upper);
        }
    }
}
