//! Errors on the wire: RFC 9457. This file alone knows which status a domain error has.

use super::codes::Code;
use super::credentials::CHALLENGE;
use super::pointer;
use crate::dataset::{DatasetError, SourceError};
use crate::jobs::JobError;
use crate::jobs::comparison::CompareError;
use crate::jobs::selection::{FieldError, SelectionError};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Seconds after which a refused request may be tried again.
const RETRY_AFTER_SECONDS: u32 = 5;

/// Places that one problem tells: a body of many bad numbers is not answered by a larger one.
pub(super) const MOST_PLACES: usize = 100;

/// Characters of a detail, and of the name of a parameter: both may repeat what the caller has sent.
const LONGEST_DETAIL: usize = 1000;
const LONGEST_NAME: usize = 200;

/// The text, or its beginning and an ellipsis.
pub(super) fn cut(mut text: String, longest: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(longest) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// What is wrong at one place of the request.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901) into the body; empty for the body as a whole, and where it is a `parameter`.
    #[schema(example = "/constraints/k")]
    pub pointer: String,
    /// Name of the query parameter, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "limit", nullable = false)]
    pub parameter: Option<String>,
    /// What is wrong, for programs.
    pub code: Code,
    /// What is wrong, for people.
    pub detail: String,
    /// What is wrong, in numbers, where there are any.
    #[serde(flatten)]
    #[schema(value_type = Shortage)]
    pub numbers: Map<String, Value>,
}

impl FieldProblem {
    /// A place of the body.
    pub(super) fn at(code: Code, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer::short(pointer.into()),
            parameter: None,
            code,
            detail: cut(detail.into(), LONGEST_DETAIL),
            numbers: Map::new(),
        }
    }

    /// A query parameter.
    pub(super) fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        let parameter = Some(cut(name.into(), LONGEST_NAME));
        Self { parameter, ..Self::at(Code::InvalidQuery, "", detail) }
    }

    /// The place and what is wrong there; a detail that names its place is left as it is.
    fn told(&self) -> String {
        if self.pointer.is_empty() || self.detail.starts_with(&self.pointer) {
            self.detail.clone()
        } else {
            format!("{}: {}", self.pointer, self.detail)
        }
    }
}

/// The numbers of `infeasible_constraint`: which sum of the constraints cannot be met.
#[derive(Debug, Clone, PartialEq, ToSchema)]
pub struct Shortage {
    /// Whose sum: `at_least` of all groups, `at_most` of all groups, or a single `group`.
    #[schema(example = "at_least")]
    pub sum: Option<String>,
    /// Items that the constraints need.
    #[schema(example = 5)]
    pub needed: Option<u64>,
    /// Items that can be had.
    #[schema(example = 3)]
    pub available: Option<u64>,
    /// The group; null where it is the sum over all.
    #[schema(example = "games")]
    pub group: Option<String>,
}

/// The body of every answer of status 400 or above.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Path of the page about this code.
    #[serde(rename = "type")]
    #[schema(example = "/errors/infeasible_constraint")]
    pub page: String,
    /// The code in a few words, always the same.
    pub title: String,
    /// The HTTP status.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
    /// Path of the request.
    #[schema(example = "/v1/jobs")]
    pub instance: String,
    /// What is wrong, for programs.
    pub code: Code,
    /// Also in the `X-Request-Id` header and in the log.
    pub request_id: String,
    /// The places of the body or of the query that are wrong, at most 100; empty where the problem has no place.
    #[schema(max_items = 100)]
    pub errors: Vec<FieldProblem>,
    /// The numbers of the first place, where it has any.
    #[serde(flatten)]
    #[schema(value_type = Shortage)]
    pub numbers: Map<String, Value>,
}

/// A refusal on its way out. The request id and the path are added by
/// the middleware, which every answer passes.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// What is wrong, for programs.
    pub code: Code,
    /// What is wrong, for people.
    pub detail: String,
    /// Where.
    pub errors: Vec<FieldProblem>,
    /// Seconds after which it may be tried again, where that is known better than by habit.
    pub retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A problem without a place.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = cut(detail.into(), LONGEST_DETAIL);
        Self { code, detail, errors: Vec::new(), retry_after_seconds: None }
    }

    /// A problem at one place of the body.
    pub fn at(code: Code, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of_places(vec![FieldProblem::at(code, pointer, detail)])
    }

    /// A problem of one query parameter.
    pub(super) fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of_places(vec![FieldProblem::parameter(name, detail)])
    }

    /// All these places; its code is that of the first.
    pub(super) fn of_places(mut errors: Vec<FieldProblem>) -> Self {
        let code = errors.first().map_or(Code::InvalidParameter, |field| field.code);
        let more = errors.len() > MOST_PLACES;
        errors.truncate(MOST_PLACES);
        let mut details: Vec<_> = errors.iter().map(FieldProblem::told).collect();
        if more {
            details.push("and more".into());
        }
        Self { code, detail: details.join("; "), errors, retry_after_seconds: None }
    }

    /// The places of both problems; one that has no place stands alone.
    pub(super) fn and(mut self, next: Self) -> Self {
        if self.errors.is_empty() {
            return self;
        }
        self.errors.extend(next.errors);
        Self::of_places(self.errors)
    }

    /// A failure of ours: logged in full, told without detail.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "internal error");
        Self::new(Code::Internal, "the service failed; its log has the cause under this request id")
    }

    /// The places moved below `prefix`, or `prefix` itself where there was none: the body was part of a larger one.
    pub(super) fn below(mut self, prefix: &str) -> Self {
        if self.errors.is_empty() {
            return Self::at(self.code, prefix, self.detail);
        }
        for field in &mut self.errors {
            field.pointer.insert_str(0, prefix);
        }
        self
    }

    /// `detail` of a code that a domain error names, hidden where it is a failure of ours.
    fn of(code: &'static str, cause: &dyn std::fmt::Display, pointer: Option<&str>) -> Self {
        match (Code::of(code), pointer) {
            (None | Some(Code::Internal), _) => Self::internal(cause),
            (Some(code), None) => Self::new(code, cause.to_string()),
            (Some(code), Some(pointer)) => Self::at(code, pointer, cause.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        if self.code.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if matches!(self.code.status().as_u16(), 429 | 503) {
            response.headers_mut().insert(
                header::RETRY_AFTER,
                HeaderValue::from(self.retry_after_seconds.unwrap_or(RETRY_AFTER_SECONDS)),
            );
        }
        if self.code == Code::UnsupportedEncoding {
            response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<DatasetError> for Problem {
    fn from(error: DatasetError) -> Self {
        Self::of(error.code(), &error, error.pointer())
    }
}

impl From<SourceError> for Problem {
    fn from(error: SourceError) -> Self {
        Self::of(error.code(), &error, None)
    }
}

impl From<SelectionError> for Problem {
    fn from(error: SelectionError) -> Self {
        match error {
            SelectionError::Invalid(fields) => {
                let place = |field: FieldError| {
                    let code = Code::of(field.code).unwrap_or(Code::InvalidParameter);
                    let numbers = match field.context {
                        Some(Value::Object(numbers)) => numbers,
                        _ => Map::new(),
                    };
                    FieldProblem { numbers, ..FieldProblem::at(code, field.pointer, field.detail) }
                };
                Self::of_places(fields.into_iter().map(place).collect())
            }
            SelectionError::Earlier { pointer, error } => Self::from(*error).below(&pointer),
            SelectionError::Dataset(error) => error.into(),
            error @ (SelectionError::TooLarge { .. }
            | SelectionError::Core(_)
            | SelectionError::Store(_)
            | SelectionError::Saved(_)) => Self::of(error.code(), &error, None),
        }
    }
}

impl From<CompareError> for Problem {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Job { pointer, error } => Self::from(*error).below(&pointer),
            CompareError::Refused(error) => error.into(),
        }
    }
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Dataset(error) => error.into(),
            JobError::Selection(error) => error.into(),
            JobError::QueueFull { retry_after_seconds, .. } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                ..Self::of(error.code(), &error, None)
            },
            error @ (JobError::NotTerminal(_)
            | JobError::NotFinished(_)
            | JobError::NoResult(_)
            | JobError::IdempotencyInProgress
            | JobError::IdempotencyMismatch
            | JobError::ResultExpired(_)
            | JobError::MemoryTaken { .. }
            | JobError::Answer(_)
            | JobError::Pool(_)
            | JobError::ShuttingDown
            | JobError::Store(_)) => Self::of(error.code(), &error, None),
        }
    }
}
