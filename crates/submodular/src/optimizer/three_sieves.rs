//! ThreeSieves (Buschjaeger et al. 2021): one pass over the items in index order, one answer, one guess at the optimum.
//!
//! With v the guess, an item joins when its gain is at least `(v/2 - f(S)) / (k - |S|)`. Guesses are the powers of
//! 1 + epsilon between D, the best single item so far, and k D: the largest first, the next lower one after so many
//! rejections in a row. At most two gains an item are needed, and two states of the objective.

use super::stream::{Block, TopUp, check, next_block, places, rungs};
use super::{LastLook, Optimizer, Step, check_epsilon};
use crate::constraint::Shape;
use crate::guarantee::{Claim, Guarantee, Mismatch};
use crate::{Chain, Ctl, Error, Halt, Problem, Properties, Saved};

/// One pass with one threshold, filled up to k from a reservoir if wished. Without, the answer may be shorter.
pub struct ThreeSieves {
    epsilon: f64,
    rejections: u64,
    top_up: bool,
    pass: Pass,
    /// At the included items, and at the picks.
    chains: Option<(Chain, Chain)>,
    after: Option<TopUp>,
}

/// What is saved of the pass.
#[derive(Clone, Copy, Default)]
struct Pass {
    /// Positions of the stream that are behind.
    seen: usize,
    /// The largest gain of a single item: D.
    largest: f64,
    /// The guess is `(1 + epsilon)^rung`.
    rung: i32,
    /// The largest guess so far.
    top: Option<i32>,
    /// Rejections in a row.
    rejected: u64,
}

impl ThreeSieves {
    /// `epsilon`: the step from one guess to the next, in [0.001, 1). `rejections`: how many in a row lower the guess.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(epsilon: f64, rejections: u64) -> Result<Self, Error> {
        let epsilon = check_epsilon(epsilon)?;
        if rejections == 0 {
            let reason = "0 is too small: at least 1".to_owned();
            return Err(Error::Parameter { name: "rejections", reason });
        }
        Ok(Self { epsilon, rejections, top_up: true, pass: Pass::default(), chains: None, after: None })
    }

    /// Whether an answer of fewer than k items is filled up from a uniform sample of the stream: it is by default.
    #[must_use]
    pub fn top_up(mut self, yes: bool) -> Self {
        self.top_up = yes;
        self
    }

    /// The pass over one block.
    fn sift(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<(), Halt> {
        let mut pass = self.pass;
        let (items, positions) = next_block(problem, pass.seen);
        let (mut alone, mut chain) = self.chains.take().unwrap_or_else(|| {
            let f = problem.objective();
            (Chain::new(f, problem.include()), Chain::new(f, problem.picks()))
        });
        if problem.empty_value().is_nan() {
            problem.gains(&[], ctl)?;
        }
        let singles = alone.gains(&items, ctl)?;
        let k = places(problem);
        let mut size = problem.picks().len() - problem.include().len();
        let mut value: f64 = problem.pick_gains()[problem.include().len()..].iter().sum();
        let mut block = Block::new(&items, &singles, size == 0, problem.objective().properties().slack);
        let mut took = vec![];
        for (at, &e) in items.iter().enumerate() {
            if size == k {
                break;
            }
            if singles[at] > pass.largest {
                pass.largest = singles[at];
                // A larger item than any before it raises the largest guess: the descent begins again from there.
                let top = rungs(self.epsilon, pass.largest, k as f64 * pass.largest).last();
                if top > pass.top {
                    (pass.rung, pass.top, pass.rejected) = (top.unwrap_or_default(), top, 0);
                }
            }
            let guess = (1.0 + self.epsilon).powi(pass.rung);
            let threshold = (guess / 2.0 - value) / (k - size) as f64;
            let gain = block.gain(at, threshold, &mut chain, ctl)?;
            if pass.top.is_some() && gain >= threshold && !problem.stops_at(gain) {
                chain.push(e);
                took.push((e, gain));
                block.grown();
                (size, value, pass.rejected) = (size + 1, value + gain, 0);
            } else {
                pass.rejected += 1;
                let lower = (1.0 + self.epsilon).powi(pass.rung - 1);
                if pass.rejected >= self.rejections && lower >= pass.largest {
                    (pass.rung, pass.rejected) = (pass.rung - 1, 0);
                }
            }
        }
        for (e, bound) in block.bounds() {
            problem.lower(e, bound);
        }
        for (e, gain) in took {
            problem.take(e, gain);
        }
        pass.seen += positions;
        (self.pass, self.chains) = (pass, Some((alone, chain)));
        Ok(())
    }
}

impl Optimizer for ThreeSieves {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        check(objective, constraint)?;
        let reason = "three_sieves earns its factor with a probability, and only where items come as independent \
                      draws from one distribution: items in index order need not";
        // The guesses depend on k.
        Ok(Claim { guarantee: Guarantee::None { reason }, prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if let Some(top_up) = &mut self.after {
            return top_up.step(problem, ctl);
        }
        if self.pass.seen < problem.allowed().len() && !problem.feasible().done() {
            self.sift(problem, ctl)?;
        } else {
            self.after = Some(if self.top_up { TopUp::draw(problem) } else { TopUp::new(vec![]) });
            self.chains = None;
        }
        Ok(Step::More)
    }

    fn save(&self, into: &mut Saved) {
        match &self.after {
            Some(top_up) => into.sets = vec![top_up.pool().to_vec()],
            None => {
                let Pass { seen, largest, rung, top, rejected } = self.pass;
                into.numbers = vec![seen as f64, largest, f64::from(rung), rejected as f64];
                into.numbers.extend(top.map(f64::from));
            }
        }
    }

    fn load(&mut self, from: &Saved) {
        match (&from.numbers[..], &from.sets[..]) {
            ([], [pool]) => self.after = Some(TopUp::new(pool.clone())),
            (&[seen, largest, rung, rejected, ref top @ ..], _) => {
                self.pass = Pass {
                    seen: seen as usize,
                    largest,
                    rung: rung as i32,
                    top: top.first().map(|&top| top as i32),
                    rejected: rejected as u64,
                };
            }
            _ => {}
        }
    }

    fn last_look(&self) -> LastLook {
        LastLook::Seen
    }

    fn progress(&self, problem: &Problem) -> (u64, u64) {
        let total = problem.allowed().len();
        (if self.after.is_some() { total } else { self.pass.seen } as u64, total as u64)
    }
}
