//! Weighted set cover: `f(S) = sum of w_u over the concepts u that some item of S has`.
//!
//! Monotone, submodular, normalised. With a query mask only its concepts count (the mutual information), with a
//! private mask only those outside it (the gain given it): both are weights of 0. One gain costs O(concepts).

use super::Objective;
use super::facility_location::{FacilityLocation, Reduction};
use crate::Error;
use crate::similarity::Any;
use std::sync::Arc;

/// `has`: rows are concepts, columns items, entries 0 or 1; one weight of at least 0 a concept.
///
/// # Errors
/// [`Error::Shape`], [`Error::NotFinite`], [`Error::Parameter`].
pub fn set_cover(has: Any, weights: Vec<f64>) -> Result<Arc<dyn Objective>, Error> {
    // A concept is represented as well as by the item most similar to it: fully, or not at all.
    Ok(Arc::new(FacilityLocation::new(has, Some(weights), Reduction::Sum)?))
}
