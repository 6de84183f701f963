//! Parquet: one column of float lists is the matrix, the others are attributes.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::ArrayRef;
use arrow::datatypes::Schema;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ParquetMetaData;

use super::arrow_values::{self, AppendError};
use super::positioned::PositionedFile;
use super::{
    BLOCK_BYTES, Codec, Column, DatasetError, Format, Header, Ids, Kind, Options, RowSink, check_shape,
};

/// Most rows that are decoded at a time.
const MAX_BATCH_ROWS: usize = 8192;

/// A value while it is decoded: up to 64 bits, and its definition and repetition levels of 16 bits each.
const VALUE_BYTES: usize = 12;
/// A page as it is stored and as it is decompressed, and its dictionary. Writers end pages at 1 MiB unless told not to.
const PAGE_BYTES: u64 = 4 << 20;

struct Parquet {
    file: PositionedFile,
    metadata: ArrowReaderMetadata,
    vectors: usize,
    id: Option<String>,
    rows: usize,
    dim: usize,
}

pub(super) fn open(
    file: PositionedFile,
    options: &Options,
) -> Result<(Header, Box<dyn Codec>), DatasetError> {
    let metadata = guarded(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()))?;
    check_extent(metadata.metadata(), file.bytes())?;
    check_names(metadata.schema())?;
    let vectors = arrow_values::vectors_field(metadata.schema(), options.vectors.as_deref())?;
    if let Some(id) = &options.id {
        arrow_values::field(metadata.schema(), id)?;
    }
    let kind = options.kind.unwrap_or(Kind::Vectors);
    let rows = metadata.metadata().row_groups().iter().map(|group| group.num_rows().unsigned_abs()).sum();
    let mut parquet = Parquet { file, metadata, vectors, id: options.id.clone(), rows: 0, dim: 0 };
    let dim = if rows == 0 { 0 } else { parquet.first_length()? };
    (parquet.rows, parquet.dim) = check_shape(kind, rows, dim)?;
    let schema = parquet.metadata.schema();
    let header = Header {
        kind,
        rows: parquet.rows,
        dim: parquet.dim,
        columns: arrow_values::attributes(schema),
        vectors: Some(schema.field(vectors).name().clone()),
    };
    Ok((header, Box::new(parquet)))
}

impl Codec for Parquet {
    fn read_rows(&self, sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        let batch_rows = self.batch_rows();
        let mut buffer = Vec::with_capacity(self.dim);
        let mut first = 0;
        let mut batches = self.batches(self.vectors, batch_rows)?;
        while let Some(lists) = batches.next()? {
            if arrow_values::read_lists(&lists, first, self.dim, &mut buffer, sink)?.is_break() {
                return Ok(());
            }
            first += lists.len();
        }
        self.check_count(first)
    }

    fn column(&self, name: &str) -> Result<Column, DatasetError> {
        let schema = self.metadata.schema();
        let index = arrow_values::field(schema, name)?;
        let found = schema.field(index).data_type();
        let kind = arrow_values::attribute_type(found).ok_or_else(|| DatasetError::ColumnType {
            name: name.into(),
            found: found.to_string(),
            expected: "strings, integers, floats or booleans",
        })?;
        let mut column = arrow_values::empty_column(kind);
        let mut batches = self.batches(index, MAX_BATCH_ROWS)?;
        while let Some(values) = batches.next()? {
            let first = column.len();
            arrow_values::append(&values, &mut column).map_err(|error| match error {
                AppendError::Range { index, value } => {
                    DatasetError::IntegerRange { column: name.into(), row: first + index, value }
                }
                AppendError::Arrow(error) => malformed(error),
            })?;
        }
        self.check_count(column.len())?;
        Ok(column)
    }

    fn ids(&self) -> Result<Option<Ids>, DatasetError> {
        self.id.as_ref().map(|name| Ids::from_column(name, self.column(name)?)).transpose()
    }

    fn reading_bytes(&self) -> u64 {
        let values = self.batch_rows().min(self.rows) * self.dim;
        PAGE_BYTES + (values * VALUE_BYTES) as u64
    }
}

impl Parquet {
    /// Rows of vectors that are decoded at a time.
    fn batch_rows(&self) -> usize {
        (BLOCK_BYTES / size_of::<f32>() / self.dim).clamp(1, MAX_BATCH_ROWS)
    }

    /// Length of the vector of row 0; decodes one page.
    fn first_length(&self) -> Result<u64, DatasetError> {
        self.batches(self.vectors, 1)?.next()?.map_or(Ok(0), |lists| arrow_values::first_length(&lists))
    }

    fn batches(&self, field: usize, rows: usize) -> Result<Batches, DatasetError> {
        let only = ProjectionMask::roots(self.metadata.parquet_schema(), [field]);
        let (file, metadata) = (self.file.clone(), self.metadata.clone());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let reader = guarded(|| builder.with_projection(only).with_batch_size(rows).build())?;
        Ok(Batches { reader })
    }

    fn check_count(&self, found: usize) -> Result<(), DatasetError> {
        if found == self.rows {
            return Ok(());
        }
        Err(malformed(format!("the footer promises {} rows, the pages hold {found}", self.rows)))
    }
}

/// The batches of one column.
struct Batches {
    reader: ParquetRecordBatchReader,
}

impl Batches {
    fn next(&mut self) -> Result<Option<ArrayRef>, DatasetError> {
        let batch = guarded(|| self.reader.next().transpose())?;
        Ok(batch.and_then(|batch| batch.columns().first().cloned()))
    }
}

/// Runs the decoder, which panics on some malformed pages: to the sender that is an error like any
/// other. What it leaves half done is dropped with the source.
fn guarded<T, E: ToString>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, DatasetError> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result.map_err(malformed),
        Err(panic) => Err(malformed(panic_message(&*panic))),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("undecodable")
}

/// Refuses a footer that points outside the file, before anything follows its pointers.
fn check_extent(metadata: &ParquetMetaData, bytes: u64) -> Result<(), DatasetError> {
    for group in metadata.row_groups() {
        if group.num_rows() < 0 {
            return Err(malformed("a row group with a negative number of rows"));
        }
        for chunk in group.columns() {
            let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
            let (Ok(start), Ok(length)) = (u64::try_from(start), u64::try_from(chunk.compressed_size()))
            else {
                return Err(malformed("a column chunk with a negative offset or length"));
            };
            let expected = start.saturating_add(length);
            if expected > bytes {
                return Err(DatasetError::Length { expected, found: bytes });
            }
        }
    }
    Ok(())
}

fn check_names(schema: &Schema) -> Result<(), DatasetError> {
    let mut seen = HashSet::new();
    match schema.fields().iter().find(|field| !seen.insert(field.name())) {
        Some(twice) => Err(DatasetError::DuplicateColumn { name: twice.name().clone() }),
        None => Ok(()),
    }
}

fn malformed(reason: impl ToString) -> DatasetError {
    DatasetError::Malformed { format: Format::Parquet, reason: reason.to_string() }
}
