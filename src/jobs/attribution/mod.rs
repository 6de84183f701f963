//! Attribution from a spec to a result: which regions of one input a model's answer rests on.
//!
//! The model is somebody else's. What it says comes as a table, or in rounds: the run stops with the sets that it has to
//! know of, and goes on from what it saved once they have been answered.

mod prepare;
pub mod result;
mod run;

pub(super) use prepare::{Prepared, evaluations, prepare};
pub(super) use run::run;

use submodular::Set;
use submodular::attribution::Pair;

/// What the owner of the model has told so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// Rounds that were asked.
    pub rounds: u64,
    /// The class that is explained, once it is known.
    pub target: Option<u64>,
    /// What counts of each answer.
    pub pairs: Vec<(Set, Pair)>,
}
