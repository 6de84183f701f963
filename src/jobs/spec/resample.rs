//! Draws from what an earlier selection kept.

use serde::{Deserialize, Serialize};

/// A sample of the items that a job chose, the more likely the larger the gain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResampleSpec {
    /// The job.
    pub job: String,
    /// How many items to draw.
    pub size: u64,
    /// Seed of the draw.
    pub seed: u64,
    /// What gains are divided by.
    pub temperature: f64,
    /// From gains to weights.
    pub weights: WeightsSpec,
    /// From what is drawn.
    pub scope: ScopeSpec,
    /// How the size is shared out among parts.
    pub allocation: AllocationSpec,
}

/// From a gain over the temperature to a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightsSpec {
    /// 1 + x + x^2/2.
    TaylorSoftmax,
    /// exp(x).
    Softmax,
    /// 1.
    Uniform,
}

/// From what is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeSpec {
    /// Each part by itself.
    Part,
    /// All parts together.
    Global,
}

/// How the size is shared out among parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllocationSpec {
    /// In proportion to what they keep: exactly the size.
    Exact,
    /// min(ceil(p / n size), p - 1) of each.
    Ceil,
}
