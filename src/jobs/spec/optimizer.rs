//! The searches, with their parameters.

use super::defaults;
use super::shapes::DistanceSpec;
use serde::{Deserialize, Serialize};

/// The search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Chosen from the objective's properties, n and k.
    Auto {},
    /// The best gain each step, all gains computed.
    Greedy {},
    /// The picks of `greedy` with stale upper bounds; submodular objectives only.
    LazyGreedy {},
    /// The best of a uniform sample of ceil((n / k) ln(1 / epsilon)) items each step.
    StochasticGreedy {
        /// What is given up of 1 - 1/e in expectation, between 0 and 1.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
    },
    /// Adds any item whose gain reaches a threshold, which falls by a factor 1 - epsilon a pass.
    ThresholdGreedy {
        /// What is given up of 1 - 1/e, between 0 and 1.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
    },
    /// Adds as long a prefix of a random sequence as keeps its gains: few rounds of many evaluations each.
    AdaptiveSequencing {
        /// How fast the threshold falls, between 0 and 1.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
    },
    /// Two-ended search: adds the best, discards the worst, for any objective.
    BidirectionalGreedy {
        /// Candidates looked at closely for the low end, at least 2.
        #[serde(default = "defaults::pool")]
        pool: u64,
        /// Order every item instead of choosing k.
        #[serde(default)]
        full_ranking: bool,
        /// Join a loop's two rounds of questions.
        #[serde(default)]
        merge_rounds: bool,
    },
    /// Decides on each item in turn whether to keep it, from what it adds to those kept and what it is worth to those not yet decided on. Takes no k.
    DoubleGreedy {
        /// Decide at random in proportion to both.
        #[serde(default)]
        randomised: bool,
    },
    /// Adds a uniformly random one of the k items of largest gain each step.
    RandomGreedy {},
    /// Selects in each of several parts, then among what they chose, and keeps the best (GreeDi).
    PartitionedGreedy {
        /// How the rows are divided.
        #[serde(default)]
        parts: PartsSpec,
        /// Select once more among what the parts chose; else each part keeps its share of k, and all are the answer.
        #[serde(default = "defaults::merge")]
        merge: bool,
        /// Without a merge: each part orders all its items but the last.
        #[serde(default)]
        rank_all: bool,
        /// What searches in a part; chosen from the objective's properties when absent.
        #[serde(default)]
        inner: Option<InnerSpec>,
    },
    /// One pass over the items (sieve-streaming++): each is kept by every threshold that its gain reaches.
    SieveStreaming {
        /// Spacing of the thresholds, between 0 and 1.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
        /// Fill up to k from a sample of the stream.
        #[serde(default = "defaults::top_up")]
        top_up: bool,
    },
    /// One pass over the items: one threshold, lowered after so many rejections in a row.
    ThreeSieves {
        /// Spacing of the thresholds, between 0 and 1.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
        /// Rejections in a row before the threshold is lowered.
        #[serde(default = "defaults::rejections")]
        rejections: u64,
        /// Fill up to k from a sample of the stream.
        #[serde(default = "defaults::top_up")]
        top_up: bool,
    },
    /// Maximises f(S) + lambda * the smallest distance of two chosen items (the largest distance of all for fewer than two). May choose fewer than k.
    Gist {
        /// Weight of the smallest distance, at least 0.
        #[serde(default = "defaults::gist_lambda")]
        lambda: f64,
        /// Spacing of the distances that are tried, between 0 and 1.
        #[serde(default = "defaults::gist_epsilon")]
        epsilon: f64,
        /// How far two rows are apart.
        #[serde(default)]
        distance: DistanceSpec,
    },
    /// The best set of all, by branch and bound; refused where it would take too many evaluations.
    Exact {
        /// Evaluations after which it gives up.
        #[serde(default = "defaults::max_evaluations")]
        max_evaluations: u64,
    },
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        Self::Auto {}
    }
}

/// How rows are divided into parts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartsSpec {
    /// By what.
    #[serde(default)]
    pub by: PartsBySpec,
    /// How many; by the memory when absent.
    #[serde(default)]
    pub count: Option<u64>,
    /// The column that names each row's part.
    #[serde(default)]
    pub column: Option<String>,
}

/// What divides rows into parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartsBySpec {
    /// A draw by the seed.
    #[default]
    Random,
    /// What lies close together: k-means over the vectors.
    Kmeans,
    /// The values of a column.
    Column,
}

/// What searches in a part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InnerSpec {
    /// By the objective's properties.
    Auto,
    /// All gains computed.
    Greedy,
    /// Stale upper bounds.
    LazyGreedy,
    /// The best of a sample each step.
    StochasticGreedy {
        /// What is given up of 1 - 1/e in expectation, between 0 and 1.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
    },
}

impl OptimizerSpec {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            OptimizerSpec::Auto { .. } => "auto",
            OptimizerSpec::Greedy { .. } => "greedy",
            OptimizerSpec::LazyGreedy { .. } => "lazy_greedy",
            OptimizerSpec::StochasticGreedy { .. } => "stochastic_greedy",
            OptimizerSpec::ThresholdGreedy { .. } => "threshold_greedy",
            OptimizerSpec::AdaptiveSequencing { .. } => "adaptive_sequencing",
            OptimizerSpec::BidirectionalGreedy { .. } => "bidirectional_greedy",
            OptimizerSpec::DoubleGreedy { .. } => "double_greedy",
            OptimizerSpec::RandomGreedy { .. } => "random_greedy",
            OptimizerSpec::PartitionedGreedy { .. } => "partitioned_greedy",
            OptimizerSpec::SieveStreaming { .. } => "sieve_streaming",
            OptimizerSpec::ThreeSieves { .. } => "three_sieves",
            OptimizerSpec::Gist { .. } => "gist",
            OptimizerSpec::Exact { .. } => "exact",
        }
    }
}

impl OptimizerSpec {
    /// Fills the defaults that depend on the data: sqrt(n / k) parts make the work of a part and of the union alike.
    /// Without a union the memory decides, which is known later.
    pub fn fill(&mut self, n: usize, k: Option<u64>) {
        if let Self::PartitionedGreedy { parts, merge: true, .. } = self
            && (parts.by != PartsBySpec::Column && parts.count.is_none())
        {
            let balanced = (n as f64 / k.unwrap_or(1).max(1) as f64).sqrt().ceil() as u64;
            parts.count = Some(balanced.clamp(1, n.max(1) as u64));
        }
    }

    /// Into how many parts the items are divided.
    pub fn set_parts(&mut self, count: u64) {
        if let Self::PartitionedGreedy { parts, .. } = self {
            parts.count = Some(count);
        }
    }
}
