//! Graph cut's mutual information with a query Q: `f(S) = 2 lambda * sum over j in S, q in Q of s_jq` (Iyer et al. 2021):
//! pure retrieval. Modular; monotone for s >= 0.

use super::modular::Modular;
use super::{Objective, Properties, columns, pairwise};
use crate::similarity::Any;
use crate::{Ctl, Error, Halt};
use std::sync::Arc;

/// `query`: the similarities, at least 0, of the query's rows and the items.
///
/// # Errors
/// [`Halt`] when stopped; [`Error::Parameter`] for a lambda below 0.
pub fn graph_cut_mi(query: &Any, lambda: f64, ctl: &Ctl) -> Result<Arc<dyn Objective>, Halt> {
    if !(lambda.is_finite() && lambda >= 0.0) {
        let reason = format!("is {lambda}; expected a finite number of at least 0");
        return Err(Error::Parameter { name: "lambda", reason }.into());
    }
    let scores = columns::totals(query, ctl)?.iter().map(|s| 2.0 * lambda * s).collect();
    Ok(Arc::new(Modular::new(scores)?))
}

/// What holds for every lambda.
pub fn properties() -> Properties {
    Properties { streamable: true, ..pairwise::properties(0.0, true) }
}
