//! Facility location's mutual information with a query Q over the whole ground set (FLVMI): `f(S) = sum over i of
//! min(max over j in S of s_ij, eta * max over q of s_iq)` (Iyer et al. 2021).
//!
//! Monotone, submodular, normalised. One gain costs O(n).

use super::facility_location::{Clamp, FacilityLocation};
use super::{Objective, columns};
use crate::similarity::{Any, Similarity};
use crate::{Ctl, Halt};
use std::sync::Arc;

/// `query`: the similarities of the query's rows and the rows of `similarity`, which are the items.
///
/// # Errors
/// [`Halt`] when stopped; [`Error::Parameter`](crate::Error::Parameter) for an eta below 0,
/// [`Error::Shape`](crate::Error::Shape).
pub fn facility_location_vmi(
    similarity: Any,
    query: &Any,
    eta: f64,
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    let clamp =
        Clamp { floor: vec![0.0; similarity.rows()], cap: columns::scaled_nearest(query, eta, "eta", ctl)? };
    Ok(Arc::new(FacilityLocation::clamped(similarity, clamp)?))
}
