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
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::ToSchema;

const OBJECTIVE_VALUE: HeaderName = HeaderName::from_static("fewer-objective-value");
const COMPLETE: HeaderName = HeaderName::from_static("fewer-complete");

/// One chosen item: a line of ndjson, a row of the tables.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Pick<'a> {
    /// Its place in the order of choice, from 1.
    #[schema(example = 1)]
    pub rank: u32,
    /// Its row.
    #[schema(example = 5)]
    pub index: u32,
    /// Its id; null where the dataset has none.
    #[schema(example = "a")]
    pub id: Option<&'a str>,
    /// Its gain at its turn.
    #[schema(example = 12.5)]
    pub gain: f64,
}

impl SelectionResult {
    /// The answer to a request for the result of `job`. O(bytes), and computes: not for a thread that answers.
    pub(in crate::api::v1) fn written(&self, job: &str, format: ResultFormat) -> Result<Response, Problem> {
        let bytes = self.bytes(format).map_err(|error| Problem::internal(&error))?;
        // A browser shows JSON, and saves the rest.
        let shown = if format == ResultFormat::Json { "inline" } else { "attachment" };
        let file = format!("{shown}; filename=\"{job}.{}\"", format.extension());
        let value = |text: String| HeaderValue::try_from(text).map_err(|error| Problem::internal(&error));
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
            (header::CONTENT_DISPOSITION, value(file)?),
            (OBJECTIVE_VALUE, value(number(self.objective_value))?),
            (COMPLETE, value(self.complete.to_string())?),
        ]);
        Ok((headers, bytes).into_response())
    }

    fn bytes(&self, format: ResultFormat) -> Result<Vec<u8>, WriteError> {
        match format {
            ResultFormat::Json => Ok(serde_json::to_vec(self)?),
            ResultFormat::Ndjson => self.ndjson(),
            ResultFormat::Csv => Ok(self.csv().into_bytes()),
            ResultFormat::Npy => Ok(self.npy()),
            ResultFormat::ArrowStream => self.arrow_stream(),
            ResultFormat::Parquet => self.parquet(),
        }
    }

    fn picks(&self) -> impl Iterator<Item = Pick<'_>> {
        let ids = self.ids.as_deref();
        (1..).zip(self.indices.iter().zip(&self.gains)).map(move |(rank, (&index, &gain))| {
            let id = ids.and_then(|ids| ids.get(rank as usize - 1)).map(String::as_str);
            Pick { rank, index, id, gain }
        })
    }

    fn ndjson(&self) -> Result<Vec<u8>, WriteError> {
        let mut lines = Vec::new();
        for pick in self.picks() {
            serde_json::to_writer(&mut lines, &pick)?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// RFC 4180. Each id is quoted, so that an empty id differs from none, and is as it was stored: what a
    /// spreadsheet would take for a formula stays one, since programs read this too.
    fn csv(&self) -> String {
        let mut text = String::from("rank,index,id,gain\r\n");
        for Pick { rank, index, id, gain } in self.picks() {
            let id = id.map(|id| format!("\"{}\"", id.replace('"', "\"\""))).unwrap_or_default();
            text.push_str(&format!("{rank},{index},{id},{}\r\n", number(gain)));
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

    fn arrow_stream(&self) -> Result<Vec<u8>, WriteError> {
        let batch = self.record_batch()?;
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
        writer.write(&batch)?;
        Ok(writer.into_inner()?)
    }

    fn parquet(&self) -> Result<Vec<u8>, WriteError> {
        let batch = self.record_batch()?;
        // Beside the Arrow schema, which has them too, for readers that know no Arrow.
        let metadata = self.metadata()?.into_iter().map(|(key, value)| KeyValue::new(key.into(), value));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(metadata.collect()))
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        Ok(writer.into_inner()?)
    }

    fn record_batch(&self) -> Result<RecordBatch, WriteError> {
        let fields = vec![
            Field::new("rank", DataType::UInt32, false),
            Field::new("index", DataType::UInt32, false),
            Field::new("id", DataType::Utf8, true),
            Field::new("gain", DataType::Float64, false),
        ];
        let metadata: HashMap<_, _> =
            self.metadata()?.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from_iter_values(self.picks().map(|pick| pick.rank))),
            Arc::new(UInt32Array::from_iter_values(self.picks().map(|pick| pick.index))),
            Arc::new(self.picks().map(|pick| pick.id).collect::<StringArray>()),
            Arc::new(Float64Array::from_iter_values(self.picks().map(|pick| pick.gain))),
        ];
        Ok(RecordBatch::try_new(Arc::new(Schema::new_with_metadata(fields, metadata)), columns)?)
    }

    /// What a table has no column for.
    fn metadata(&self) -> Result<[(&'static str, String); 5], serde_json::Error> {
        Ok([
            ("objective_value", number(self.objective_value)),
            ("optimizer", self.optimizer.clone()),
            ("guarantee", serde_json::to_string(&self.guarantee)?),
            ("dataset_digest", self.dataset_digest.clone()),
            ("version", self.version.clone()),
        ])
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
