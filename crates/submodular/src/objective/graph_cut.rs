//! Graph cut: `f(S) = sum over i in V, j in S of s_ij - lambda * sum over ordered pairs (i, j) of S of s_ij`, the
//! diagonal included (Lin and Bilmes 2011; Kothawade et al. 2022).
//!
//! Submodular and normalised for s >= 0; monotone for lambda <= 1/2, non-negative for lambda <= 1. A gain costs O(1), a
//! pick O(n) similarities.

use super::pairwise::{self, Pairwise};
use super::{Objective, Properties, columns};
use crate::similarity::{Any, Similarity};
use crate::{Ctl, Error, Halt};
use std::sync::Arc;

/// Over a square similarity of at least 0, which must be symmetric. O(n^2) similarities.
///
/// # Errors
/// [`Halt`] when stopped; [`Error::Shape`], [`Error::NotSymmetric`], [`Error::Parameter`] for a lambda below 0.
pub fn graph_cut(similarity: Any, lambda: f64, ctl: &Ctl) -> Result<Arc<dyn Objective>, Halt> {
    let more = vec![0.0; similarity.items()];
    cut(similarity, lambda, &more, properties(lambda), ctl)
}

/// The cut and a number more for each item.
pub(super) fn cut(
    similarity: Any,
    lambda: f64,
    more: &[f64],
    properties: Properties,
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    if !(lambda.is_finite() && lambda >= 0.0) {
        let reason = format!("is {lambda}; expected a finite number of at least 0");
        return Err(Error::Parameter { name: "lambda", reason }.into());
    }
    columns::refuse_lopsided(&similarity)?;
    let mut terms = columns::totals(&similarity, ctl)?;
    terms.iter_mut().zip(more).for_each(|(term, more)| *term += more);
    Ok(Arc::new(Pairwise::new(similarity, terms, -lambda, properties)?))
}

/// What holds for every symmetric s >= 0: a gain is at least `(1 - 2 lambda)` times what e adds to the cut.
pub fn properties(lambda: f64) -> Properties {
    Properties { nonnegative: lambda <= 1.0, ..pairwise::properties(-lambda, lambda <= 0.5) }
}
