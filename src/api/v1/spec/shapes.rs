//! Shapes that several objectives share.

use super::AutoName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// Null: every pair of rows counts. Else a row counts for its nearest neighbours and itself only.
    #[serde(default)]
    pub neighbors: Option<Neighbors>,
}

/// A graph of nearest neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Neighbors {
    /// How they are found.
    #[serde(default)]
    pub method: NeighborsMethod,
    /// How many a row has besides itself; `auto` makes it three times n / k, at least 64.
    #[serde(default)]
    pub m: NeighborsCount,
}

/// How neighbours are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeighborsMethod {
    /// The best there is for the size.
    #[default]
    Auto,
    /// All pairs are compared.
    Exact,
}

/// A number of neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "a number of neighbours, or \"auto\"")]
pub enum NeighborsCount {
    /// This many, at least 1.
    Count(u64),
    /// By n and k.
    Auto(AutoName),
}

impl Default for NeighborsCount {
    fn default() -> Self {
        Self::Auto(AutoName::Auto)
    }
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
    /// exp(-gamma d^2) of the Euclidean distance
    Rbf,
    /// exp(-d / dim) of the Euclidean distance
    ExpDistance,
    /// max d^2 - d^2 of the Euclidean distance, the maximum over all pairs of rows
    EuclideanGap,
    /// The dataset is the similarity matrix.
    Precomputed,
}

/// How far two rows are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// The Euclidean distance.
    #[default]
    Euclidean,
    /// arccos(cos) / pi
    Angular,
    /// 1 - cos, which is no metric
    Cosine,
    /// The dataset is the matrix of distances.
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

/// What the cap of saturated coverage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// A share of what all items together give a row.
    #[default]
    Fraction,
    /// A number, the same for every row.
    Absolute,
}

/// A concave function.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Concave {
    /// The square root.
    #[default]
    Sqrt,
    /// ln(1 + x)
    Log,
    /// 1 - 1 / (1 + x)
    Ratio,
    /// x^p, p above 0 and at most 1.
    Power(f64),
}

/// What is done with negative coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Negative {
    /// The job fails at the first.
    #[default]
    Error,
    /// They count as 0.
    Clip,
}

/// Where a search on distances begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With the lowest item.
    #[default]
    Lowest,
    /// With the two items that are farthest apart.
    FarthestPair,
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

/// Rows of this dataset or vectors from elsewhere.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// These rows of the job's dataset; they stay candidates.
    Rows(Vec<Item>),
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

/// A label of each item. Labels are compared as they are written.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Labels {
    /// The name of a column, of any type.
    Column(String),
    /// A label an item, or null.
    Values(Vec<Option<Label>>),
}

/// A label, compared as it is written.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "a label is a number or a string")]
pub enum Label {
    /// A number.
    #[schema(value_type = f64)]
    Number(serde_json::Number),
    /// Text.
    Text(String),
}
