//! Redundancy: `f(S) = - sum over ordered pairs (i, j) of S of s_ij`, the diagonal included.
//!
//! Submodular and normalised for s >= 0; never monotone, never above 0. Its maximisers are the least alike.

use super::pairwise::{self, Pairwise};
use super::{Objective, Properties};
use crate::Error;
use crate::similarity::{Any, Similarity};
use std::sync::Arc;

/// Over a square similarity of at least 0.
///
/// # Errors
/// [`Error::Shape`].
pub fn sum_redundancy(similarity: Any) -> Result<Arc<dyn Objective>, Error> {
    let terms = vec![0.0; similarity.items()];
    Ok(Arc::new(Pairwise::new(similarity, terms, -1.0, properties())?))
}

/// What always holds.
pub fn properties() -> Properties {
    pairwise::properties(-1.0, false)
}
