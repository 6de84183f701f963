//! Threshold greedy (Badanidiyuru, Vondrak 2014): takes what reaches a threshold, in the order of indices, and lowers
//! the threshold. At most (n / epsilon) ln(n / epsilon) evaluations whatever k; far fewer, since a stale gain below the
//! threshold is not computed again.

use super::{LazyGreedy, Optimizer, Step, Termination, best};
use crate::constraint::Shape;
use crate::guarantee::{self, Claim, Guarantee, Mismatch};
use crate::problem::Saved;
use crate::{Ctl, Error, Halt, Item, Problem, Properties};

/// As in lazy greedy: batches double while nothing is found, and never depend on the thread count.
const FIRST_BATCH: usize = 16;
const LARGEST_BATCH: usize = 256;

/// From the largest gain d down to epsilon d / n; what is missing to k then is filled up by greedy's picks.
#[derive(Debug, Clone)]
pub struct ThresholdGreedy {
    epsilon: f64,
    level: Option<Level>,
    /// Next index that the sweep at this level looks at.
    next: usize,
    fill: LazyGreedy,
}

/// A threshold on its way down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) threshold: f64,
    pub(super) floor: f64,
}

impl Level {
    /// d, with its floor; below it at once where no gain is positive.
    pub(super) fn top(gain: f64, epsilon: f64, candidates: usize) -> Self {
        let top = Self { threshold: gain, floor: epsilon * gain / candidates as f64 };
        if gain > 0.0 { top } else { Self { threshold: 0.0, floor: 1.0 } }
    }

    /// Whether no item is left that a threshold would find.
    pub(super) fn passed(&self) -> bool {
        self.threshold < self.floor
    }

    /// Whether an item whose gain was `upper` may reach the threshold, and is not one that ends the run.
    pub(super) fn within_reach(&self, problem: &Problem, upper: f64, slack: f64) -> bool {
        upper + slack >= self.threshold && !problem.stops_at(upper + slack)
    }

    /// Whether an item of this gain is taken.
    pub(super) fn reached(&self, problem: &Problem, gain: f64) -> bool {
        gain >= self.threshold && !problem.stops_at(gain)
    }
}

/// What any search earns that takes only gains of at least w, lowers w by 1 - epsilon only when none is left, and fills
/// up with greedy's picks.
///
/// At every pick no gain exceeds w / (1 - epsilon), so each of the k picks closes at least (1 - epsilon) / k of the gap to
/// OPT: f(S) >= (1 - exp(epsilon - 1)) OPT, which is at least 1 - 1/e - epsilon. The fill is why the floor costs nothing.
pub(super) fn descending(objective: &Properties, constraint: &Shape, epsilon: f64) -> Guarantee {
    if let Some(reason) = guarantee::disqualified(objective) {
        return Guarantee::None { reason };
    }
    if constraint.k.is_none() || constraint.groups || constraint.knapsack || !constraint.matroid {
        return Guarantee::None {
            reason: "a descending threshold earns its factor for k items and no other rule",
        };
    }
    Guarantee::Factor {
        factor: (guarantee::ONE_MINUS_INVERSE_E - epsilon).max(0.0),
        kind: guarantee::Kind::Always,
        statement: "f(S) >= (1 - 1/e - epsilon) OPT (Badanidiyuru, Vondrak 2014)",
    }
}

impl ThresholdGreedy {
    /// `epsilon`: the loss against 1 - 1/e that is accepted, in (0, 1).
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(epsilon: f64) -> Result<Self, Error> {
        Ok(Self {
            epsilon: super::check_epsilon(epsilon)?,
            level: None,
            next: 0,
            fill: LazyGreedy::default(),
        })
    }
}

impl Optimizer for ThresholdGreedy {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if !objective.submodular {
            return Err(Mismatch(
                "threshold_greedy needs a submodular objective: elsewhere a gain below the threshold may rise again. \
                 Use greedy",
            ));
        }
        // Neither the thresholds nor the order of the sweep depend on k.
        let prefixes = guarantee::greedy_claim(objective, constraint).prefixes;
        Ok(Claim { guarantee: descending(objective, constraint, self.epsilon), prefixes })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.feasible().done() {
            return Ok(Step::Done(Termination::BudgetReached));
        }
        let Some(mut level) = self.level else {
            let ask = problem.candidates();
            let gains = problem.gains(&ask, ctl)?;
            let Some(top) = best(&ask, &gains) else {
                return Ok(Step::Done(Termination::NoCandidateLeft));
            };
            self.level = Some(Level::top(top.0, self.epsilon, ask.len()));
            return Ok(Step::More);
        };
        if level.passed() {
            return self.fill.step(problem, ctl);
        }
        let slack = problem.objective().properties().slack;
        let open = problem.candidates();
        let (mut next, mut batch) = (self.next, FIRST_BATCH);
        while !level.passed() {
            let from = open.partition_point(|&e| (e as usize) < next);
            let reach = |e: &Item| level.within_reach(problem, problem.upper(*e), slack);
            let ask: Vec<Item> = open[from..].iter().copied().filter(reach).take(batch).collect();
            let Some(&last) = ask.last() else {
                level.threshold *= 1.0 - self.epsilon;
                next = 0;
                continue;
            };
            let gains = problem.gains(&ask, ctl)?;
            let found = ask.iter().zip(&gains).find(|&(_, &gain)| level.reached(problem, gain));
            if let Some((&e, &gain)) = found {
                problem.take(e, gain);
                next = e as usize + 1;
                break;
            }
            next = last as usize + 1;
            batch = (batch * 2).min(LARGEST_BATCH);
        }
        (self.level, self.next) = (Some(level), next);
        Ok(Step::More)
    }

    fn save(&self, into: &mut Saved) {
        if let Some(Level { threshold, floor }) = self.level {
            into.numbers = vec![threshold, floor, self.next as f64];
        }
    }

    fn load(&mut self, from: &Saved) {
        if let [threshold, floor, next] = from.numbers[..] {
            (self.level, self.next) = (Some(Level { threshold, floor }), next as usize);
        }
    }
}
