//! What a search begins with, on the wire.

use super::Labels;
use crate::jobs::spec::defaults;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An earlier answer whose items are taken wherever others would hardly do better: each pick gains at least 1 -
/// `tolerance` of the best there is. For `greedy`, `lazy_greedy` and `auto`, without a knapsack.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "give job, or jobs with by and labels")]
pub enum WarmStart {
    /// That of one job.
    One(OneWarmStart),
    /// That of the job, of several, whose items predict most labels.
    Nearest(NearestWarmStart),
}

/// The answer of one job. Its items that the dataset does not have, or that may not be chosen, are left out.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OneWarmStart {
    /// Its id. It has ended with a result.
    #[schema(example = "job_0192f0c1a2b37c4d8e5f6a7b8c9d0e1f")]
    pub job: String,
    /// How much worse than the best a gain may be, as a share of it. At 0 the picks are those without a start.
    #[serde(default = "defaults::tolerance")]
    #[schema(default = defaults::tolerance, minimum = 0.0, exclusive_maximum = 1.0)]
    pub tolerance: f64,
}

/// The answer of one of several jobs. The items that a job chose vote on the labels of the others by nearest neighbours
/// (Euclidean); the most accurate job is begun with, and none where no one is better than chance.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NearestWarmStart {
    /// Their ids. They have ended with a result.
    #[schema(min_items = 1, max_items = 256)]
    pub jobs: Vec<String>,
    /// How one of them is chosen.
    pub by: WarmStartBy,
    /// What their items have to predict. Items without a label neither vote nor are voted on.
    pub labels: Labels,
    /// How many neighbours vote on an item; all that are chosen where they are fewer.
    #[serde(default = "defaults::neighbors")]
    #[schema(default = defaults::neighbors, minimum = 1)]
    pub neighbors: u64,
    /// How much worse than the best a gain may be, as a share of it. At 0 the picks are those without a start.
    #[serde(default = "defaults::tolerance")]
    #[schema(default = defaults::tolerance, minimum = 0.0, exclusive_maximum = 1.0)]
    pub tolerance: f64,
}

/// How an earlier answer is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarmStartBy {
    /// Nearest neighbours.
    Knn,
}
