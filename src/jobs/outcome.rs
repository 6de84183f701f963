//! What a job leaves, whatever its kind.

use super::attribution::result::AttributionResult;
use super::experiment::result::{BiasStudyResult, SmoothnessResult};
use super::record::JobSpec;
use super::selection::result::SelectionResult;
use serde::Serialize;

/// Items of a dataset, in the order of choice.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenItems {
    /// Their rows.
    pub rows: Vec<u32>,
    /// Their ids, where the dataset has ids.
    pub ids: Option<Vec<String>>,
    /// Digest of the dataset; empty where there was none.
    pub digest: String,
}

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

    /// The items that were chosen, where some were.
    pub fn into_chosen(self) -> Option<ChosenItems> {
        match self {
            Self::Selection(result) => {
                let SelectionResult { indices, ids, dataset_digest, .. } = *result;
                Some(ChosenItems { rows: indices, ids, digest: dataset_digest })
            }
            Self::BiasStudy(_) | Self::Smoothness(_) | Self::Attribution(_) => None,
        }
    }
}
