//! Stochastic greedy (Mirzasoleiman et al. 2015): the best of a random sample each step. n ln(1/epsilon) evaluations.

use super::{Optimizer, Step, Termination, take_best};
use crate::constraint::Shape;
use crate::guarantee::{self, Claim, Mismatch};
use crate::{Ctl, Error, Halt, Problem, Properties, sampling};

/// Takes the best of `ceil((n/k) ln(1/epsilon))` of the items left, where n and k count neither included items nor their
/// places: with few places left the factor needs larger samples.
#[derive(Debug, Clone, Copy)]
pub struct StochasticGreedy {
    epsilon: f64,
}

impl StochasticGreedy {
    /// `epsilon`: the loss against 1 - 1/e that is accepted in expectation, in (0, 1).
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(epsilon: f64) -> Result<Self, Error> {
        Ok(Self { epsilon: super::epsilon(epsilon)? })
    }

    /// Items looked at in each step, to choose `k` of `n`.
    pub fn sample_size(&self, n: usize, k: usize) -> usize {
        let size = (n as f64 / k.max(1) as f64 * (1.0 / self.epsilon).ln()).ceil();
        (size as usize).clamp(1, n.max(1))
    }
}

impl Optimizer for StochasticGreedy {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if constraint.knapsack {
            return Err(Mismatch(
                "stochastic_greedy takes no budget: its sample size follows from k items of equal cost. Use greedy",
            ));
        }
        if constraint.k.is_none() {
            return Err(Mismatch("stochastic_greedy needs k: its sample size depends on it"));
        }
        // The sample size depends on k, so a prefix is not what the search would choose for a smaller k.
        Ok(Claim { guarantee: guarantee::stochastic(objective, constraint, self.epsilon), prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.feasible().done() {
            return Ok(Step::Done(Termination::BudgetReached));
        }
        let included = problem.include().len();
        let n = problem.allowed().len().saturating_sub(included);
        let k = problem.constraint().shape().k.map_or(n, |k| k.saturating_sub(included));
        let ask =
            sampling::without_replacement(problem.candidates(), self.sample_size(n, k), &mut problem.draw());
        take_best(problem, &ask, ctl)
    }
}
