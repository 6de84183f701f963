//! Similarities given row by row (CSR): of each row of the table a list of columns and a list of their values; every
//! other pair is 0. The table's other columns stay attributes.

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use arrow::array::Array;

use super::arrow_values::{self, Lists};
use super::attributes::Attributes;
use super::guard::malformed;
use super::sparse::{Entry, MAX_ENTRIES, Sparse};
use super::table::{MAX_BATCH_ROWS, Table, check_count, id_column};
use super::{Codec, Column, DatasetError, EntrySink, Header, Ids, Kind, Options, RowSink, check_shape};

/// Values that are decoded at a time, should every row be full: rows may be as uneven as they like.
const BATCH_VALUES: usize = 5 << 20;

/// A table of which each row is a row of a square matrix.
pub(super) struct CsrTable<T> {
    attributes: Attributes<T>,
    /// Positions of the lists of columns and of values.
    fields: [usize; 2],
    entries: u64,
}

impl<T: Table + 'static> CsrTable<T> {
    pub(super) fn open(
        table: T,
        fields: [usize; 2],
        options: &Options,
    ) -> Result<(Header, Box<dyn Codec>), DatasetError> {
        let (rows, _) = check_shape(Kind::Similarity, table.rows(), table.rows())?;
        let id = id_column(table.schema(), options)?;
        let columns = arrow_values::attributes(table.schema());
        let mut csr = Self { attributes: Attributes { table, id, rows }, fields, entries: 0 };
        csr.entries = csr.count()?;
        let header = Header { kind: Kind::Similarity, rows, dim: rows, columns, vectors: None };
        Ok((header, Box::new(csr)))
    }
}

impl<T: Table> CsrTable<T> {
    /// Entries there are: no header tells.
    fn count(&self) -> Result<u64, DatasetError> {
        let mut found = 0;
        self.each_batch(self.fields[0], &mut |lists, first| {
            for place in lists.ranges(first) {
                found += place?.1.len() as u64;
            }
            if found > MAX_ENTRIES { Err(DatasetError::TooManyEntries { found }) } else { Ok(()) }
        })?;
        Ok(found)
    }

    fn load(&self) -> Result<Sparse, DatasetError> {
        let (format, size) = (self.attributes.table.format(), self.attributes.rows as u64);
        let mut entries: Vec<Entry> = Vec::with_capacity(self.entries as usize);
        self.each_batch(self.fields[0], &mut |lists, first| {
            let columns = arrow_values::integers(lists.values).map_err(|error| malformed(format, error))?;
            for place in lists.ranges(first) {
                let (row, range) = place?;
                for (entry, place) in range.enumerate() {
                    if columns.is_null(place) {
                        return Err(DatasetError::RowNull { row, entry });
                    }
                    let index = columns.value(place);
                    let column = u32::try_from(index).ok().filter(|column| u64::from(*column) < size);
                    let column = column.ok_or(DatasetError::RowIndex { row, entry, index, size })?;
                    entries.push(Entry { row: row as u32, column, value: 0.0 });
                }
            }
            Ok(())
        })?;
        let mut rest = entries.as_mut_slice();
        self.each_batch(self.fields[1], &mut |lists, first| {
            let values = arrow_values::floats(lists.values).map_err(|error| malformed(format, error))?;
            for place in lists.ranges(first) {
                let (row, range) = place?;
                let columns = rest.iter().take_while(|entry| entry.row as usize == row).count();
                if columns != range.len() {
                    return Err(DatasetError::RowEntries { row, columns, values: range.len() });
                }
                let (here, after) = std::mem::take(&mut rest).split_at_mut(columns);
                for (entry, place) in here.iter_mut().zip(range) {
                    let column = entry.column as usize;
                    if values.is_null(place) {
                        return Err(DatasetError::NullValue { row, column });
                    }
                    let value = values.value(place);
                    entry.value = value as f32;
                    if !entry.value.is_finite() {
                        return Err(DatasetError::NotFinite { row, column, value });
                    }
                }
                rest = after;
            }
            Ok(())
        })?;
        Sparse::new(self.attributes.rows, entries)
    }

    /// Hands the arrays of a column to `take`, each with the row of its first list.
    fn each_batch(
        &self,
        field: usize,
        take: &mut dyn FnMut(&Lists<'_>, usize) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let (table, mut first) = (&self.attributes.table, 0);
        table.read(field, self.batch_rows(), &mut |array| {
            let wrong = || DatasetError::ElementType { found: array.data_type().to_string() };
            let lists = Lists::new(array).ok_or_else(wrong)?;
            // No more rows than the matrix has.
            if (first + array.len()) as u64 > table.rows() {
                check_count(table, first + array.len())?;
            }
            take(&lists, first)?;
            first += array.len();
            Ok(ControlFlow::Continue(()))
        })?;
        check_count(table, first)
    }

    fn batch_rows(&self) -> usize {
        (BATCH_VALUES / self.attributes.rows).clamp(1, MAX_BATCH_ROWS)
    }
}

impl<T: Table> Codec for CsrTable<T> {
    fn read_rows(&self, sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        self.load()?.read_rows(sink);
        Ok(())
    }

    fn entries(&self) -> Option<u64> {
        Some(self.entries)
    }

    fn read_entries(&self, sink: &mut EntrySink<'_>) -> Result<(), DatasetError> {
        self.load()?.read_entries(sink);
        Ok(())
    }

    fn check_rows(&self) -> Result<(), DatasetError> {
        // Without making the zeros, which would take the square of the size.
        self.load().map(drop)
    }

    fn column(&self, name: &str, held_bytes: u64) -> Result<Column, DatasetError> {
        self.attributes.column(name, held_bytes)
    }

    fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        self.attributes.check_column(name)
    }

    fn ids(&self, held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        self.attributes.ids(held_bytes)
    }

    fn ids_bytes(&self) -> u64 {
        self.attributes.ids_bytes()
    }

    fn reading_bytes(&self) -> u64 {
        let Attributes { table, rows, .. } = &self.attributes;
        // No more values at a time than there are.
        let values = (self.batch_rows() * rows).min(self.entries as usize).max(1);
        table.reading_bytes(1, values) + self.decoded_bytes() + (rows * size_of::<f32>()) as u64
    }

    fn decoded_bytes(&self) -> u64 {
        self.entries * size_of::<Entry>() as u64
    }
}
