//! Lines of a file, numbered, of bounded length.

use std::io::{BufRead, BufReader, Read};

use crate::dataset::codec::positioned::{Cursor, PositionedFile};
use crate::dataset::error::{DatasetError, RankingError};

/// Where a line begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Start {
    /// Bytes before it.
    pub(super) offset: u64,
    /// Its number, from 1.
    pub(super) line: u64,
}

pub(super) struct Lines {
    reader: BufReader<Cursor>,
    next: Start,
    longest: u64,
    buffer: Vec<u8>,
}

impl Lines {
    pub(super) const FIRST: Start = Start { offset: 0, line: 1 };

    /// The lines from `start` on, none longer than `longest` bytes.
    pub(super) fn new(file: &PositionedFile, start: Start, longest: u64) -> Self {
        Self { reader: file.reader(start.offset), next: start, longest, buffer: Vec::new() }
    }

    /// Where the next line begins.
    pub(super) fn start(&self) -> Start {
        self.next
    }

    /// The first byte of the next line.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, DatasetError> {
        Ok(self.reader.fill_buf()?.first().copied())
    }

    /// The next line, without white space around it, and its number.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &str)>, DatasetError> {
        self.buffer.clear();
        let read = (&mut self.reader).take(self.longest + 1).read_until(b'\n', &mut self.buffer)? as u64;
        if read == 0 {
            return Ok(None);
        }
        let line = self.next.line;
        self.next = Start { offset: self.next.offset + read, line: line + 1 };
        let wrong = |reason: String| DatasetError::from(RankingError::Line(reason).at_line(line));
        if read > self.longest {
            return Err(wrong(format!("longer than {} bytes", self.longest)));
        }
        let text = std::str::from_utf8(&self.buffer).map_err(|_| wrong("not UTF-8".into()))?;
        Ok(Some((line, text.trim())))
    }
}

/// A number of digits alone.
pub(super) fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// An integer; one beyond 64 bits as the largest, which is no alternative either.
pub(super) fn index(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(i64::MAX))
}

/// The beginning of a text, for the message that refuses it.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
    }
}
