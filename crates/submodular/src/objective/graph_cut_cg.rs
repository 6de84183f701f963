//! Graph cut given a private set P: `f_cut(S) - 2 lambda nu * sum over j in S, p in P of s_jp` (Iyer et al. 2021).
//!
//! Submodular and normalised; not monotone, since an item near P costs more than it brings.

use super::graph_cut::cut;
use super::{Objective, Properties, columns, pairwise};
use crate::similarity::Any;
use crate::{Ctl, Error, Halt};
use std::sync::Arc;

/// `private`: the similarities, at least 0, of the private rows and the items.
///
/// # Errors
/// As [`graph_cut`](super::graph_cut::graph_cut); [`Error::Parameter`] for a nu below 0.
pub fn graph_cut_cg(
    similarity: Any,
    private: &Any,
    lambda: f64,
    nu: f64,
    ctl: &Ctl,
) -> Result<Arc<dyn Objective>, Halt> {
    if !(nu.is_finite() && nu >= 0.0) {
        let reason = format!("is {nu}; expected a finite number of at least 0");
        return Err(Error::Parameter { name: "nu", reason }.into());
    }
    let more: Vec<f64> = columns::totals(private, ctl)?.iter().map(|s| -2.0 * lambda * nu * s).collect();
    cut(similarity, lambda, &more, properties(), ctl)
}

/// What holds for every lambda and nu.
pub fn properties() -> Properties {
    Properties { submodular: true, ..pairwise::properties(-1.0, false) }
}
