//! Searches. Each file is one; this one holds the trait, and what they share: the order of bids.

mod adaptive_sequencing;
mod bidirectional_greedy;
mod double_greedy;
mod exact;
mod gist;
mod greedy;
mod knapsack_greedy;
mod lazy_greedy;
mod nested;
mod partitioned_greedy;
mod parts;
mod per_part;
mod random_greedy;
mod sieve_streaming;
mod stochastic_greedy;
mod stream;
mod three_sieves;
mod threshold_greedy;
mod warm_greedy;

pub use adaptive_sequencing::AdaptiveSequencing;
pub use bidirectional_greedy::BidirectionalGreedy;
pub use double_greedy::DoubleGreedy;
pub use exact::Exact;
pub use gist::Gist;
pub use greedy::Greedy;
pub use knapsack_greedy::KnapsackGreedy;
pub use lazy_greedy::LazyGreedy;
pub use partitioned_greedy::{Inner, PartitionedGreedy};
pub use parts::Parts;
pub use per_part::{PartFunction, PerPart, Ranked, together};
pub use random_greedy::RandomGreedy;
pub use sieve_streaming::SieveStreaming;
pub use stochastic_greedy::StochasticGreedy;
pub use three_sieves::ThreeSieves;
pub use threshold_greedy::ThresholdGreedy;
pub use warm_greedy::WarmGreedy;

use crate::constraint::Shape;
use crate::guarantee::{Claim, Mismatch};
use crate::problem::{Problem, Saved};
use crate::{Ctl, Error, Halt, Item, Properties};
use std::cmp::Ordering;

/// Why a search ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    /// k items were chosen, or nothing more fits the budget.
    BudgetReached,
    /// Nothing is left that may be added.
    NoCandidateLeft,
    /// The next gain was at most the given threshold, or negative where a budget lets a search end at any size.
    GainAtMost,
    /// Every item has its place.
    AllRanked,
    /// No item is left that adds anything arithmetic can see: every gain is minus infinity.
    NumericalRank,
    /// The search may evaluate no more.
    EvaluationLimit,
}

impl Termination {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Termination::BudgetReached => "budget_reached",
            Termination::NoCandidateLeft => "no_candidate_left",
            Termination::GainAtMost => "gain_at_most",
            Termination::AllRanked => "all_ranked",
            Termination::NumericalRank => "numerical_rank",
            Termination::EvaluationLimit => "evaluation_limit",
        }
    }
}

/// Terminations by their number in [`Saved`].
const TERMINATIONS: [Termination; 6] = [
    Termination::BudgetReached,
    Termination::NoCandidateLeft,
    Termination::GainAtMost,
    Termination::AllRanked,
    Termination::NumericalRank,
    Termination::EvaluationLimit,
];

impl Termination {
    fn number(self) -> f64 {
        TERMINATIONS.iter().take_while(|&&termination| termination != self).count() as f64
    }

    fn numbered(number: f64) -> Option<Self> {
        TERMINATIONS.get(number as usize).copied()
    }
}

/// Whether there is more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Call again.
    More,
    /// The search is over, and stays so.
    Done(Termination),
}

/// What the certificate may rest on once the search is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastLook {
    /// Every gain, computed once more at the answer.
    Sweep,
    /// Gains that the search has seen: one that passes once over its items does not pass again.
    Seen,
    /// Nothing: a bound on f would be taken for one on what was maximised.
    Nothing,
}

/// One restartable step at a time.
///
/// Law of [`step`](Self::step): ask, then commit. After `Err` only [`save`](Self::save) and [`answer`](Self::answer)
/// are called, so what they read is written after the last `?`. After `Done` it stays `Done`.
pub trait Optimizer: Send {
    /// What is earned on this objective and constraint.
    ///
    /// # Errors
    /// [`Mismatch`] where the search has no meaning.
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch>;
    /// Asks for gains, then takes or discards.
    ///
    /// # Errors
    /// [`Halt`]; nothing has changed then.
    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt>;
    /// Only what [`Problem`] does not hold and nothing derives.
    fn save(&self, into: &mut Saved) {
        let _ = into;
    }
    /// Infallible: no evaluation before the next step asks.
    fn load(&mut self, from: &Saved) {
        let _ = from;
    }
    /// The answer in its own order.
    fn answer(&self, problem: &Problem) -> Vec<Item> {
        problem.picks().to_vec()
    }
    /// Whether an answer that goes beyond the picks is worth evaluations for its gains alone. Where not, they are NaN.
    fn wants_tail_gains(&self) -> bool {
        true
    }
    /// What the certificate rests on.
    fn last_look(&self) -> LastLook {
        LastLook::Sweep
    }
    /// The value that was maximised, once it is known and where it is not f alone.
    fn optimized(&self) -> Option<f64> {
        None
    }
    /// What each part chose, where parts that are not merged are the answer; those that are done, until all are. The run
    /// then reports their gains, and computes none again.
    fn parts(&self) -> Option<&[Ranked]> {
        None
    }
    /// Done, total; by default picks of k.
    fn progress(&self, problem: &Problem) -> (u64, u64) {
        let total = problem.constraint().shape().k.unwrap_or(problem.allowed().len());
        (problem.picks().len() as u64, total as u64)
    }
}

/// A gain and its item: larger gain first, ties to the lowest index.
#[derive(Clone, Copy, Debug)]
struct Bid(f64, Item);

impl Ord for Bid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}
impl PartialOrd for Bid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Bid {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Bid {}

/// Steps of a geometric search, whose number grows with `1 / epsilon`.
fn check_epsilon(epsilon: f64) -> Result<f64, Error> {
    if (0.001..1.0).contains(&epsilon) {
        return Ok(epsilon);
    }
    let reason = format!("{epsilon} is not between 0.001 and 1 (1 excluded)");
    Err(Error::Parameter { name: "epsilon", reason })
}

fn best(items: &[Item], gains: &[f64]) -> Option<Bid> {
    items.iter().zip(gains).map(|(&e, &gain)| Bid(gain, e)).max()
}

/// Computes every gain of `ask` and takes the best.
fn take_best(problem: &mut Problem, ask: &[Item], ctl: &Ctl) -> Result<Step, Halt> {
    let gains = problem.gains(ask, ctl)?;
    Ok(commit(problem, best(ask, &gains)))
}

fn commit(problem: &mut Problem, bid: Option<Bid>) -> Step {
    match bid {
        None => Step::Done(Termination::NoCandidateLeft),
        Some(Bid(f64::NEG_INFINITY, _)) => Step::Done(Termination::NumericalRank),
        Some(Bid(gain, _)) if problem.stops_at(gain) => Step::Done(Termination::GainAtMost),
        Some(Bid(gain, e)) => {
            problem.take(e, gain);
            Step::More
        }
    }
}

/// What is accepted to be lost against a factor.
fn epsilon(value: f64) -> Result<f64, Error> {
    if value > 0.0 && value < 1.0 {
        return Ok(value);
    }
    let reason = format!("{value} is not between 0 and 1 (both excluded)");
    Err(Error::Parameter { name: "epsilon", reason })
}
