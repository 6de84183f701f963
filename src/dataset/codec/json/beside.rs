//! What stands beside the values of a JSON body, item by item: ids and attribute columns. All of it is held.

use super::body::{self, pointer};
use crate::dataset::codec::Options;
use crate::dataset::column::{Column, ColumnInfo, Ids};
use crate::dataset::error::{DatasetError, RankingError};

/// Ids and attribute columns, each with one value an item.
pub(in crate::dataset::codec) struct Beside {
    items: usize,
    columns: Vec<(String, Column)>,
    ids: Option<Ids>,
}

impl Beside {
    /// Checks lengths and ids. `field`: pointer to the list of ids.
    pub(super) fn new(
        items: usize,
        columns: Vec<(String, Column)>,
        ids: Option<Vec<String>>,
        field: &str,
        options: &Options,
    ) -> Result<Self, DatasetError> {
        for (name, column) in &columns {
            check_length(items, column.len(), || pointer("/columns", name))?;
        }
        let ids = match (ids, &options.id) {
            (Some(_), Some(_)) => {
                let reason = "the body has ids already".into();
                return Err(DatasetError::Parameter { parameter: "id", reason });
            }
            (Some(ids), None) => {
                check_length(items, ids.len(), || field.into())?;
                Some(distinct(ids, field)?)
            }
            (None, Some(name)) => Some(Ids::from_column(name, find(&columns, name)?.clone())?),
            (None, None) => None,
        };
        Ok(Self { items, columns, ids })
    }

    /// What the metadata of a schema says: lists as in a body, of as many items as the first of them has.
    pub(in crate::dataset::codec) fn of_metadata(
        candidates: Option<&str>,
        columns: Option<&str>,
        options: &Options,
    ) -> Result<Self, DatasetError> {
        let wrong = |key: &'static str, error: &DatasetError| -> DatasetError {
            RankingError::Metadata { key, reason: error.to_string() }.into()
        };
        let ids = candidates.map(body::parse_ids).transpose().map_err(|e| wrong("candidates", &e))?;
        let columns = columns.map(body::parse_columns).transpose().map_err(|e| wrong("columns", &e))?;
        let (ids, columns) = (ids.flatten(), columns.unwrap_or_default());
        let items = ids.as_ref().map(Vec::len).or(columns.first().map(|(_, column)| column.len()));
        // Their lengths, or an id that is given twice.
        Self::new(items.unwrap_or(0), columns, ids, "/candidates", options).map_err(|error| {
            match error.pointer() {
                Some(pointer) if pointer.starts_with("/columns") => wrong("columns", &error),
                Some(_) => wrong("candidates", &error),
                None => error,
            }
        })
    }

    /// Number of items.
    pub(in crate::dataset::codec) fn items(&self) -> usize {
        self.items
    }

    pub(in crate::dataset::codec) fn columns(&self) -> Vec<ColumnInfo> {
        let info = |(name, column): &(String, Column)| ColumnInfo { name: name.clone(), kind: column.kind() };
        self.columns.iter().map(info).collect()
    }

    pub(in crate::dataset::codec) fn column(&self, name: &str) -> Result<&Column, DatasetError> {
        find(&self.columns, name)
    }

    pub(in crate::dataset::codec) fn ids(&self) -> Option<&Ids> {
        self.ids.as_ref()
    }

    /// Bytes of memory that the ids take.
    pub(in crate::dataset::codec) fn ids_bytes(&self) -> u64 {
        self.ids.as_ref().map_or(0, Ids::bytes) as u64
    }

    /// Bytes of memory that ids and columns take.
    pub(in crate::dataset::codec) fn bytes(&self) -> u64 {
        let columns: usize = self.columns.iter().map(|(_, column)| column.bytes()).sum();
        columns as u64 + self.ids_bytes()
    }
}

/// Ids of the list at `field`.
fn distinct(ids: Vec<String>, field: &str) -> Result<Ids, DatasetError> {
    Ids::new(ids).map_err(|error| {
        let DatasetError::DuplicateId { row, .. } = error else { return error };
        error.at(format!("{field}/{row}"))
    })
}

fn find<'a>(columns: &'a [(String, Column)], name: &str) -> Result<&'a Column, DatasetError> {
    columns.iter().find(|(known, _)| known == name).map(|(_, column)| column).ok_or_else(|| {
        let known = columns.iter().map(|(known, _)| known.clone()).collect();
        DatasetError::UnknownColumn { name: name.into(), known }
    })
}

fn check_length(expected: usize, found: usize, pointer: impl FnOnce() -> String) -> Result<(), DatasetError> {
    if expected == found {
        return Ok(());
    }
    Err(DatasetError::ColumnLength { expected, found }.at(pointer()))
}
