//! The searches by name, with their parameters.

use super::shapes::Distance;
use crate::api::codes::Code;
use crate::api::json::from_value;
use crate::api::problem::Problem;
use crate::jobs::spec::defaults;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use utoipa::ToSchema;

name!(AutoName Auto "auto");
name!(GreedyName Greedy "greedy");
name!(LazyGreedyName LazyGreedy "lazy_greedy");
name!(StochasticGreedyName StochasticGreedy "stochastic_greedy");
name!(ThresholdGreedyName ThresholdGreedy "threshold_greedy");
name!(AdaptiveSequencingName AdaptiveSequencing "adaptive_sequencing");
name!(BidirectionalGreedyName BidirectionalGreedy "bidirectional_greedy");
name!(DoubleGreedyName DoubleGreedy "double_greedy");
name!(RandomGreedyName RandomGreedy "random_greedy");
name!(PartitionedGreedyName PartitionedGreedy "partitioned_greedy");
name!(SieveStreamingName SieveStreaming "sieve_streaming");
name!(ThreeSievesName ThreeSieves "three_sieves");
name!(GistName Gist "gist");
name!(ExactName Exact "exact");

told_by_name! {
    /// How to search.
    Optimizer {
        /// Chosen from the objective's properties, n and k; the default.
        "auto" => Auto,
        /// The best gain each step, all gains computed.
        "greedy" => Greedy,
        /// The same picks with stale upper bounds.
        "lazy_greedy" => LazyGreedy,
        /// The best of a sample each step.
        "stochastic_greedy" => StochasticGreedy,
        /// Any item whose gain reaches a falling threshold.
        "threshold_greedy" => ThresholdGreedy,
        /// Few rounds of many evaluations each.
        "adaptive_sequencing" => AdaptiveSequencing,
        /// Two-ended search, for any objective.
        "bidirectional_greedy" => BidirectionalGreedy,
        /// Any number of items, for objectives whose gains may be negative.
        "double_greedy" => DoubleGreedy,
        /// A random one of the k best gains, for objectives whose gains may be negative.
        "random_greedy" => RandomGreedy,
        /// Greedy in each of several parts, then among what the parts chose.
        "partitioned_greedy" => PartitionedGreedy,
        /// One pass over the items, with several thresholds at once.
        "sieve_streaming" => SieveStreaming,
        /// One pass over the items, with one threshold.
        "three_sieves" => ThreeSieves,
        /// The objective and the smallest distance of the chosen together.
        "gist" => Gist,
        /// The best set of all, by branch and bound.
        "exact" => Exact,
    }
}

/// Chosen from the objective's properties, n and k.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Auto {
    /// The optimizer's name.
    pub name: AutoName,
}

/// The best gain each step, all gains computed.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Greedy {
    /// The optimizer's name.
    pub name: GreedyName,
}

/// The picks of `greedy` with stale upper bounds; submodular objectives only.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LazyGreedy {
    /// The optimizer's name.
    pub name: LazyGreedyName,
}

/// The best of a uniform sample of ceil((n / k) ln(1 / epsilon)) items each step.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StochasticGreedy {
    /// The optimizer's name.
    pub name: StochasticGreedyName,
    /// What is given up of 1 - 1/e in expectation, between 0 and 1.
    #[serde(default = "defaults::epsilon")]
    #[schema(default = 0.1, exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub epsilon: f64,
}

/// Adds any item whose gain reaches a threshold, which falls by a factor 1 - epsilon a pass.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThresholdGreedy {
    /// The optimizer's name.
    pub name: ThresholdGreedyName,
    /// What is given up of 1 - 1/e, between 0 and 1.
    #[serde(default = "defaults::epsilon")]
    #[schema(default = 0.1, exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub epsilon: f64,
}

/// Adds as long a prefix of a random sequence as keeps its gains: few rounds of many evaluations each.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveSequencing {
    /// The optimizer's name.
    pub name: AdaptiveSequencingName,
    /// How fast the threshold falls, between 0 and 1.
    #[serde(default = "defaults::epsilon")]
    #[schema(default = 0.1, exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub epsilon: f64,
}

/// Two-ended search: adds the best, discards the worst, for any objective.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BidirectionalGreedy {
    /// The optimizer's name.
    pub name: BidirectionalGreedyName,
    /// Candidates looked at closely for the low end, at least 2.
    #[serde(default = "defaults::pool")]
    #[schema(default = 8, minimum = 2)]
    pub pool: u64,
    /// Order every item instead of choosing k.
    #[serde(default)]
    pub full_ranking: bool,
    /// Join a loop's two rounds of questions.
    #[serde(default)]
    pub merge_rounds: bool,
}

/// Decides on each item in turn whether to keep it, from what it adds to those kept and what it is worth to those not yet decided on. Takes no k.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DoubleGreedy {
    /// The optimizer's name.
    pub name: DoubleGreedyName,
    /// Decide at random in proportion to both.
    #[serde(default)]
    pub randomised: bool,
}

/// Adds a uniformly random one of the k items of largest gain each step.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomGreedy {
    /// The optimizer's name.
    pub name: RandomGreedyName,
}

/// Selects in each of several parts, then among what they chose, and keeps the best (GreeDi); or keeps what each part
/// chose (`merge: false`).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartitionedGreedy {
    /// The optimizer's name.
    pub name: PartitionedGreedyName,
    /// How the rows are divided.
    #[serde(default)]
    pub parts: Parts,
    /// Select once more among what the parts chose (GreeDi). If not, each part keeps its own share of k, ceil(part / n k)
    /// and at most all its items but one, and the picks of all parts are the answer, with the gains of their parts.
    #[serde(default = "defaults::merge")]
    #[schema(default = true)]
    pub merge: bool,
    /// With `merge: false`: every part orders its items but the last, whatever k is, and all gains are kept.
    #[serde(default)]
    pub rank_all: bool,
    /// What searches in a part; chosen from the objective's properties when absent.
    #[serde(default)]
    pub inner: Option<Inner>,
}

/// One pass over the items (sieve-streaming++): each is kept by every threshold that its gain reaches.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SieveStreaming {
    /// The optimizer's name.
    pub name: SieveStreamingName,
    /// Spacing of the thresholds, between 0 and 1.
    #[serde(default = "defaults::epsilon")]
    #[schema(default = 0.1, exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub epsilon: f64,
    /// Fill up to k from a sample of the stream.
    #[serde(default = "defaults::top_up")]
    #[schema(default = true)]
    pub top_up: bool,
}

/// One pass over the items: one threshold, lowered after so many rejections in a row.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreeSieves {
    /// The optimizer's name.
    pub name: ThreeSievesName,
    /// Spacing of the thresholds, between 0 and 1.
    #[serde(default = "defaults::epsilon")]
    #[schema(default = 0.1, exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub epsilon: f64,
    /// Rejections in a row before the threshold is lowered.
    #[serde(default = "defaults::rejections")]
    #[schema(default = 500, minimum = 1)]
    pub rejections: u64,
    /// Fill up to k from a sample of the stream.
    #[serde(default = "defaults::top_up")]
    #[schema(default = true)]
    pub top_up: bool,
}

/// Maximises f(S) + lambda * the smallest distance of two chosen items (the largest distance of all for fewer than two). May choose fewer than k.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Gist {
    /// The optimizer's name.
    pub name: GistName,
    /// Weight of the smallest distance, at least 0.
    #[serde(default = "defaults::gist_lambda")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub lambda: f64,
    /// Spacing of the distances that are tried, between 0 and 1.
    #[serde(default = "defaults::gist_epsilon")]
    #[schema(default = 0.05, exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub epsilon: f64,
    /// How far two rows are apart.
    #[serde(default)]
    pub distance: Distance,
}

/// The best set of all, by branch and bound; refused where it would take too many evaluations.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Exact {
    /// The optimizer's name.
    pub name: ExactName,
    /// Evaluations after which it gives up.
    #[serde(default = "defaults::max_evaluations")]
    #[schema(default = 10000000, minimum = 1)]
    pub max_evaluations: u64,
}

/// How rows are divided into parts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// By what.
    #[serde(default)]
    pub by: PartsBy,
    /// How many, where no column says it. When absent: sqrt(n / k) to merge, else the fewest of which each fits the memory.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub count: Option<u64>,
    /// The column that names each row's part, with `by: "column"`.
    #[serde(default)]
    pub column: Option<String>,
}

/// What divides rows into parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartsBy {
    /// A draw by the seed.
    #[default]
    Random,
    /// What lies close together: k-means over the vectors; at most `count` parts.
    Kmeans,
    /// The values of a column.
    Column,
}

/// What searches in a part: a name, or an optimizer with its parameters.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "the name of an optimizer, or an optimizer")]
pub enum Inner {
    /// With its default parameters.
    Name(InnerName),
    /// With these.
    Optimizer(InnerOptimizer),
}

/// The name of a search in a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InnerName {
    /// By the objective's properties.
    Auto,
    /// All gains computed.
    Greedy,
    /// Stale upper bounds.
    LazyGreedy,
    /// The best of a sample each step.
    StochasticGreedy,
}

told_by_name! {
    /// A search in a part.
    InnerOptimizer {
        /// By the objective's properties.
        "auto" => Auto,
        /// All gains computed.
        "greedy" => Greedy,
        /// Stale upper bounds.
        "lazy_greedy" => LazyGreedy,
        /// The best of a sample each step.
        "stochastic_greedy" => StochasticGreedy,
    }
}
