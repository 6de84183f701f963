//! Facility location given a private set P: `f(S) = sum over i of max(0, max over j in S of s_ij - nu * max over p of s_ip)`
//! (Iyer et al. 2021): what P serves already is not served again.
//!
//! Monotone, submodular, normalised. One gain costs O(n), or the item's neighbours.

use super::facility_location::{Clamp, FacilityLocation};
use super::{Objective, columns};
use crate::similarity::{Any, Similarity};
use crate::{Ctl, Halt};
use std::sync::Arc;

/// `private`: the similarities of the private rows and the rows of `similarity`, which are the items.
///
/// # Errors
/// [`Halt`] when stopped; [`Error::Parameter`](crate::Error::Parameter) for a nu below 0,
/// [`Error::Shape`](crate::Error::Shape).
pub fn facility_location_cg(
    similarity: Any,
    private: &Any,
    nu: f64,
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    let cap = vec![f32::INFINITY; similarity.rows()];
    let clamp = Clamp { floor: columns::scaled_nearest(private, nu, "nu", ctl)?, cap };
    Ok(Arc::new(FacilityLocation::clamped(similarity, clamp)?))
}
