//! Experiments on rankings, from spec to result: repetitions that are drawn and measured one by one.
//!
//! `prepare` looks everything up and reads no ranking; `run` makes the repetitions in batches, blocking, in the
//! rayon pool it is called in. A repetition depends on its index alone, so that a batch that was lost is made again to
//! the bit, and neither threads nor stops show in the result.

mod prepare;
mod resolve;
pub mod result;
mod run;
mod saved;

pub(super) use prepare::{Prepared, prepare};
pub(super) use run::run;

use crate::jobs::spec::{BiasStudySpec, SmoothnessSpec};

/// Which experiment.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ExperimentSpec {
    /// Compare committees chosen from biased rankings.
    BiasStudy(BiasStudySpec),
    /// Estimate what biased rankings still tell.
    Smoothness(SmoothnessSpec),
}
