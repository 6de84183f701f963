//! Who may ask: the key is checked before a byte of the body is read and before any handler.

use super::codes::Code;
use super::problem::Problem;
use crate::auth::ApiKey;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What an answer of status 401 asks for.
pub(super) const CHALLENGE: &str = "Bearer realm=\"fewer\"";

/// Whether a path may be read without a key: what orchestrators ask, and the manual. A path that leads nowhere is not
/// open, so nobody learns which do.
pub(super) fn is_open(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/openapi.json" | "/docs")
        || path.starts_with("/docs/")
        || path.starts_with("/errors/")
}

/// Lets pass who shows the key, and everyone where the service has none.
pub(super) async fn authenticate(
    State(key): State<Option<ApiKey>>,
    mut request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let open = reads && is_open(request.uri().path());
    if let Some(key) = key.as_ref().filter(|_| !open)
        && let Err(problem) = check(key, request.headers())
    {
        let mut response = problem.into_response();
        if !request.body().is_end_stream() {
            // What is still to come of the body will not be read.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        return response;
    }
    // Nobody after this needs it, so nobody can log it.
    request.headers_mut().remove(header::AUTHORIZATION);
    next.run(request).await
}

fn check(key: &ApiKey, headers: &HeaderMap) -> Result<(), Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = given.next() else {
        return Err(Problem::new(Code::MissingCredentials, "send the header Authorization: Bearer KEY"));
    };
    let shown = bearer(value.as_bytes()).filter(|_| given.next().is_none());
    let Some(shown) = shown else {
        return Err(Problem::new(Code::InvalidCredentials, "Authorization is not of the form Bearer KEY"));
    };
    if key.is(shown) {
        Ok(())
    } else {
        Err(Problem::new(Code::InvalidCredentials, "the key is not the service's"))
    }
}

/// The key of `Bearer KEY` (RFC 6750, 2.1); the scheme's case does not matter.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| key.trim_ascii_start())
}
