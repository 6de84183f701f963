//! Exact search: branch and bound from greedy's answer (after Nemhauser, Wolsey 1981). Exponential: for small ground
//! sets.
//!
//! A node is a set S and the candidates it may still take, best gain first. Its i-th child takes the i-th candidate and
//! gives up those before it, so that every set is met once. Where f is submodular, no set below child i is worth more
//! than f(S) and the largest sum of gains that the rule allows among the candidates from i on: a child that cannot beat
//! the best answer so far ends its node. Elsewhere every feasible set is looked at. A step asks for one node's gains; as
//! many states are held as the answer has items.

use super::{Bid, Optimizer, Step, Termination, take_best};
use crate::constraint::Shape;
use crate::guarantee::{Claim, Guarantee, Kind, Mismatch};
use crate::problem::Saved;
use crate::{Chain, Ctl, Error, Feasible, Halt, Item, Problem, Properties};

/// Differences below this share of the value are rounding: they neither make an answer better nor a bound too large.
const ROUNDING: f64 = 1e-12;

/// The best feasible set. The picks are the best answer found so far, greedy's at first, so that a run that is stopped
/// has one; among equals the first that was found stays.
///
/// With `stop_when_gain_at_most` x, as with a budget or without k, a set may be of any size that keeps the lower bounds,
/// and every item must be worth x: f(S) - x |S| is maximised, which for 0 is f over at most k items.
///
/// Where a rule has no answer of k items that its books can foresee, sets that it lets grow no further are answers too,
/// worse than any of k items; nothing is cut off until one of those is found.
pub struct Exact {
    max_evaluations: u64,
    threshold: Option<f64>,
    spent: u64,
    phase: Phase,
    /// From the root to the node being looked at: the search's place is its next child.
    path: Vec<Node>,
    /// Greedy found no item that adds anything arithmetic can see.
    rank_exhausted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Greedy,
    Search,
    Over,
}

struct Node {
    /// Best gain first where f is submodular, by index elsewhere.
    candidates: Vec<Bid>,
    next: usize,
    /// Derived from the path, as is the rule.
    chain: Option<Chain>,
    /// Holds S, and has given up the candidates before `next`.
    rule: Option<Box<dyn Feasible>>,
}

impl Node {
    fn child(&self) -> Option<Bid> {
        self.candidates.get(self.next).copied()
    }

    /// Gives the next child up, if an answer without it remains.
    fn skip(&mut self, problem: &Problem, goal: &Goal) {
        let Some(Bid(_, e)) = self.child() else { return };
        self.next = match &mut self.rule {
            Some(rule) if goal.may_discard(problem, &**rule, e) => {
                rule.discard(e);
                self.next + 1
            }
            _ => self.candidates.len(),
        };
    }
}

/// What counts as an answer, and how much it is worth.
struct Goal {
    k: Option<usize>,
    /// Sets of other sizes than k are answers.
    any_size: bool,
    /// The rule's books do not foresee whether k items can be reached.
    blind: bool,
    price: f64,
    submodular: bool,
}

impl Goal {
    fn worth(&self, value: f64, size: usize) -> f64 {
        value - self.price * size as f64
    }

    /// A rule for k items would keep enough of them where fewer will do: also where no set of k may exist, until one is
    /// found.
    fn may_discard(&self, problem: &Problem, rule: &dyn Feasible, e: Item) -> bool {
        self.any_size || (self.blind && !self.reached(problem)) || rule.may_discard(e)
    }

    /// Whether the picks are a whole answer.
    fn reached(&self, problem: &Problem) -> bool {
        self.whole(problem, problem.feasible(), problem.picks().len(), None)
    }

    /// Whether the set of `rule` and `add` is a whole answer.
    fn whole(&self, problem: &Problem, rule: &dyn Feasible, size: usize, add: Option<Item>) -> bool {
        if self.any_size {
            // Each item at a cost of 1: the number that lower bounds still claim.
            let Some(e) = add else { return !rule.owes() };
            return !rule.owes() || rule.owed(&vec![1.0; problem.objective().len()]).after(e) == 0.0;
        }
        self.k == Some(size)
    }
}

impl Exact {
    /// What is left of the claim when a run ends with [`Termination::EvaluationLimit`].
    pub const UNPROVED: Guarantee =
        Guarantee::None { reason: "max_evaluations was reached before the answer was proved to be the best" };

    /// `max_evaluations`: gains that the search may compute, greedy's included, which are computed in any case;
    /// `stop_when_gain_at_most`: that of the problem.
    pub fn new(max_evaluations: u64, stop_when_gain_at_most: Option<f64>) -> Self {
        Self {
            max_evaluations,
            threshold: stop_when_gain_at_most,
            spent: 0,
            phase: Phase::Greedy,
            path: vec![],
            rank_exhausted: false,
        }
    }

    /// Gains that a run computes to choose `k` of `n` items where the objective is not submodular: greedy's, and those
    /// of every set of k items together with its beginnings, n + 1 over k. Included items are in neither number.
    /// Saturating.
    pub fn evaluations(n: usize, k: usize) -> u64 {
        let (all, picks) = (n as u128, k.min(n) as u128);
        let greedy = picks * (2 * all + 1 - picks) / 2;
        let mut sets: u128 = 1;
        for i in 1..=k.min((n + 1).saturating_sub(k)) as u128 {
            // Exact at every step: a product of i successive integers is a multiple of i!.
            sets = sets * (all + 2 - i) / i;
            if sets > u128::from(u64::MAX) {
                return u64::MAX;
            }
        }
        u64::try_from(greedy + sets - 1).unwrap_or(u64::MAX)
    }

    fn goal(&self, problem: &Problem) -> Goal {
        let shape = problem.constraint().shape();
        Goal {
            k: shape.k,
            any_size: self.threshold.is_some() || shape.knapsack || shape.k.is_none(),
            blind: shape.min_distance || shape.partitions > 1,
            price: self.threshold.unwrap_or(0.0),
            submodular: problem.objective().properties().submodular,
        }
    }

    /// Included items and what the first `depth` nodes of the path took, with gains.
    fn took(&self, problem: &Problem, depth: usize) -> Vec<(Item, f64)> {
        let included = problem.include().iter().copied().zip(problem.pick_gains().iter().copied());
        let children =
            self.path[..depth].iter().filter_map(|node| node.child().map(|Bid(gain, e)| (e, gain)));
        included.chain(children).collect()
    }

    /// The rule's books at the node `depth` nodes below the root.
    fn rule(&self, problem: &Problem, depth: usize) -> Result<Box<dyn Feasible>, Error> {
        let mut rule = problem.constraint().start(problem.allowed())?;
        problem.include().iter().for_each(|&e| rule.add(e));
        for (at, node) in self.path.iter().take(depth + 1).enumerate() {
            node.candidates[..node.next].iter().for_each(|&Bid(_, e)| rule.discard(e));
            if at < depth
                && let Some(Bid(_, e)) = node.child()
            {
                rule.add(e);
            }
        }
        Ok(rule)
    }

    fn climb(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.feasible().done() {
            self.phase = Phase::Search;
            return Ok(Step::More);
        }
        let ask = problem.candidates();
        let step = take_best(problem, &ask, ctl)?;
        self.spent += ask.len() as u64;
        if let Step::Done(why) = step {
            self.rank_exhausted = why == Termination::NumericalRank;
            self.phase = Phase::Search;
        }
        Ok(Step::More)
    }

    /// Asks for the gains at the next node, then goes on to the one after it.
    fn expand(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        let (goal, depth) = (self.goal(problem), self.path.len());
        let rule = self.rule(problem, depth)?;
        let mut ask: Vec<Item> = match self.path.last() {
            Some(parent) if goal.submodular => {
                parent.candidates[parent.next + 1..].iter().map(|&Bid(_, e)| e).collect()
            }
            Some(parent) => {
                let last = parent.child().map(|Bid(_, e)| e);
                let after = |&e: &Item| Some(e) > last && !problem.include().contains(&e);
                problem.allowed().iter().copied().filter(after).collect()
            }
            None => problem.allowed().iter().copied().filter(|e| !problem.include().contains(e)).collect(),
        };
        ask.retain(|&e| rule.may_add(e));
        ask.sort_unstable();
        if !goal.submodular {
            // In a fixed order: a candidate behind one that may not be given up is never a child.
            let mut ahead = self.rule(problem, depth)?;
            let last = ask.iter().position(|&e| {
                let may = goal.may_discard(problem, &*ahead, e);
                if may {
                    ahead.discard(e);
                }
                !may
            });
            ask.truncate(last.map_or(ask.len(), |last| last + 1));
        }
        if self.spent.saturating_add(ask.len() as u64) > self.max_evaluations {
            return Ok(Step::Done(Termination::EvaluationLimit));
        }
        let took = self.took(problem, depth);
        let mut chain = match (self.path.last().and_then(|parent| parent.chain.as_ref()), took.last()) {
            (Some(chain), Some(&(e, _))) => {
                let mut chain = chain.fork();
                chain.push(e);
                chain
            }
            _ => {
                let items: Vec<Item> = took.iter().map(|&(e, _)| e).collect();
                Chain::new(problem.objective(), &items)
            }
        };
        let gains = chain.gains(&ask, ctl)?;
        self.spent += ask.len() as u64;
        let mut candidates: Vec<Bid> = gains.into_iter().zip(ask).map(|(gain, e)| Bid(gain, e)).collect();
        candidates.retain(|bid| bid.0 > f64::NEG_INFINITY);
        if goal.submodular {
            candidates.sort_unstable_by(|a, b| b.cmp(a));
        }
        if goal.any_size || candidates.is_empty() {
            let whole = goal.whole(problem, &*rule, took.len(), None);
            // An item that was given up may be added to it: not a set that can grow no further.
            let grows = goal.blind && grows(problem, &*rule, &took);
            if whole || !(goal.any_size || grows) {
                offer(problem, &goal, took, whole)?;
            }
        }
        self.path.push(Node { candidates, next: 0, chain: Some(chain), rule: Some(rule) });
        self.walk_on(problem, &goal)?;
        Ok(Step::More)
    }

    /// Up to the next node whose gains must be asked, or to the end. Children of k items are answers: nothing is asked
    /// for them.
    fn walk_on(&mut self, problem: &mut Problem, goal: &Goal) -> Result<(), Error> {
        for depth in 0..self.path.len() {
            if self.path[depth].rule.is_none() {
                self.path[depth].rule = Some(self.rule(problem, depth)?);
            }
        }
        while let Some(node) = self.path.last() {
            let child = node.child().filter(|_| !self.hopeless(problem, goal, node));
            let size = problem.include().len() + self.path.len();
            if child.is_some() && goal.k != Some(size) {
                return Ok(());
            }
            let Some(Bid(gain, e)) = child else {
                self.leave(problem, goal);
                continue;
            };
            let mut took = self.took(problem, self.path.len() - 1);
            if goal.any_size {
                took.push((e, gain));
                let whole =
                    node.rule.as_ref().is_some_and(|rule| goal.whole(problem, &**rule, size, Some(e)));
                if whole {
                    offer(problem, goal, took, true)?;
                }
                if let Some(node) = self.path.last_mut() {
                    node.skip(problem, goal);
                }
            } else {
                took.extend(node.candidates[node.next..].iter().max().map(|&Bid(gain, e)| (e, gain)));
                offer(problem, goal, took, true)?;
                self.leave(problem, goal);
            }
        }
        self.phase = Phase::Over;
        Ok(())
    }

    fn leave(&mut self, problem: &Problem, goal: &Goal) {
        self.path.pop();
        if let Some(parent) = self.path.last_mut() {
            parent.skip(problem, goal);
        }
    }

    /// Whether no child of the last node, from its next on, can lead to a better answer than the picks.
    fn hopeless(&self, problem: &Problem, goal: &Goal, node: &Node) -> bool {
        if !goal.submodular || !goal.reached(problem) {
            return false;
        }
        let took = self.took(problem, self.path.len() - 1);
        let best = goal.worth(problem.value(), problem.picks().len());
        let items: Vec<Item> = took.iter().map(|&(e, _)| e).collect();
        let candidates = node.candidates[node.next..].iter().map(|&Bid(gain, e)| (gain - goal.price, e));
        let mut gains: Vec<(f64, Item)> = if goal.any_size {
            // Whatever is not worth its price, or was given up, adds nothing and lets the rule see enough items.
            let mut worth = vec![0.0_f64; problem.objective().len()];
            candidates.for_each(|(gain, e)| worth[e as usize] = gain.max(0.0));
            let others = problem.allowed().iter().filter(|e| !items.contains(e));
            others.map(|&e| (worth[e as usize], e)).collect()
        } else {
            candidates.collect()
        };
        let most = worth(problem, goal, &took) + problem.constraint().bound(&items, &mut gains);
        most <= best + ROUNDING * best.abs()
    }
}

fn worth(problem: &Problem, goal: &Goal, took: &[(Item, f64)]) -> f64 {
    let value = problem.empty_value() + took.iter().map(|&(_, gain)| gain).sum::<f64>();
    goal.worth(value, took.len())
}

/// Whether the rule, which holds `took`, lets any other item join.
fn grows(problem: &Problem, rule: &dyn Feasible, took: &[(Item, f64)]) -> bool {
    let others = problem.allowed().iter().filter(|&&e| took.iter().all(|&(taken, _)| taken != e));
    others.copied().any(|e| rule.may_add(e))
}

/// Keeps `took` if it is better than the picks; whole answers are better than others.
fn offer(problem: &mut Problem, goal: &Goal, took: Vec<(Item, f64)>, whole: bool) -> Result<(), Error> {
    let known = goal.reached(problem);
    let best = goal.worth(problem.value(), problem.picks().len());
    let better = worth(problem, goal, &took) > best + ROUNDING * best.abs();
    if (whole && !known) || (whole == known && better) {
        problem.replace(&took)?;
    }
    Ok(())
}

impl Optimizer for Exact {
    fn claim(&self, _objective: &Properties, _constraint: &Shape) -> Result<Claim, Mismatch> {
        let guarantee = match self.threshold {
            None | Some(0.0) => Guarantee::Factor {
                factor: 1.0,
                kind: Kind::Always,
                statement: "f(S) = OPT up to rounding, when the search ends before max_evaluations",
            },
            Some(_) => Guarantee::None {
                reason: "stop_when_gain_at_most is a price on each item: what is best then is not the value",
            },
        };
        Ok(Claim { guarantee, prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        match self.phase {
            Phase::Greedy => self.climb(problem, ctl),
            Phase::Search => self.expand(problem, ctl),
            Phase::Over => {
                if matches!(self.threshold, None | Some(0.0)) {
                    problem.prove();
                }
                Ok(Step::Done(match self.threshold {
                    _ if problem.feasible().done() => Termination::BudgetReached,
                    _ if self.rank_exhausted => Termination::NumericalRank,
                    Some(_) => Termination::GainAtMost,
                    None => Termination::NoCandidateLeft,
                }))
            }
        }
    }

    fn save(&self, into: &mut Saved) {
        into.numbers =
            vec![f64::from(self.phase as u8), f64::from(u8::from(self.rank_exhausted)), self.spent as f64];
        for node in &self.path {
            into.numbers.push(node.next as f64);
            into.numbers.extend(node.candidates.iter().map(|bid| bid.0));
            into.sets.push(node.candidates.iter().map(|bid| bid.1).collect());
        }
    }

    fn load(&mut self, from: &Saved) {
        let [phase, rank_exhausted, spent, nodes @ ..] = &from.numbers[..] else { return };
        self.phase = match phase {
            0.0 => Phase::Greedy,
            1.0 => Phase::Search,
            _ => Phase::Over,
        };
        (self.rank_exhausted, self.spent) = (*rank_exhausted != 0.0, *spent as u64);
        let mut numbers = nodes.iter().copied();
        self.path.clear();
        for set in &from.sets {
            let next = numbers.next().unwrap_or(0.0) as usize;
            let candidates = set.iter().map(|&e| Bid(numbers.next().unwrap_or(f64::NAN), e)).collect();
            self.path.push(Node { candidates, next, chain: None, rule: None });
        }
    }

    /// Gains computed of those allowed: how large the tree is shows only at its end.
    fn progress(&self, _problem: &Problem) -> (u64, u64) {
        (self.spent, self.max_evaluations)
    }
}
