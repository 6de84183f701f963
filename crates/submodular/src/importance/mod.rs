//! Samples of ranked items, the more likely the larger the gain (INGENIOUS, Renduchintala et al. 2023).
//!
//! Gains become weights, weights probabilities, and b items are drawn one after the other without replacement, in
//! proportion to the probabilities of those left. That is the same as to take the b largest of `ln p_i + G_i` with
//! independent Gumbel numbers G_i (Vieira 2014; Kool, van Hoof, Welling 2019): one pass, in any order. The number of
//! the j-th item of a part is the j-th draw of the stream (seed, part), so it depends on nothing else.

mod allocation;
mod inclusion;
mod weighting;

pub use allocation::{Allocation, allocate};
pub use inclusion::{Basis, ENUMERATED, successive_inclusion};
pub use weighting::{Weighting, probabilities};

use crate::sampling::stream;
use crate::{Error, Item};
use rand_chacha::rand_core::Rng;
use rayon::prelude::*;
use weighting::Weights;

/// Items of one block of work: a constant, since sums are added block by block.
const BLOCK: usize = 1 << 12;

/// What is kept of one part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept<'a> {
    /// The number of the part, which its draws are keyed by.
    pub part: u64,
    /// Items of the part, kept or not.
    pub size: usize,
    /// Ranked items.
    pub items: &'a [Item],
    /// Gain of each, finite and of any sign.
    pub gains: &'a [f64],
}

/// What is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Each part by itself, with probabilities of its own.
    Part(Allocation),
    /// All parts together.
    Global,
}

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// From gains to weights.
    pub weighting: Weighting,
    /// What gains are divided by: positive and finite.
    pub temperature: f64,
    /// From what.
    pub scope: Scope,
    /// The key of every draw.
    pub seed: u64,
}

/// What was drawn: part by part, or all together, in the order of the draws.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// Items.
    pub items: Vec<Item>,
    /// The kept gain of each.
    pub gains: Vec<f64>,
    /// Its probability to be the first one drawn.
    pub probabilities: Vec<f64>,
    /// Its probability to be drawn at all: see [`Basis`].
    pub inclusion: Vec<f64>,
    /// Every part, in the order given.
    pub parts: Vec<Drawn>,
}

/// What was drawn of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// The number of the part.
    pub part: u64,
    /// Items it was drawn from.
    pub kept: usize,
    /// Items drawn.
    pub drawn: usize,
    /// Where the inclusion probabilities come from; that of all parts where they are drawn from together.
    pub basis: Basis,
}

impl Sample {
    /// 1 / inclusion, not normalised: the sum of weight x quantity over the sample estimates, without bias, the
    /// quantity's sum over the kept items of all parts that give any (Horvitz and Thompson 1952; for thresholds Duffield, Lund, Thorup 2007).
    pub fn importance_weights(&self) -> impl Iterator<Item = f64> + '_ {
        self.inclusion.iter().map(|inclusion| 1.0 / inclusion)
    }

    /// [`Basis::Exact`] where every part is.
    pub fn basis(&self) -> Basis {
        let exact = self.parts.iter().all(|part| part.basis == Basis::Exact);
        if exact { Basis::Exact } else { Basis::Threshold }
    }
}

/// Draws about `size` items: [`Allocation`] says how many exactly. O(kept + size log size), in the current rayon pool.
///
/// # Errors
/// [`Error::Parameter`] for a size of 0 or more than is kept, or for a temperature that is not positive and finite;
/// [`Error::Shape`] where items and gains differ in number; [`Error::NotFinite`] with the place in the part as row.
pub fn sample(kept: &[Kept<'_>], size: usize, rule: &Rule) -> Result<Sample, Error> {
    weighting::check_temperature(rule.temperature)?;
    for part in kept {
        if part.items.len() != part.gains.len() {
            let (expected, found) = (part.items.len(), part.gains.len());
            return Err(Error::Shape { what: "gains", expected, found });
        }
        weighting::check_gains(part.gains)?;
    }
    let budgets = match rule.scope {
        Scope::Part(allocation) => allocate(kept, size, allocation)?,
        // Together they hold enough, or this refuses.
        Scope::Global => allocate(kept, size, Allocation::Exact)?,
    };
    Ok(match rule.scope {
        Scope::Part(_) => per_part(kept, &budgets, rule),
        Scope::Global => together(kept, size, rule),
    })
}

fn per_part(kept: &[Kept<'_>], budgets: &[usize], rule: &Rule) -> Sample {
    let drawn: Vec<Sample> = kept
        .par_iter()
        .zip(budgets)
        .map(|(part, &budget)| {
            let weights = Weights::new(rule.weighting, rule.temperature, part.gains.iter().copied());
            let mut keyed = vec![Keyed::default(); part.gains.len()];
            let total = weights.draw(part, rule.seed, 0, &mut keyed);
            let basis = Basis::of(keyed.len());
            let top = Top::new(keyed, budget);
            let logs = || part.gains.iter().map(|&gain| weights.log(gain)).collect();
            let inclusion = top.inclusion(basis, logs, |at| weights.log(part.gains[at]));
            let at = || top.taken.iter().map(|taken| taken.at as usize);
            let taken = Drawn { part: part.part, kept: part.gains.len(), drawn: top.taken.len(), basis };
            Sample {
                items: at().map(|at| part.items[at]).collect(),
                gains: at().map(|at| part.gains[at]).collect(),
                probabilities: at().map(|at| total.share(weights.log(part.gains[at]))).collect(),
                inclusion,
                parts: vec![taken],
            }
        })
        .collect();
    let mut all = Sample::default();
    for part in drawn {
        all.items.extend(part.items);
        all.gains.extend(part.gains);
        all.probabilities.extend(part.probabilities);
        all.inclusion.extend(part.inclusion);
        all.parts.extend(part.parts);
    }
    all
}

fn together(kept: &[Kept<'_>], size: usize, rule: &Rule) -> Sample {
    let gains = || kept.iter().flat_map(|part| part.gains.iter().copied());
    let weights = Weights::new(rule.weighting, rule.temperature, gains());
    let starts: Vec<usize> = std::iter::once(0)
        .chain(kept.iter().scan(0, |sum, part| {
            *sum += part.gains.len();
            Some(*sum)
        }))
        .collect();
    let mut keyed = vec![Keyed::default(); starts.last().copied().unwrap_or(0)];
    let mut total = Total::default();
    let mut rest = &mut keyed[..];
    for (part, &start) in kept.iter().zip(&starts) {
        let (own, after) = rest.split_at_mut(part.gains.len());
        total = total.and(weights.draw(part, rule.seed, start, own));
        rest = after;
    }
    let basis = Basis::of(keyed.len());
    let top = Top::new(keyed, size);
    // Parts that keep nothing begin where the next one does.
    let place = |at: usize| {
        let part = starts.partition_point(|&start| start <= at) - 1;
        (part, at - starts[part])
    };
    let logs = || gains().map(|gain| weights.log(gain)).collect();
    let log = |at| {
        let (part, at) = place(at);
        weights.log(kept[part].gains[at])
    };
    let inclusion = top.inclusion(basis, logs, log);
    let mut parts: Vec<Drawn> =
        kept.iter().map(|part| Drawn { part: part.part, kept: part.gains.len(), drawn: 0, basis }).collect();
    let mut all = Sample { inclusion, ..Sample::default() };
    for taken in &top.taken {
        let (part, at) = place(taken.at as usize);
        parts[part].drawn += 1;
        all.items.push(kept[part].items[at]);
        all.gains.push(kept[part].gains[at]);
        all.probabilities.push(total.share(weights.log(kept[part].gains[at])));
    }
    Sample { parts, ..all }
}

/// A perturbed weight, `ln w + G`, and where its item stands.
#[derive(Debug, Clone, Copy, Default)]
struct Keyed {
    key: f64,
    at: u32,
}

impl Keyed {
    /// Largest first, ties to the lowest place.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.key.total_cmp(&self.key).then(self.at.cmp(&other.at))
    }
}

/// A sum of weights, in units of the largest: none of them need be a number that f64 can hold.
#[derive(Debug, Clone, Copy)]
struct Total {
    /// Logarithm of the unit.
    top: f64,
    sum: f64,
}

impl Default for Total {
    fn default() -> Self {
        Self { top: f64::NEG_INFINITY, sum: 0.0 }
    }
}

impl Total {
    fn and(self, other: Self) -> Self {
        let top = self.top.max(other.top);
        let in_units = |of: Self| if of.sum > 0.0 { of.sum * (of.top - top).exp() } else { 0.0 };
        Self { top, sum: in_units(self) + in_units(other) }
    }

    /// A weight's share of the sum.
    fn share(self, log: f64) -> f64 {
        (log - self.top).exp() / self.sum
    }
}

impl Weights {
    /// Perturbs the weights of a part, whose places are counted from `start`, and sums them.
    fn draw(&self, part: &Kept<'_>, seed: u64, start: usize, keyed: &mut [Keyed]) -> Total {
        let blocks = keyed.par_chunks_mut(BLOCK).zip(part.gains.par_chunks(BLOCK)).enumerate();
        let totals: Vec<Total> = blocks
            .map(|(block, (keyed, gains))| {
                let first = block * BLOCK;
                let mut rng = stream(seed, part.part);
                // A draw is two words of 32 bits.
                rng.set_word_pos(2 * first as u128);
                let mut total = Total::default();
                for ((to, &gain), at) in keyed.iter_mut().zip(gains).zip(start + first..) {
                    let log = self.log(gain);
                    total.top = total.top.max(log);
                    // In steps of 2^-52, neither 0 nor 1.
                    let u = ((rng.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
                    *to = Keyed { key: log - (-u.ln()).ln(), at: at as u32 };
                }
                let terms = gains.iter().map(|&gain| (self.log(gain) - total.top).exp());
                total.sum = if total.top == f64::NEG_INFINITY { 0.0 } else { terms.sum() };
                total
            })
            .collect();
        totals.into_iter().fold(Total::default(), Total::and)
    }
}

/// The largest keys in their order, and the next one.
struct Top {
    taken: Vec<Keyed>,
    /// None where all are taken.
    threshold: Option<f64>,
}

impl Top {
    fn new(mut keyed: Vec<Keyed>, count: usize) -> Self {
        let mut threshold = None;
        if count < keyed.len() {
            let (_, next, _) = keyed.select_nth_unstable_by(count, Keyed::order);
            threshold = Some(next.key);
            keyed.truncate(count);
        }
        keyed.sort_unstable_by(Keyed::order);
        Self { taken: keyed, threshold }
    }

    /// Of each item taken. `logs`: of the weights of all; `log`: of the one at a place.
    fn inclusion(
        &self,
        basis: Basis,
        logs: impl FnOnce() -> Vec<f64>,
        log: impl Fn(usize) -> f64,
    ) -> Vec<f64> {
        let at = self.taken.iter().map(|taken| taken.at as usize);
        match basis {
            Basis::Exact => {
                let exact = inclusion::exact(&logs(), self.taken.len());
                at.map(|at| exact[at]).collect()
            }
            Basis::Threshold => at.map(|at| inclusion::above(log(at), self.threshold)).collect(),
        }
    }
}
