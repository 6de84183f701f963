//! Attribute columns and ids: what stands beside the matrix.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::DatasetError;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// UTF-8 text.
    String,
    /// Integers of up to 64 signed bits.
    Integer,
    /// Floating point of up to 64 bits.
    Float,
    /// True or false.
    Boolean,
}

impl ColumnType {
    /// Bytes of memory that a value takes; of a text, without its characters.
    pub(super) fn value_bytes(self) -> usize {
        match self {
            Self::String => size_of::<Option<String>>(),
            Self::Integer => size_of::<Option<i64>>(),
            Self::Float => size_of::<Option<f64>>(),
            Self::Boolean => size_of::<Option<bool>>(),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Boolean => "boolean",
        })
    }
}

/// Name and type of an attribute column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnInfo {
    /// The column's name.
    pub name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// The values of one attribute column, one entry per row, `None` for null.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Text.
    Strings(Vec<Option<String>>),
    /// Integers.
    Integers(Vec<Option<i64>>),
    /// Floats as they were stored: NaN and infinities included, so a user of the values must check.
    Floats(Vec<Option<f64>>),
    /// Booleans.
    Booleans(Vec<Option<bool>>),
}

impl Column {
    pub(super) fn with_capacity(kind: ColumnType, rows: usize) -> Self {
        match kind {
            ColumnType::String => Self::Strings(Vec::with_capacity(rows)),
            ColumnType::Integer => Self::Integers(Vec::with_capacity(rows)),
            ColumnType::Float => Self::Floats(Vec::with_capacity(rows)),
            ColumnType::Boolean => Self::Booleans(Vec::with_capacity(rows)),
        }
    }

    /// What the values are.
    pub fn kind(&self) -> ColumnType {
        match self {
            Self::Strings(_) => ColumnType::String,
            Self::Integers(_) => ColumnType::Integer,
            Self::Floats(_) => ColumnType::Float,
            Self::Booleans(_) => ColumnType::Boolean,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Strings(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Booleans(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that the values take.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Strings(values) => {
                let text: usize = values.iter().flatten().map(String::capacity).sum();
                values.capacity() * size_of::<Option<String>>() + text
            }
            Self::Integers(values) => values.capacity() * size_of::<Option<i64>>(),
            Self::Floats(values) => values.capacity() * size_of::<Option<f64>>(),
            Self::Booleans(values) => values.capacity() * size_of::<Option<bool>>(),
        }
    }
}

/// One distinct id per row, looked up in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    by_row: Vec<String>,
    /// Rows in the order of their ids: a quarter of what a hash map of the same strings would take.
    sorted: Vec<u32>,
}

impl Ids {
    /// Bytes of memory that an id of usual length takes.
    pub(super) const ROW_BYTES: usize = size_of::<String>() + size_of::<u32>() + 32;

    /// Takes one id per row.
    ///
    /// # Errors
    /// [`DatasetError::DuplicateId`] for the first row that repeats an id.
    pub fn new(by_row: Vec<String>) -> Result<Self, DatasetError> {
        let mut sorted: Vec<u32> = (0..by_row.len() as u32).collect();
        // Stable, so equal ids stay in row order.
        sorted.sort_by(|a, b| by_row[*a as usize].cmp(&by_row[*b as usize]));
        let repeat = sorted
            .windows(2)
            .filter(|pair| by_row[pair[0] as usize] == by_row[pair[1] as usize])
            .map(|pair| (pair[1] as usize, pair[0] as usize))
            .min();
        if let Some((row, first)) = repeat {
            return Err(DatasetError::DuplicateId { id: by_row[row].clone(), first, row });
        }
        Ok(Self { by_row, sorted })
    }

    /// Ids of an id column: text, or integers by their decimal string.
    pub(super) fn from_column(name: &str, column: Column) -> Result<Self, DatasetError> {
        let ids: Vec<Option<String>> = match column {
            Column::Strings(values) => values,
            Column::Integers(values) => {
                values.into_iter().map(|value| value.map(|v| v.to_string())).collect()
            }
            Column::Floats(_) | Column::Booleans(_) => {
                return Err(DatasetError::ColumnType {
                    name: name.into(),
                    found: column.kind().to_string(),
                    expected: "strings or integers",
                });
            }
        };
        let present = ids.into_iter().enumerate().map(|(row, id)| id.ok_or(DatasetError::NullId { row }));
        Self::new(present.collect::<Result<_, _>>()?)
    }

    /// The id of a row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.by_row.get(row).map(String::as_str)
    }

    /// The row of an id. O(log n).
    pub fn row_of(&self, id: &str) -> Option<u32> {
        let found = self.sorted.binary_search_by(|row| self.by_row[*row as usize].as_str().cmp(id));
        found.ok().map(|place| self.sorted[place])
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.by_row.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.by_row.is_empty()
    }

    /// Bytes of memory that the ids take.
    pub fn bytes(&self) -> usize {
        let text: usize = self.by_row.iter().map(String::capacity).sum();
        self.by_row.capacity() * size_of::<String>() + text + self.sorted.capacity() * size_of::<u32>()
    }
}
