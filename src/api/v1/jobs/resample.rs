//! The body of `POST /v1/jobs` that asks for a draw.

use super::request::{Wanted, labels};
use crate::api::v1::result::ResampleKind;
use crate::api::v1::spec::{SampleAllocation, SampleScope, SampleWeights, To};
use crate::jobs::record::JobSpec;
use crate::jobs::spec::{self, defaults};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Items to draw from those that a selection chose, without replacement, the more likely the larger the gain. The
/// vectors are not looked at: another seed or size takes milliseconds.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResampleRequest {
    /// What kind of work it is.
    pub kind: ResampleKind,
    /// Id of a selection that has ended; its parts are drawn from one by one where it has parts.
    #[schema(example = "job_0192f0c1a2b37c4d8e5f6a7b8c9d0e1f")]
    pub job: String,
    /// How many items to draw.
    #[schema(minimum = 1, example = 100)]
    pub size: u64,
    /// Seed of the draw.
    #[serde(default)]
    pub seed: u64,
    /// What gains are divided by: the higher, the more alike the probabilities.
    #[serde(default = "defaults::temperature")]
    #[schema(default = 1.0, exclusive_minimum = 0.0)]
    pub temperature: f64,
    /// From gains to weights.
    #[serde(default)]
    pub weights: SampleWeights,
    /// From what is drawn.
    #[serde(default)]
    pub scope: SampleScope,
    /// How the size is shared out among parts, in the scope `part`.
    #[serde(default)]
    pub allocation: SampleAllocation,
    /// Notes for the owner.
    #[serde(default)]
    #[schema(schema_with = labels)]
    pub labels: BTreeMap<String, String>,
}

impl ResampleRequest {
    pub(super) fn wanted(self) -> Wanted {
        let Self { kind: _, job, size, seed, temperature, weights, scope, allocation, labels } = self;
        let (weights, scope, allocation) = (weights.to(), scope.to(), allocation.to());
        let spec = spec::ResampleSpec { job, size, seed, temperature, weights, scope, allocation };
        Wanted { dataset: None, spec: JobSpec::Resample(spec), labels }
    }
}
