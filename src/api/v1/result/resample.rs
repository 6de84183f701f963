//! What a draw leaves, on the wire.

use super::ResampleKind;
use super::table::{Table, Tabled};
use crate::jobs::resample::result as stored;
use serde::Serialize;
use utoipa::ToSchema;

/// The drawn items: part by part in the scope `part`, in the order of the draws.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResampleResult {
    /// Always `resample`.
    pub kind: ResampleKind,
    /// Id of the selection.
    pub job: String,
    /// Row indices.
    #[schema(example = json!([14, 0]))]
    pub indices: Vec<u32>,
    /// Their ids; null where the dataset has none.
    #[schema(example = json!(["a", "b"]))]
    pub ids: Option<Vec<String>>,
    /// The gain of each as the selection kept it.
    #[schema(example = json!([3.125, 1.728]))]
    pub gains: Vec<f64>,
    /// Probability of each to be the first one drawn of its part, or of all.
    #[schema(example = json!([0.4056, 0.19]))]
    pub probabilities: Vec<f64>,
    /// Probability of each to be drawn at all.
    #[schema(example = json!([0.6799, 0.4037]))]
    pub inclusion_probabilities: Vec<f64>,
    /// Where those come from: `exact`, by enumeration, where every part has at most 12 items; else `threshold`,
    /// 1 - exp(-p e^-tau) given tau, the largest key that was not drawn.
    #[schema(example = "exact")]
    pub inclusion_basis: String,
    /// 1 / inclusion probability: sums that are weighted by it estimate, without bias, sums over all items that could be
    /// drawn.
    #[schema(example = json!([1.4708, 2.4771]))]
    pub importance_weights: Vec<f64>,
    /// What was drawn of each part.
    pub parts: Vec<DrawnPart>,
    /// The seed of the draw.
    pub seed: u64,
    /// Digest of the selection's dataset.
    pub dataset_digest: String,
    /// Digest of a model; always null.
    pub model_digest: Option<String>,
    /// The release that drew it.
    pub version: String,
    /// Wall seconds of the draw.
    pub seconds: f64,
}

/// What was drawn of one part.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DrawnPart {
    /// Its number in the selection; 0 where that has no parts.
    pub part: u64,
    /// Items that it has.
    #[schema(example = 8)]
    pub size: u64,
    /// Items that the selection chose of it, which it is drawn from.
    #[schema(example = 7)]
    pub kept: u64,
    /// Items drawn.
    #[schema(example = 2)]
    pub drawn: u64,
    /// `exact` or `threshold`.
    #[schema(example = "exact")]
    pub inclusion_basis: String,
}

/// One drawn item: a line of ndjson, a row of the tables.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Drawn {
    /// Its place in the result, from 1.
    #[schema(example = 1)]
    pub rank: u32,
    /// Its row.
    #[schema(example = 14)]
    pub index: u32,
    /// Its id; null where the dataset has none.
    #[schema(example = "a")]
    pub id: Option<String>,
    /// Its kept gain.
    #[schema(example = 3.125)]
    pub gain: f64,
    /// Its probability to be the first one drawn.
    #[schema(example = 0.4056)]
    pub probability: f64,
    /// Its probability to be drawn at all.
    #[schema(example = 0.6799)]
    pub inclusion_probability: f64,
    /// 1 / that.
    #[schema(example = 1.4708)]
    pub importance_weight: f64,
}

impl From<stored::ResampleResult> for ResampleResult {
    fn from(result: stored::ResampleResult) -> Self {
        let part = |part: stored::DrawnRecord| {
            let stored::DrawnRecord { part, size, kept, drawn, inclusion_basis } = part;
            DrawnPart { part, size, kept, drawn, inclusion_basis }
        };
        Self {
            kind: ResampleKind::Resample,
            job: result.job,
            indices: result.indices,
            ids: result.ids,
            gains: result.gains,
            probabilities: result.probabilities,
            importance_weights: result.inclusion_probabilities.iter().map(|chance| 1.0 / chance).collect(),
            inclusion_probabilities: result.inclusion_probabilities,
            inclusion_basis: result.inclusion_basis,
            parts: result.parts.into_iter().map(part).collect(),
            seed: result.seed,
            dataset_digest: result.dataset_digest,
            model_digest: None,
            version: result.version,
            seconds: result.seconds,
        }
    }
}

impl Tabled for ResampleResult {
    fn table(&self) -> Table<'_> {
        Table {
            indices: &self.indices,
            ids: self.ids.as_deref(),
            numbers: vec![
                ("gain", &self.gains),
                ("probability", &self.probabilities),
                ("inclusion_probability", &self.inclusion_probabilities),
                ("importance_weight", &self.importance_weights),
            ],
        }
    }

    fn metadata(&self) -> Result<Vec<(&'static str, String)>, serde_json::Error> {
        Ok(vec![
            ("job", self.job.clone()),
            ("inclusion_basis", self.inclusion_basis.clone()),
            ("seed", self.seed.to_string()),
            ("dataset_digest", self.dataset_digest.clone()),
            ("version", self.version.clone()),
        ])
    }
}
