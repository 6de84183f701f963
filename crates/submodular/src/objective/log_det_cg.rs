//! Log-determinant given a private set P: `f(S) = ln det(K_SS + ridge I - nu^2 K_SP (K_PP + ridge I)^-1 K_PS)` (Kothawade
//! et al. 2022): volume that P does not span already.
//!
//! For a positive semidefinite kernel and nu <= 1 submodular, and monotone where the ridge is at least 1: conditioning
//! leaves no eigenvalue below the smallest that was there.

use super::log_det::{self, Given, LogDet};
use super::{Objective, Properties};
use crate::similarity::{Any, Similarity};
use crate::{Ctl, Halt};
use std::sync::Arc;

/// `own`: the kernel of the private rows; `cross`: theirs with the items.
///
/// # Errors
/// As [`Given::new`] and [`LogDet::new`].
pub fn log_det_cg(
    similarity: Any,
    (own, cross): (&Any, &Any),
    nu: f64,
    ridge: f64,
    definite: bool,
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    let given = Given::new(own, cross, &vec![nu; cross.rows()], ridge, ctl)?;
    Ok(Arc::new(LogDet::new(similarity, ridge, given, properties(definite, nu, ridge))?))
}

/// See [`log_det::properties`].
pub fn properties(definite: bool, nu: f64, ridge: f64) -> Properties {
    log_det::properties(definite && nu <= 1.0, ridge)
}
