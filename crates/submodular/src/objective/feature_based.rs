//! Feature-based functions: `f(S) = sum over features u of w_u g(sum over j in S of x_ju)`, g concave, x and w at least 0
//! (Wei et al. 2014).
//!
//! Monotone, submodular, normalised. One gain costs O(features); the state is 8 bytes a feature.

use super::Objective;
use super::concave_over_sums::{Concave, ConcaveOverSums, Shape};
use crate::similarity::Any;
use crate::{Ctl, Halt};
use std::sync::Arc;

/// `features`: rows are features, columns items, entries at least 0; one weight of at least 0 a feature, 1 when absent.
///
/// # Errors
/// [`Halt`] when stopped; [`Error::Shape`](crate::Error::Shape), [`Error::Parameter`](crate::Error::Parameter).
pub fn feature_based(
    features: Any,
    concave: Concave,
    weights: Option<Vec<f64>>,
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    Ok(Arc::new(ConcaveOverSums::new(features, Shape::Concave(concave, weights), ctl)?))
}
