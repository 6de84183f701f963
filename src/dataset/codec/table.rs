//! Tables, whatever file they are in: one column of float lists is the matrix, the others are attributes; or one of
//! candidates is the rankings.

use std::collections::HashSet;
use std::ops::ControlFlow;

use arrow::array::Array;
use arrow::datatypes::{DataType, Schema};

use half::f16;

use super::arrow_values;
use super::attributes::Attributes;
use super::csr::CsrTable;
use super::guard::malformed;
use super::ranking_table::RankingTable;
use super::sparse::SparseTable;
use super::{
    BLOCK_BYTES, Codec, Column, DatasetError, EntrySink, Format, Header, Ids, Kind, Options, RowSink,
    check_shape,
};

/// Most rows that are decoded at a time, where the reader may choose.
pub(super) const MAX_BATCH_ROWS: usize = 8192;

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
    attributes: Attributes<T>,
    vectors: usize,
    dim: usize,
}

pub(super) fn open<T: Table + 'static>(
    table: T,
    options: &Options,
) -> Result<(Header, Box<dyn Codec>), DatasetError> {
    check_names(table.schema())?;
    let kind = options.kind.unwrap_or(Kind::Vectors);
    if kind == Kind::Rankings {
        return RankingTable::open(table, options);
    }
    if kind == Kind::Similarity
        && options.vectors.is_none()
        && let Some(fields) = arrow_values::entry_fields(table.schema())
    {
        return SparseTable::open(table, fields, options);
    }
    if kind == Kind::Similarity
        && options.vectors.is_none()
        && let Some(fields) = arrow_values::entry_list_fields(table.schema())
    {
        return CsrTable::open(table, fields, options);
    }
    let vectors = arrow_values::vectors_field(table.schema(), options.vectors.as_deref())?;
    let id = id_column(table.schema(), options)?;
    let dim = if table.rows() == 0 { 0 } else { first_length(&table, vectors)? };
    let (rows, dim) = check_shape(kind, table.rows(), dim)?;
    let header = Header {
        kind,
        rows,
        dim,
        columns: arrow_values::attributes(table.schema()),
        vectors: Some(table.schema().field(vectors).name().clone()),
    };
    Ok((header, Box::new(DenseTable { attributes: Attributes { table, id, rows }, vectors, dim })))
}

/// The column that was named for the ids.
pub(super) fn id_column(schema: &Schema, options: &Options) -> Result<Option<String>, DatasetError> {
    if let Some(id) = &options.id {
        arrow_values::field(schema, id)?;
    }
    Ok(options.id.clone())
}

impl<T: Table> Codec for DenseTable<T> {
    fn read_rows(&self, sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        let mut buffer = Vec::with_capacity(self.dim);
        let (mut first, mut stopped) = (0, false);
        let table = &self.attributes.table;
        table.read(self.vectors, self.batch_rows(), &mut |lists| {
            let flow = arrow_values::read_lists(lists, first, self.dim, &mut buffer, sink)?;
            first += lists.len();
            stopped = flow.is_break();
            Ok(flow)
        })?;
        if stopped { Ok(()) } else { check_count(table, first) }
    }

    fn read_entries(&self, sink: &mut EntrySink<'_>) -> Result<(), DatasetError> {
        super::read_dense_entries(self, sink)
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
        table.reading_bytes(self.batch_rows().min(*rows), self.dim)
    }

    fn decoded_bytes(&self) -> u64 {
        // The shortest floats there are, and next to nothing for an attribute.
        let Attributes { table, rows, .. } = &self.attributes;
        let row = size_of::<f16>() * self.dim + table.schema().fields().len();
        (rows * row) as u64
    }
}

impl<T: Table> DenseTable<T> {
    /// Rows of vectors that are decoded at a time.
    fn batch_rows(&self) -> usize {
        (BLOCK_BYTES / size_of::<f32>() / self.dim).clamp(1, MAX_BATCH_ROWS)
    }
}

/// Length of the list of row 0; decodes at most one batch.
pub(super) fn first_length(table: &impl Table, vectors: usize) -> Result<u64, DatasetError> {
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
