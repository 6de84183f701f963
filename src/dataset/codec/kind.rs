//! What a dataset holds, and what its uploader says of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a dataset holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One vector per row.
    Vectors,
    /// Precomputed similarities, square.
    Similarity,
    /// One ranking of the candidates per row.
    Rankings,
}

impl Kind {
    /// What can be selected of so many rows of so many values.
    pub fn items(self, rows: usize, dim: usize) -> usize {
        match self {
            Self::Vectors | Self::Similarity => rows,
            Self::Rankings => dim,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vectors => "vectors",
            Self::Similarity => "similarity",
            Self::Rankings => "rankings",
        })
    }
}

/// What the uploader says beside the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// What the dataset holds; `None`: what the body says, else rankings of PrefLib and vectors of others.
    pub kind: Option<Kind>,
    /// The column that holds the vectors or the rankings; `None`: the only one that can.
    pub vectors: Option<String>,
    /// The column that holds the ids.
    pub id: Option<String>,
}
