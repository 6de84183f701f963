//! Double greedy (Buchbinder, Feldman, Naor, Schwartz 2012): any number of items, for functions whose gains may be
//! negative. X grows from nothing, Y shrinks from everything, and where they meet is the answer. 2 n evaluations.
//!
//! What an item takes from Y is what it adds to Y without it: to X and the items still to come. No function need shrink
//! for that. The items to come are halved again and again, and the state of X and the later half kept at each halving,
//! so that every item joins log n states in all, instead of n; log n states are held at once. Y is derived from picks and
//! discards.

use super::{Optimizer, Step, Termination};
use crate::constraint::Shape;
use crate::guarantee::{Claim, Guarantee, Kind, Mismatch};
use crate::{Chain, Ctl, Halt, Item, Problem, Properties, both, sampling};

/// Items in the order of indices: taken where a = f(X + e) - f(X) is at least b = f(Y - e) - f(Y), given up otherwise;
/// or taken with probability a+ / (a+ + b+), and where both are 0. Included items are in X from the start, excluded ones
/// never in Y. An item whose gain a is at most the problem's threshold is given up.
pub struct DoubleGreedy {
    randomised: bool,
    /// Items to decide on, ascending.
    order: Vec<Item>,
    spans: Vec<Span>,
}

/// The items `from..to` of the order are all that this chain lacks of Y as it was before `from`: it holds X of then, and
/// everything from `to` on.
struct Span {
    from: usize,
    to: usize,
    chain: Chain,
}

impl DoubleGreedy {
    /// `randomised`: 1/2 on average instead of 1/3 always.
    pub fn new(randomised: bool) -> Self {
        Self { randomised, order: vec![], spans: vec![] }
    }

    /// Halves down to the one item `at`, whose span is the last then.
    fn descend(&mut self, problem: &Problem, at: usize, ctl: &Ctl) -> Result<(), Halt> {
        self.spans.retain(|span| at < span.to);
        if self.spans.is_empty() {
            let chain = Chain::new(problem.objective(), problem.include());
            self.spans.push(Span { from: 0, to: self.order.len(), chain });
        }
        let asks = problem.objective().properties().asks;
        let picks = &problem.picks()[problem.include().len()..];
        while let Some(Span { from, to, chain }) = self.spans.last_mut() {
            if *to - *from <= 1 {
                break;
            }
            if !asks {
                chain.value(ctl)?; // its halves need not catch up with the same items again
            }
            let (middle, mut chain) = ((*from + *to) / 2, chain.fork());
            let half = if at < middle {
                self.order[middle..*to].iter().for_each(|&e| chain.push(e));
                Span { from: *from, to: middle, chain }
            } else {
                let (first, end) = (self.order[*from], self.order[middle]);
                picks.iter().filter(|&&e| first <= e && e < end).for_each(|&e| chain.push(e));
                Span { from: middle, to: *to, chain }
            };
            self.spans.push(half);
        }
        Ok(())
    }
}

fn decided(problem: &Problem) -> usize {
    problem.picks().len().saturating_sub(problem.include().len()) + problem.discarded().len()
}

impl Optimizer for DoubleGreedy {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if constraint.k.is_some() || constraint.groups || constraint.knapsack || !constraint.matroid {
            return Err(Mismatch(
                "double_greedy chooses the size itself: it takes neither k nor any other rule",
            ));
        }
        let guarantee = match (objective.submodular, objective.nonnegative) {
            (false, _) => Guarantee::None { reason: "the objective is not submodular" },
            (_, false) => Guarantee::None { reason: "the objective may be negative" },
            _ if self.randomised => Guarantee::Factor {
                factor: 0.5,
                kind: Kind::Expected,
                statement: "E f(S) >= 1/2 OPT over sets of any size (Buchbinder, Feldman, Naor, Schwartz 2012)",
            },
            _ => Guarantee::Factor {
                factor: 1.0 / 3.0,
                kind: Kind::Always,
                statement: "f(S) >= 1/3 OPT over sets of any size (Buchbinder, Feldman, Naor, Schwartz 2012)",
            },
        };
        Ok(Claim { guarantee, prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if self.order.is_empty() {
            let mut included = problem.include().to_vec();
            included.sort_unstable();
            self.order = problem.allowed().to_vec();
            self.order.retain(|e| included.binary_search(e).is_err());
        }
        let Some(&e) = self.order.get(decided(problem)) else {
            return Ok(Step::Done(Termination::NoCandidateLeft));
        };
        self.descend(problem, decided(problem), ctl)?;
        let mut below = Ok(vec![]);
        if let Some(span) = self.spans.last_mut() {
            below = span.chain.gains(&[e], ctl);
        }
        let (above, below) = both(problem.gains(&[e], ctl), below)?;
        let (gain, a, b) = (above[0], above[0].max(0.0), (-below[0]).max(0.0));
        let take = match self.randomised {
            false => gain >= -below[0],
            true => a + b == 0.0 || sampling::unit(&mut problem.draw()) < a / (a + b),
        };
        if take && !problem.stops_at(gain) {
            problem.take(e, gain);
        } else {
            problem.discard(e);
        }
        Ok(Step::More)
    }

    fn progress(&self, problem: &Problem) -> (u64, u64) {
        let all = problem.allowed().len() - problem.include().len();
        (decided(problem) as u64, all as u64)
    }
}
