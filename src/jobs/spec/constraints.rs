//! What an answer must keep to.

use super::shapes::{DistanceSpec, ItemRef, ValuesSpec};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// What an answer must keep to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConstraintsSpec {
    /// Number of items to choose; with a knapsack at most that many. None where the search itself says how many.
    #[serde(default)]
    pub k: Option<u64>,
    /// Bounds per group; several groupings have upper bounds only.
    #[serde(default, deserialize_with = "none_one_or_several")]
    pub groups: Vec<GroupsSpec>,
    /// A budget.
    #[serde(default)]
    pub knapsack: Option<KnapsackSpec>,
    /// The least distance of two chosen items.
    #[serde(default)]
    pub min_distance: Option<MinDistanceSpec>,
    /// Items that come first, in this order.
    #[serde(default)]
    pub include: Vec<ItemRef>,
    /// Items that may not be chosen, and must still be represented.
    #[serde(default)]
    pub exclude: Vec<ItemRef>,
    /// Jobs whose items come after those of `include`.
    #[serde(default)]
    pub include_jobs: Vec<String>,
    /// Jobs whose items may not be chosen.
    #[serde(default)]
    pub exclude_jobs: Vec<String>,
    /// Jobs whose items are owned: they may not be chosen, and what they cover is no gain any more.
    #[serde(default)]
    pub discount_jobs: Vec<String>,
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

/// What the chosen items may cost together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnapsackSpec {
    /// Cost of each row.
    pub costs: ValuesSpec,
    /// What they may cost together.
    pub budget: f64,
    /// How many items a search may be begun with.
    #[serde(default)]
    pub enumerate: u8,
}

/// A least distance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinDistanceSpec {
    /// The least value.
    pub value: f64,
    /// How far two rows are apart.
    #[serde(default)]
    pub distance: DistanceSpec,
}

/// A list; an object or null, as records of the first version have them, is a list of one or none.
fn none_one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<GroupsSpec>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Groupings {
        Several(Vec<GroupsSpec>),
        One(GroupsSpec),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => vec![],
        Some(Groupings::One(groups)) => vec![groups],
        Some(Groupings::Several(groups)) => groups,
    })
}
