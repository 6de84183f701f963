//! Greedy under a budget: the best answer of several passes.
//!
//! 1. By gain for cost, in the run's own books: what a run that is stopped has to show, and most of the certificate.
//! 2. By gain alone. Its first pick is the best single item that fits, and it goes on while gains are not negative: so
//!    its answer is worth at least that item, which needs no pass of its own.
//! 3. On request, by gain for cost once more from each single item (partial enumeration).
//!
//! A pass skips items that no longer fit and goes on until nothing fits. Its gains are lazily renewed where the
//! objective is submodular: then the gains of the very first sweep bound those of every later pass, too.

use super::lazy_greedy::Bounds;
use super::{Bid, Optimizer, Step, Termination, commit};
use crate::constraint::{Shape, ratio};
use crate::guarantee::{self, Claim, Mismatch};
use crate::problem::{Problem, Saved};
use crate::{Ctl, Halt, Item, Properties};

/// The best of ratio greedy, plain greedy and the best single item; with `enumerate` also of ratio greedy from each
/// single item. It stands for `greedy` and `lazy_greedy` under a budget and holds the books of up to two runs at once.
#[derive(Default)]
pub struct KnapsackGreedy {
    enumerate: bool,
    /// Gains beside the included items; empty before they are known.
    first: Vec<f64>,
    /// Passes finished.
    finished: usize,
    /// Value and answer of the best finished pass, where that is not the first.
    best: Option<(f64, Vec<Item>)>,
    pass: Pass,
    /// Books of the present pass, where it is not the first.
    books: Option<Problem>,
    /// Those books as loaded, before they are opened.
    saved: Option<Box<Saved>>,
}

impl KnapsackGreedy {
    /// `enumerate`: ratio greedy from each single item, too.
    pub fn new(enumerate: bool) -> Self {
        Self { enumerate, ..Self::default() }
    }

    fn passes(&self, problem: &Problem) -> usize {
        2 + if self.enumerate { problem.eligible().len() } else { 0 }
    }

    /// The answer's own end: whether the budget or k left room for more.
    fn ended(&self, problem: &Problem) -> Result<Termination, Halt> {
        let mut rule = problem.constraint().start(problem.allowed()).map_err(crate::Error::from)?;
        let answer = self.answer(problem);
        answer.iter().for_each(|&e| rule.add(e));
        let more = |e: &Item| !answer.contains(e) && rule.may_add(*e);
        let room = !rule.done() && problem.eligible().iter().any(more);
        Ok(if room { Termination::GainAtMost } else { Termination::BudgetReached })
    }
}

impl Optimizer for KnapsackGreedy {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if !constraint.knapsack {
            return Err(Mismatch("a search for a budget needs one: use greedy or lazy_greedy"));
        }
        Ok(Claim { guarantee: guarantee::knapsack(objective, constraint, self.enumerate), prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if self.finished == 0 {
            let step = self.pass.step(problem, ctl)?;
            if self.first.is_empty() {
                self.first = problem.uppers().to_vec();
            }
            self.finished = usize::from(step != Step::More);
            return Ok(Step::More);
        }
        if self.finished == self.passes(problem) {
            return Ok(Step::Done(self.ended(problem)?));
        }
        let books = match &mut self.books {
            Some(books) => books,
            closed => {
                let mut books = problem.again(&self.first)?;
                if let Some(saved) = self.saved.take() {
                    books.reopen(&saved);
                }
                self.pass = match self.finished.checked_sub(2) {
                    None => Pass { by_gain: true, ..Pass::default() },
                    Some(i) => Pass { start: problem.eligible().get(i).copied(), ..Pass::default() },
                };
                closed.insert(books)
            }
        };
        if let Step::Done(_) = books.advance(&mut self.pass, ctl)? {
            problem.learn(books.certificate());
            let known = self.best.as_ref().map_or(problem.value(), |best| best.0);
            if books.value() > known {
                self.best = Some((books.value(), books.picks().to_vec()));
            }
            self.books = None;
            self.finished += 1;
        }
        Ok(Step::More)
    }

    fn save(&self, into: &mut Saved) {
        let value = self.best.as_ref().map_or(f64::NEG_INFINITY, |best| best.0);
        into.numbers = [&[self.finished as f64, value], &self.first[..]].concat();
        into.sets = self.best.iter().map(|best| best.1.clone()).collect();
        into.inner = match &self.books {
            Some(books) => Some(Box::new(books.books())),
            None => self.saved.clone(),
        };
    }

    fn load(&mut self, from: &Saved) {
        if let [finished, value, first @ ..] = &from.numbers[..] {
            self.finished = *finished as usize;
            self.first = first.to_vec();
            self.best = from.sets.first().map(|answer| (*value, answer.clone()));
        }
        self.saved.clone_from(&from.inner);
    }

    fn answer(&self, problem: &Problem) -> Vec<Item> {
        self.best.as_ref().map_or_else(|| problem.picks().to_vec(), |best| best.1.clone())
    }

    /// In passes.
    fn progress(&self, problem: &Problem) -> (u64, u64) {
        (self.finished as u64, self.passes(problem) as u64)
    }
}

/// One greedy run: by gain for cost, or by gain.
#[derive(Default)]
struct Pass {
    by_gain: bool,
    /// The item to begin with.
    start: Option<Item>,
    bounds: Bounds,
}

impl Optimizer for Pass {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        Ok(guarantee::greedy_claim(objective, constraint))
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.feasible().done() {
            return Ok(Step::Done(Termination::BudgetReached));
        }
        let by_gain = self.by_gain;
        let rank = |problem: &Problem, gain: f64, e: Item| {
            if by_gain { gain } else { ratio(gain, problem.feasible().price(e)) }
        };
        let begins = problem.picks().len() == problem.include().len();
        let best = if let Some(e) = self.start.filter(|_| begins) {
            problem.gains(&[e], ctl)?;
            Some(e)
        } else if problem.objective().properties().submodular {
            self.bounds.best(problem, rank, ctl)?
        } else {
            let ask = problem.candidates();
            problem.gains(&ask, ctl)?;
            let bids = ask.iter().map(|&e| Bid(rank(problem, problem.upper(e), e), e));
            bids.max().map(|Bid(_, e)| e)
        };
        Ok(match best.map(|e| Bid(problem.upper(e), e)) {
            None => Step::Done(Termination::BudgetReached),
            // Any size is an answer, so nothing is added that does harm, unless a quota needs it.
            Some(Bid(gain, _)) if gain < 0.0 && !problem.feasible().owes() => {
                Step::Done(Termination::GainAtMost)
            }
            bid => commit(problem, bid),
        })
    }
}
