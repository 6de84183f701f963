//! Facility location's mutual information with a query Q (FLQMI): `f(S) = sum over q of max over j in S of s_qj + eta * sum
//! over j in S of max over q of s_jq` (Iyer et al. 2021).
//!
//! Monotone, submodular, normalised. Negative similarities never count. One gain costs O(|Q|); nothing of n x n is
//! needed.

use super::facility_location::{FacilityLocation, Reduction};
use super::mixture::Mixture;
use super::modular::Modular;
use super::{Objective, columns};
use crate::similarity::Any;
use crate::{Ctl, Halt};
use std::sync::Arc;

/// `query`: the similarities of the query's rows and the items.
///
/// # Errors
/// [`Halt`] when stopped; [`Error::Parameter`](crate::Error::Parameter) for an eta below 0.
pub fn facility_location_mi(query: Any, eta: f64, ctl: &Ctl) -> Result<Arc<dyn Objective>, Halt> {
    let relevance = columns::nearest(&query, ctl)?.into_iter().map(f64::from).collect();
    let represented = FacilityLocation::new(query, None, Reduction::Sum)?;
    let relevant = Modular::new(relevance)?;
    Ok(Arc::new(Mixture::new(vec![(1.0, Arc::new(represented)), (eta, Arc::new(relevant))])?))
}
