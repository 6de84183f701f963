//! What points are packed for: similarities or distances.

use super::{Distance, Metric};
use crate::Error;
use crate::tile::Transform;

/// How two vectors become a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// Larger is nearer.
    Similarity(Metric),
    /// Larger is farther.
    Distance(Distance),
}

impl Measure {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Similarity(metric) => metric.name(),
            Measure::Distance(distance) => distance.name(),
        }
    }

    /// Whether rows are normalised, so that a zero vector has no meaning.
    pub fn is_of_directions(self) -> bool {
        match self {
            Measure::Similarity(metric) => metric.is_cosine(),
            Measure::Distance(distance) => distance.is_of_directions(),
        }
    }

    /// Whether no number is below 0.
    pub fn is_nonnegative(self) -> bool {
        match self {
            Measure::Similarity(metric) => metric.is_nonnegative(),
            Measure::Distance(_) => true,
        }
    }

    /// Whether an item and itself are 1 by definition, whatever rounding makes of their product.
    pub(super) fn is_one_at_itself(self) -> bool {
        matches!(self, Measure::Similarity(metric) if metric.is_cosine())
    }

    pub(super) fn transform(self, dim: usize) -> Result<Transform, Error> {
        match self {
            Measure::Similarity(metric) => metric.transform(dim),
            Measure::Distance(distance) => Ok(distance.transform()),
        }
    }

    /// Refuses vectors so long that the numbers in between or the results are no f32 any more.
    pub(super) fn check_range(self, norm: f64, row: usize) -> Result<(), Error> {
        // The factors 2: no partial sum of a product exceeds the product of the norms, but rounding wants room; and no
        // two points are farther apart than the sum of their norms.
        let (what, largest) = match self {
            Measure::Similarity(Metric::Dot) => ("inner products", 2.0 * norm * norm),
            Measure::Similarity(Metric::EuclideanGap) => ("squared distances", 4.0 * norm * norm),
            Measure::Distance(Distance::Euclidean) => ("distances", 2.0 * norm),
            Measure::Similarity(_) | Measure::Distance(_) => return Ok(()),
        };
        if largest <= f64::from(f32::MAX) {
            return Ok(());
        }
        let reason = format!("{what} overflow: row {row} has the norm {norm:e}; scale the vectors down");
        let name = if matches!(self, Measure::Distance(_)) { "distance" } else { "metric" };
        Err(Error::Parameter { name, reason })
    }
}

impl From<Metric> for Measure {
    fn from(metric: Metric) -> Self {
        Measure::Similarity(metric)
    }
}

impl From<Distance> for Measure {
    fn from(distance: Distance) -> Self {
        Measure::Distance(distance)
    }
}
