//! Attribution from a spec to a result: which regions of one input a model's answer rests on.
//!
//! The model is somebody else's. What it says comes as a table, or in rounds: the run stops with the sets that it has to
//! know of, and goes on from what it saved once they have been answered.

mod prepare;
pub mod result;
mod run;

pub(super) use prepare::{Prepared, evaluations, prepare};
pub(super) use run::run;

use submodular::attribution::Evaluations;

/// What the owner of the model has told so far.
pub(super) struct Told {
    /// Rounds that were asked.
    pub(super) rounds: u64,
    /// What counts of each answer.
    pub(super) book: Evaluations,
}
