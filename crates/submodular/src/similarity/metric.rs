//! The similarities that the service offers for vectors.

use crate::Error;
use crate::tile::Transform;
use std::str::FromStr;

/// How two vectors become a similarity. Cosines normalise each row in f64; a row and itself then have exactly the
/// cosine 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Metric {
    /// max(0, cos). Not positive semidefinite.
    #[default]
    Cosine,
    /// cos, in -1..=1.
    CosineSigned,
    /// (1 + cos) / 2.
    CosineShifted,
    /// cos^2: opposite vectors count as identical.
    CosineSquared,
    /// The inner product, as it is.
    Dot,
    /// exp(-gamma d^2) of the Euclidean distance d.
    Rbf {
        /// Positive; 1 / dimension where absent.
        gamma: Option<f64>,
    },
    /// exp(-d / dimension) of the Euclidean distance d.
    ExpDistance,
    /// max d^2 - d^2 of the Euclidean distance d, the maximum over all pairs of the items: see
    /// [`Points::with_gap`](super::Points::with_gap). Negative for no pair of items, but for other rows that are
    /// farther from an item than the items from each other.
    EuclideanGap,
}

impl Metric {
    /// Every metric, with default parameters.
    pub const ALL: [Self; 8] = [
        Metric::Cosine,
        Metric::CosineSigned,
        Metric::CosineShifted,
        Metric::CosineSquared,
        Metric::Dot,
        Metric::Rbf { gamma: None },
        Metric::ExpDistance,
        Metric::EuclideanGap,
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Cosine => "cosine",
            Metric::CosineSigned => "cosine_signed",
            Metric::CosineShifted => "cosine_shifted",
            Metric::CosineSquared => "cosine_squared",
            Metric::Dot => "dot",
            Metric::Rbf { .. } => "rbf",
            Metric::ExpDistance => "exp_distance",
            Metric::EuclideanGap => "euclidean_gap",
        }
    }

    /// Whether rows are normalised, so that a zero vector has no meaning.
    pub fn is_cosine(self) -> bool {
        match self {
            Metric::Cosine | Metric::CosineSigned | Metric::CosineShifted | Metric::CosineSquared => true,
            Metric::Dot | Metric::Rbf { .. } | Metric::ExpDistance | Metric::EuclideanGap => false,
        }
    }

    /// Whether every similarity of two items is at least 0.
    pub fn is_nonnegative(self) -> bool {
        !matches!(self, Metric::CosineSigned | Metric::Dot)
    }

    /// What the kernels do, for vectors of `dim` coordinates.
    ///
    /// # Errors
    /// [`Error::Parameter`] when gamma is not a positive number.
    pub(super) fn transform(self, dim: usize) -> Result<Transform, Error> {
        Ok(match self {
            Metric::Cosine => Transform::Clip,
            Metric::CosineSigned => Transform::Clamp,
            Metric::CosineShifted => Transform::Shift,
            Metric::CosineSquared => Transform::Square,
            Metric::Dot => Transform::Identity,
            Metric::Rbf { gamma } => {
                let rate = gamma.unwrap_or(1.0 / dim as f64);
                if !(rate.is_finite() && rate > 0.0) {
                    let reason = format!("must be a positive finite number, found {rate}");
                    return Err(Error::Parameter { name: "gamma", reason });
                }
                Transform::Gaussian { rate }
            }
            Metric::ExpDistance => Transform::Laplace { rate: 1.0 / dim as f64 },
            Metric::EuclideanGap => Transform::Gap { max: f32::NAN },
        })
    }
}

impl FromStr for Metric {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|metric| metric.name() == name).ok_or_else(|| Error::Parameter {
            name: "metric",
            reason: format!("{name:?} is none of {}", Self::ALL.map(Self::name).join(", ")),
        })
    }
}
