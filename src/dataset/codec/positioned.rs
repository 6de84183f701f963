//! A file that is read at given offsets, so that many readers share it without sharing a cursor.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

/// An open file and the length it had when it was opened.
#[derive(Clone)]
pub(super) struct PositionedFile {
    file: Arc<File>,
    bytes: u64,
}

/// A cursor of its own on a [`PositionedFile`].
pub(super) struct Cursor {
    file: PositionedFile,
    offset: u64,
}

impl PositionedFile {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let bytes = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), bytes })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The first bytes: enough to recognise a format, white space before it included.
    pub(super) fn head(&self) -> io::Result<Vec<u8>> {
        let mut head = vec![0; self.bytes.min(64) as usize];
        self.read_exact_at(&mut head, 0)?;
        Ok(head)
    }

    pub(super) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    pub(super) fn reader(&self, offset: u64) -> BufReader<Cursor> {
        BufReader::with_capacity(64 << 10, Cursor { file: self.clone(), offset })
    }
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Length for PositionedFile {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for PositionedFile {
    type T = BufReader<Cursor>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(self.reader(start))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        // Checked before the allocation: the length comes from the file and may be anything.
        if start.checked_add(length as u64).is_none_or(|end| end > self.bytes) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} of {}", self.bytes)));
        }
        let mut buffer = vec![0; length];
        self.read_exact_at(&mut buffer, start)?;
        Ok(buffer.into())
    }
}
