//! `/v1/datasets`.

mod upload;

use super::TENANT;
use super::page::{self, PageQuery};
use crate::api::app::{App, blocking};
use crate::api::extract::{Path, Query};
use crate::api::problem::Problem;
use crate::dataset::{ColumnInfo, ColumnType, DatasetRecord, Kind};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use time::OffsetDateTime;
use tracing::Span;
use utoipa::{IntoParams, ToSchema};

const LONGEST_NAME: usize = 256;

/// A stored dataset. It never changes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Dataset {
    /// Its id.
    #[schema(example = "ds_0192f0c1a2b37c4d8e5f6a7b8c9d0e1f")]
    pub id: String,
    /// The name it was given.
    pub name: Option<String>,
    /// What it holds.
    pub kind: DatasetKind,
    /// Number of rows; of rankings, of the voters, or of distinct orders where a file counts equal ones together.
    #[schema(example = 2000)]
    pub rows: u64,
    /// Values per row; of rankings, the number of candidates, which are the items of such a dataset.
    #[schema(example = 384)]
    pub dim: u64,
    /// The attributes of the items: of the rows, or of the candidates of rankings.
    pub columns: Vec<DatasetColumn>,
    /// Size of the body.
    pub bytes: u64,
    /// `sha256:` and the digest of the body.
    pub digest: String,
    /// When it was stored.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// What a dataset holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatasetKind {
    /// One vector a row.
    Vectors,
    /// Similarities of all pairs, square.
    Similarity,
    /// Rankings of candidates, one a voter.
    Rankings,
}

/// An attribute of the items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DatasetColumn {
    /// Its name.
    #[schema(example = "section")]
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub column_type: DatasetColumnType,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatasetColumnType {
    /// Text.
    String,
    /// Integers.
    Integer,
    /// Floating-point numbers.
    Float,
    /// True or false.
    Boolean,
}

/// A page of datasets.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DatasetPage {
    /// The datasets, newest first.
    pub items: Vec<Dataset>,
    /// Where the next page begins; null on the last.
    pub next_page_token: Option<String>,
}

/// A dataset as JSON: for small ones, and inside a job. Give `vectors`, or `similarity`, or the entries of a similarity
/// (`n`, `rows`, `cols`, `values`), or `rankings`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "vectors", "vectors": [[1.0, 0.0], [0.6, 0.8]], "ids": ["a", "b"], "columns": {"section": ["libs", "games"]}}))]
pub struct DatasetBody {
    /// What it holds; `vectors` when absent.
    pub kind: Option<DatasetKind>,
    /// One list of numbers a row, all of one length.
    pub vectors: Option<Vec<Vec<f32>>>,
    /// A square matrix of similarities.
    pub similarity: Option<Vec<Vec<f32>>>,
    /// Rows of a similarity that is given by its entries.
    #[schema(minimum = 1)]
    pub n: Option<u64>,
    /// Row of each entry, from 0. Pairs that have no entry are 0; none has two.
    pub rows: Option<Vec<u64>>,
    /// Column of each entry.
    pub cols: Option<Vec<u64>>,
    /// Similarity of each entry.
    pub values: Option<Vec<f32>>,
    /// One ranking a voter: candidates, best first, by index or by name, none twice. Those that are left out are
    /// unranked. An entry that is a list is a tie.
    #[schema(value_type = Option<Vec<Vec<DatasetRanked>>>)]
    pub rankings: Option<Vec<Vec<serde_json::Value>>>,
    /// Of rankings, one name a candidate, none twice: strings, or integers. They are the ids. As many candidates as the
    /// largest index says when absent.
    #[schema(value_type = Option<Vec<DatasetId>>)]
    pub candidates: Option<Vec<serde_json::Value>>,
    /// Of rankings, one weight a voter, at least 0 and not all of them; 1 when absent.
    pub weights: Option<Vec<f64>>,
    /// One id a row, none twice: strings, or integers.
    #[schema(value_type = Option<Vec<DatasetId>>)]
    pub ids: Option<Vec<serde_json::Value>>,
    /// Attributes: name to one value an item, which is a row, or a candidate of rankings. The values of a column are of
    /// one type; any may be null.
    #[schema(value_type = Option<BTreeMap<String, Vec<Option<DatasetValue>>>>)]
    pub columns: Option<BTreeMap<String, Vec<serde_json::Value>>>,
}

/// The id of a row.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DatasetId {
    /// Text.
    Text(String),
    /// An integer; the same as its decimal string.
    Integer(i64),
}

/// What stands at a position of a ranking.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DatasetRanked {
    /// The index of a candidate.
    Index(u64),
    /// Its name.
    Name(String),
    /// Candidates that are tied.
    Tie(Vec<DatasetCandidate>),
}

/// A candidate of a ranking.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DatasetCandidate {
    /// Its index.
    Index(u64),
    /// Its name.
    Name(String),
}

/// An attribute's value in one row.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DatasetValue {
    /// Text.
    Text(String),
    /// An integer or a floating-point number.
    Number(f64),
    /// True or false.
    Boolean(bool),
}

/// A dataset that the service reads itself, from under one of its configured prefixes. It is copied: what becomes of
/// the source later does not matter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetReference {
    /// `file:///path`, and where the build has them `s3://bucket/key` and `gs://bucket/key`; percent-encoded.
    #[schema(example = "file:///mnt/embeddings/debian.parquet")]
    pub source: String,
    /// Its media type, as an upload's `Content-Type`; by the extension of the source when absent.
    #[schema(example = "application/vnd.apache.parquet")]
    pub format: Option<String>,
}

/// What a JSON body may be.
#[derive(Debug, ToSchema)]
#[schema(as = DatasetUpload)]
#[expect(dead_code, reason = "only its description is used: bodies are told apart as they come in")]
#[serde(untagged)]
enum JsonBody {
    /// The dataset.
    Body(Box<DatasetBody>),
    /// Where it is.
    Reference(DatasetReference),
}

/// A body that is no text.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Binary(pub Vec<u8>);

/// How the body is to be read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct UploadQuery {
    /// A name for people, at most 256 characters.
    #[param(max_length = 256, example = "debian")]
    name: Option<String>,
    /// What the body holds; when absent and the body does not say, `rankings` of PrefLib and `vectors` of others.
    kind: Option<DatasetKind>,
    /// Parquet and Arrow: the column of the vectors, or of the rankings; the only one that can be when absent.
    vectors: Option<String>,
    /// Parquet and Arrow, and columns of JSON: the column of the ids.
    id: Option<String>,
}

impl UploadQuery {
    fn check(&self) -> Result<(), Problem> {
        if self.name.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
            let detail = format!("name: longer than {LONGEST_NAME} characters");
            return Err(Problem::parameter("name", detail));
        }
        Ok(())
    }
}

impl From<DatasetRecord> for Dataset {
    fn from(record: DatasetRecord) -> Self {
        let column = |ColumnInfo { name, kind }| DatasetColumn {
            name,
            column_type: match kind {
                ColumnType::String => DatasetColumnType::String,
                ColumnType::Integer => DatasetColumnType::Integer,
                ColumnType::Float => DatasetColumnType::Float,
                ColumnType::Boolean => DatasetColumnType::Boolean,
            },
        };
        Self {
            id: record.id,
            name: record.name,
            kind: match record.kind {
                Kind::Vectors => DatasetKind::Vectors,
                Kind::Similarity => DatasetKind::Similarity,
                Kind::Rankings => DatasetKind::Rankings,
            },
            rows: record.rows as u64,
            dim: record.dim as u64,
            columns: record.columns.into_iter().map(column).collect(),
            bytes: record.bytes,
            digest: record.digest,
            created_at: record.created_at,
        }
    }
}

/// Store a dataset
///
/// The body is the matrix, or the rankings; `Content-Type` says how it is encoded, and it may be compressed:
/// `Content-Encoding: gzip` or `zstd`. It is streamed to disk, read once in full, and visible only when every value has
/// been found right. The same bytes read the same way are stored once, however they were compressed on the way.
///
/// Parquet and Arrow: one list or fixed-size-list column of floats is the vectors, or the rows of a similarity; the other
/// columns are attributes. With `kind=similarity` the three columns `rows`, `cols` (integers) and `values` (floats) are
/// the entries of a sparse one, of as many rows as `n` in the schema's metadata says, else one more than the largest
/// index. So are two columns of lists, `cols` and `values`, row by row; the other columns are then attributes, and
/// `vectors=values` reads the lists as a whole matrix instead. Pairs without an entry are 0. Jobs hold and search the entries alone.
///
/// With `kind=rankings` each row is a voter's ranking of candidates, best first, and the items are the candidates: `dim`
/// is their number. `.npy` has integers, as many columns as there are candidates, and -1 behind the last that is ranked.
/// Parquet and Arrow have one column of lists: of indices, of names, or of lists of these, which are ties; a column
/// `weight` has the voters' weights, and other columns are left out. What there is to know of candidates stands in the
/// schema's metadata as JSON: `candidates`, a list of names, and `columns`, their attributes as in a JSON body.
/// `text/x-preflib` is PrefLib's text (`.soc`, `.soi`, `.toc`, `.toi`), whose counts are weights. An empty ranking, a
/// candidate that is unknown or ranked twice, and counts that are not the header's are refused with their place.
///
/// A JSON body with a `source` is a reference: the service reads the bytes from there, under the same limits.
#[utoipa::path(
    post, path = "/v1/datasets", tag = "datasets", params(UploadQuery),
    request_body(description = "The matrix, with its attributes where the encoding has any", content(
        (JsonBody = "application/json"),
        (Binary = "application/vnd.apache.parquet"),
        (Binary = "application/vnd.apache.arrow.stream"),
        (Binary = "application/x-npy"),
        (Binary = "text/x-preflib"),
    )),
    responses(
        (status = 201, description = "Stored", body = Dataset,
            headers(("Location" = String, description = "Path of the dataset"))),
        (status = 200, description = "These bytes were stored already", body = Dataset,
            headers(("Location" = String, description = "Path of the dataset"))),
    ),
    extensions(
        ("x-problem-codes" = json!(["malformed_body", "invalid_query", "invalid_header", "body_timeout",
            "payload_too_large", "unsupported_media_type", "unsupported_encoding", "invalid_parameter",
            "invalid_matrix", "invalid_ranking", "shape_mismatch", "unknown_item", "duplicate_item", "source_not_allowed", "source_failed",
            "source_timeout", "too_many_requests", "shutting_down", "insufficient_storage"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS 'http://127.0.0.1:8080/v1/datasets?name=debian&id=name' -H 'Content-Type: application/vnd.apache.parquet' --data-binary @debian.parquet"}])),
    ),
)]
pub(in crate::api) async fn create_dataset(
    State(app): State<Arc<App>>,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Result<Response, Problem> {
    app.refuse_when_stopping()?;
    let (record, created) = upload::store(&app, query, request).await?;
    Span::current().record("dataset.id", record.id.as_str());
    tracing::info!(dataset.bytes = record.bytes, dataset.rows = record.rows, created, "dataset stored");
    app.jobs.dataset_stored();
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/v1/datasets/{}", record.id);
    Ok((status, [(header::LOCATION, location)], Json(Dataset::from(record))).into_response())
}

impl From<DatasetKind> for Kind {
    fn from(kind: DatasetKind) -> Self {
        match kind {
            DatasetKind::Vectors => Self::Vectors,
            DatasetKind::Similarity => Self::Similarity,
            DatasetKind::Rankings => Self::Rankings,
        }
    }
}

/// List datasets
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/datasets", tag = "datasets", params(PageQuery),
    responses((status = 200, description = "A page of datasets", body = DatasetPage)),
    extensions(
        ("x-problem-codes" = json!(["invalid_query"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS 'http://127.0.0.1:8080/v1/datasets?limit=10'"}])),
    ),
)]
pub(in crate::api) async fn list_datasets(
    State(app): State<Arc<App>>,
    Query(query): Query<PageQuery>,
) -> Result<Json<DatasetPage>, Problem> {
    let limit = query.limit()?;
    query.after()?;
    let (records, more) = blocking(move || Ok(app.datasets.list(TENANT, limit, query.after()?)?)).await?;
    let next_page_token = records.last().filter(|_| more).map(|record| page::token(&record.id));
    Ok(Json(DatasetPage { items: records.into_iter().map(Dataset::from).collect(), next_page_token }))
}

/// Get a dataset
///
/// What is known of it; the matrix itself is not given back.
#[utoipa::path(
    get, path = "/v1/datasets/{id}", tag = "datasets",
    params(("id" = String, Path, description = "Id of the dataset")),
    responses((status = 200, description = "The dataset", body = Dataset)),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "dataset_not_found", "dataset_expired"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/datasets/$DATASET"}])),
    ),
)]
pub(in crate::api) async fn get_dataset(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Dataset>, Problem> {
    let record = blocking(move || Ok(app.datasets.get(TENANT, &id)?)).await?;
    Ok(Json(record.into()))
}

/// Delete a dataset
///
/// Refused while a job that has not ended needs it. Results of jobs that have ended stay.
#[utoipa::path(
    delete, path = "/v1/datasets/{id}", tag = "datasets",
    params(("id" = String, Path, description = "Id of the dataset")),
    responses((status = 204, description = "Deleted")),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "dataset_not_found", "dataset_expired", "dataset_in_use",
            "insufficient_storage"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS -X DELETE http://127.0.0.1:8080/v1/datasets/$DATASET"}])),
    ),
)]
pub(in crate::api) async fn delete_dataset(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    blocking(move || Ok(app.jobs.delete_dataset(TENANT, &id)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
