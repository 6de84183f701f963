//! What a draw leaves, as it is stored.

use serde::{Deserialize, Serialize};

/// The drawn items: part by part, or all together, in the order of the draws. The lists are stored beside the rest: see
/// [`JobResult::encode`](crate::jobs::outcome::JobResult::encode).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResampleResult {
    /// The job whose gains they were drawn from.
    pub job: String,
    /// That job's dataset.
    pub dataset: Option<String>,
    /// Row indices.
    #[serde(default, skip_serializing)]
    pub indices: Vec<u32>,
    /// Their ids, where the dataset has ids.
    #[serde(default, skip_serializing)]
    pub ids: Option<Vec<String>>,
    /// The kept gain of each.
    #[serde(default, skip_serializing)]
    pub gains: Vec<f64>,
    /// Its probability to be the first one drawn.
    #[serde(default, skip_serializing)]
    pub probabilities: Vec<f64>,
    /// Its probability to be drawn at all.
    #[serde(default, skip_serializing)]
    pub inclusion_probabilities: Vec<f64>,
    /// Where those come from: `exact` or `threshold`.
    pub inclusion_basis: String,
    /// What was drawn of each part.
    pub parts: Vec<DrawnRecord>,
    /// Seed of the draw.
    pub seed: u64,
    /// Digest of the dataset.
    pub dataset_digest: String,
    /// Version of fewer.
    pub version: String,
    /// Wall seconds of the draw.
    pub seconds: f64,
}

/// What was drawn of one part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrawnRecord {
    /// Its number.
    pub part: u64,
    /// Items that it has.
    pub size: u64,
    /// Items that have a gain, which it is drawn from.
    pub kept: u64,
    /// Items drawn.
    pub drawn: u64,
    /// Where inclusion probabilities come from.
    pub inclusion_basis: String,
}
