//! Sieve-Streaming++ (Kazemi et al. 2019): one pass over the items in index order, a sieve for each guess at the optimum.
//!
//! A sieve of threshold t takes an item whose gain is at least t, until it is full. Thresholds are the powers of
//! 1 + epsilon between `max(D, L) / 2k` and D, the best single item so far; L is the best value of a sieve so far.
//! At most `1 + ln(2k) / ln(1 + epsilon)` sieves, each with a state of the objective; at most one gain an item and sieve
//! is needed, and most are not asked.

use super::stream::{Block, TopUp, check, next_block, places, rungs};
use super::{LastLook, Optimizer, Step, check_epsilon};
use crate::certificate::Basis;
use crate::constraint::Shape;
use crate::guarantee::{Claim, Guarantee, Kind, Mismatch, disqualified};
use crate::{Chain, Ctl, Error, Halt, Item, Problem, Properties, Saved};

/// The best sieve of one pass, filled up to k from a reservoir if wished. Without, the answer may be far shorter.
pub struct SieveStreaming {
    epsilon: f64,
    top_up: bool,
    pass: Pass,
    sieves: Option<Vec<Sieve>>,
    after: Option<TopUp>,
}

/// What is saved of the pass.
#[derive(Clone, Default)]
struct Pass {
    /// Positions of the stream that are behind.
    seen: usize,
    /// The largest gain of a single item: D.
    largest: f64,
    /// The best sieve of those that were dropped.
    dropped: Sifted,
    /// The sieves, thresholds ascending.
    kept: Vec<Sifted>,
}

/// What a sieve took.
#[derive(Clone, Default)]
struct Sifted {
    rung: i32,
    items: Vec<Item>,
    gains: Vec<f64>,
}

impl Sifted {
    fn value(&self) -> f64 {
        self.gains.iter().sum()
    }
}

/// A sieve at work.
struct Sieve {
    sifted: Sifted,
    threshold: f64,
    chain: Chain,
}

impl SieveStreaming {
    /// `epsilon`: the loss against 1/2 that is accepted, in [0.001, 1).
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(epsilon: f64) -> Result<Self, Error> {
        let epsilon = check_epsilon(epsilon)?;
        Ok(Self { epsilon, top_up: true, pass: Pass::default(), sieves: None, after: None })
    }

    /// Whether an answer of fewer than k items is filled up from a uniform sample of the stream: it is by default.
    #[must_use]
    pub fn top_up(mut self, yes: bool) -> Self {
        self.top_up = yes;
        self
    }

    /// Sieves at work at the same time, at most: each holds a state of the objective.
    pub fn sieves(&self, k: usize) -> usize {
        1 + ((2.0 * k.max(1) as f64).ln() / self.epsilon.ln_1p()).floor() as usize
    }

    fn sieve(&self, problem: &Problem, sifted: Sifted) -> Sieve {
        let threshold = (1.0 + self.epsilon).powi(sifted.rung);
        let chain = Chain::new(problem.objective(), &[problem.include(), &sifted.items].concat());
        Sieve { sifted, threshold, chain }
    }

    /// The pass over one block.
    fn sift(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<(), Halt> {
        let mut pass = self.pass.clone();
        let (items, positions) = next_block(problem, pass.seen);
        let singles = problem.gains(&items, ctl)?;
        let slack = problem.objective().properties().slack;
        let k = places(problem);
        let block = |empty| Block::new(&items, &singles, empty, slack);
        let mut sieves: Vec<(Sieve, Block)> = match self.sieves.take() {
            Some(sieves) => sieves,
            None => pass.kept.drain(..).map(|sifted| self.sieve(problem, sifted)).collect(),
        }
        .into_iter()
        .map(|sieve| {
            let empty = sieve.sifted.items.is_empty();
            (sieve, block(empty))
        })
        .collect();
        let best = |sieves: &[(Sieve, Block)], dropped: &Sifted| {
            sieves.iter().map(|(sieve, _)| sieve.sifted.value()).fold(dropped.value(), f64::max)
        };
        let mut bound = best(&sieves, &pass.dropped);
        for (at, &e) in items.iter().enumerate() {
            pass.largest = pass.largest.max(singles[at]);
            let least = pass.largest.max(bound) / (2 * k) as f64;
            while sieves.first().is_some_and(|(sieve, _)| sieve.threshold < least) {
                let (sieve, _) = sieves.remove(0);
                // Its value is in the bound that dropped it, so it is kept while it is the best.
                if sieve.sifted.value() > pass.dropped.value() {
                    pass.dropped = sieve.sifted;
                }
            }
            let top = sieves.last().map(|(sieve, _)| sieve.sifted.rung);
            let new =
                rungs(self.epsilon, least, pass.largest).filter(|&rung| top.is_none_or(|top| rung > top));
            for rung in new {
                let sieve = self.sieve(problem, Sifted { rung, ..Sifted::default() });
                sieves.push((sieve, block(true)));
            }
            let mut grown = false;
            for (Sieve { sifted, threshold, chain }, block) in &mut sieves {
                if sifted.items.len() >= k {
                    continue;
                }
                let gain = block.gain(at, *threshold, chain, ctl)?;
                if gain >= *threshold && !problem.stops_at(gain) {
                    chain.push(e);
                    sifted.items.push(e);
                    sifted.gains.push(gain);
                    block.grown();
                    grown = true;
                }
            }
            if grown {
                bound = best(&sieves, &pass.dropped);
            }
        }
        pass.seen += positions;
        pass.kept = sieves.iter().map(|(sieve, _)| sieve.sifted.clone()).collect();
        self.sieves = Some(sieves.into_iter().map(|(sieve, _)| sieve).collect());
        self.pass = pass;
        Ok(())
    }

    /// The pass is over: takes what the best sieve took.
    fn finish(&mut self, problem: &mut Problem) {
        self.after = Some(if self.top_up { TopUp::draw(problem) } else { TopUp::new(vec![]) });
        self.sieves = None;
        let Pass { dropped, kept, .. } = std::mem::take(&mut self.pass);
        let (mut best, mut alive) = (dropped, false);
        for sifted in kept {
            if sifted.value() > best.value() {
                (best, alive) = (sifted, true);
            }
        }
        let threshold = (1.0 + self.epsilon).powi(best.rung);
        // A sieve with room left looked at every item. Those before its time gained less alone than its threshold.
        if alive && best.items.len() < places(problem) && !problem.stops_at(threshold) {
            for e in problem.candidates() {
                problem.lower(e, threshold);
            }
        }
        for (&e, &gain) in best.items.iter().zip(&best.gains) {
            problem.take(e, gain);
        }
        // Topping up raises f but lowers no bound: here they are tightest.
        problem.certify(problem.picks().len(), Basis::StalePrefixes);
    }
}

impl Optimizer for SieveStreaming {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        check(objective, constraint)?;
        // Let O be the optimum and t the largest power with t <= O / 2k. If its sieve is alive and full, f >= k t >=
        // O / 2(1 + e). If it has room, every item of the optimum gains less than t: O <= f + k t <= f + O / 2. If it
        // was dropped or never begun, max(D, L) > 2k t >= O / (1 + e); the best sieve is worth L, and at least
        // D / (1 + e), since the best single item is taken by the top sieve unless that holds its threshold already.
        let guarantee = match disqualified(objective) {
            Some(reason) => Guarantee::None { reason },
            None => Guarantee::Factor {
                factor: (0.5 - self.epsilon).max(0.0),
                kind: Kind::Always,
                statement: "f(S) >= (1/2 - epsilon) OPT in one pass (Kazemi et al. 2019)",
            },
        };
        // The thresholds depend on k.
        Ok(Claim { guarantee, prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if let Some(top_up) = &mut self.after {
            return top_up.step(problem, ctl);
        }
        if self.pass.seen < problem.allowed().len() && places(problem) > 0 {
            self.sift(problem, ctl)?;
        } else {
            self.finish(problem);
        }
        Ok(Step::More)
    }

    fn save(&self, into: &mut Saved) {
        if let Some(top_up) = &self.after {
            into.sets = vec![top_up.pool().to_vec()];
            return;
        }
        let Pass { seen, largest, dropped, kept } = &self.pass;
        into.numbers = vec![*seen as f64, *largest];
        for sifted in std::iter::once(dropped).chain(kept) {
            into.numbers.push(f64::from(sifted.rung));
            into.numbers.extend(&sifted.gains);
            into.sets.push(sifted.items.clone());
        }
    }

    fn load(&mut self, from: &Saved) {
        if let ([], [pool]) = (&from.numbers[..], &from.sets[..]) {
            self.after = Some(TopUp::new(pool.clone()));
            return;
        }
        let mut numbers = from.numbers.iter().copied();
        self.pass.seen = numbers.next().unwrap_or_default() as usize;
        self.pass.largest = numbers.next().unwrap_or_default();
        let mut sifted = from.sets.iter().map(|items| Sifted {
            rung: numbers.next().unwrap_or_default() as i32,
            gains: numbers.by_ref().take(items.len()).collect(),
            items: items.clone(),
        });
        self.pass.dropped = sifted.next().unwrap_or_default();
        self.pass.kept = sifted.collect();
    }

    fn last_look(&self) -> LastLook {
        LastLook::Seen
    }

    fn progress(&self, problem: &Problem) -> (u64, u64) {
        let total = problem.allowed().len();
        (if self.after.is_some() { total } else { self.pass.seen } as u64, total as u64)
    }
}
