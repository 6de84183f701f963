//! Bytes on their way in: hashed as they are written, gone again unless they finish.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::codec::{Format, Options, Source};
use super::error::DatasetError;
use super::record::DatasetRecord;
use super::store::{DIGEST_PREFIX, DatasetStore};
use crate::fault;

/// One upload. Dropped before [`Upload::finish`], it leaves nothing behind.
pub struct Upload {
    store: DatasetStore,
    limit: u64,
    written: u64,
    hash: Sha256,
    /// Made by the first write, so that a refused request costs no file.
    file: Option<NamedTempFile>,
}

/// A validated upload: what the store needs to keep it.
pub(super) struct Validated {
    pub(super) file: NamedTempFile,
    pub(super) bytes: u64,
    /// SHA-256 in hexadecimal.
    pub(super) digest: String,
    pub(super) source: Source,
    pub(super) format: Format,
    pub(super) id_column: Option<String>,
    pub(super) zero_row: Option<usize>,
}

impl Upload {
    pub(super) fn new(store: DatasetStore, limit: u64) -> Self {
        Self { store, limit, written: 0, hash: Sha256::new(), file: None }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`DatasetError::PayloadTooLarge`] before anything beyond the limit is written;
    /// [`DatasetError::DiskFloor`] before the disk is fuller than it may be; [`DatasetError::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), DatasetError> {
        if self.written.saturating_add(bytes.len() as u64) > self.limit {
            return Err(DatasetError::PayloadTooLarge { limit: self.limit });
        }
        self.store.disk().admit(bytes.len() as u64)?;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(NamedTempFile::new_in(self.store.uploads())?),
        };
        file.write_all(bytes)?;
        fault::point("upload_written");
        self.hash.update(bytes);
        metrics::counter!("fewer_dataset_upload_bytes_total").increment(bytes.len() as u64);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Reads every value, then makes the dataset visible: all of it or nothing.
    ///
    /// Gives the record and whether it is new: bytes this tenant has stored before, read the same
    /// way, keep their first record, name included. O(bytes).
    ///
    /// # Errors
    /// Whatever is wrong with the bytes; then nothing of them stays.
    pub fn finish(
        self,
        tenant: &str,
        name: Option<String>,
        format: Format,
        options: &Options,
    ) -> Result<(DatasetRecord, bool), DatasetError> {
        let kept = self.keep(tenant, name, format, options);
        let outcome = match &kept {
            Ok((_, true)) => "stored",
            Ok((_, false)) => "known",
            Err(error) if matches!(error.code(), "internal" | "insufficient_storage") => "failed",
            Err(_) => "refused",
        };
        let labels = [("media_type", format.media_type()), ("outcome", outcome)];
        metrics::counter!("fewer_dataset_uploads_total", &labels).increment(1);
        kept
    }

    fn keep(
        self,
        tenant: &str,
        name: Option<String>,
        format: Format,
        options: &Options,
    ) -> Result<(DatasetRecord, bool), DatasetError> {
        let file = self.file.ok_or(DatasetError::EmptyBody)?;
        let source = Source::open(file.path(), format, options, self.store.held_bytes())?;
        let (bytes, limit) = (source.decoded_bytes(), self.limit);
        if bytes > limit {
            return Err(DatasetError::DecodedTooLarge { bytes, limit });
        }
        let zero_row = source.validate()?;
        file.as_file().sync_all()?;
        fault::point("upload_synced");
        let digest = hexadecimal(&self.hash.finalize());
        let id_column = options.id.clone();
        let upload = Validated { file, bytes: self.written, digest, source, format, id_column, zero_row };
        self.store.disk().admit_change()?;
        self.store.keep(upload, tenant, name)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of bytes as records have it.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("{DIGEST_PREFIX}{}", hexadecimal(&Sha256::digest(bytes)))
}

/// The digest of a file as records have it: `sha256:` and hexadecimal. O(bytes).
///
/// # Errors
/// What the file system says.
pub fn digest_of_file(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = fs::File::open(path)?;
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(format!("{DIGEST_PREFIX}{}", hexadecimal(&hash.finalize()))),
            bytes => hash.update(&block[..bytes]),
        }
    }
}

/// Removes what a process that was killed left behind.
pub(super) fn clear(uploads: &Path) -> io::Result<()> {
    for entry in fs::read_dir(uploads)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}
