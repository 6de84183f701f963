//! The distances that the service offers for vectors.

use crate::Error;
use crate::objective::Triangle;
use crate::tile::Transform;
use std::str::FromStr;

/// How two vectors become a distance: symmetric, and exactly 0 for identical rows. Every one is read off the squared
/// differences, summed in f64: off a product, small distances would be lost in rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distance {
    /// |a - b|.
    #[default]
    Euclidean,
    /// arccos(cos) / pi, in 0..=1. Its error is at most 1e-7 up to a right angle, and grows to 3e-4 towards opposite
    /// vectors, where an angle hardly moves the distance of two rows in f32; opposite ones are exactly 1 apart.
    Angular,
    /// 1 - cos, in 0..=2.
    Cosine,
}

impl Distance {
    /// Every distance.
    pub const ALL: [Self; 3] = [Distance::Euclidean, Distance::Angular, Distance::Cosine];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Distance::Euclidean => "euclidean",
            Distance::Angular => "angular",
            Distance::Cosine => "cosine",
        }
    }

    /// Whether rows are normalised, so that a zero vector has no meaning.
    pub fn is_of_directions(self) -> bool {
        matches!(self, Distance::Angular | Distance::Cosine)
    }

    /// What is known of three points. 1 - cos is half the square of the distance of the normalised rows.
    pub fn triangle(self) -> Triangle {
        match self {
            Distance::Euclidean | Distance::Angular => Triangle::Metric,
            Distance::Cosine => Triangle::Squared,
        }
    }

    pub(super) fn transform(self) -> Transform {
        match self {
            Distance::Euclidean => Transform::Root,
            Distance::Angular => Transform::Angle,
            Distance::Cosine => Transform::Half,
        }
    }
}

impl FromStr for Distance {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|distance| distance.name() == name).ok_or_else(|| Error::Parameter {
            name: "distance",
            reason: format!("{name:?} is none of {}", Self::ALL.map(Self::name).join(", ")),
        })
    }
}
