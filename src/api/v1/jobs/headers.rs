//! The headers of a submission: `Prefer` (RFC 7240) and `Idempotency-Key`.

use crate::api::codes::Code;
use crate::api::problem::Problem;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

const PREFER: HeaderName = HeaderName::from_static("prefer");
pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const LONGEST_KEY: usize = 255;

/// How long the caller prefers to wait. Preferences of other names are none of ours, and are ignored.
pub(super) fn wait(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let refuse = |found: &str| {
        let detail = format!("Prefer: wait is {found:?}; expected whole seconds, as in `Prefer: wait=10`");
        Problem::new(Code::InvalidHeader, detail)
    };
    for line in headers.get_all(PREFER) {
        let line = line.to_str().map_err(|_| Problem::new(Code::InvalidHeader, "Prefer is not text"))?;
        for preference in line.split(',') {
            let (name, value) =
                preference.split(';').next().unwrap_or_default().split_once('=').unwrap_or((preference, ""));
            if name.trim().eq_ignore_ascii_case("wait") {
                let value = value.trim().trim_matches('"');
                return value
                    .parse()
                    .map(|seconds| Some(Duration::from_secs(seconds)))
                    .map_err(|_| refuse(value));
            }
        }
    }
    Ok(None)
}

/// What became of [`wait`].
pub(super) fn applied(wait: Duration) -> HeaderValue {
    // Digits and ASCII letters are always a header's value.
    HeaderValue::from_str(&format!("wait={}", wait.as_secs())).unwrap_or(HeaderValue::from_static("wait"))
}

/// The key, with or without the quotes of a structured header.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let refuse = |detail: &str| Err(Problem::new(Code::InvalidHeader, format!("Idempotency-Key {detail}")));
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    if keys.next().is_some() {
        return refuse("is given twice");
    }
    let Ok(key) = key.to_str() else { return refuse("is not ASCII text") };
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    if key.is_empty() || key.len() > LONGEST_KEY {
        return refuse("has not between 1 and 255 characters");
    }
    Ok(Some(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap()))
            .collect()
    }

    #[test]
    fn a_wish_to_wait_is_found_among_other_preferences() {
        let seconds =
            |values: &[&str]| wait(&with(PREFER, values)).map(|wait| wait.map(|wait| wait.as_secs()));
        for (values, expected) in [
            (&[][..], None),
            (&["wait=10"], Some(10)),
            (&["respond-async, Wait = \"7\""], Some(7)),
            (&["handling=lenient; wait=3", "wait=5; foo"], Some(5)),
            (&["respond-async", "return=minimal"], None),
        ] {
            assert_eq!(seconds(values).unwrap(), expected, "{values:?}");
        }
        for values in [&["wait"][..], &["wait="], &["wait=-1"], &["wait=1.5"], &["wait=soon"]] {
            assert_eq!(seconds(values).unwrap_err().code, Code::InvalidHeader, "{values:?}");
        }
    }

    #[test]
    fn a_key_is_read_with_and_without_quotes() {
        let key = |values: &[&str]| idempotency_key(&with(IDEMPOTENCY_KEY, values));
        assert_eq!(key(&[]).unwrap(), None);
        assert_eq!(key(&["\"a b\""]).unwrap().as_deref(), Some("a b"));
        assert_eq!(key(&["a"]).unwrap().as_deref(), Some("a"));
        for values in [&[""][..], &["\"\""], &["a", "a"], &["\u{e9}"], &[&"k".repeat(256)]] {
            assert_eq!(key(values).unwrap_err().code, Code::InvalidHeader, "{values:?}");
        }
    }
}
