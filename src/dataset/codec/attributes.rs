//! The columns of a table beside its matrix, and the ids among them.

use std::ops::ControlFlow;

use arrow::array::Array;

use super::arrow_values::{self, Attribute, Place};
use super::table::{MAX_BATCH_ROWS, Table, check_count};
use super::{Column, DatasetError, Ids};
use crate::dataset::column::ColumnType;

/// Most rows of an attribute that are converted at a time.
const SLICE_ROWS: usize = 1 << 20;

/// A table and which of its columns has the ids.
pub(super) struct Attributes<T> {
    pub(super) table: T,
    pub(super) id: Option<String>,
    pub(super) rows: usize,
}

impl<T: Table> Attributes<T> {
    /// Reads a column that takes at most so many bytes.
    pub(super) fn column(&self, name: &str, held_bytes: u64) -> Result<Column, DatasetError> {
        self.hold(name, 0, held_bytes)
    }

    /// Checks every value of a column as reading it would, and keeps none.
    pub(super) fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        let (index, kind) = self.attribute(name)?;
        let mut rows = 0;
        self.read_slices(index, &mut |values| {
            Attribute::of(values, kind, self.table.format(), Place { column: name, row: rows })?;
            rows += values.len();
            Ok(())
        })?;
        check_count(&self.table, rows)
    }

    /// Reads ids that take at most so many bytes.
    pub(super) fn ids(&self, held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        let ids = self.id.as_ref().map(|name| {
            Ids::from_column(name, self.hold(name, Ids::ROW_BYTES - size_of::<String>(), held_bytes)?)
        });
        ids.transpose()
    }

    /// Bytes that the ids take without their texts.
    pub(super) fn ids_bytes(&self) -> u64 {
        self.id.as_ref().map_or(0, |_| (self.rows * Ids::ROW_BYTES) as u64)
    }

    /// Position and type of an attribute column.
    fn attribute(&self, name: &str) -> Result<(usize, ColumnType), DatasetError> {
        let schema = self.table.schema();
        let index = arrow_values::field(schema, name)?;
        let found = schema.field(index).data_type();
        let kind = arrow_values::attribute_type(found).ok_or_else(|| DatasetError::ColumnType {
            name: name.into(),
            found: found.to_string(),
            expected: "strings, integers, floats or booleans",
        })?;
        Ok((index, kind))
    }

    /// Reads an attribute column whole, where its rows, each with so many bytes beside its value, fit into `held_bytes`.
    fn hold(&self, name: &str, beside: usize, held_bytes: u64) -> Result<Column, DatasetError> {
        let (index, kind) = self.attribute(name)?;
        let too_large = |bytes| DatasetError::ColumnTooLarge { name: name.into(), bytes, limit: held_bytes };
        let mut bytes = (self.rows * (kind.value_bytes() + beside)) as u64;
        if bytes > held_bytes {
            return Err(too_large(bytes));
        }
        let mut column = Column::with_capacity(kind, self.rows);
        self.read_slices(index, &mut |values| {
            let place = Place { column: name, row: column.len() };
            let values = Attribute::of(values, kind, self.table.format(), place)?;
            values.append_to(&mut column, &mut |text| {
                bytes += text as u64;
                if bytes > held_bytes { Err(too_large(bytes)) } else { Ok(()) }
            })
        })?;
        check_count(&self.table, column.len())?;
        Ok(column)
    }

    /// Hands the arrays of a column to `take`, long ones in parts: what an array becomes may be wider than it is.
    fn read_slices(
        &self,
        index: usize,
        take: &mut dyn FnMut(&dyn Array) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let mut rows = 0;
        self.table.read(index, MAX_BATCH_ROWS, &mut |values| {
            rows += values.len();
            // No more than were made room for.
            if rows as u64 > self.table.rows() {
                check_count(&self.table, rows)?;
            }
            for first in (0..values.len()).step_by(SLICE_ROWS) {
                take(&*values.slice(first, SLICE_ROWS.min(values.len() - first)))?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }
}
