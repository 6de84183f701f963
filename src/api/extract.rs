//! Extractors whose refusals are problems, with the place of the offence.

use super::codes::Code;
use super::encoding::{BodyDecoder, BodyLimit, ContentEncoding};
use super::openapi;
use super::problem::{FieldProblem, MOST_PLACES, Problem, cut};
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::{HeaderMap, Uri, header, request};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use tower_http::timeout::TimeoutError;

/// The query, read by serde; unknown parameters are refused. No parameter may be required: each is also read alone, to
/// tell all that are wrong.
#[derive(Debug)]
pub(super) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Problem> {
        query(&parts.uri).map(Self)
    }
}

/// Parameters of one request. No operation has as many, and where one is wrong each is read once more.
const MOST_PARAMETERS: usize = MOST_PLACES;

/// Characters of a `name=value` that are repeated.
const LONGEST_PAIR: usize = 200;

fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    if pairs.clone().nth(MOST_PARAMETERS).is_some() {
        return Err(Problem::new(Code::InvalidQuery, format!("more than {MOST_PARAMETERS} parameters")));
    }
    let read =
        |uri: &Uri| axum::extract::Query::<T>::try_from_uri(uri).map(|axum::extract::Query(value)| value);
    let whole = match read(uri) {
        Ok(value) => return Ok(value),
        Err(whole) => whole,
    };
    let wrong = pairs.filter_map(|pair| {
        let alone = Uri::try_from(format!("/?{pair}")).ok()?;
        let refusal = read(&alone).err()?;
        let told = cut(pair.to_owned(), LONGEST_PAIR);
        Some(FieldProblem::parameter(parameter(pair), format!("{told}: {}", cause(&refusal))))
    });
    let wrong: Vec<_> = wrong.collect();
    Err(if wrong.is_empty() {
        // What no parameter is guilty of alone: the same one twice.
        Problem::new(Code::InvalidQuery, cause(&whole))
    } else {
        Problem::of_places(wrong)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParameters {}

/// Operations that have no query parameters refuse them, as the others refuse those they do not have.
pub(super) async fn refuse_query(
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if path.is_some_and(|path| openapi::takes_no_query(path.as_str(), request.method())) {
        query::<NoParameters>(request.uri())?;
    }
    Ok(next.run(request).await)
}

/// The name of a `name=value`, as it came.
fn parameter(pair: &str) -> &str {
    pair.split('=').next().unwrap_or(pair)
}

/// What serde said of it, without axum's words before.
fn cause(refusal: &QueryRejection) -> String {
    refusal.source().map_or_else(|| refusal.body_text(), ToString::to_string)
}

/// The variables of the path.
#[derive(Debug)]
pub(super) struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Problem> {
        let refuse = |rejection: PathRejection| Problem::new(Code::InvalidPath, rejection.body_text());
        let axum::extract::Path(value) =
            axum::extract::Path::from_request_parts(parts, state).await.map_err(refuse)?;
        Ok(Self(value))
    }
}

/// The whole body of a JSON request, at most `limit` bytes as it is sent and as it is decompressed.
pub(super) async fn json_body(request: Request, limit: u64, setting: &'static str) -> Result<Bytes, Problem> {
    let encoding = ContentEncoding::of(request.headers())?;
    let media_type = content_type(request.headers())?;
    if !essence(media_type).eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            format!("Content-Type is {media_type:?}; send application/json"),
        ));
    }
    refuse_length(request.headers(), limit, setting)?;
    let mut body = request.into_body().into_data_stream();
    let mut bytes = Vec::new();
    let mut decoder = BodyDecoder::new(encoding, BodyLimit { bytes: limit, setting }, |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    while let Some(chunk) = next_chunk(&mut body).await? {
        decoder.write(&chunk)?;
    }
    decoder.finish()?;
    Ok(bytes.into())
}

/// The next piece of a body, or none at its end. That a body pauses for too long is found by
/// [`linger`](super::linger).
pub(super) async fn next_chunk(body: &mut axum::body::BodyDataStream) -> Result<Option<Bytes>, Problem> {
    body.next().await.transpose().map_err(|error| {
        let mut causes =
            std::iter::successors(Some::<&(dyn Error + 'static)>(&error), |&cause| cause.source());
        if causes.any(|cause| cause.is::<TimeoutError>()) {
            let setting = "FEWER_LIMITS__PAUSE_SECONDS (--max-pause-seconds)";
            return Problem::new(
                Code::BodyTimeout,
                format!("no byte came for too long; the setting is {setting}"),
            );
        }
        Problem::new(Code::MalformedBody, format!("the body broke off: {error}"))
    })
}

/// The declared media type.
pub(super) fn content_type(headers: &HeaderMap) -> Result<&str, Problem> {
    match headers.get(header::CONTENT_TYPE).map(|value| value.to_str()) {
        Some(Ok(value)) => Ok(value),
        Some(Err(_)) => Err(Problem::new(Code::InvalidHeader, "Content-Type is not text")),
        None => Err(Problem::new(Code::UnsupportedMediaType, "there is no Content-Type")),
    }
}

/// A body that says it is too large is refused before its first byte.
pub(super) fn refuse_length(headers: &HeaderMap, limit: u64, setting: &'static str) -> Result<(), Problem> {
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let limit = BodyLimit { bytes: limit, setting };
    if declared.is_some_and(|bytes| bytes > limit.bytes) { Err(limit.exceeded()) } else { Ok(()) }
}

pub(super) fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Page {
        limit: Option<u8>,
        token: Option<String>,
    }

    #[test]
    fn every_bad_parameter_is_told_by_its_name() {
        let wrong = |uri: &'static str| {
            let problem = query::<Page>(&Uri::from_static(uri)).unwrap_err();
            assert_eq!(problem.code, Code::InvalidQuery, "{uri}");
            let names = problem.errors.into_iter().map(|field| field.parameter.unwrap_or_default());
            (names.collect::<Vec<_>>().join(" "), problem.detail)
        };
        assert_eq!(wrong("/?limit=many&token=a&colour=red").0, "limit colour");
        assert_eq!(wrong("/?limit=300").0, "limit");
        assert_eq!(wrong("/?limit=1&limit=2"), (String::new(), "duplicate field `limit`".into()));
        let many = |count| Uri::try_from(format!("/?{}", "a&".repeat(count))).unwrap();
        assert_eq!(query::<Page>(&many(MOST_PARAMETERS)).unwrap_err().errors.len(), MOST_PARAMETERS);
        let more = query::<Page>(&many(MOST_PARAMETERS + 1)).unwrap_err();
        assert_eq!((more.errors.len(), more.detail), (0, "more than 100 parameters".into()));
        let read = query::<Page>(&Uri::from_static("/?&limit=3&token=%20&")).unwrap();
        assert_eq!(read, Page { limit: Some(3), token: Some(" ".into()) });
    }
}
