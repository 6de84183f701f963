//! What a job leaves, whatever its kind.

use super::attribution::result::AttributionResult;
use super::experiment::result::{BiasStudyResult, SmoothnessResult};
use super::record::JobSpec;
use super::selection::result::SelectionResult;
use serde::Serialize;

/// A result as it is stored: its kind stands in its job's record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum JobResult {
    /// Of a selection.
    Selection(Box<SelectionResult>),
    /// Of a bias study.
    BiasStudy(BiasStudyResult),
    /// Of an estimate of smoothness.
    Smoothness(SmoothnessResult),
    /// Of an attribution.
    Attribution(Box<AttributionResult>),
}

impl JobResult {
    /// Reads the result of a job of this spec.
    ///
    /// # Errors
    /// Bytes of another kind, or of another version.
    pub fn decode(spec: &JobSpec, bytes: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match spec {
            JobSpec::Selection(_) => Self::Selection(serde_json::from_slice(bytes)?),
            JobSpec::BiasStudy(_) => Self::BiasStudy(serde_json::from_slice(bytes)?),
            JobSpec::Smoothness(_) => Self::Smoothness(serde_json::from_slice(bytes)?),
            JobSpec::Attribution(_) => Self::Attribution(serde_json::from_slice(bytes)?),
        })
    }

    /// What was chosen, where something was.
    pub fn into_selection(self) -> Option<SelectionResult> {
        if let Self::Selection(result) = self { Some(*result) } else { None }
    }
}
