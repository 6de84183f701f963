//! Parquet, as a table: one column is decoded at a time, page by page.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::{DataType, Fields, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ParquetMetaData;

use super::arrow_values;
use super::guard::{guarded, malformed};
use super::positioned::PositionedFile;
use super::table::{self, ArraySink, Table};
use super::{Codec, DatasetError, Format, Header, Options};
use crate::dataset::column::ColumnType;

/// A value while it is decoded: up to 64 bits, and its definition and repetition levels of 16 bits each.
const VALUE_BYTES: usize = 12;
/// A page as it is stored and as it is decompressed, and its dictionary. Writers end pages at 1 MiB unless told not to.
const PAGE_BYTES: u64 = 4 << 20;

struct Parquet {
    file: PositionedFile,
    metadata: ArrowReaderMetadata,
    rows: u64,
}

pub(super) fn open(
    file: PositionedFile,
    options: &Options,
) -> Result<(Header, Box<dyn Codec>), DatasetError> {
    table::open(Parquet::new(file)?, options)
}

impl Parquet {
    fn new(file: PositionedFile) -> Result<Self, DatasetError> {
        let load = || {
            let found = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())?;
            let viewed = ArrowReaderOptions::default().with_schema(views(found.schema()));
            ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), viewed)
        };
        let metadata = guarded(Format::Parquet, load)?;
        check_extent(metadata.metadata(), file.bytes())?;
        let groups = metadata.metadata().row_groups().iter();
        let rows = groups.map(|group| group.num_rows().unsigned_abs()).fold(0, u64::saturating_add);
        Ok(Self { file, metadata, rows })
    }
}

impl Table for Parquet {
    fn format(&self) -> Format {
        Format::Parquet
    }

    fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn read(&self, field: usize, rows: usize, take: &mut ArraySink<'_>) -> Result<(), DatasetError> {
        let only = ProjectionMask::roots(self.metadata.parquet_schema(), [field]);
        let (file, metadata) = (self.file.clone(), self.metadata.clone());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let build = || builder.with_projection(only).with_batch_size(rows).build();
        let mut reader = guarded(Format::Parquet, build)?;
        while let Some(batch) = guarded(Format::Parquet, || reader.next().transpose())? {
            let array = batch.columns().first().filter(|array| !array.is_empty());
            if let Some(array) = array
                && take(array)?.is_break()
            {
                return Ok(());
            }
        }
        Ok(())
    }

    fn reading_bytes(&self, rows: usize, dim: usize) -> u64 {
        PAGE_BYTES + (rows * dim * VALUE_BYTES) as u64
    }
}

/// The schema with every text as a view: a long text that a page repeats at little cost is not copied for each row.
fn views(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let is_text = arrow_values::attribute_type(field.data_type()) == Some(ColumnType::String);
        let data_type = if is_text { DataType::Utf8View } else { field.data_type().clone() };
        field.as_ref().clone().with_data_type(data_type)
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Fields>(), schema.metadata().clone()))
}

/// Refuses a footer that points outside the file, before anything follows its pointers.
fn check_extent(metadata: &ParquetMetaData, bytes: u64) -> Result<(), DatasetError> {
    for group in metadata.row_groups() {
        if group.num_rows() < 0 {
            return Err(malformed(Format::Parquet, "a row group with a negative number of rows"));
        }
        for chunk in group.columns() {
            let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
            let (Ok(start), Ok(length)) = (u64::try_from(start), u64::try_from(chunk.compressed_size()))
            else {
                return Err(malformed(Format::Parquet, "a column chunk with a negative offset or length"));
            };
            let expected = start.saturating_add(length);
            if expected > bytes {
                return Err(DatasetError::Length { expected, found: bytes });
            }
        }
    }
    Ok(())
}
