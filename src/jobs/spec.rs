//! What a job asks for, as it is stored: every default filled, every name checked by serde, nothing looked up yet.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A selection job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionSpec {
    /// The function to maximise.
    pub objective: ObjectiveSpec,
    /// What an answer must keep to.
    pub constraints: ConstraintsSpec,
    /// How to search.
    #[serde(default)]
    pub optimizer: OptimizerSpec,
    /// Seed of every draw.
    #[serde(default)]
    pub seed: u64,
    /// Running seconds after which the job stops.
    #[serde(default)]
    pub deadline_seconds: Option<f64>,
    /// What a stopped job leaves.
    #[serde(default)]
    pub on_stop: OnStop,
}

/// Whether a job stopped by its deadline or by cancel keeps what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnStop {
    /// The prefix chosen so far is the result.
    #[default]
    Partial,
    /// There is no result.
    Fail,
}

/// An item: a row index, or an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ItemRef {
    /// Row index.
    Index(u64),
    /// Id, as in the dataset's id column; integers by their decimal string.
    Id(String),
}

/// One number an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ValuesSpec {
    /// An attribute of the dataset.
    Column(ColumnRef),
    /// Given in the request.
    Values(InlineValues),
}

/// Names a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRef {
    /// The column's name.
    pub column: String,
}

/// Numbers given in the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InlineValues {
    /// One finite number a row.
    pub values: Vec<f64>,
}

/// The rows that have to be represented.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepresentedSpec {
    /// These rows of the dataset.
    Rows(Vec<ItemRef>),
    /// A uniform sample of this many rows, drawn by the seed.
    Sample(u64),
    /// Every row of another dataset.
    Dataset(String),
    /// Vectors given in the request.
    Vectors(Vec<Vec<f32>>),
}

/// The set function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum ObjectiveSpec {
    /// f(S) = sum over represented rows i of w_i max_{j in S} max(0, s_ij).
    FacilityLocation {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// All rows when absent.
        #[serde(default)]
        represented: Option<RepresentedSpec>,
        /// Weights over the represented rows; 1 when absent.
        #[serde(default)]
        weights: Option<ValuesSpec>,
        /// Sum or mean over the represented rows.
        #[serde(default)]
        reduction: ReductionSpec,
    },
}

impl ObjectiveSpec {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            ObjectiveSpec::FacilityLocation { .. } => "facility_location",
        }
    }
}

/// How the rows' contributions are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReductionSpec {
    /// Their sum.
    #[default]
    Sum,
    /// Their sum over the number of represented rows.
    Mean,
}

/// A similarity.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimilaritySpec {
    /// Its formula.
    #[serde(default)]
    pub metric: MetricSpec,
    /// Width of `rbf`; 1 / dim when absent.
    #[serde(default)]
    pub gamma: Option<f64>,
}

/// Similarity formulas of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricSpec {
    /// max(0, cos).
    #[default]
    Cosine,
    /// cos.
    CosineSigned,
    /// (1 + cos) / 2.
    CosineShifted,
    /// cos^2.
    CosineSquared,
    /// Inner product.
    Dot,
    /// exp(-gamma d^2).
    Rbf,
    /// The dataset is the similarity matrix.
    Precomputed,
}

/// What an answer must keep to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstraintsSpec {
    /// Number of items to choose; required unless the optimizer ranks everything.
    #[serde(default)]
    pub k: Option<u64>,
    /// Bounds per group.
    #[serde(default)]
    pub groups: Option<GroupsSpec>,
    /// Items that come first, in this order.
    #[serde(default)]
    pub include: Vec<ItemRef>,
    /// Items that may not be chosen, and must still be represented.
    #[serde(default)]
    pub exclude: Vec<ItemRef>,
    /// Stop before an item whose gain is at most this.
    #[serde(default)]
    pub stop_when_gain_at_most: Option<f64>,
}

/// Lower and upper bounds on how many items of each group are chosen. Rows with null are in no group.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupsSpec {
    /// The attribute that names the group.
    pub column: String,
    /// Lower bounds by group.
    #[serde(default)]
    pub at_least: BTreeMap<String, u64>,
    /// Upper bounds by group.
    #[serde(default)]
    pub at_most: BTreeMap<String, u64>,
    /// Lower bound of the others, clipped to the group's allowed size.
    #[serde(default)]
    pub default_at_least: u64,
    /// Upper bound of the others.
    #[serde(default)]
    pub default_at_most: Option<u64>,
}

/// The search.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Chosen from properties, n and k.
    #[default]
    Auto,
    /// The best gain each step, all gains computed.
    Greedy {},
    /// The same picks with stale upper bounds.
    LazyGreedy {},
    /// The best of a sample each step.
    StochasticGreedy {
        /// Loss against 1 - 1/e that is accepted in expectation.
        #[serde(default = "default_epsilon")]
        epsilon: f64,
    },
    /// Two-ended search.
    BidirectionalGreedy {
        /// Candidates looked at closely for the low end, at least 2.
        #[serde(default = "default_pool")]
        pool: u64,
        /// Order every item instead of choosing k.
        #[serde(default)]
        full_ranking: bool,
        /// Join a loop's two rounds of questions.
        #[serde(default)]
        merge_rounds: bool,
    },
}

fn default_epsilon() -> f64 {
    0.1
}

fn default_pool() -> u64 {
    8
}
