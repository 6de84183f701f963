//! Similarities given by their entries (row, column, value); every other pair is 0.
//!
//! Readers get dense rows, or the entries alone: a selection on those is the selection on the matrix with its zeros,
//! without their memory.

use std::ops::ControlFlow;

use super::arrow_values;
use super::guard::malformed;
use super::table::{MAX_BATCH_ROWS, Table, check_count};
use super::{
    Codec, Column, DatasetError, EntrySink, Header, Ids, Kind, Options, RowSink, check_shape,
    refuse_column_parameters,
};

/// Most entries that are read: they are sorted in memory, 12 bytes each.
pub(in crate::dataset) const MAX_ENTRIES: u64 = 1 << 27;

/// Names of the three columns of a table of entries.
pub(super) const FIELDS: [&str; 3] = ["rows", "cols", "values"];

/// One similarity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The represented row.
    pub row: u32,
    /// The item.
    pub column: u32,
    /// Finite.
    pub value: f32,
}

/// A square matrix by its entries.
pub(super) struct Sparse {
    size: usize,
    /// In row-major order, no pair twice.
    entries: Vec<Entry>,
}

impl Sparse {
    /// Puts entries in order. Indices must be below `size`. O(m log m) for m entries.
    ///
    /// # Errors
    /// [`DatasetError::DuplicateEntry`], the first in row-major order.
    pub(super) fn new(size: usize, mut entries: Vec<Entry>) -> Result<Self, DatasetError> {
        entries.sort_unstable_by_key(|entry| (entry.row, entry.column));
        let twice =
            entries.windows(2).find(|pair| (pair[0].row, pair[0].column) == (pair[1].row, pair[1].column));
        match twice {
            Some(&[Entry { row, column, .. }, ..]) => {
                Err(DatasetError::DuplicateEntry { row: row as usize, column: column as usize })
            }
            _ => Ok(Self { size, entries }),
        }
    }

    /// Rows, and columns.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Streams dense rows; ends when the sink breaks.
    pub(super) fn read_rows(&self, sink: &mut RowSink<'_>) {
        let mut values = vec![0.0; self.size];
        let mut rest = self.entries.as_slice();
        for row in 0..self.size {
            let (here, after) = rest.split_at(rest.partition_point(|entry| entry.row as usize <= row));
            here.iter().for_each(|entry| values[entry.column as usize] = entry.value);
            if sink(row, &values).is_break() {
                return;
            }
            here.iter().for_each(|entry| values[entry.column as usize] = 0.0);
            rest = after;
        }
    }

    /// Number of entries.
    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Streams the entries in row-major order; ends when the sink breaks.
    pub(super) fn read_entries(&self, sink: &mut EntrySink<'_>) {
        // The sink's wish to stop is no error, and nothing follows the loop.
        let _stopped: ControlFlow<()> = self.entries.iter().try_for_each(|entry| sink(*entry));
    }

    /// Bytes of memory, and of the one row that is made at a time.
    pub(super) fn bytes(&self) -> u64 {
        (self.entries.capacity() * size_of::<Entry>() + self.size * size_of::<f32>()) as u64
    }
}

/// A table of entries. Its size is `n` of the schema's metadata, else one more than the largest index.
pub(super) struct SparseTable<T> {
    table: T,
    /// Positions of [`FIELDS`].
    fields: [usize; 3],
    size: usize,
}

impl<T: Table + 'static> SparseTable<T> {
    pub(super) fn open(
        table: T,
        fields: [usize; 3],
        options: &Options,
    ) -> Result<(Header, Box<dyn Codec>), DatasetError> {
        refuse_column_parameters("a table of entries", options)?;
        if table.rows() > MAX_ENTRIES {
            return Err(DatasetError::TooManyEntries { found: table.rows() });
        }
        let size = match table.schema().metadata().get("n") {
            Some(text) => text.parse().map_err(|_| DatasetError::EntrySize { found: text.clone() })?,
            None => size_of_largest(&table, fields)?,
        };
        let (size, _) = check_shape(Kind::Similarity, size, size)?;
        let header =
            Header { kind: Kind::Similarity, rows: size, dim: size, columns: Vec::new(), vectors: None };
        Ok((header, Box::new(Self { table, fields, size })))
    }
}

impl<T: Table> SparseTable<T> {
    fn load(&self) -> Result<Sparse, DatasetError> {
        let mut entries = Vec::with_capacity(self.table.rows() as usize);
        let size = self.size as u64;
        read_indices(&self.table, self.fields, 0, &mut |place, index| {
            let row = below(FIELDS[0], place, index, size)?;
            // More than the headers promise are refused when they have been counted.
            if entries.len() == entries.capacity() {
                return Ok(());
            }
            entries.push(Entry { row, column: 0, value: 0.0 });
            Ok(())
        })?;
        read_indices(&self.table, self.fields, 1, &mut |place, index| {
            let column = below(FIELDS[1], place, index, size)?;
            // A column that is longer is refused when it has been counted.
            if let Some(entry) = entries.get_mut(place) {
                entry.column = column;
            }
            Ok(())
        })?;
        let mut seen = 0;
        self.table.read(self.fields[2], MAX_BATCH_ROWS, &mut |values| {
            let values =
                arrow_values::floats(values).map_err(|error| malformed(self.table.format(), error))?;
            for (place, value) in (seen..).zip(values.iter()) {
                let value = value.ok_or(DatasetError::NullEntry { field: FIELDS[2], entry: place })?;
                let Some(entry) = entries.get_mut(place) else { break };
                let (row, column) = (entry.row as usize, entry.column as usize);
                entry.value = value as f32;
                if !entry.value.is_finite() {
                    return Err(DatasetError::NotFinite { row, column, value });
                }
            }
            seen += values.len();
            Ok(ControlFlow::Continue(()))
        })?;
        check_count(&self.table, seen)?;
        Sparse::new(self.size, entries)
    }
}

impl<T: Table> Codec for SparseTable<T> {
    fn read_rows(&self, sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        self.load()?.read_rows(sink);
        Ok(())
    }

    fn entries(&self) -> Option<u64> {
        Some(self.table.rows())
    }

    fn read_entries(&self, sink: &mut EntrySink<'_>) -> Result<(), DatasetError> {
        self.load()?.read_entries(sink);
        Ok(())
    }

    fn check_rows(&self) -> Result<(), DatasetError> {
        // Without making the zeros, which would take the square of the size.
        self.load().map(drop)
    }

    fn column(&self, name: &str, _held_bytes: u64) -> Result<Column, DatasetError> {
        Err(DatasetError::UnknownColumn { name: name.into(), known: Vec::new() })
    }

    fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        Err(DatasetError::UnknownColumn { name: name.into(), known: Vec::new() })
    }

    fn ids(&self, _held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        Ok(None)
    }

    fn ids_bytes(&self) -> u64 {
        0
    }

    fn reading_bytes(&self) -> u64 {
        let entries = self.table.rows() * size_of::<Entry>() as u64;
        self.table.reading_bytes(MAX_BATCH_ROWS, 1) + entries + (self.size * size_of::<f32>()) as u64
    }

    fn decoded_bytes(&self) -> u64 {
        self.table.rows() * size_of::<Entry>() as u64
    }
}

/// An index that is one of the matrix.
pub(super) fn below(field: &'static str, entry: usize, index: i64, size: u64) -> Result<u32, DatasetError> {
    let inside = u32::try_from(index).ok().filter(|index| u64::from(*index) < size);
    inside.ok_or(DatasetError::EntryIndex { field, entry, index, size })
}

/// One more than the largest index; 0 where there is no entry.
fn size_of_largest(table: &impl Table, fields: [usize; 3]) -> Result<u64, DatasetError> {
    let mut size = 0;
    for which in [0, 1] {
        read_indices(table, fields, which, &mut |_, index| {
            size = size.max(u64::try_from(index).map_or(0, |index| index + 1));
            Ok(())
        })?;
    }
    Ok(size)
}

/// Hands every index of the rows (0) or the columns (1) to `take`, with its place.
fn read_indices(
    table: &impl Table,
    fields: [usize; 3],
    which: usize,
    take: &mut dyn FnMut(usize, i64) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let mut seen = 0;
    table.read(fields[which], MAX_BATCH_ROWS, &mut |array| {
        let indices = arrow_values::integers(array).map_err(|error| malformed(table.format(), error))?;
        for (place, index) in (seen..).zip(indices.iter()) {
            take(place, index.ok_or(DatasetError::NullEntry { field: FIELDS[which], entry: place })?)?;
        }
        seen += indices.len();
        Ok(ControlFlow::Continue(()))
    })?;
    check_count(table, seen)
}
