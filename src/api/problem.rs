//! Errors on the wire: RFC 9457. This file alone knows which status a domain error has.

use super::codes::Code;
use crate::dataset::{DatasetError, SourceError};
use crate::jobs::JobError;
use crate::jobs::selection::SelectionError;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Seconds after which a refused request may be tried again.
const RETRY_AFTER_SECONDS: u16 = 5;

/// What is wrong at one place of the request.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901) into the body.
    #[schema(example = "/constraints/k")]
    pub pointer: String,
    /// What is wrong, for programs.
    pub code: Code,
    /// What is wrong, for people.
    pub detail: String,
    /// What is wrong, in numbers, where there are any.
    #[serde(flatten)]
    #[schema(value_type = Shortage)]
    pub numbers: Map<String, Value>,
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
    /// The places of the body that are wrong; empty where the problem has no place.
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
}

impl Problem {
    /// A problem without a place.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new() }
    }

    /// A problem at one place of the body.
    pub fn at(code: Code, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        let field = FieldProblem { pointer, code, detail, numbers: Map::new() };
        Self { detail: field.detail.clone(), code, errors: vec![field] }
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
        if matches!(self.code.status().as_u16(), 429 | 503) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
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
                let errors: Vec<_> = fields
                    .into_iter()
                    .map(|field| FieldProblem {
                        code: Code::of(field.code).unwrap_or(Code::InvalidParameter),
                        pointer: field.pointer,
                        detail: field.detail,
                        numbers: if let Some(Value::Object(numbers)) = field.context {
                            numbers
                        } else {
                            Map::new()
                        },
                    })
                    .collect();
                let details: Vec<_> = errors.iter().map(|field| field.detail.as_str()).collect();
                let code = errors.first().map_or(Code::InvalidParameter, |field| field.code);
                Self { code, detail: details.join("; "), errors }
            }
            SelectionError::Dataset(error) => error.into(),
            error
            @ (SelectionError::TooLarge { .. } | SelectionError::Core(_) | SelectionError::Saved(_)) => {
                Self::of(error.code(), &error, None)
            }
        }
    }
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Dataset(error) => error.into(),
            JobError::Selection(error) => error.into(),
            error @ (JobError::NotTerminal(_)
            | JobError::NotFinished(_)
            | JobError::NoResult(_)
            | JobError::ShuttingDown
            | JobError::Store(_)) => Self::of(error.code(), &error, None),
        }
    }
}
