//! What every request and every answer passes.

use super::codes::Code;
use super::problem::{Problem, ProblemBody};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 128;

/// The id of a request, for handlers.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

/// Gives the request its id and its log span, and every answer of status 400 or above its problem document: those
/// that carry a [`Problem`] theirs, the router's and the server's own one made from their status.
pub(super) async fn identify(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let path = request.uri().path().to_owned();
    // The query is left out: what callers put there is not for logs. Handlers add the ids that they make.
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        request.method = %request.method(),
        request.path = %path,
        dataset.id = named(&path, "/v1/datasets/"),
        job.id = named(&path, "/v1/jobs/"),
    );
    let started = Instant::now();
    let head = request.method() == Method::HEAD;
    async move {
        let mut response = next.run(request).await;
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            response = with_problem(response, &path, &id);
            if head {
                *response.body_mut() = Body::empty();
            }
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let duration_ms = started.elapsed().as_millis() as u64;
        tracing::info!(response.status = response.status().as_u16(), duration_ms, "answered");
        response
    }
    .instrument(span)
    .await
}

/// The caller's id where it is one, so that logs on both sides agree.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    match given {
        Some(id) if !id.is_empty() && id.len() <= LONGEST_REQUEST_ID => id.to_owned(),
        _ => format!("req_{}", Uuid::now_v7().simple()),
    }
}

/// The id that stands behind the prefix.
fn named<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix)?.split('/').next()
}

fn with_problem(response: Response, path: &str, request_id: &str) -> Response {
    let (mut parts, _) = response.into_parts();
    let problem = parts.extensions.remove::<Problem>().unwrap_or_else(|| bare(parts.status, path));
    let status = problem.code.status();
    metrics::counter!("fewer_problems_total", "code" => problem.code.as_str()).increment(1);
    let body = ProblemBody {
        page: problem.code.page(),
        title: problem.code.title().into(),
        status: status.as_u16(),
        detail: problem.detail,
        instance: path.into(),
        code: problem.code,
        request_id: request_id.into(),
        numbers: problem.errors.first().map(|field| field.numbers.clone()).unwrap_or_default(),
        errors: problem.errors,
    };
    let bytes = match serde_json::to_vec(&body) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "a problem could not be written");
            Vec::new()
        }
    };
    parts.status = status;
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Response::from_parts(parts, Body::from(bytes))
}

fn bare(status: StatusCode, path: &str) -> Problem {
    let code = Code::of_status(status);
    let detail = if code == Code::RouteNotFound {
        format!("nothing is at {path}")
    } else if code == Code::MethodNotAllowed {
        format!("{path} does not have this method; the Allow header has those it does")
    } else {
        status.canonical_reason().unwrap_or("refused").to_owned()
    };
    Problem::new(code, detail)
}

/// A handler that panicked answers like any other failure.
pub(super) fn caught(panic: Box<dyn Any + Send + 'static>) -> Response {
    Problem::internal(&format_args!("panic: {}", crate::jobs::panic_text(panic.as_ref()))).into_response()
}
