//! How a draw is made.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The request of a draw with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResampleSpec {
    /// Id of the selection.
    pub job: String,
    /// How many items to draw.
    pub size: u64,
    /// Seed of the draw.
    pub seed: u64,
    /// What gains are divided by.
    pub temperature: f64,
    /// From gains to weights.
    pub weights: SampleWeights,
    /// From what is drawn.
    pub scope: SampleScope,
    /// How the size is shared out among parts.
    pub allocation: SampleAllocation,
}

/// From x, a gain over the temperature, to a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleWeights {
    /// 1 + x + x^2/2: a milder preference than that of exp(x).
    #[default]
    TaylorSoftmax,
    /// exp(x).
    Softmax,
    /// 1: every item is as likely.
    Uniform,
}

/// From what is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleScope {
    /// Each part by itself, with probabilities of its own.
    #[default]
    Part,
    /// All parts together.
    Global,
}

/// How the size is shared out among parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampleAllocation {
    /// In proportion to the items that they keep, by largest remainder: exactly the size.
    #[default]
    Exact,
    /// As INGENIOUS does it: of n items in all, of which a part has p, ceil(p / n size), and at most one less than it keeps.
    /// The sum may be more than the size, or less.
    Ceil,
}
