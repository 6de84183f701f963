//! Log-determinant's mutual information with a query Q given a private set P: `f(S) = ln det` of the kernel given P less that
//! given P and Q (Kothawade et al. 2022). eta scales the similarities of Q and the items, nu those of P.
//!
//! Normalised; not submodular in general, so a search on it is a heuristic.

use super::Objective;
use super::log_det::Given;
use super::log_det_mi::difference;
use crate::similarity::{Any, Similarity};
use crate::{Ctl, Halt};
use std::sync::Arc;

/// `own` and `cross`: the kernel of the private rows followed by the query's, and theirs with the items; `private`: how
/// many of them are private.
///
/// # Errors
/// As [`Given::new`] and [`LogDet::new`](super::log_det::LogDet::new).
pub fn log_det_cmi(
    similarity: Any,
    (own, cross): (&Any, &Any),
    private: usize,
    (eta, nu): (f64, f64),
    ridge: f64,
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    let mut scale = vec![eta; cross.rows()];
    scale[..private].fill(nu);
    let both = Given::new(own, cross, &scale, ridge, ctl)?;
    Ok(difference(similarity, ridge, both.leading(private), both)?)
}
