//! How likely it was that an item would be drawn.

use crate::Error;

/// Items up to which inclusion is enumerated.
pub const ENUMERATED: usize = 12;

/// Where inclusion probabilities come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Given the largest key t that was not taken: `1 - exp(-p_i e^-t)`, the chance that `ln p_i + G_i` is above it. Sums
    /// weighted by its inverse are unbiased over seeds (Duffield, Lund, Thorup 2007).
    Threshold,
    /// Over all orders of drawing.
    Exact,
}

impl Basis {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Basis::Threshold => "threshold",
            Basis::Exact => "exact",
        }
    }

    /// Of draws from so many items.
    pub(super) fn of(items: usize) -> Self {
        if items <= ENUMERATED { Basis::Exact } else { Basis::Threshold }
    }
}

/// The chance that a key of this weight is above the threshold, both in the same unit.
pub(super) fn above(log: f64, threshold: Option<f64>) -> f64 {
    match threshold {
        // What has no share is drawn where nothing else is left, and then for sure.
        Some(threshold) if log > f64::NEG_INFINITY => -(-(log - threshold).exp()).exp_m1(),
        Some(_) | None => 1.0,
    }
}

/// Probability of each item to be among the first `draws` of successive sampling with these probabilities (their sum need
/// not be 1; a 0 is drawn last, ties to the lowest). O(2^n n).
///
/// # Errors
/// [`Error::Shape`] for more than [`ENUMERATED`] items, [`Error::Parameter`] for a probability that is negative or no
/// number.
pub fn successive_inclusion(probabilities: &[f64], draws: usize) -> Result<Vec<f64>, Error> {
    let found = probabilities.len();
    if found > ENUMERATED {
        return Err(Error::Shape { what: "probabilities, at most", expected: ENUMERATED, found });
    }
    if let Some(p) = probabilities.iter().find(|p| !(p.is_finite() && **p >= 0.0)) {
        let reason = format!("{p}; expected a finite number of at least 0");
        return Err(Error::Parameter { name: "probabilities", reason });
    }
    let logs: Vec<f64> = probabilities.iter().map(|p| p.ln()).collect();
    Ok(exact(&logs, draws))
}

/// The same from the logarithms of weights: over the sets that the first draws can be, each reached from those before.
pub(super) fn exact(logs: &[f64], draws: usize) -> Vec<f64> {
    let n = logs.len();
    if draws >= n {
        return vec![1.0; n];
    }
    let weights = relative(logs, 0);
    let mut chances = vec![0.0; 1 << n];
    chances[0] = 1.0;
    for set in (0..draws).flat_map(|size| sets(n, size)) {
        let chance = chances[set];
        let outside = (0..n).filter(|i| set >> i & 1 == 0);
        let left: f64 = outside.clone().map(|i| weights[i]).sum();
        // What is left may be too small beside what is gone.
        if left > 1e-250 {
            outside.for_each(|i| chances[set | 1 << i] += chance * (weights[i] / left));
        } else {
            let weights = relative(logs, set);
            let left: f64 = weights.iter().sum();
            outside.for_each(|i| chances[set | 1 << i] += chance * (weights[i] / left));
        }
    }
    let mut inclusion = vec![0.0; n];
    for set in sets(n, draws) {
        (0..n).filter(|i| set >> i & 1 == 1).for_each(|i| inclusion[i] += chances[set]);
    }
    inclusion
}

/// Every set of `size` of `n` items as a bitmask, ascending.
fn sets(n: usize, size: usize) -> impl Iterator<Item = usize> {
    let next = |set: &usize| {
        // The lowest run of ones gives its highest one to the next place, and the others go to the bottom.
        let lowest = set & set.wrapping_neg();
        let carried = set + lowest;
        (lowest > 0).then(|| (((carried ^ set) >> 2) / lowest) | carried)
    };
    std::iter::successors(Some((1 << size) - 1), next).take_while(move |set| set >> n == 0)
}

/// Weights of the items outside `set`, in units of their largest; all on the first one where none has a share.
fn relative(logs: &[f64], set: usize) -> Vec<f64> {
    let outside = |i: usize| set >> i & 1 == 0;
    let of = |i: usize| if outside(i) { logs[i] } else { f64::NEG_INFINITY };
    let top = (0..logs.len()).map(of).fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        let first = (0..logs.len()).find(|&i| outside(i));
        return (0..logs.len()).map(|i| if Some(i) == first { 1.0 } else { 0.0 }).collect();
    }
    (0..logs.len()).map(|i| (of(i) - top).exp()).collect()
}
