//! Shapes that several objectives share.

use serde::{Deserialize, Serialize};

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

/// Rows of this dataset or vectors from elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowsSpec {
    /// These rows of the dataset.
    Rows(Vec<ItemRef>),
    /// Every row of another dataset.
    Dataset(String),
    /// Vectors given in the request.
    Vectors(Vec<Vec<f32>>),
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
    /// A graph of nearest neighbours instead of all pairs.
    #[serde(default)]
    pub neighbors: Option<NeighborsSpec>,
}

/// A graph of nearest neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeighborsSpec {
    /// How they are found.
    #[serde(default)]
    pub method: NeighborsMethodSpec,
    /// How many a row has besides itself; by n and k when absent.
    #[serde(default)]
    pub m: Option<u64>,
}

/// How neighbours are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeighborsMethodSpec {
    /// The best there is for the size.
    #[default]
    Auto,
    /// All pairs are compared.
    Exact,
}

/// How far two rows are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DistanceSpec {
    /// The Euclidean distance.
    #[default]
    Euclidean,
    /// arccos(cos) / pi.
    Angular,
    /// 1 - cos.
    Cosine,
    /// The dataset is the matrix of distances.
    Precomputed,
}

/// What the cap of saturated coverage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapSpec {
    /// A share of what all items together give a row.
    #[default]
    Fraction,
    /// A number, the same for every row.
    Absolute,
}

/// What is done with negative coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NegativeSpec {
    /// The job fails at the first.
    #[default]
    Error,
    /// They count as 0.
    Clip,
}

/// Where a search on distances begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartSpec {
    /// With the lowest item.
    #[default]
    Lowest,
    /// With the two items that are farthest apart.
    FarthestPair,
}

/// A concave function.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConcaveSpec {
    /// The square root.
    #[default]
    Sqrt,
    /// ln(1 + x).
    Log,
    /// 1 - 1 / (1 + x).
    Ratio,
    /// x^p.
    Power(f64),
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
    /// exp(-d / dim).
    ExpDistance,
    /// max d^2 - d^2.
    EuclideanGap,
    /// The dataset is the similarity matrix.
    Precomputed,
}
