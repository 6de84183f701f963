//! Lazy greedy (Minoux 1978): greedy's picks, most gains never computed again.
//!
//! A gain seen earlier is an upper bound now, so only items whose bound reaches the best fresh gain are asked again.
//! Bounds are [`Problem::upper`]; the heap is only their order. It is taken out, worked on and put back: a halt leaves
//! none, and the next step, of this process or another, sorts the bounds again.

use super::{Bid, Optimizer, Step, Termination, commit};
use crate::constraint::Shape;
use crate::guarantee::{self, Claim, Mismatch};
use crate::{Ctl, Halt, Item, Problem, Properties};
use std::collections::BinaryHeap;

/// First batch of bounds renewed together in a step; it doubles up to [`LARGEST_BATCH`]. Constants, never the thread
/// count: they set how many evaluations a run makes.
const FIRST_BATCH: usize = 16;
const LARGEST_BATCH: usize = 256;

/// Greedy's picks, index for index, for submodular objectives only.
#[derive(Debug, Clone, Default)]
pub struct LazyGreedy {
    bounds: Bounds,
}

/// The order of bounds by their rank, which grows with the gain.
#[derive(Debug, Clone, Default)]
pub(super) struct Bounds {
    heap: Option<BinaryHeap<Bid>>,
}

impl Bounds {
    /// The candidate whose gain now, [`Problem::upper`], has the highest rank; ties to the lowest index.
    pub(super) fn best(
        &mut self,
        problem: &mut Problem,
        rank: impl Fn(&Problem, f64, Item) -> f64,
        ctl: &Ctl,
    ) -> Result<Option<Item>, Halt> {
        let slack = problem.objective().properties().slack;
        let mut heap = match self.heap.take() {
            Some(heap) => heap,
            None => {
                let candidates = problem.candidates();
                candidates.into_iter().map(|e| Bid(rank(problem, problem.upper(e), e), e)).collect()
            }
        };
        let mut fresh: Vec<Bid> = vec![];
        let mut best: Option<Bid> = None;
        let mut batch = FIRST_BATCH;
        loop {
            let mut ask: Vec<Item> = vec![];
            while let Some(&Bid(_, e)) = heap.peek() {
                let bound = problem.upper(e);
                // Exact comparison with ties to the lowest index: an equal bound of a lower index must be renewed.
                let beaten = best.is_some_and(|best| Bid(rank(problem, bound + slack, e), e) < best);
                // The first sweep, all bounds infinite, goes out whole.
                let full = ask.len() >= batch && bound != f64::INFINITY;
                if beaten || full {
                    break;
                }
                heap.pop();
                // What may not be added now never may again.
                if !problem.is_taken(e) && problem.feasible().may_add(e) {
                    ask.push(e);
                }
            }
            if ask.is_empty() {
                break;
            }
            ask.sort_unstable();
            let gains = problem.gains(&ask, ctl)?;
            fresh.extend(gains.into_iter().zip(ask).map(|(gain, e)| Bid(rank(problem, gain, e), e)));
            let first = best.is_none();
            best = fresh.iter().copied().max();
            if first && problem.has_ceilings() {
                lower(&mut heap, best, slack, problem, &rank, ctl)?;
            }
            batch = (batch * 2).min(LARGEST_BATCH);
        }
        heap.extend(fresh);
        self.heap = Some(heap);
        Ok(best.map(|Bid(_, e)| e))
    }
}

/// Lowers the bounds that `best` does not beat by what is cheaper than gains.
fn lower(
    heap: &mut BinaryHeap<Bid>,
    best: Option<Bid>,
    slack: f64,
    problem: &mut Problem,
    rank: &impl Fn(&Problem, f64, Item) -> f64,
    ctl: &Ctl,
) -> Result<(), Halt> {
    let mut ask: Vec<Item> = vec![];
    while let Some(&Bid(_, e)) = heap.peek() {
        let bid = Bid(rank(problem, problem.upper(e) + slack, e), e);
        if best.is_some_and(|best| bid < best) {
            break;
        }
        heap.pop();
        ask.push(e);
    }
    ask.sort_unstable();
    problem.ceilings(&ask, ctl)?;
    heap.extend(ask.into_iter().map(|e| Bid(rank(problem, problem.upper(e), e), e)));
    Ok(())
}

impl Optimizer for LazyGreedy {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if !objective.submodular {
            return Err(Mismatch(
                "lazy_greedy needs a submodular objective: elsewhere a stale gain is no upper bound. Use greedy",
            ));
        }
        Ok(guarantee::greedy_claim(objective, constraint))
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.feasible().done() {
            return Ok(Step::Done(Termination::BudgetReached));
        }
        let best = self.bounds.best(problem, |_, gain, _| gain, ctl)?;
        let bid = best.map(|e| Bid(problem.upper(e), e));
        Ok(commit(problem, bid))
    }
}
