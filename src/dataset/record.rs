//! The stored form of what is known about a dataset.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::codec::{Format, Kind, Options};
use super::column::ColumnInfo;

/// One dataset of one tenant. Its file, named by `digest`, may serve other records too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// `ds_` and a time-ordered UUID.
    pub id: String,
    /// Whose dataset this is.
    pub tenant: String,
    /// The name its owner gave it.
    pub name: Option<String>,
    /// What is stored.
    pub kind: Kind,
    /// How the bytes are encoded.
    pub format: Format,
    /// Rows of the matrix, or rankings.
    pub rows: usize,
    /// Values per row, or candidates.
    pub dim: usize,
    /// The attribute columns of the items.
    pub columns: Vec<ColumnInfo>,
    /// Size of the file.
    pub bytes: u64,
    /// `sha256:` and the file's digest in hexadecimal.
    pub digest: String,
    /// When the upload was finished, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The column that holds the vectors or the rankings, where the format has columns.
    pub vectors_column: Option<String>,
    /// The column that holds the ids, where one was named.
    pub id_column: Option<String>,
    /// The first zero row of vectors: cosines refuse it before a job is accepted.
    #[serde(default)]
    pub zero_row: Option<usize>,
}

impl DatasetRecord {
    /// How the file is to be read.
    pub fn options(&self) -> Options {
        Options { kind: Some(self.kind), vectors: self.vectors_column.clone(), id: self.id_column.clone() }
    }

    /// What can be selected, and has ids and attributes: the rows, or the candidates of rankings.
    pub fn items(&self) -> usize {
        self.kind.items(self.rows, self.dim)
    }

    /// A new id, greater than every id this process made before.
    pub(super) fn new_id() -> String {
        format!("ds_{}", Uuid::now_v7().simple())
    }
}
