//! Parquet: one column of float lists is the matrix, the others are attributes.

use std::collections::HashSet;

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
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(malformed)?;
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
        let batch_rows = (BLOCK_BYTES / size_of::<f32>() / self.dim).clamp(1, MAX_BATCH_ROWS);
        let mut buffer = Vec::with_capacity(self.dim);
        let mut first = 0;
        for batch in self.reader(self.vectors, batch_rows)? {
            let lists = only_column(batch)?;
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
        for batch in self.reader(index, MAX_BATCH_ROWS)? {
            let first = column.len();
            arrow_values::append(&only_column(batch)?, &mut column).map_err(|error| match error {
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
}

impl Parquet {
    /// Length of the vector of row 0; decodes one page.
    fn first_length(&self) -> Result<u64, DatasetError> {
        match self.reader(self.vectors, 1)?.next() {
            Some(batch) => arrow_values::first_length(&only_column(batch)?),
            None => Ok(0),
        }
    }

    fn reader(&self, field: usize, batch_rows: usize) -> Result<ParquetRecordBatchReader, DatasetError> {
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone());
        let only = ProjectionMask::roots(self.metadata.parquet_schema(), [field]);
        builder.with_projection(only).with_batch_size(batch_rows).build().map_err(malformed)
    }

    fn check_count(&self, found: usize) -> Result<(), DatasetError> {
        if found == self.rows {
            return Ok(());
        }
        Err(malformed(format!("the footer promises {} rows, the pages hold {found}", self.rows)))
    }
}

fn only_column(
    batch: Result<arrow::array::RecordBatch, arrow::error::ArrowError>,
) -> Result<ArrayRef, DatasetError> {
    let batch = batch.map_err(malformed)?;
    batch.columns().first().cloned().ok_or_else(|| malformed("a batch without columns"))
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
