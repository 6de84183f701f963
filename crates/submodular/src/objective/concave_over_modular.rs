//! Concave over modular, a mutual information with a query Q: `f(S) = eta * sum over j in S of g(sum over q of s_jq) + sum
//! over q of g(sum over j in S of s_jq)`, g concave (Kothawade et al. 2022).
//!
//! Monotone, submodular, normalised for s >= 0. One gain costs O(|Q|); nothing of n x n is needed.

use super::concave_over_sums::{Concave, ConcaveOverSums, Shape};
use super::mixture::Mixture;
use super::modular::Modular;
use super::{Objective, columns};
use crate::similarity::Any;
use crate::{Ctl, Halt};
use std::sync::Arc;

/// `query`: the similarities, at least 0, of the query's rows and the items.
///
/// # Errors
/// [`Halt`] when stopped; [`Error::Parameter`](crate::Error::Parameter) for an eta below 0 or a power outside (0, 1].
pub fn concave_over_modular(
    query: Any,
    eta: f64,
    concave: Concave,
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    let relevance = columns::totals(&query, ctl)?.iter().map(|&s| concave.at(s)).collect();
    let covered = ConcaveOverSums::new(query, Shape::Concave(concave, None), ctl)?;
    let relevant = Modular::new(relevance)?;
    Ok(Arc::new(Mixture::new(vec![(1.0, Arc::new(covered)), (eta, Arc::new(relevant))])?))
}
