//! From a product or a squared distance to a similarity.

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
}

impl Transform {
    /// Whether it wants squared distances instead of products.
    pub(crate) fn of_distance(self) -> bool {
        matches!(self, Transform::Gaussian { .. } | Transform::Laplace { .. })
    }

    /// In place, for products.
    #[inline(always)]
    pub(super) fn products(self, s: &mut [f32]) {
        match self {
            Transform::Clip => s.iter_mut().for_each(|s| *s = s.clamp(0.0, 1.0)),
            Transform::Clamp => s.iter_mut().for_each(|s| *s = s.clamp(-1.0, 1.0)),
            Transform::Shift => s.iter_mut().for_each(|s| *s = 0.5 + 0.5 * s.clamp(-1.0, 1.0)),
            Transform::Square => s.iter_mut().for_each(|s| *s = (*s * *s).min(1.0)),
            Transform::Identity | Transform::Gaussian { .. } | Transform::Laplace { .. } => {}
        }
    }

    /// For squared distances.
    #[inline(always)]
    pub(super) fn distances(self, squares: &[f64], s: &mut [f32]) {
        let pairs = s.iter_mut().zip(squares);
        match self {
            Transform::Gaussian { rate } => pairs.for_each(|(s, &x)| *s = decay(rate * x)),
            Transform::Laplace { rate } => pairs.for_each(|(s, &x)| *s = decay(rate * x.sqrt())),
            Transform::Identity
            | Transform::Clip
            | Transform::Clamp
            | Transform::Shift
            | Transform::Square => {
                pairs.for_each(|(s, &x)| *s = x as f32);
            }
        }
    }
}

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
    use super::decay;

    #[test]
    fn decay_is_the_nearest_f32_or_its_neighbour() {
        for step in 0..1_100_000u32 {
            let x = f64::from(step) * 1e-4;
            let (got, want) = (decay(x), (-x).exp() as f32);
            assert!(got.to_bits().abs_diff(want.to_bits()) <= 1, "exp(-{x}): {got:e} instead of {want:e}");
        }
        assert_eq!((decay(0.0), decay(150.0), decay(f64::INFINITY)), (1.0, 0.0, 0.0));
    }
}
