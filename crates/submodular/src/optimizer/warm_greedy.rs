//! Greedy from an earlier answer: its items are taken wherever greedy would hardly do better.
//!
//! A kept item is taken where its gain is at least `1 - tolerance` of the best there is. So every pick is an approximate
//! greedy one (Goundan, Schulz 2007), whatever was kept: an answer of other features, or of another search, costs nothing
//! but the tolerance. In the lazy form a kept item that clearly suffices is taken without renewing the others' bounds.

use super::lazy_greedy::Bounds;
use super::{Bid, Optimizer, Step, Termination, commit};
use crate::constraint::Shape;
use crate::guarantee::{self, Claim, Guarantee, Mismatch};
use crate::{Ctl, Error, Halt, Item, Problem, Properties};

/// Greedy's picks, but that gains of kept items weigh `1 / (1 - tolerance)`: ties to the lowest index.
#[derive(Debug, Clone)]
pub struct WarmGreedy {
    /// Ascending.
    kept: Vec<Item>,
    tolerance: f64,
    lazy: bool,
    bounds: Bounds,
}

impl WarmGreedy {
    /// `kept` may name items that are no candidates. With a `tolerance` of 0 the picks are greedy's.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a tolerance outside `[0, 1)`.
    pub fn new(kept: &[Item], tolerance: f64) -> Result<Self, Error> {
        if !(0.0..1.0).contains(&tolerance) {
            let reason = format!("{tolerance} is not between 0 and 1 (1 excluded)");
            return Err(Error::Parameter { name: "tolerance", reason });
        }
        let mut kept = kept.to_vec();
        kept.sort_unstable();
        Ok(Self { kept, tolerance, lazy: false, bounds: Bounds::default() })
    }

    /// Whether stale gains are taken for upper bounds: for submodular objectives only.
    #[must_use]
    pub fn lazy(self, lazy: bool) -> Self {
        Self { lazy, ..self }
    }
}

/// What a gain of `e` counts for. It grows with the gain.
fn weighed(kept: &[Item], tolerance: f64, problem: &Problem, gain: f64, e: Item) -> f64 {
    // A gain that ends the run shall not end it before the others' do, and a loss is not made smaller.
    if gain > 0.0 && !problem.stops_at(gain) && kept.binary_search(&e).is_ok() {
        gain / (1.0 - tolerance)
    } else {
        gain
    }
}

/// Greedy's factors, where each pick gains at least a share of the best gain there is.
fn nearly_greedy(objective: &Properties, constraint: &Shape, share: f64) -> Guarantee {
    let factor = |factor, statement| Guarantee::Factor { factor, kind: guarantee::Kind::Always, statement };
    match guarantee::greedy_claim(objective, constraint).guarantee {
        Guarantee::Factor { .. } if objective.dispersion.is_some() => Guarantee::None {
            reason: "a kept item may be nearer than the farthest: only submodular objectives earn a warm start's factor",
        },
        // The i-th pick could have been one of the optimum's i best.
        Guarantee::Factor { factor: 1.0, .. } => factor(
            share,
            "f(S) >= (1 - tolerance) OPT: nearly greedy on a modular function over the bases of a matroid (after Rado \
             1957)",
        ),
        Guarantee::Factor { .. } if constraint.groups || constraint.partitions > 1 => {
            let matroids = constraint.partitions.max(1) as f64;
            factor(
                share / (matroids + share),
                "f(S) >= (1 - tolerance) / (p + 1 - tolerance) OPT for p partitions: nearly greedy over the intersection \
                 of matroids (Goundan, Schulz 2007)",
            )
        }
        Guarantee::Factor { .. } => factor(
            -(-share).exp_m1(),
            "f(S) >= (1 - exp(tolerance - 1)) OPT: each pick gains 1 - tolerance of the best at least (Goundan, Schulz \
             2007)",
        ),
        none @ Guarantee::None { .. } => none,
    }
}

impl Optimizer for WarmGreedy {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if constraint.knapsack {
            return Err(Mismatch(
                "a warm start is for k items, with or without quotas: leave the budget out",
            ));
        }
        if self.lazy && !objective.submodular {
            return Err(Mismatch(
                "lazy_greedy needs a submodular objective: elsewhere a stale gain is no upper bound. Use greedy",
            ));
        }
        let guarantee = nearly_greedy(objective, constraint, 1.0 - self.tolerance);
        Ok(Claim { guarantee, prefixes: guarantee::greedy_claim(objective, constraint).prefixes })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.feasible().done() {
            return Ok(Step::Done(Termination::BudgetReached));
        }
        let Self { kept, tolerance, .. } = self;
        let rank = |problem: &Problem, gain, e| weighed(kept, *tolerance, problem, gain, e);
        let best = if self.lazy {
            self.bounds.best(problem, rank, ctl)?
        } else {
            let ask = problem.candidates();
            let gains = problem.gains(&ask, ctl)?;
            let bids = gains.into_iter().zip(ask).map(|(gain, e)| Bid(rank(problem, gain, e), e));
            bids.max().map(|Bid(_, e)| e)
        };
        let bid = best.map(|e| Bid(problem.upper(e), e));
        Ok(commit(problem, bid))
    }
}
