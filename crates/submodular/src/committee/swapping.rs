//! Swapping: a bias that exchanges disadvantaged candidates with advantaged ones below them, pair by pair.
//!
//! A pair of an advantaged and a disadvantaged candidate is open where the advantaged one stands below. One swap draws
//! an open pair with a probability proportional to phi^distance and exchanges the two. The weights are those of the
//! ranking as it is before each swap, so no pair is ever exchanged back. (Boehmer, Celis, Huang, Mehrotra, Vishnoi,
//! ICML 2023; their released code leaves the weights of exchanged candidates as they were.)

use crate::sampling::unit;
use crate::{Error, Item};
use rand_chacha::ChaCha8Rng;

/// No advantaged candidate stands below.
const NONE: usize = usize::MAX;

/// Swaps rankings of m candidates. Holds O(m) of scratch; a swap takes O(m).
#[derive(Debug, Clone)]
pub struct Swapping {
    /// phi^distance.
    powers: Vec<f64>,
    /// Of each place that a disadvantaged candidate holds: how far below the nearest advantaged one is.
    gaps: Vec<usize>,
    /// The weights of all its open pairs, as multiples of the weight of the nearest: at least 1, however small phi is.
    sums: Vec<f64>,
}

impl Swapping {
    /// `phi`: by how much less likely a pair is that is one place further apart.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless 0 < phi < 1.
    pub fn new(phi: f64, candidates: usize) -> Result<Self, Error> {
        if !(phi > 0.0 && phi < 1.0) {
            let reason = format!("{phi} is not between 0 and 1 (both excluded)");
            return Err(Error::Parameter { name: "phi", reason });
        }
        let powers = std::iter::successors(Some(1.0), |power| Some(power * phi)).take(candidates).collect();
        Ok(Self { powers, gaps: vec![NONE; candidates], sums: vec![0.0; candidates] })
    }

    /// Open pairs of `ranking`, which is best first; `disadvantaged` is by candidate. O(m).
    pub fn open_pairs(ranking: &[Item], disadvantaged: &[bool]) -> u64 {
        let (mut above, mut pairs) = (0, 0);
        for &c in ranking {
            if disadvantaged[c as usize] {
                above += 1;
            } else {
                pairs += above;
            }
        }
        pairs
    }

    /// Makes one swap and returns the disadvantaged and the advantaged candidate, or `None` where no pair is open.
    /// `ranking` holds each of the m candidates once. Two draws.
    pub fn swap(
        &mut self,
        ranking: &mut [Item],
        disadvantaged: &[bool],
        rng: &mut ChaCha8Rng,
    ) -> Option<(Item, Item)> {
        let closest = self.weigh(ranking, disadvantaged)?;
        let Self { powers, gaps, sums } = self;
        let weight = |p: usize| powers[gaps[p] - closest] * sums[p];
        let open = || (0..ranking.len()).filter(|&p| gaps[p] != NONE);
        let upper = pick(open(), weight, open().map(weight).sum::<f64>(), rng)?;
        let first = upper + gaps[upper];
        let below = (first..ranking.len()).filter(|&q| !disadvantaged[ranking[q] as usize]);
        let lower = pick(below, |q| powers[q - first], sums[upper], rng)?;
        ranking.swap(upper, lower);
        Some((ranking[lower], ranking[upper]))
    }

    /// Fills in gaps and sums; returns the smallest gap.
    fn weigh(&mut self, ranking: &[Item], disadvantaged: &[bool]) -> Option<usize> {
        let (mut gap, mut sum, mut closest) = (NONE, 0.0, NONE);
        for (p, &c) in ranking.iter().enumerate().rev() {
            if disadvantaged[c as usize] {
                (self.gaps[p], self.sums[p]) = (gap, sum);
                closest = closest.min(gap);
                gap = gap.saturating_add(1);
            } else {
                self.gaps[p] = NONE;
                // The next ones are `gap` further away than this one.
                sum = 1.0 + if gap == NONE { 0.0 } else { self.powers[gap] * sum };
                gap = 1;
            }
        }
        (closest != NONE).then_some(closest)
    }
}

/// One of `places` with a probability proportional to `weight`; `total` is the sum of weights. Where rounding leaves
/// none, the last.
fn pick(
    places: impl Iterator<Item = usize>,
    weight: impl Fn(usize) -> f64,
    total: f64,
    rng: &mut ChaCha8Rng,
) -> Option<usize> {
    let mut left = unit(rng) * total;
    let mut last = None;
    for p in places {
        left -= weight(p);
        last = Some(p);
        if left < 0.0 {
            break;
        }
    }
    last
}
