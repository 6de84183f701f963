//! Greedy: the best gain of all, every step (Nemhauser, Wolsey, Fisher 1978). At most n k evaluations.

use super::{Optimizer, Step, Termination, take_best};
use crate::constraint::Shape;
use crate::guarantee::{self, Claim, Mismatch};
use crate::{Ctl, Halt, Problem, Properties};

/// Takes the feasible item of largest gain, ties to the lowest index.
#[derive(Debug, Clone, Copy, Default)]
pub struct Greedy;

impl Optimizer for Greedy {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        Ok(guarantee::greedy_claim(objective, constraint))
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.feasible().done() {
            return Ok(Step::Done(Termination::BudgetReached));
        }
        let ask = problem.candidates();
        take_best(problem, &ask, ctl)
    }
}
