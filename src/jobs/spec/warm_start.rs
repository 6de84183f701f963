//! What a search begins with.

use super::defaults;
use serde::{Deserialize, Serialize};

/// An earlier answer whose items are taken wherever others would hardly do better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WarmStartSpec {
    /// That of one job.
    One(OneWarmStartSpec),
    /// That of the job, of several, whose items say most of the labels.
    Nearest(NearestWarmStartSpec),
}

/// The answer of one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneWarmStartSpec {
    /// Its id.
    pub job: String,
    /// How much worse than the best a gain may be.
    #[serde(default = "defaults::tolerance")]
    pub tolerance: f64,
}

/// The answer of one of several jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearestWarmStartSpec {
    /// Their ids.
    pub jobs: Vec<String>,
    /// How one of them is chosen.
    pub by: WarmStartBySpec,
    /// What their items have to predict.
    pub labels: LabelsSpec,
    /// Items that vote on a label, where there are so many.
    #[serde(default = "defaults::neighbors")]
    pub neighbors: u64,
    /// How much worse than the best a gain may be.
    #[serde(default = "defaults::tolerance")]
    pub tolerance: f64,
}

/// How an earlier answer is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarmStartBySpec {
    /// Its items predict most labels of the others by nearest neighbours.
    Knn,
}

/// A label an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelsSpec {
    /// A column of the dataset.
    Column(String),
    /// Label by label.
    Values(Vec<Option<String>>),
}

impl WarmStartSpec {
    /// How much worse than the best a gain may be.
    pub fn tolerance(&self) -> f64 {
        match self {
            Self::One(OneWarmStartSpec { tolerance, .. })
            | Self::Nearest(NearestWarmStartSpec { tolerance, .. }) => *tolerance,
        }
    }
}
