//! Tables, whatever file they are in: one column of float lists is the matrix, the others are attributes.

use std::collections::HashSet;
use std::ops::ControlFlow;

use arrow::array::Array;
use arrow::datatypes::{DataType, Schema};

use half::f16;

use super::arrow_values::{self, Attribute, Place};
use super::guard::malformed;
use super::sparse::SparseTable;
use super::{
    BLOCK_BYTES, Codec, Column, DatasetError, Format, Header, Ids, Kind, Options, RowSink, check_shape,
};
use crate::dataset::column::ColumnType;

/// Most rows that are decoded at a time, where the reader may choose.
pub(super) const MAX_BATCH_ROWS: usize = 8192;

/// Most rows of an attribute that are converted at a time.
const SLICE_ROWS: usize = 1 << 20;

/// A file of equally long columns, read column by column and batch by batch.
pub(super) trait Table: Send + Sync {
    fn format(&self) -> Format;
    fn schema(&self) -> &Schema;
    /// Rows by the headers; what is read may differ, and is compared.
    fn rows(&self) -> u64;
    /// Hands the arrays of a column to `take` in order, none empty, each of about `rows` rows where the encoding lets a
    /// reader choose. Ends without error when it breaks.
    fn read(&self, field: usize, rows: usize, take: &mut ArraySink<'_>) -> Result<(), DatasetError>;
    /// Bytes held while a column of `dim` values a row is read, `rows` rows at a time.
    fn reading_bytes(&self, rows: usize, dim: usize) -> u64;
}

/// Receives one array after another; breaks when it has had enough.
pub(super) type ArraySink<'a> = dyn FnMut(&dyn Array) -> Result<ControlFlow<()>, DatasetError> + 'a;

/// A table whose rows are vectors, or rows of a similarity.
struct DenseTable<T> {
    table: T,
    vectors: usize,
    id: Option<String>,
    rows: usize,
    dim: usize,
}

pub(super) fn open<T: Table + 'static>(
    table: T,
    options: &Options,
) -> Result<(Header, Box<dyn Codec>), DatasetError> {
    check_names(table.schema())?;
    let kind = options.kind.unwrap_or(Kind::Vectors);
    if kind == Kind::Similarity
        && options.vectors.is_none()
        && let Some(fields) = arrow_values::entry_fields(table.schema())
    {
        return SparseTable::open(table, fields, options);
    }
    let vectors = arrow_values::vectors_field(table.schema(), options.vectors.as_deref())?;
    if let Some(id) = &options.id {
        arrow_values::field(table.schema(), id)?;
    }
    let dim = if table.rows() == 0 { 0 } else { first_length(&table, vectors)? };
    let (rows, dim) = check_shape(kind, table.rows(), dim)?;
    let header = Header {
        kind,
        rows,
        dim,
        columns: arrow_values::attributes(table.schema()),
        vectors: Some(table.schema().field(vectors).name().clone()),
    };
    Ok((header, Box::new(DenseTable { table, vectors, id: options.id.clone(), rows, dim })))
}

impl<T: Table> Codec for DenseTable<T> {
    fn read_rows(&self, sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        let mut buffer = Vec::with_capacity(self.dim);
        let (mut first, mut stopped) = (0, false);
        self.table.read(self.vectors, self.batch_rows(), &mut |lists| {
            let flow = arrow_values::read_lists(lists, first, self.dim, &mut buffer, sink)?;
            first += lists.len();
            stopped = flow.is_break();
            Ok(flow)
        })?;
        if stopped { Ok(()) } else { check_count(&self.table, first) }
    }

    fn column(&self, name: &str, held_bytes: u64) -> Result<Column, DatasetError> {
        self.hold(name, 0, held_bytes)
    }

    fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        let (index, kind) = self.attribute(name)?;
        let mut rows = 0;
        self.read_slices(index, &mut |values| {
            Attribute::of(values, kind, self.table.format(), Place { column: name, row: rows })?;
            rows += values.len();
            Ok(())
        })?;
        check_count(&self.table, rows)
    }

    fn ids(&self, held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        let ids = self.id.as_ref().map(|name| {
            Ids::from_column(name, self.hold(name, Ids::ROW_BYTES - size_of::<String>(), held_bytes)?)
        });
        ids.transpose()
    }

    fn ids_bytes(&self) -> u64 {
        self.id.as_ref().map_or(0, |_| (self.rows * Ids::ROW_BYTES) as u64)
    }

    fn reading_bytes(&self) -> u64 {
        self.table.reading_bytes(self.batch_rows().min(self.rows), self.dim)
    }

    fn decoded_bytes(&self) -> u64 {
        // The shortest floats there are, and next to nothing for an attribute.
        let row = size_of::<f16>() * self.dim + self.table.schema().fields().len();
        (self.rows * row) as u64
    }
}

impl<T: Table> DenseTable<T> {
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

    /// Rows of vectors that are decoded at a time.
    fn batch_rows(&self) -> usize {
        (BLOCK_BYTES / size_of::<f32>() / self.dim).clamp(1, MAX_BATCH_ROWS)
    }
}

/// Length of the vector of row 0; decodes at most one batch.
fn first_length(table: &impl Table, vectors: usize) -> Result<u64, DatasetError> {
    if let DataType::FixedSizeList(_, length) = table.schema().field(vectors).data_type() {
        return u64::try_from(*length).map_err(|_| malformed(table.format(), "lists of a negative length"));
    }
    let mut length = 0;
    table.read(vectors, 1, &mut |lists| {
        length = arrow_values::first_length(lists)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(length)
}

/// Refuses a file whose columns do not hold what its headers promise.
pub(super) fn check_count(table: &impl Table, found: usize) -> Result<(), DatasetError> {
    if found as u64 == table.rows() {
        return Ok(());
    }
    let reason = format!("the headers promise {} rows, the columns hold {found}", table.rows());
    Err(malformed(table.format(), reason))
}

fn check_names(schema: &Schema) -> Result<(), DatasetError> {
    let mut seen = HashSet::new();
    match schema.fields().iter().find(|field| !seen.insert(field.name())) {
        Some(twice) => Err(DatasetError::DuplicateColumn { name: twice.name().clone() }),
        None => Ok(()),
    }
}
