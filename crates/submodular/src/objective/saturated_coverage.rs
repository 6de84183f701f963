//! Saturated coverage: `f(S) = sum over i in V of min(sum over j in S of s_ij, cap_i)` (Lin and Bilmes 2011), cap_i a share
//! alpha of `sum over j in V of s_ij`, or alpha itself.
//!
//! Monotone, submodular, normalised for s >= 0. One gain costs O(n) similarities.

use super::Objective;
use super::concave_over_sums::{ConcaveOverSums, Shape};
use crate::similarity::{Any, Similarity};
use crate::{Ctl, Error, Halt};
use std::sync::Arc;

/// When a row is covered enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cap {
    /// At the share alpha of what all items together give it.
    #[default]
    Fraction,
    /// At alpha.
    Absolute,
}

/// Over a square similarity of at least 0. O(n^2) similarities.
///
/// # Errors
/// [`Halt`] when stopped; [`Error::Parameter`] for an alpha below 0, [`Error::Shape`].
pub fn saturated_coverage(
    similarity: Any,
    alpha: f64,
    cap: Cap,
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    let (expected, found) = (similarity.items(), similarity.rows());
    if expected != found {
        return Err(Error::Shape { what: "represented rows", expected, found }.into());
    }
    let shape = match cap {
        Cap::Fraction => Shape::CapShare(alpha),
        Cap::Absolute => Shape::Cap(vec![alpha; found]),
    };
    Ok(Arc::new(ConcaveOverSums::new(similarity, shape, ctl)?))
}
