//! From a product or a squared distance to a similarity or a distance.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// What is done to the raw number of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transform {
    /// The product itself.
    Identity,
    /// The product, into 0..=1.
    Clip,
    /// The product, into -1..=1.
    Clamp,
    /// (1 + product) / 2, into 0..=1.
    Shift,
    /// product^2, into 0..=1.
    Square,
    /// exp(-rate x squared distance).
    Gaussian {
        /// Positive.
        rate: f64,
    },
    /// exp(-rate x distance).
    Laplace {
        /// Positive.
        rate: f64,
    },
    /// The squared distance itself.
    Squared,
    /// max - squared distance, the latter as [`Transform::Squared`] rounds it: 0 for the pair that has the maximum.
    Gap {
        /// The largest squared distance; NaN until it is known.
        max: f32,
    },
    /// The distance.
    Root,
    /// The angle of two unit vectors, over pi.
    Angle,
    /// Half the squared distance, into 0..=2: 1 - cos of two unit vectors.
    Half,
}

impl Transform {
    /// Whether it wants squared distances instead of products.
    pub(crate) fn of_distance(self) -> bool {
        match self {
            Transform::Identity
            | Transform::Clip
            | Transform::Clamp
            | Transform::Shift
            | Transform::Square => false,
            Transform::Gaussian { .. }
            | Transform::Laplace { .. }
            | Transform::Squared
            | Transform::Gap { .. }
            | Transform::Root
            | Transform::Angle
            | Transform::Half => true,
        }
    }

    /// In place, for products.
    #[inline(always)]
    pub(super) fn products(self, s: &mut [f32]) {
        match self {
            Transform::Clip => s.iter_mut().for_each(|s| *s = s.clamp(0.0, 1.0)),
            Transform::Clamp => s.iter_mut().for_each(|s| *s = s.clamp(-1.0, 1.0)),
            Transform::Shift => s.iter_mut().for_each(|s| *s = 0.5 + 0.5 * s.clamp(-1.0, 1.0)),
            Transform::Square => s.iter_mut().for_each(|s| *s = (*s * *s).min(1.0)),
            Transform::Identity => {}
            // Not of a product.
            Transform::Gaussian { .. }
            | Transform::Laplace { .. }
            | Transform::Squared
            | Transform::Gap { .. }
            | Transform::Root
            | Transform::Angle
            | Transform::Half => {}
        }
    }

    /// For squared distances.
    #[inline(always)]
    pub(super) fn distances(self, squares: &[f64], s: &mut [f32]) {
        let pairs = s.iter_mut().zip(squares);
        match self {
            Transform::Gaussian { rate } => pairs.for_each(|(s, &x)| *s = decay(rate * x)),
            Transform::Laplace { rate } => pairs.for_each(|(s, &x)| *s = decay(rate * x.sqrt())),
            Transform::Gap { max } => pairs.for_each(|(s, &x)| *s = max - x as f32),
            Transform::Root => pairs.for_each(|(s, &x)| *s = x.sqrt() as f32),
            Transform::Angle => pairs.for_each(|(s, &x)| *s = angle(x)),
            Transform::Half => pairs.for_each(|(s, &x)| *s = (0.5 * x).min(2.0) as f32),
            // The last, or not of a distance.
            Transform::Identity
            | Transform::Clip
            | Transform::Clamp
            | Transform::Shift
            | Transform::Square
            | Transform::Squared => pairs.for_each(|(s, &x)| *s = x as f32),
        }
    }
}

/// The angle over pi of two vectors of length 1 but for rounding, from their squared distance: branch-free, as
/// [`decay`] is.
#[inline(always)]
fn angle(square: f64) -> f32 {
    // Twice the arcsine of half the distance. Where that is above 1/2, by asin(z) = pi/2 - 2 asin(sqrt((1 - z) / 2)).
    let z = 0.5 * square.sqrt();
    let (near, w) = (z <= 0.5, 0.5 - 0.5 * z);
    // Rows in f32 are of length 1 to one part in 2^24, and opposite ones twice that apart.
    let w = if square >= 4.0 * (1.0 - f64::from(f32::EPSILON)) { 0.0 } else { w };
    let (x, square) = if near { (z, 0.25 * square) } else { (w.sqrt(), w) };
    let asin = x * ARCSINE.iter().rev().fold(0.0, |sum, term| sum * square + term);
    (FRAC_2_PI * if near { asin } else { FRAC_PI_2 - 2.0 * asin }) as f32
}

/// asin(x) / x as a series in x^2. For x^2 up to 1/4 the rest is below 1e-11.
const ARCSINE: [f64; 16] = {
    let mut terms = [1.0; 16];
    // The terms are c_k / (2k + 1), c_k = c_{k-1} (2k - 1) / 2k.
    let (mut k, mut c) = (1, 1.0);
    while k < terms.len() {
        let even = 2.0 * k as f64;
        c *= (even - 1.0) / even;
        terms[k] = c / (even + 1.0);
        k += 1;
    }
    terms
};

/// exp(-x) for x >= 0, infinity included, to the nearest f32 or its neighbour: branch-free, so that it vectorises, and
/// without a library's exp, so that its bits are the same everywhere.
#[inline(always)]
fn decay(x: f64) -> f32 {
    // exp(-x) = 2^n exp(r) with |r| <= ln(2) / 2. Adding 3 x 2^51 rounds to an integer and leaves it in the low bits.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    let x = -x.min(200.0);
    let shifted = x * std::f64::consts::LOG2_E + MAGIC;
    let r = x - (shifted - MAGIC) * std::f64::consts::LN_2;
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0f64.to_bits()));
    // Taylor to r^9 / 9!: the rest is below 1e-11.
    let mut p = 1.0 / 362_880.0;
    for coefficient in
        [1.0 / 40_320.0, 1.0 / 5_040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0]
    {
        p = p * r + coefficient;
    }
    (p * scale) as f32
}

#[cfg(test)]
mod tests {
    use super::{angle, decay};
    use std::f64::consts::PI;

    #[test]
    fn decay_is_the_nearest_f32_or_its_neighbour() {
        for step in 0..1_100_000u32 {
            let x = f64::from(step) * 1e-4;
            let (got, want) = (decay(x), (-x).exp() as f32);
            assert!(got.to_bits().abs_diff(want.to_bits()) <= 1, "exp(-{x}): {got:e} instead of {want:e}");
        }
        assert_eq!((decay(0.0), decay(150.0), decay(f64::INFINITY)), (1.0, 0.0, 0.0));
    }
    #[test]
    fn an_angle_is_the_nearest_f32_or_its_neighbour_and_never_falls() {
        let mut last = 0.0;
        for step in 0..=1_000_000u32 {
            let x = 4.0 * (f64::from(step) * 1e-6).powi(2);
            let (got, want) = (angle(x), (2.0 / PI * (0.5 * x.sqrt()).asin()) as f32);
            // Close to opposite vectors what is known of them is less.
            if x < 4.0 - 1e-6 {
                assert!(got.to_bits().abs_diff(want.to_bits()) <= 1, "{x}: {got:e} instead of {want:e}");
            }
            assert!(got >= last, "{x}");
            last = got;
        }
        assert_eq!((angle(0.0), angle(4.0 - 4.7e-7), angle(4.1)), (0.0, 1.0, 1.0));
    }
}
