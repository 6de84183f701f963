//! How much is stored, for whoever watches.

use super::{DatasetStore, RECORDS};
use crate::dataset::error::DatasetError;
use redb::{ReadableDatabase, ReadableTableMetadata};
use std::fs;
use std::io;

/// What the datasets of all tenants take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Number of datasets.
    pub datasets: u64,
    /// Bytes of their files; those that several datasets share count once.
    pub bytes: u64,
}

impl DatasetStore {
    /// What is stored now. O(files), waits for no upload.
    ///
    /// # Errors
    /// [`DatasetError::Io`], [`DatasetError::Database`].
    pub fn usage(&self) -> Result<Usage, DatasetError> {
        let read = self.shared.database.begin_read().map_err(DatasetError::database)?;
        let records = read.open_table(RECORDS).map_err(DatasetError::database)?;
        let datasets = records.len().map_err(DatasetError::database)?;
        let mut bytes = 0;
        for entry in fs::read_dir(&self.shared.files)? {
            match entry?.metadata() {
                Ok(metadata) => bytes += metadata.len(),
                // Deleted in between.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Usage { datasets, bytes })
    }
}
