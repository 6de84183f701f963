//! The request of a selection on the wire.
//!
//! Objectives and optimizers are told apart by their `name`. It is read first and the rest then as that type's
//! own fields, so that a refusal points at the field: serde's tagged enums cannot. A new one is a line of `name!`, a
//! struct, and a line of `told_by_name!`; what its schema says is enforced.

mod stored;

use crate::api::codes::Code;
use crate::api::json::from_value;
use crate::api::problem::Problem;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

/// A name that is part of a type: a one-word enum in the schema.
macro_rules! name {
    ($type:ident $word:ident $text:tt) => {
        #[doc = concat!("`", $text, "`")]
        #[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, ToSchema)]
        pub enum $type {
            #[doc = concat!("`", $text, "`")]
            #[serde(rename = $text)]
            $word,
        }
    };
}

/// A union of types that each have a `name` of their own.
macro_rules! told_by_name {
    ($(#[$about:meta])* $union:ident { $($(#[$told:meta])* $name:literal => $variant:ident,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
        #[serde(untagged)]
        pub enum $union { $($(#[$told])* $variant($variant),)+ }

        impl $union {
            /// Reads the object that stood at `pointer`, after the document has found nothing wrong with it.
            pub(super) fn parse(value: Value, pointer: &str) -> Result<Self, Problem> {
                match value["name"].as_str() {
                    $(Some($name) => Ok(Self::$variant(from_value(value, pointer)?)),)+
                    _ => Err(Problem::at(Code::InvalidParameter, format!("{pointer}/name"), "an unknown name")),
                }
            }
        }
    };
}

name!(FacilityLocationName FacilityLocation "facility_location");
name!(AutoName Auto "auto");
name!(GreedyName Greedy "greedy");
name!(LazyGreedyName LazyGreedy "lazy_greedy");
name!(StochasticGreedyName StochasticGreedy "stochastic_greedy");
name!(BidirectionalGreedyName BidirectionalGreedy "bidirectional_greedy");

told_by_name! {
    /// The set function to maximise.
    Objective {
        /// How well the chosen items represent all rows.
        "facility_location" => FacilityLocation,
    }
}

/// f(S) = sum over represented rows i of w_i max over j in S of max(0, s_ij).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FacilityLocation {
    /// The objective's name.
    pub name: FacilityLocationName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// The rows that have to be represented; all rows when absent.
    #[serde(default)]
    pub represented: Option<Represented>,
    /// Weights over the represented rows; 1 when absent.
    #[serde(default)]
    pub weights: Option<Values>,
    /// Sum or mean over the represented rows.
    #[serde(default)]
    pub reduction: Reduction,
}

/// How two rows compare.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Similarity {
    /// The formula.
    #[serde(default)]
    pub metric: Metric,
    /// Width of `rbf`, above 0; 1 / dim when absent.
    #[serde(default)]
    #[schema(exclusive_minimum = 0.0)]
    pub gamma: Option<f64>,
    /// Null: every pair of rows counts. A graph of nearest neighbours is not available yet.
    #[serde(default)]
    #[schema(schema_with = no_neighbors)]
    pub neighbors: Option<Neighbors>,
}

/// A graph of nearest neighbours: there is none to choose yet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Neighbors {}

impl<'de> Deserialize<'de> for Neighbors {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom(
            "graphs of nearest neighbours are not available yet: leave the field out, or null",
        ))
    }
}

fn no_neighbors() -> Schema {
    let told = "Null: every pair of rows counts. A graph of nearest neighbours is not available yet.";
    ObjectBuilder::new().schema_type(Type::Null).description(Some(told)).into()
}

/// A similarity formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// max(0, cos)
    #[default]
    Cosine,
    /// cos
    CosineSigned,
    /// (1 + cos) / 2
    CosineShifted,
    /// cos^2
    CosineSquared,
    /// The inner product.
    Dot,
    /// exp(-gamma d^2)
    Rbf,
    /// The dataset is the similarity matrix.
    Precomputed,
}

/// How the rows' contributions are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Their sum.
    #[default]
    Sum,
    /// Their mean.
    Mean,
}

/// The rows that have to be represented.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Represented {
    /// These rows of the job's dataset.
    Rows(Vec<Item>),
    /// A uniform sample of this many rows, drawn by the seed.
    Sample(u64),
    /// Every row of another dataset.
    Dataset(String),
    /// Vectors given here.
    Vectors(Vec<Vec<f32>>),
}

/// One number a row.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// The name of a column of the dataset.
    Column(String),
    /// The numbers.
    Values(Vec<f64>),
}

/// A row index (number) or an id (string).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "an item is a row index (an integer of at least 0) or an id (a string)")]
pub enum Item {
    /// Row index, from 0.
    Index(u64),
    /// Id; of an integer column its decimal string.
    Id(String),
}

/// What an answer must keep to.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Constraints {
    /// How many items to choose, from 1 to the number of allowed items. Left out only where `full_ranking` orders
    /// them all.
    #[serde(default)]
    #[schema(minimum = 1, example = 50)]
    pub k: Option<u64>,
    /// Bounds per group.
    #[serde(default)]
    pub groups: Option<Groups>,
    /// Items that come first, in this order; they count towards k and quotas.
    #[serde(default)]
    pub include: Vec<Item>,
    /// Items that may not be chosen, and must still be represented.
    #[serde(default)]
    pub exclude: Vec<Item>,
    /// Stop before an item whose gain is at most this.
    #[serde(default)]
    pub stop_when_gain_at_most: Option<f64>,
}

/// How many items of each group may and must be chosen. Rows with null are in no group and unbounded.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// The column that names each row's group.
    #[schema(example = "section")]
    pub column: String,
    /// Group to the least number of its items.
    #[serde(default)]
    pub at_least: BTreeMap<String, u64>,
    /// Group to the greatest number of its items.
    #[serde(default)]
    pub at_most: BTreeMap<String, u64>,
    /// The least number for groups not named, clipped to the group's allowed size.
    #[serde(default)]
    pub default_at_least: u64,
    /// The greatest number for groups not named; none when absent.
    #[serde(default)]
    pub default_at_most: Option<u64>,
}

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
        /// Two-ended search, for any objective.
        "bidirectional_greedy" => BidirectionalGreedy,
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
    #[serde(default = "default_epsilon")]
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
    #[serde(default = "default_pool")]
    #[schema(default = 8, minimum = 2)]
    pub pool: u64,
    /// Order every item instead of choosing k.
    #[serde(default)]
    pub full_ranking: bool,
    /// Join a loop's two rounds of questions.
    #[serde(default)]
    pub merge_rounds: bool,
}

/// What a job stopped by its deadline or by cancel leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnStop {
    /// The prefix chosen so far: at the deadline the job succeeds with `complete: false`.
    #[default]
    Partial,
    /// Nothing: at the deadline the job fails.
    Fail,
}

fn default_epsilon() -> f64 {
    0.1
}

fn default_pool() -> u64 {
    8
}
