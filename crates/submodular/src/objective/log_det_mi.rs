//! Log-determinant's mutual information with a query Q: `f(S) = ln det(K_SS + ridge I) - ln det(K_SS + ridge I - eta^2 K_SQ
//! (K_QQ + ridge I)^-1 K_QS)` (Kothawade et al. 2022), and the same given a private set.
//!
//! Normalised; not submodular in general, so a search on it is a heuristic.

use super::log_det::{Given, LogDet};
use super::mixture::Mixture;
use super::{Objective, Properties};
use crate::similarity::{Any, Similarity};
use crate::{Ctl, Error, Halt};
use std::sync::Arc;

/// `own`: the kernel of the query's rows; `cross`: theirs with the items.
///
/// # Errors
/// As [`Given::new`] and [`LogDet::new`].
pub fn log_det_mi(
    similarity: Any,
    (own, cross): (&Any, &Any),
    eta: f64,
    ridge: f64,
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    let given = Given::new(own, cross, &vec![eta; cross.rows()], ridge, ctl)?;
    Ok(difference(similarity, ridge, Given::default(), given)?)
}

/// `ln det` given one set of rows less `ln det` given a larger one.
pub(super) fn difference(
    similarity: Any,
    ridge: f64,
    less: Given,
    more: Given,
) -> Result<Arc<dyn Objective>, Error> {
    let similarity = Arc::new(similarity);
    let side = |given| LogDet::new(similarity.clone(), ridge, given, Properties::default());
    let parts: Vec<(f64, Arc<dyn Objective>)> =
        vec![(1.0, Arc::new(side(less)?)), (-1.0, Arc::new(side(more)?))];
    Ok(Arc::new(Mixture::known(parts, properties())?))
}

/// What always holds.
pub fn properties() -> Properties {
    Properties { normalised: true, restricts_exactly: true, ..Properties::default() }
}
