//! Which of the formats of a result its reader wants: `Accept`, RFC 9110 section 12.5.1.

use crate::api::codes::Code;
use crate::api::extract::essence;
use crate::api::problem::Problem;
use axum::http::{HeaderMap, header};
use std::cmp::Reverse;

/// How a result can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api::v1) enum ResultFormat {
    Json,
    Ndjson,
    Csv,
    Npy,
    ArrowStream,
    Parquet,
}

impl ResultFormat {
    /// In the order in which the service prefers them.
    pub(super) const ALL: [Self; 6] =
        [Self::Json, Self::Ndjson, Self::Csv, Self::Npy, Self::ArrowStream, Self::Parquet];

    /// Its media type without parameters.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::Npy => "application/x-npy",
            Self::ArrowStream => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// What the header of the answer says.
    pub(super) fn content_type(self) -> &'static str {
        if self == Self::Csv { "text/csv; charset=utf-8; header=present" } else { self.media_type() }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Npy => "npy",
            Self::ArrowStream => "arrows",
            Self::Parquet => "parquet",
        }
    }

    /// The format with the greatest weight. Among equals the one that is named most exactly, then the one that is
    /// named first. JSON where nothing is asked for.
    pub(in crate::api::v1) fn wanted(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(ranges) = ranges(headers) else { return Ok(Self::Json) };
        let weighted = Self::ALL.into_iter().enumerate().filter_map(|(preference, format)| {
            let (exactness, place, weight) = weight(&ranges, format.media_type())?;
            Some(((weight, exactness, place, Reverse(preference)), format))
        });
        weighted.max_by_key(|(rank, _)| *rank).map(|(_, format)| format).ok_or_else(|| {
            let known = Self::ALL.map(Self::media_type).join(", ");
            Problem::new(Code::NotAcceptable, format!("Accept allows none of {known}"))
        })
    }
}

/// Whether an answer may be of this type, which is the only one there is.
pub(in crate::api::v1) fn accepts(headers: &HeaderMap, media_type: &str) -> Result<(), Problem> {
    if ranges(headers).is_none_or(|ranges| weight(&ranges, media_type).is_some()) {
        return Ok(());
    }
    Err(Problem::new(Code::NotAcceptable, format!("Accept does not allow {media_type}")))
}

/// What is asked for; none where nothing is.
fn ranges(headers: &HeaderMap) -> Option<Vec<Range<'_>>> {
    let asked = headers.get_all(header::ACCEPT).iter();
    let asked = asked.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut asked = asked.map(str::trim).filter(|range| !range.is_empty()).peekable();
    asked.peek()?;
    Some(asked.filter_map(Range::read).collect())
}

/// How much a type is wanted, in thousandths, and by which range: its exactness and its place. What is said of the type
/// most exactly holds; a weight of 0 forbids.
fn weight(ranges: &[Range], media_type: &str) -> Option<(u8, Reverse<usize>, u16)> {
    let matching = ranges
        .iter()
        .enumerate()
        .filter_map(|(place, range)| Some((range.exactness(media_type)?, Reverse(place), range.weight)));
    matching.max().filter(|(.., weight)| *weight > 0)
}

/// One element of `Accept`. Parameters other than the weight are not compared.
struct Range<'a> {
    main: &'a str,
    sub: &'a str,
    /// Thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    /// None for what is no media range: it asks for nothing.
    fn read(element: &'a str) -> Option<Self> {
        let (main, sub) = match essence(element) {
            // Old clients write it so.
            "*" => ("*", "*"),
            range => range.split_once('/')?,
        };
        if main == "*" && sub != "*" {
            return None;
        }
        let weight = element.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        });
        let weight = weight.map_or(Ok(1.0), str::parse::<f32>).ok()?;
        (0.0..=1.0).contains(&weight).then(|| Self { main, sub, weight: (weight * 1000.0).round() as u16 })
    }

    /// 2 for the type itself, 1 for a range like `text/*`, 0 for `*/*`; none where the type is not in it.
    fn exactness(&self, media_type: &str) -> Option<u8> {
        let (main, sub) = media_type.split_once('/')?;
        match (self.main, self.sub) {
            ("*", _) => Some(0),
            (found, "*") if found.eq_ignore_ascii_case(main) => Some(1),
            (found, exact) if found.eq_ignore_ascii_case(main) && exact.eq_ignore_ascii_case(sub) => Some(2),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn wanted(lines: &[&'static str]) -> Option<ResultFormat> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT, HeaderValue::from_static(line));
        }
        ResultFormat::wanted(&headers).ok()
    }

    #[test]
    fn accept_is_read_as_rfc_9110_has_it() {
        for (lines, expected) in [
            (&[][..], Some(ResultFormat::Json)),
            (&[""], Some(ResultFormat::Json)),
            (&["*/*"], Some(ResultFormat::Json)),
            (&["application/*"], Some(ResultFormat::Json)),
            (&["text/*"], Some(ResultFormat::Csv)),
            (&["TEXT/CSV; charset=utf-8"], Some(ResultFormat::Csv)),
            (&["text/html, application/xhtml+xml, */*;q=0.8"], Some(ResultFormat::Json)),
            (&["text/csv, */*"], Some(ResultFormat::Csv)),
            (&["application/x-npy;q=0.5, text/csv;q=0.7"], Some(ResultFormat::Csv)),
            (&["application/x-npy;q=0.5", "text/csv;q=0.4"], Some(ResultFormat::Npy)),
            (&["application/vnd.apache.parquet, application/json"], Some(ResultFormat::Parquet)),
            (&["application/json;q=0, */*"], Some(ResultFormat::Ndjson)),
            (&["*/*, text/csv;q=0.1"], Some(ResultFormat::Json)),
            (&["text/csv;q=0.2, text/*;q=0.9, application/x-npy;q=0.5"], Some(ResultFormat::Npy)),
            (&["text/html, image/gif, *; q=.2"], Some(ResultFormat::Json)),
            (&["nonsense, application/vnd.apache.arrow.stream"], Some(ResultFormat::ArrowStream)),
            (&["nonsense"], None),
            (&["*/csv"], None),
            (&["text/csv;q=2"], None),
            (&["text/csv;q=0"], None),
            (&["*/*;q=0.000"], None),
            (&["image/png"], None),
        ] {
            assert_eq!(wanted(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_refusal_lists_what_there_is() {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("image/png"))]);
        let problem = ResultFormat::wanted(&headers).unwrap_err();
        assert_eq!(problem.code, Code::NotAcceptable);
        assert!(ResultFormat::ALL.iter().all(|format| problem.detail.contains(format.media_type())));
    }
}
