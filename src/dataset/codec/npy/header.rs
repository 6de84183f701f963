//! The header of NumPy's array file.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. The header is
//! a Python literal, but only three keys with three kinds of values ever stand in it, so it is
//! scanned without recursion: a stranger's nesting cannot exhaust the stack, and no length in it is
//! believed before it is checked.

use crate::dataset::codec::Format;
use crate::dataset::error::DatasetError;

use super::super::positioned::PositionedFile;

/// Longest header that is read; NumPy itself refuses more than 10,000 bytes by default.
const MAX_HEADER_BYTES: u64 = 64 << 10;

/// Layout of the values.
#[derive(Debug, PartialEq)]
pub(super) struct NpyHeader {
    /// NumPy's type string, such as `<f4`; anything but a string is quoted as it stands.
    pub(super) descr: String,
    /// Whether the first axis varies fastest.
    pub(super) fortran_order: bool,
    /// Length of each axis.
    pub(super) shape: Vec<u64>,
    /// Offset of the first value in the file.
    pub(super) data_offset: u64,
}

/// Reads the header at the start of a file.
pub(super) fn read(file: &PositionedFile) -> Result<NpyHeader, DatasetError> {
    let mut prelude = [0; 12];
    let available = file.bytes().min(prelude.len() as u64) as usize;
    file.read_exact_at(&mut prelude[..available], 0)?;
    let (text_offset, text_bytes) = match (available, prelude[6]) {
        (10.., 1) => (10, u64::from(u16::from_le_bytes([prelude[8], prelude[9]]))),
        (12, 2 | 3) => {
            (12, u64::from(u32::from_le_bytes([prelude[8], prelude[9], prelude[10], prelude[11]])))
        }
        (12, version) => return Err(malformed(format!("unknown version {version}"))),
        _ => return Err(malformed("the body ends inside the header")),
    };
    if text_bytes > MAX_HEADER_BYTES {
        return Err(malformed(format!(
            "a header of {text_bytes} bytes; at most {MAX_HEADER_BYTES} are read"
        )));
    }
    let data_offset = text_offset + text_bytes;
    if data_offset > file.bytes() {
        return Err(malformed("the body ends inside the header"));
    }
    let mut text = vec![0; text_bytes as usize];
    file.read_exact_at(&mut text, text_offset)?;
    let text = String::from_utf8(text).map_err(|_| malformed("the header is not text"))?;
    parse(&text, data_offset)
}

fn parse(text: &str, data_offset: u64) -> Result<NpyHeader, DatasetError> {
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    let inner = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let mut rest = inner.ok_or_else(|| malformed("the header is not a dictionary"))?.trim();
    while !rest.is_empty() {
        let (key, after) = quoted(rest).ok_or_else(|| malformed("a key of the header is not a string"))?;
        let after = after.trim_start().strip_prefix(':').ok_or_else(|| malformed("a key without a value"))?;
        let (value, after) = value(after.trim_start())?;
        match key {
            "descr" => descr = Some(quoted(value).map_or(value, |(text, _)| text).to_owned()),
            "fortran_order" => fortran_order = Some(boolean(value)?),
            "shape" => shape = Some(lengths(value)?),
            _ => return Err(malformed(format!("unknown key {key:?} in the header"))),
        }
        rest = after.trim_start();
    }
    match (descr, fortran_order, shape) {
        (Some(descr), Some(fortran_order), Some(shape)) => {
            Ok(NpyHeader { descr, fortran_order, shape, data_offset })
        }
        _ => Err(malformed("the header lacks descr, fortran_order or shape")),
    }
}

/// Splits off a string literal.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// Splits off one value at the comma that ends it, which is the first one outside brackets and quotes.
fn value(text: &str) -> Result<(&str, &str), DatasetError> {
    let (mut depth, mut quote) = (0usize, None);
    for (place, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => {
                depth =
                    depth.checked_sub(1).ok_or_else(|| malformed("a bracket closes that was not opened"))?;
            }
            (None, ',') if depth == 0 => return Ok((text[..place].trim_end(), &text[place + 1..])),
            (None, _) => {}
        }
    }
    if depth > 0 || quote.is_some() {
        return Err(malformed("a bracket or a quote is never closed"));
    }
    Ok((text.trim_end(), ""))
}

fn boolean(value: &str) -> Result<bool, DatasetError> {
    match value {
        "True" => Ok(true),
        "False" => Ok(false),
        _ => Err(malformed(format!("fortran_order is {value:?}, expected True or False"))),
    }
}

fn lengths(value: &str) -> Result<Vec<u64>, DatasetError> {
    let wrong = || malformed(format!("shape is {value:?}, expected a tuple of lengths"));
    let inner = value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).ok_or_else(wrong)?.trim();
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    if inner.is_empty() {
        return Ok(Vec::new());
    }
    // Python 2 wrote long integers with an L.
    inner.split(',').map(|n| n.trim().trim_end_matches('L').parse().map_err(|_| wrong())).collect()
}

fn malformed(reason: impl Into<String>) -> DatasetError {
    DatasetError::Malformed { format: Format::Npy, reason: reason.into() }
}
