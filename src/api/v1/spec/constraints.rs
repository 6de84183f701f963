//! What an answer must keep to.

use super::shapes::{Distance, Item};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What an answer must keep to.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Constraints {
    /// How many items to choose, from 1 to the number of allowed items; an upper bound where there is a `knapsack`. Left
    /// out only with one, and where the optimizer orders all items or chooses any number.
    #[serde(default)]
    #[schema(minimum = 1, example = 50)]
    pub k: Option<u64>,
    /// Bounds per group; a list bounds several groupings at once, each by `at_most` only.
    #[serde(default)]
    pub groups: Option<Groupings>,
    /// A budget.
    #[serde(default)]
    pub knapsack: Option<Knapsack>,
    /// The least distance of two chosen items.
    #[serde(default)]
    pub min_distance: Option<MinDistance>,
    /// Items that come first, in this order; they count towards k, cost and quotas.
    #[serde(default)]
    pub include: Vec<Item>,
    /// Items that may not be chosen, and must still be represented.
    #[serde(default)]
    pub exclude: Vec<Item>,
    /// Jobs that have ended with a result: their items come next, in this order and each once. An item that the dataset
    /// does not have is an offence.
    #[serde(default)]
    #[schema(max_items = 256)]
    pub include_jobs: Vec<String>,
    /// Jobs that have ended with a result: their items may not be chosen. Those that the dataset does not have are passed
    /// over. Items of jobs are matched by row where both datasets are the same, else by id.
    #[serde(default)]
    #[schema(max_items = 256)]
    pub exclude_jobs: Vec<String>,
    /// Jobs that have ended with a result: their items are owned. They may not be chosen, cost nothing, and what they cover
    /// is no gain any more: what is maximised is f of them and the chosen, less f of them. Those that the dataset does not
    /// have are passed over.
    #[serde(default)]
    #[schema(max_items = 256)]
    pub discount_jobs: Vec<String>,
    /// Stop before an item whose gain is at most this.
    #[serde(default)]
    pub stop_when_gain_at_most: Option<f64>,
}

/// One grouping, or several.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "groups are an object, or a list of objects")]
pub enum Groupings {
    /// Lower and upper bounds.
    One(Groups),
    /// Upper bounds of each.
    Several(Vec<Groups>),
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

/// What the chosen items may cost together. Give `column` or `values`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Knapsack {
    /// The column of costs, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "size")]
    pub column: Option<String>,
    /// Costs of at least 0, one a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<f64>>,
    /// What they may cost together, at least 0.
    #[schema(minimum = 0.0, example = 50000.0)]
    pub budget: f64,
    /// 1: begin a search with each single item too, and keep the best.
    #[serde(default)]
    #[schema(default = 0, maximum = 1)]
    pub enumerate: u8,
}

/// The least distance of two chosen items: a number, of the Euclidean distance, or with the distance.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "a number, or an object of value and distance")]
pub enum MinDistance {
    /// Of the Euclidean distance.
    Value(f64),
    /// Of any distance.
    Of(DistanceBound),
}

/// A least distance.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DistanceBound {
    /// The least value, at least 0.
    #[schema(minimum = 0.0)]
    pub value: f64,
    /// How far two rows are apart.
    #[serde(default)]
    pub distance: Distance,
}
