//! What a selection took over from jobs before it.

use crate::jobs::selection::result as stored;
use serde::Serialize;
use utoipa::ToSchema;

/// Items that were owned already.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Owned {
    /// How many.
    #[schema(example = 50)]
    pub items: u64,
    /// f of them; with `objective_value` f of them and the chosen. Null where the run was stopped before it was known.
    #[schema(example = 812.5)]
    pub value: Option<f64>,
}

/// An earlier answer that a search began with.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WarmStarted {
    /// The job whose answer it was; null where, of several, no one predicted better than chance.
    pub job: Option<String>,
    /// Items of it that could be chosen.
    #[schema(example = 50)]
    pub offered: u64,
    /// Those that were.
    #[schema(example = 41)]
    pub kept: u64,
    /// How much worse than the best a gain might be.
    #[schema(example = 0.1)]
    pub tolerance: f64,
    /// Of several jobs: how well the items of each predict the labels of the others. Null for one.
    pub accuracies: Option<Vec<TransferAccuracy>>,
    /// What an accuracy has to exceed: 1 over the number of labels. Null for one.
    #[schema(example = 0.5)]
    pub chance: Option<f64>,
}

/// How well the items of a job predict labels.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TransferAccuracy {
    /// The job.
    pub job: String,
    /// Share of the labels that are predicted right.
    #[schema(example = 0.9)]
    pub accuracy: f64,
}

impl From<stored::Owned> for Owned {
    fn from(owned: stored::Owned) -> Self {
        let stored::Owned { items, value } = owned;
        Self { items, value }
    }
}

impl From<stored::WarmStart> for WarmStarted {
    fn from(start: stored::WarmStart) -> Self {
        let stored::WarmStart { job, offered, kept, tolerance, accuracies, chance } = start;
        let accuracy = |stored::TransferAccuracy { job, accuracy }: stored::TransferAccuracy| {
            TransferAccuracy { job, accuracy }
        };
        let accuracies = accuracies.map(|found| found.into_iter().map(accuracy).collect());
        Self { job, offered, kept, tolerance, accuracies, chance }
    }
}
