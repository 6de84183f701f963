//! A result as bytes: the whole as JSON, or a row for each chosen item.

use super::SelectionResult;
use super::accept::ResultFormat;
use crate::api::problem::Problem;
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::ToSchema;

const OBJECTIVE_VALUE: HeaderName = HeaderName::from_static("fewer-objective-value");
const COMPLETE: HeaderName = HeaderName::from_static("fewer-complete");

/// One chosen item: a line of ndjson, a row of the tables.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Pick {
    /// Its place in the order of choice, from 1.
    #[schema(example = 1)]
    pub rank: u32,
    /// Its row.
    #[schema(example = 5)]
    pub index: u32,
    /// Its id; null where the dataset has none.
    #[schema(example = "a")]
    pub id: Option<String>,
    /// Its gain at its turn.
    #[schema(example = 12.5)]
    pub gain: f64,
}

/// A result with a row for each item.
pub(super) trait Tabled: Serialize {
    /// The rows.
    fn table(&self) -> Table<'_>;
    /// What a table has no column for.
    fn metadata(&self) -> Result<Vec<(&'static str, String)>, serde_json::Error>;
    /// Headers of the answer beside those that name it, for the formats that have no place for what they say.
    fn headers(&self) -> Vec<(HeaderName, String)> {
        vec![]
    }
}

/// Columns of a result: `rank`, `index` and `id`, then these numbers.
pub(super) struct Table<'a> {
    pub(super) indices: &'a [u32],
    pub(super) ids: Option<&'a [String]>,
    pub(super) numbers: Vec<(&'static str, &'a [f64])>,
}

impl Tabled for SelectionResult {
    fn table(&self) -> Table<'_> {
        let numbers = vec![("gain", &*self.gains)];
        Table { indices: &self.indices, ids: self.ids.as_deref(), numbers }
    }

    fn metadata(&self) -> Result<Vec<(&'static str, String)>, serde_json::Error> {
        Ok(vec![
            ("objective_value", number(self.objective_value)),
            ("optimizer", self.optimizer.clone()),
            ("guarantee", serde_json::to_string(&self.guarantee)?),
            ("dataset_digest", self.dataset_digest.clone()),
            ("version", self.version.clone()),
        ])
    }

    fn headers(&self) -> Vec<(HeaderName, String)> {
        vec![(OBJECTIVE_VALUE, number(self.objective_value)), (COMPLETE, self.complete.to_string())]
    }
}

/// The answer to a request for the result of `job`. O(bytes), and computes: not for a thread that answers.
pub(super) fn written(result: &impl Tabled, job: &str, format: ResultFormat) -> Result<Response, Problem> {
    let bytes = bytes(result, format).map_err(|error| Problem::internal(&error))?;
    // A browser shows JSON, and saves the rest.
    let shown = if format == ResultFormat::Json { "inline" } else { "attachment" };
    let file = format!("{shown}; filename=\"{job}.{}\"", format.extension());
    let value = |text: String| HeaderValue::try_from(text).map_err(|error| Problem::internal(&error));
    let mut headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
        (header::CONTENT_DISPOSITION, value(file)?),
    ]);
    for (name, text) in result.headers() {
        headers.insert(name, value(text)?);
    }
    Ok((headers, bytes).into_response())
}

fn bytes(result: &impl Tabled, format: ResultFormat) -> Result<Vec<u8>, WriteError> {
    let table = result.table();
    match format {
        ResultFormat::Json => Ok(serde_json::to_vec(result)?),
        ResultFormat::Ndjson => table.ndjson(),
        ResultFormat::Csv => Ok(table.csv().into_bytes()),
        ResultFormat::Npy => Ok(table.npy()),
        ResultFormat::ArrowStream => table.arrow_stream(&result.metadata()?),
        ResultFormat::Parquet => table.parquet(&result.metadata()?),
    }
}

/// One row, for serde.
struct Row<'a> {
    table: &'a Table<'a>,
    at: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { table, at } = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rank", &(at + 1))?;
        map.serialize_entry("index", &table.indices[at])?;
        map.serialize_entry("id", &table.id(at))?;
        for (name, values) in &table.numbers {
            map.serialize_entry(name, &values[at])?;
        }
        map.end()
    }
}

impl<'a> Table<'a> {
    fn id(&self, at: usize) -> Option<&'a str> {
        self.ids.and_then(|ids| ids.get(at)).map(String::as_str)
    }

    fn ndjson(&self) -> Result<Vec<u8>, WriteError> {
        let mut lines = Vec::new();
        for at in 0..self.indices.len() {
            serde_json::to_writer(&mut lines, &Row { table: self, at })?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// RFC 4180. Each id is quoted, so that an empty id differs from none, and is as it was stored: what a
    /// spreadsheet would take for a formula stays one, since programs read this too.
    fn csv(&self) -> String {
        let mut text = String::from("rank,index,id");
        self.numbers.iter().for_each(|(name, _)| text.extend([",", name]));
        text.push_str("\r\n");
        for (at, index) in self.indices.iter().enumerate() {
            let id = self.id(at).map(|id| format!("\"{}\"", id.replace('"', "\"\""))).unwrap_or_default();
            text.push_str(&format!("{},{index},{id}", at + 1));
            self.numbers.iter().for_each(|(_, values)| text.extend([",", &number(values[at])]));
            text.push_str("\r\n");
        }
        text
    }

    /// One axis of 64-bit signed integers, numpy's own type of an index: what is loaded indexes an array as it is.
    fn npy(&self) -> Vec<u8> {
        /// Magic, version and length of the header.
        const BEFORE: usize = 10;
        /// Values begin at a multiple.
        const ALIGNED: usize = 64;
        let mut header =
            format!("{{'descr': '<i8', 'fortran_order': False, 'shape': ({},), }}", self.indices.len());
        let length = (BEFORE + header.len() + 1).next_multiple_of(ALIGNED) - BEFORE;
        let padding = length - header.len() - 1;
        header.extend(std::iter::repeat_n(' ', padding));
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((length as u16).to_le_bytes());
        bytes.extend(header.into_bytes());
        bytes.extend(self.indices.iter().flat_map(|&index| i64::from(index).to_le_bytes()));
        bytes
    }

    fn arrow_stream(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, WriteError> {
        let batch = self.record_batch(metadata)?;
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
        writer.write(&batch)?;
        Ok(writer.into_inner()?)
    }

    fn parquet(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, WriteError> {
        let batch = self.record_batch(metadata)?;
        // Beside the Arrow schema, which has them too, for readers that know no Arrow.
        let metadata = metadata.iter().map(|(key, value)| KeyValue::new((*key).into(), value.clone()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(metadata.collect()))
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        Ok(writer.into_inner()?)
    }

    fn record_batch(&self, metadata: &[(&str, String)]) -> Result<RecordBatch, WriteError> {
        let mut fields = vec![
            Field::new("rank", DataType::UInt32, false),
            Field::new("index", DataType::UInt32, false),
            Field::new("id", DataType::Utf8, true),
        ];
        let rows = 0..self.indices.len();
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from_iter_values((1..).take(rows.len()))),
            Arc::new(UInt32Array::from_iter_values(self.indices.iter().copied())),
            Arc::new(rows.map(|at| self.id(at)).collect::<StringArray>()),
        ];
        for (name, values) in &self.numbers {
            fields.push(Field::new(*name, DataType::Float64, false));
            columns.push(Arc::new(Float64Array::from_iter_values(values.iter().copied())));
        }
        let metadata: HashMap<_, _> =
            metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        Ok(RecordBatch::try_new(Arc::new(Schema::new_with_metadata(fields, metadata)), columns)?)
    }
}

/// The shortest text that reads back as this number, with an exponent where it has one.
fn number(value: f64) -> String {
    format!("{value:?}")
}

/// A result that could not be written: a defect of ours.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("Arrow: {0}")]
    Arrow(#[from] ArrowError),
    #[error("Parquet: {0}")]
    Parquet(#[from] ParquetError),
}
