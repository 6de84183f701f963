//! Adaptive sequencing (Balkanski, Rubinstein, Singer 2019; Breuer, Balkanski, Singer 2020): few rounds of many
//! questions, for functions that are asked in rounds.
//!
//! Of the items whose gain reaches a threshold, shuffled, the longest prefix is taken after which nearly all the others
//! still reach it; then the items are looked at again, and the threshold falls when none is left.

use super::threshold_greedy::{Level, descending};
use super::{LazyGreedy, Optimizer, Step, Termination, best};
use crate::constraint::Shape;
use crate::guarantee::{Claim, Mismatch};
use crate::problem::Saved;
use crate::{Ctl, Error, Halt, Item, Problem, Properties, both, sampling};

/// Prefixes of 1, 2, 4, ... items are tried; one holds while at least 1 - epsilon of the items after it reach the
/// threshold. Of the last that holds and its next item, those are taken that reached the threshold at their turn: the
/// papers take all and bound the loss on average; without the others every pick keeps the promise of threshold greedy,
/// and so does the whole. What is missing to k at the end is filled up by greedy's picks.
#[derive(Debug, Clone)]
pub struct AdaptiveSequencing {
    epsilon: f64,
    level: Option<Level>,
    fill: LazyGreedy,
}

impl AdaptiveSequencing {
    /// `epsilon`: the loss against 1 - 1/e that is accepted, in (0, 1).
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(epsilon: f64) -> Result<Self, Error> {
        Ok(Self { epsilon: super::check_epsilon(epsilon)?, level: None, fill: LazyGreedy::default() })
    }

    /// The gain of each item of the prefix to take, at its turn. `order[..length]` is the sequence, all of `order`
    /// reaches the threshold now, `first` is the gain of its first item.
    fn prefix(
        &self,
        problem: &Problem,
        level: &Level,
        (order, length, first): (&[Item], usize, f64),
        ctl: &Ctl,
    ) -> Result<Vec<f64>, Halt> {
        let holds = |gains: &[f64]| {
            let reached = gains.iter().filter(|&&gain| level.reached(problem, gain)).count();
            reached as f64 >= (1.0 - self.epsilon) * gains.len() as f64
        };
        // One round is what an outside model is asked for; a function of this process is better asked one by one.
        let at_once = problem.objective().properties().asks;
        let mut chain = problem.fork();
        let mut rounds: Result<Vec<Vec<f64>>, Halt> = Ok(vec![]);
        for i in 1..length {
            chain.push(order[i - 1]);
            let ask = if i.is_power_of_two() { &order[i..] } else { &order[i..=i] };
            rounds = both(rounds, chain.gains(ask, ctl)).map(|(mut rounds, gains)| {
                rounds.push(gains);
                rounds
            });
            if !at_once {
                let known = rounds?;
                let over = i.is_power_of_two() && known.last().is_some_and(|gains| !holds(gains));
                rounds = Ok(known);
                if over {
                    break;
                }
            }
        }
        let rounds = rounds?;
        let over = (1..=rounds.len()).find(|&i| i.is_power_of_two() && !holds(&rounds[i - 1]));
        let take = over.map_or(length, |i| i / 2 + 1);
        Ok(std::iter::once(first).chain(rounds.iter().map(|gains| gains[0])).take(take).collect())
    }
}

/// As much of `pool`, shuffled, as the rule lets in beside the picks.
fn sequence(problem: &Problem, pool: &[Item]) -> Result<Vec<Item>, Error> {
    let mut rule = problem.constraint().start(problem.allowed())?;
    problem.picks().iter().for_each(|&e| rule.add(e));
    let mut shuffled = pool.to_vec();
    sampling::shuffle(&mut shuffled, &mut problem.draw());
    shuffled.retain(|&e| {
        let may = rule.may_add(e);
        if may {
            rule.add(e);
        }
        may
    });
    Ok(shuffled)
}

impl Optimizer for AdaptiveSequencing {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if !objective.submodular {
            return Err(Mismatch(
                "adaptive_sequencing needs a submodular objective: elsewhere a gain below the threshold may rise \
                 again. Use greedy",
            ));
        }
        // A sequence is no longer than what is missing to k.
        Ok(Claim { guarantee: descending(objective, constraint, self.epsilon), prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.feasible().done() {
            return Ok(Step::Done(Termination::BudgetReached));
        }
        let open = problem.candidates();
        let Some(mut level) = self.level else {
            let gains = problem.gains(&open, ctl)?;
            let Some(top) = best(&open, &gains) else {
                return Ok(Step::Done(Termination::NoCandidateLeft));
            };
            self.level = Some(Level::top(top.0, self.epsilon, open.len()));
            return Ok(Step::More);
        };
        if level.passed() {
            return self.fill.step(problem, ctl);
        }
        let f = problem.objective().properties();
        let mut pool: Vec<Item> = vec![];
        let mut all_at_once = f.asks;
        loop {
            let reach = |level: &Level, e: Item| level.within_reach(problem, problem.upper(e), f.slack);
            while !level.passed() && !open.iter().any(|&e| reach(&level, e)) {
                level.threshold *= 1.0 - self.epsilon;
            }
            if level.passed() {
                break;
            }
            // One round for every gain, so that an outside model is not asked again for each level.
            let all = std::mem::take(&mut all_at_once);
            let ask: Vec<Item> = open.iter().copied().filter(|&e| all || reach(&level, e)).collect();
            let gains = problem.gains(&ask, ctl)?;
            let reached = ask.iter().zip(&gains).filter(|&(_, &gain)| level.reached(problem, gain));
            pool.extend(reached.map(|(&e, _)| e));
            if !pool.is_empty() {
                break;
            }
            level.threshold *= 1.0 - self.epsilon;
        }
        let mut order = sequence(problem, &pool)?;
        let mut took: Vec<(Item, f64)> = vec![];
        if let Some(&first) = order.first() {
            let length = order.len();
            let (first, mut sorted) = (problem.upper(first), order.clone());
            sorted.sort_unstable();
            order.extend(pool.into_iter().filter(|e| sorted.binary_search(e).is_err()));
            let turns = self.prefix(problem, &level, (&order, length, first), ctl)?;
            took = order
                .into_iter()
                .zip(turns.iter().copied())
                .filter(|&(_, gain)| level.reached(problem, gain))
                .collect();
            if took.len() < turns.len() {
                // Without the others gains are larger still.
                let items: Vec<Item> = took.iter().map(|&(e, _)| e).collect();
                let gains = problem.fork().walk(&items, ctl)?;
                took = items.into_iter().zip(gains).collect();
            }
        }
        self.level = Some(level);
        took.into_iter().for_each(|(e, gain)| problem.take(e, gain));
        Ok(Step::More)
    }

    fn save(&self, into: &mut Saved) {
        if let Some(Level { threshold, floor }) = self.level {
            into.numbers = vec![threshold, floor];
        }
    }

    fn load(&mut self, from: &Saved) {
        if let [threshold, floor] = from.numbers[..] {
            self.level = Some(Level { threshold, floor });
        }
    }
}
