//! Sum of distances: `f(S) = sum over pairs {i, j} of S of d_ij`.
//!
//! Monotone and supermodular, so no lazy search. Greedy earns 1/2 where the distance is a metric.

use super::pairwise::{self, Pairwise};
use super::{Dispersion, Objective, Properties, Triangle};
use crate::Error;
use crate::similarity::{Any, Similarity};
use std::sync::Arc;

/// Over a square matrix of distances, all at least 0; where it is not symmetric, a pair counts the mean of both.
///
/// # Errors
/// [`Error::Shape`].
pub fn disparity_sum(distance: Any, triangle: Triangle) -> Result<Arc<dyn Objective>, Error> {
    let terms = vec![0.0; distance.items()];
    Ok(Arc::new(Pairwise::new(distance, terms, 0.5, properties(triangle))?.without_diagonal()))
}

/// What always holds.
pub fn properties(triangle: Triangle) -> Properties {
    Properties { dispersion: Some(Dispersion::Sum(triangle)), ..pairwise::properties(0.5, true) }
}
