//! A selection from spec to result: the same engine for the service and for `fewer select`.

pub mod result;

use crate::dataset::{DatasetError, Source};
use crate::jobs::spec::SelectionSpec;
use result::{PlanReport, SelectionResult};

/// What a job may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Peak bytes.
    pub memory_bytes: u64,
    /// Floating-point operations.
    pub max_flops: f64,
}

/// One offence.
#[derive(Debug, Clone)]
pub struct FieldError {
    /// JSON pointer.
    pub pointer: String,
    /// Code.
    pub code: &'static str,
    /// Detail.
    pub detail: String,
}

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// Bad spec.
    #[error("invalid")]
    Invalid(Vec<FieldError>),
    /// Too large.
    #[error("{detail}")]
    TooLarge {
        /// Detail.
        detail: String,
    },
    /// Bad dataset.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Failed.
    #[error("{0}")]
    Failed(String),
}

impl SelectionError {
    /// Wire code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(fields) => fields.first().map_or("invalid_parameter", |field| field.code),
            Self::TooLarge { .. } => "estimate_exceeds_limit",
            Self::Dataset(error) => error.code(),
            Self::Failed(_) => "internal",
        }
    }
}

/// Prepared.
#[derive(Debug)]
pub struct Prepared {
    report: PlanReport,
}

impl Prepared {
    /// Plan.
    pub fn report(&self) -> &PlanReport {
        &self.report
    }
}

/// Placeholder until the engine is merged.
///
/// # Errors
/// Always.
pub fn prepare(_: &SelectionSpec, _: &Source, _: &Limits) -> Result<Prepared, SelectionError> {
    Err(SelectionError::Failed("no engine".into()))
}

/// Phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Loading.
    Loading,
    /// Similarity.
    Similarity,
    /// Selecting.
    Selecting,
}

/// Progress.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Phase.
    pub phase: Phase,
    /// Done.
    pub done: u64,
    /// Total.
    pub total: u64,
    /// Value.
    pub objective_value: Option<f64>,
    /// Evaluations.
    pub evaluations: u64,
}

/// Watch.
pub trait Watch {
    /// After each step.
    fn progress(&mut self, progress: Progress);
    /// After each step.
    fn save(&mut self, bytes: &dyn Fn() -> Vec<u8>);
}

/// Ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Finished.
    Finished,
    /// Cancelled.
    Cancelled,
    /// Deadline.
    Deadline,
}

/// Ran.
#[derive(Debug)]
pub struct Ran {
    /// How.
    pub ending: Ending,
    /// Result.
    pub result: SelectionResult,
    /// Saved.
    pub saved: Vec<u8>,
}

/// Placeholder until the engine is merged.
///
/// # Errors
/// Always.
pub fn run(
    _: Prepared,
    _: &Source,
    _: &str,
    _: Option<&[u8]>,
    _: &submodular::Ctl,
    _: &mut dyn Watch,
) -> Result<Ran, SelectionError> {
    Err(SelectionError::Failed("no engine".into()))
}
