//! Parts that are not merged (INGENIOUS, Renduchintala et al. 2023): each keeps a budget of its own, or ranks all its
//! items, and every gain is kept, to be sampled from later.
//!
//! A part is the objective restricted to its items. Of n candidates, of which k are to be chosen, a part of p gets
//! ceil(p/n k), at most p - 1, and at least the included items it holds; where all are ranked, p - 1. So a part of one
//! candidate chooses nothing, and the budgets together may be more than k. Parts run one after another, each as a run
//! inside this one, spread over the threads as any run is: O(n / parts) items in memory at a time.

use super::nested::Nested;
use super::{Bid, Inner, LastLook, Optimizer, Parts, Step, Termination};
use crate::constraint::Shape;
use crate::guarantee::{Claim, Guarantee, Mismatch};
use crate::{Ctl, Error, Halt, Item, Objective, Problem, Properties, Saved};
use std::sync::Arc;

/// Makes the function of a part, item i of which is `items[i]`.
pub type PartFunction = Box<dyn Fn(&[Item], &Ctl) -> Result<Arc<dyn Objective>, Halt> + Send + Sync>;

/// A search on each part, without a second round.
pub struct PerPart {
    parts: Parts,
    inner: Inner,
    function: Option<PartFunction>,
    rank_all: bool,
    split: Option<Vec<Part>>,
    finished: Vec<Ranked>,
    part: Nested,
}

/// What one part is, and what it may choose.
struct Part {
    number: u64,
    /// Every item, ascending, candidate or not.
    items: Vec<Item>,
    /// Candidates.
    size: usize,
    /// How many of them are chosen.
    budget: usize,
}

/// What one part chose.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// The number of the part: of a random split, a column or a cluster.
    pub part: u64,
    /// Candidates it held.
    pub size: usize,
    /// What it chose, in order.
    pub items: Vec<Item>,
    /// Gain of each at its turn, of the function of the part.
    pub gains: Vec<f64>,
    /// Why its search ended.
    pub termination: Termination,
}

/// Numbers of a part in [`Saved`] before its gains.
const HEAD: usize = 3;

impl PerPart {
    /// # Errors
    /// [`Error::Parameter`] for no parts.
    pub fn new(parts: Parts, inner: Inner) -> Result<Self, Error> {
        let parts = parts.checked()?;
        Ok(Self {
            parts,
            inner,
            function: None,
            rank_all: false,
            split: None,
            finished: vec![],
            part: Nested::default(),
        })
    }

    /// Every part orders its candidates but the last, whatever k is.
    #[must_use]
    pub fn rank_all(self, rank_all: bool) -> Self {
        Self { rank_all, ..self }
    }

    /// Where parts get their functions instead of [`Objective::restrict`], with the same values: a part whose
    /// similarities fit in memory may store them, though those of the whole do not.
    #[must_use]
    pub fn function(self, function: PartFunction) -> Self {
        Self { function: Some(function), ..self }
    }

    /// The parts and their budgets. The same in a resumed run.
    fn split(&self, problem: &Problem) -> Result<Vec<Part>, Error> {
        let (n, k) = (problem.allowed().len(), problem.constraint().shape().k);
        let all = (0..).take(problem.objective().len()).collect();
        let part = |(number, items): (u64, Vec<Item>)| {
            let size = items.iter().filter(|e| problem.allowed().binary_search(e).is_ok()).count();
            let included = problem.include().iter().filter(|e| items.binary_search(e).is_ok()).count();
            let most = size.saturating_sub(1);
            let share = k.filter(|_| !self.rank_all).map_or(most, |k| share(size, n, k));
            Part { number, items, size, budget: share.min(most).max(included) }
        };
        Ok(self.parts.split(all, problem)?.into_iter().map(part).collect())
    }

    /// One step inside a part.
    fn step_in_part(&mut self, problem: &Problem, part: &Part, ctl: &Ctl) -> Result<(), Halt> {
        let mut ranked = Ranked {
            part: part.number,
            size: part.size,
            items: vec![],
            gains: vec![],
            termination: Termination::BudgetReached,
        };
        if part.budget > 0 {
            let seed = problem.seed().wrapping_add(1 + self.finished.len() as u64);
            let (inner, function) = (&self.inner, &self.function);
            let begin = || {
                let objective = match function {
                    Some(function) => function(&part.items, ctl)?,
                    None => problem.objective().clone().restrict(&part.items)?,
                };
                Ok((problem.share(objective, &part.items, part.budget, seed)?, inner(), None))
            };
            let Step::Done(termination) = self.part.advance(ctl, begin)? else { return Ok(()) };
            self.part.settle(ctl)?;
            ranked.termination = termination;
            if let Some(inside) = self.part.problem() {
                ranked.items = inside.picks().iter().map(|&e| part.items[e as usize]).collect();
                ranked.gains = inside.pick_gains().to_vec();
            }
        }
        self.finished.push(ranked);
        self.part.clear();
        Ok(())
    }

    /// All parts' end: the first that came before its part's budget was reached.
    fn termination(&self) -> Termination {
        let whole = if self.rank_all { Termination::AllRanked } else { Termination::BudgetReached };
        let early = self.finished.iter().map(|ranked| ranked.termination);
        early.into_iter().find(|&termination| termination != Termination::BudgetReached).unwrap_or(whole)
    }
}

/// ceil(size/n k).
fn share(size: usize, n: usize, k: usize) -> usize {
    let places = (size as u128 * k as u128).div_ceil(n.max(1) as u128);
    usize::try_from(places).unwrap_or(usize::MAX)
}

/// All parts' picks: included items first in their order, then the largest gain, ties to the lowest index.
pub fn together(parts: &[Ranked], include: &[Item]) -> Vec<(Item, f64)> {
    let mut places: Vec<(Item, usize)> = include.iter().copied().zip(0..).collect();
    places.sort_unstable();
    let place = |e: Item| {
        let found = places.binary_search_by_key(&e, |place| place.0);
        found.map_or(include.len(), |at| places[at].1)
    };
    let picks = parts.iter().flat_map(|ranked| ranked.items.iter().zip(&ranked.gains));
    let mut bids: Vec<(usize, Bid)> = picks.map(|(&e, &gain)| (place(e), Bid(gain, e))).collect();
    bids.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    bids.into_iter().map(|(_, Bid(gain, e))| (e, gain)).collect()
}

impl Optimizer for PerPart {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if constraint.k.is_none() && !self.rank_all {
            return Err(Mismatch("parts that are not merged need k, of which each gets its share"));
        }
        if (Shape { k: None, ..*constraint }) != (Shape { matroid: true, ..Shape::default() }) {
            return Err(Mismatch(
                "parts that are not merged share k out and no other rule: leave groups, budget and distance out, or merge",
            ));
        }
        // Every part has a budget, whether or not the whole has.
        (self.inner)().claim(objective, &Shape { k: constraint.k.or(Some(1)), ..*constraint })?;
        let reason = "parts that are not merged answer for themselves, not for the whole";
        Ok(Claim { guarantee: Guarantee::None { reason }, prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.empty_value().is_nan() {
            problem.gains(&[], ctl)?;
        }
        let split = match self.split.take() {
            Some(split) => split,
            None => self.split(problem)?,
        };
        let step = match split.get(self.finished.len()) {
            Some(part) => self.step_in_part(problem, part, ctl).map(|()| Step::More),
            None => Ok(Step::Done(self.termination())),
        };
        self.split = Some(split);
        step
    }

    fn save(&self, into: &mut Saved) {
        into.sets = self.finished.iter().map(|ranked| ranked.items.clone()).collect();
        let numbers = self.finished.iter().flat_map(|ranked| {
            let head: [f64; HEAD] = [ranked.part as f64, ranked.size as f64, ranked.termination.number()];
            head.into_iter().chain(ranked.gains.iter().copied())
        });
        into.numbers = numbers.collect();
        into.inner = self.part.save();
    }

    fn load(&mut self, from: &Saved) {
        let mut numbers = &from.numbers[..];
        self.finished.clear();
        for items in &from.sets {
            let Some((head, rest)) = numbers.split_at_checked(HEAD) else { break };
            let Some((gains, rest)) = rest.split_at_checked(items.len()) else { break };
            let Some(termination) = Termination::numbered(head[2]) else { break };
            let (items, gains) = (items.clone(), gains.to_vec());
            self.finished.push(Ranked {
                part: head[0] as u64,
                size: head[1] as usize,
                items,
                gains,
                termination,
            });
            numbers = rest;
        }
        self.part.load(from.inner.as_deref());
    }

    fn last_look(&self) -> LastLook {
        LastLook::Nothing
    }

    fn parts(&self) -> Option<&[Ranked]> {
        Some(&self.finished)
    }

    /// Parts.
    fn progress(&self, _problem: &Problem) -> (u64, u64) {
        let parts = self.split.as_ref().map_or(self.parts.count(), Vec::len);
        (self.finished.len() as u64, parts as u64)
    }
}
