//! Extractors whose refusals are problems, with the place of the offence.

use super::codes::Code;
use super::encoding::{BodyDecoder, BodyLimit, ContentEncoding};
use super::problem::Problem;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Request};
use axum::http::{HeaderMap, header, request};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// A body may not pause for longer.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The query, read by serde; unknown parameters are refused.
#[derive(Debug)]
pub(super) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Problem> {
        let refuse = |rejection: QueryRejection| Problem::new(Code::InvalidQuery, rejection.body_text());
        let axum::extract::Query(value) =
            axum::extract::Query::from_request_parts(parts, state).await.map_err(refuse)?;
        Ok(Self(value))
    }
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

/// The next piece of a body, or none at its end.
pub(super) async fn next_chunk(body: &mut axum::body::BodyDataStream) -> Result<Option<Bytes>, Problem> {
    match tokio::time::timeout(LONGEST_PAUSE, body.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
        Ok(Some(Err(error))) => {
            Err(Problem::new(Code::MalformedBody, format!("the body broke off: {error}")))
        }
        Err(_) => Err(Problem::new(
            Code::BodyTimeout,
            format!("no byte came for {} seconds", LONGEST_PAUSE.as_secs()),
        )),
    }
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

/// Reads a JSON body. Bytes that are no JSON are malformed; JSON that is not a `T` is invalid at a place.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| refuse(&error, ""))?;
    reader.end().map_err(|error| Problem::new(Code::MalformedBody, error.to_string()))?;
    Ok(value)
}

/// Reads a part of a JSON body that stood at `pointer`.
pub(super) fn parse_value<T: DeserializeOwned>(value: Value, pointer: &str) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| refuse(&error, pointer))
}

fn refuse(error: &serde_path_to_error::Error<serde_json::Error>, below: &str) -> Problem {
    let cause = error.inner();
    if cause.is_syntax() || cause.is_eof() {
        return Problem::new(Code::MalformedBody, cause.to_string());
    }
    Problem::at(Code::InvalidParameter, format!("{below}{}", pointer(error.path())), cause.to_string())
}

/// RFC 6901.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;

    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                format!("/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Unknown => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its reading is tested")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its reading is tested")]
        k: u64,
    }

    #[test]
    fn a_refusal_points_at_its_place() {
        for (body, code, at) in [
            ("{", Code::MalformedBody, None),
            (r#"{"inner":[]} x"#, Code::MalformedBody, None),
            (r#"{"inner":[{"k":1},{"k":-1}]}"#, Code::InvalidParameter, Some("/inner/1/k")),
            (r#"{"inner":[{"k":1,"a/b":2}]}"#, Code::InvalidParameter, Some("/inner/0/a~1b")),
            (r#"{}"#, Code::InvalidParameter, Some("")),
        ] {
            let problem = parse::<Outer>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.code, code, "{body}");
            assert_eq!(problem.errors.first().map(|field| field.pointer.as_str()), at, "{body}");
        }
    }
}
