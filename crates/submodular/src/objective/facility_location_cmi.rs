//! Facility location's mutual information with a query Q given a private set P: `f(S) = sum over i of max(0, min(max over j
//! in S of s_ij, eta * max over q of s_iq) - nu * max over p of s_ip)` (Iyer et al. 2021).
//!
//! Monotone, submodular, normalised. One gain costs O(n).

use super::facility_location::{Clamp, FacilityLocation};
use super::{Objective, columns};
use crate::similarity::Any;
use crate::{Ctl, Halt};
use std::sync::Arc;

/// `query` and `private`: the similarities of their rows and the rows of `similarity`, which are the items.
///
/// # Errors
/// [`Halt`] when stopped; [`Error::Parameter`](crate::Error::Parameter) for a factor below 0,
/// [`Error::Shape`](crate::Error::Shape).
pub fn facility_location_cmi(
    similarity: Any,
    query: &Any,
    private: &Any,
    (eta, nu): (f64, f64),
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    let clamp = Clamp {
        floor: columns::scaled_nearest(private, nu, "nu", ctl)?,
        cap: columns::scaled_nearest(query, eta, "eta", ctl)?,
    };
    Ok(Arc::new(FacilityLocation::clamped(similarity, clamp)?))
}
