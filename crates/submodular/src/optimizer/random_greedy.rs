//! Random greedy (Buchbinder, Feldman, Naor, Schwartz 2014): each step one of the k best gains, for functions whose
//! gains may be negative. At most n k evaluations.

use super::{Bid, Optimizer, Step, Termination, best, commit};
use crate::constraint::Shape;
use crate::guarantee::{self, Claim, Guarantee, Kind, Mismatch};
use crate::problem::Saved;
use crate::{Ctl, Halt, Problem, Properties, sampling};

/// k rounds, each a uniform draw from the k largest gains; where fewer are positive, the missing ones are dummies of
/// gain 0, and a round that draws one takes nothing. What is missing to k then is filled up by greedy's picks.
///
/// A threshold of 0 makes the fill stop before it loses: that is the search of the paper, for at most k items. Without
/// it exactly k items are chosen, and a function that is not monotone may lose by each of the last.
#[derive(Debug, Clone)]
pub struct RandomGreedy {
    threshold: Option<f64>,
    rounds: usize,
}

impl RandomGreedy {
    /// `stop_when_gain_at_most`: that of the problem, for the claim alone.
    pub fn new(stop_when_gain_at_most: Option<f64>) -> Self {
        Self { threshold: stop_when_gain_at_most, rounds: 0 }
    }

    fn earned(&self, objective: &Properties, constraint: &Shape) -> Guarantee {
        let none = |reason| Guarantee::None { reason };
        if !objective.submodular {
            return none("the objective is not submodular");
        }
        if constraint.groups || constraint.knapsack || !constraint.matroid {
            return none("random greedy earns its factor for a number of items and no other rule");
        }
        if self.threshold.is_some_and(|threshold| threshold > 0.0) {
            return none("stop_when_gain_at_most ends the search before gains are exhausted");
        }
        // The fill only adds gains that are not negative.
        if guarantee::disqualified(objective).is_none() {
            return Guarantee::Factor {
                factor: guarantee::ONE_MINUS_INVERSE_E,
                kind: Kind::Expected,
                statement: "E f(S) >= (1 - 1/e) OPT (Buchbinder, Feldman, Naor, Schwartz 2014)",
            };
        }
        if !objective.nonnegative {
            return none("the objective may be negative");
        }
        if self.threshold != Some(0.0) {
            return none(
                "exactly k items of an objective that is not monotone: 1/e is earned for at most k, with \
                 stop_when_gain_at_most 0",
            );
        }
        Guarantee::Factor {
            factor: 1.0 - guarantee::ONE_MINUS_INVERSE_E,
            kind: Kind::Expected,
            statement: "E f(S) >= 1/e OPT over sets of at most k items (Buchbinder, Feldman, Naor, Schwartz 2014)",
        }
    }
}

impl Optimizer for RandomGreedy {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if constraint.k.is_none() {
            return Err(Mismatch("random_greedy needs k: it draws from the k largest gains"));
        }
        Ok(Claim { guarantee: self.earned(objective, constraint), prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.feasible().done() {
            return Ok(Step::Done(Termination::BudgetReached));
        }
        let ask = problem.candidates();
        let gains = problem.gains(&ask, ctl)?;
        let places = problem.constraint().shape().k.unwrap_or(0).saturating_sub(problem.include().len());
        let mut bids: Vec<Bid> = (ask.iter().zip(&gains))
            .filter(|&(_, &gain)| gain > 0.0 && !problem.stops_at(gain))
            .map(|(&e, &gain)| Bid(gain, e))
            .collect();
        bids.sort_unstable_by(|a, b| b.cmp(a));
        bids.truncate(places);
        let mut rng = problem.draw();
        // Rounds that take nothing leave the gains as they are, so they need no step of their own.
        for rounds in self.rounds..places {
            let drawn = sampling::below(places as u64, &mut rng) as usize;
            if let Some(&Bid(gain, e)) = bids.get(drawn) {
                problem.take(e, gain);
                self.rounds = rounds + 1;
                return Ok(Step::More);
            }
        }
        self.rounds = places;
        Ok(commit(problem, best(&ask, &gains)))
    }

    fn save(&self, into: &mut Saved) {
        into.numbers = vec![self.rounds as f64];
    }

    fn load(&mut self, from: &Saved) {
        if let [rounds] = from.numbers[..] {
            self.rounds = rounds as usize;
        }
    }
}
