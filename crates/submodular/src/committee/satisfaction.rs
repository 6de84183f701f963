//! How a committee suits its voters.

use super::{LANES, Profile, Rule};
use crate::{Error, Item};
use rayon::prelude::*;

/// `f_v(S)` of each voter v, in a few numbers. A voter counts as often as the weight says, and one without weight not
/// at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Satisfaction {
    /// The weighted mean.
    pub mean: f64,
    /// What the least happy voter has.
    pub least: f64,
    /// For a quarter, a half and three quarters: the smallest value that at least this share of the weight has at most.
    pub quartiles: [f64; 3],
    /// The voter with the most; the first of equals.
    pub happiest: usize,
    /// The voter with the least; the first of equals.
    pub least_happy: usize,
}

/// What `set` is worth to each voter, its weight left aside, under a rule for committees of `k`.
/// O(voters (|S| log |S| + log voters)).
///
/// # Errors
/// [`Error::UnknownItem`], and [`Error::Parameter`] as [`Rule::check`].
pub fn voter_satisfaction(
    profile: &Profile,
    rule: &Rule,
    k: usize,
    set: &[Item],
) -> Result<Satisfaction, Error> {
    let candidates = profile.candidates();
    rule.check(candidates)?;
    if let Some(&item) = set.iter().find(|&&item| item as usize >= candidates) {
        return Err(Error::UnknownItem { item, len: candidates });
    }
    let (scores, owa) = (profile.place_scores(&rule.gamma(candidates, k)), rule.owa(set.len()));
    let worth = |tile: usize| {
        let (places, lanes) = profile.tile(tile);
        let worth = |lane: usize| {
            let place = |&e: &Item| places[lanes * e as usize + lane];
            let mut held: Vec<f64> = set.iter().map(|e| scores[place(e) as usize]).collect();
            held.sort_unstable_by(|a, b| b.total_cmp(a));
            held.iter().zip(&owa).map(|(score, w)| w * score).sum::<f64>()
        };
        (0..lanes).map(worth).collect::<Vec<f64>>()
    };
    let worth: Vec<f64> =
        (0..profile.voters().div_ceil(LANES)).into_par_iter().flat_map_iter(worth).collect();
    Ok(summary(&worth, profile.weights()))
}

/// Some voter has a weight: a profile sees to that.
fn summary(worth: &[f64], weights: &[f64]) -> Satisfaction {
    let mut order: Vec<usize> = (0..worth.len()).filter(|&voter| weights[voter] > 0.0).collect();
    let first = |better: fn(&f64, &f64) -> bool| {
        let best = |a: usize, b: usize| if better(&worth[b], &worth[a]) { b } else { a };
        order.iter().copied().reduce(best).unwrap_or_default()
    };
    let (happiest, least_happy) = (first(f64::gt), first(f64::lt));
    order.sort_by(|&a, &b| worth[a].total_cmp(&worth[b]));
    let weight: f64 = order.iter().map(|&voter| weights[voter]).sum();
    let quantile = |share: f64| {
        let mut below = 0.0;
        let at = order.iter().find(|&&voter| {
            below += weights[voter];
            below >= share * weight
        });
        worth[at.copied().unwrap_or(happiest)]
    };
    let sum: f64 = order.iter().map(|&voter| weights[voter] * worth[voter]).sum();
    Satisfaction {
        mean: sum / weight,
        least: worth[least_happy],
        quartiles: [0.25, 0.5, 0.75].map(quantile),
        happiest,
        least_happy,
    }
}
