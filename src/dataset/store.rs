//! Datasets on disk: files named by their content, records in the database.
//!
//! A file is written before its record is committed and removed after its last record is gone, so a
//! record always has its file. What a kill leaves between the two (a file without a record) is
//! removed when the store is opened.

#[cfg(test)]
mod tests;
mod usage;
mod uses;

pub use usage::Usage;
pub use uses::DatasetUse;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use time::OffsetDateTime;

use super::codec::Source;
use super::disk::Disk;
use super::error::DatasetError;
use super::record::DatasetRecord;
use super::upload::{self, Upload, Validated};
use crate::fault;

/// (tenant, id) -> record as JSON. Ids are time-ordered, so a range is a page.
const RECORDS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("dataset_records");
/// (tenant, content key) -> id.
const CONTENTS: TableDefinition<(&str, &str), &str> = TableDefinition::new("dataset_contents");
/// (digest, id): which records need a file.
const FILES: TableDefinition<(&str, &str), ()> = TableDefinition::new("dataset_files");

/// The datasets of all tenants. Clones share one store.
#[derive(Clone)]
pub struct DatasetStore {
    shared: Arc<Shared>,
}

struct Shared {
    files: PathBuf,
    uploads: PathBuf,
    database: Arc<Database>,
    disk: Disk,
    held_bytes: u64,
    /// Held from a commit to the file operation that belongs to it: a deletion must not unlink the
    /// file that an upload of the same bytes has just put there.
    file_changes: Mutex<()>,
}

impl DatasetStore {
    /// Opens the store in a directory, which it makes if need be, and clears what a kill left. Of a dataset that is read,
    /// `held_bytes` may be held beside its matrix; see [`held_bytes`](super::held_bytes).
    ///
    /// # Errors
    /// [`DatasetError::Io`], [`DatasetError::Database`].
    pub fn open(
        data_dir: &Path,
        database: Arc<Database>,
        disk: Disk,
        held_bytes: u64,
    ) -> Result<Self, DatasetError> {
        let (files, uploads) = (data_dir.join("datasets"), data_dir.join("uploads"));
        fs::create_dir_all(&files)?;
        fs::create_dir_all(&uploads)?;
        let tables = database.begin_write().map_err(DatasetError::database)?;
        tables.open_table(RECORDS).map_err(DatasetError::database)?;
        tables.open_table(CONTENTS).map_err(DatasetError::database)?;
        tables.open_table(FILES).map_err(DatasetError::database)?;
        uses::open(&tables)?;
        tables.commit().map_err(DatasetError::database)?;
        upload::clear(&uploads)?;
        let file_changes = Mutex::new(());
        let shared = Shared { files, uploads, database, disk, held_bytes, file_changes };
        let store = Self { shared: Arc::new(shared) };
        store.remove_files_without_record()?;
        Ok(store)
    }

    /// Begins an upload of at most `limit` bytes.
    pub fn begin(&self, limit: u64) -> Upload {
        Upload::new(self.clone(), limit)
    }

    /// The disk that the files and the database are on.
    pub fn disk(&self) -> &Disk {
        &self.shared.disk
    }

    /// A dataset of a tenant. O(log n).
    ///
    /// # Errors
    /// [`DatasetError::NotFound`], [`DatasetError::Expired`].
    pub fn get(&self, tenant: &str, id: &str) -> Result<DatasetRecord, DatasetError> {
        let read = self.shared.database.begin_read().map_err(DatasetError::database)?;
        let records = read.open_table(RECORDS).map_err(DatasetError::database)?;
        let expired = read.open_table(uses::EXPIRED).map_err(DatasetError::database)?;
        find(&records, tenant, id)?.map_or_else(|| Err(uses::absent(&expired, tenant, id)?), Ok)
    }

    /// A dataset of a tenant, inside the caller's transaction: a job that is stored in the same one
    /// cannot lose its dataset to a deletion in between.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`], [`DatasetError::Expired`].
    pub fn get_within(
        within: &WriteTransaction,
        tenant: &str,
        id: &str,
    ) -> Result<DatasetRecord, DatasetError> {
        let records = within.open_table(RECORDS).map_err(DatasetError::database)?;
        let expired = within.open_table(uses::EXPIRED).map_err(DatasetError::database)?;
        find(&records, tenant, id)?.map_or_else(|| Err(uses::absent(&expired, tenant, id)?), Ok)
    }

    /// A tenant's datasets, newest first, at most `limit` of them, from the one after id `after` on;
    /// and whether there are more. Records that cannot be read are left out.
    ///
    /// # Errors
    /// [`DatasetError::Database`].
    pub fn list(
        &self,
        tenant: &str,
        limit: usize,
        after: Option<&str>,
    ) -> Result<(Vec<DatasetRecord>, bool), DatasetError> {
        let read = self.shared.database.begin_read().map_err(DatasetError::database)?;
        let records = read.open_table(RECORDS).map_err(DatasetError::database)?;
        // '~' sorts behind every character of an id.
        let page = records.range((tenant, "")..(tenant, after.unwrap_or("~")));
        let mut found = Vec::new();
        for entry in page.map_err(DatasetError::database)?.rev() {
            if found.len() == limit {
                return Ok((found, true));
            }
            let (key, record) = entry.map_err(DatasetError::database)?;
            match serde_json::from_slice(record.value()) {
                Ok(record) => found.push(record),
                Err(error) => tracing::error!(dataset.id = key.value().1, %error, "dataset left out"),
            }
        }
        Ok((found, false))
    }

    /// Removes a dataset, and its file once no other dataset needs it; also one whose record cannot be read.
    ///
    /// `live_job` names a job that needs the dataset, if there is one. It is asked inside the
    /// transaction that removes the record, so a job that checks with [`Self::get_within`] is either
    /// seen by it or does not find the dataset. A [`Source`] that is open already reads on: on Unix
    /// an unlinked file lives until it is closed.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`], [`DatasetError::Expired`], [`DatasetError::InUse`], or what `live_job` fails with.
    pub fn delete<F>(&self, tenant: &str, id: &str, live_job: F) -> Result<(), DatasetError>
    where
        F: FnOnce(&WriteTransaction) -> Result<Option<String>, DatasetError>,
    {
        let removed = self.remove(tenant, id, |change| match live_job(change)? {
            Some(job) => Err(DatasetError::InUse { dataset: id.into(), job }),
            None => Ok(true),
        })?;
        debug_assert!(removed, "nobody but a live job holds a dataset back");
        Ok(())
    }

    /// Removes a dataset, and its file once no other dataset needs it, if `may_go` says so inside the transaction.
    /// Gives whether it did.
    fn remove(
        &self,
        tenant: &str,
        id: &str,
        may_go: impl FnOnce(&WriteTransaction) -> Result<bool, DatasetError>,
    ) -> Result<bool, DatasetError> {
        let _held = self.hold_files();
        let change = self.shared.database.begin_write().map_err(DatasetError::database)?;
        let record = match Self::get_within(&change, tenant, id) {
            Ok(record) => Some(record),
            Err(DatasetError::Record(_)) => None,
            Err(error) => return Err(error),
        };
        if !may_go(&change)? {
            return Ok(false);
        }
        uses::forget(&change, tenant, id)?;
        let orphan = {
            let mut records = change.open_table(RECORDS).map_err(DatasetError::database)?;
            let mut contents = change.open_table(CONTENTS).map_err(DatasetError::database)?;
            let mut files = change.open_table(FILES).map_err(DatasetError::database)?;
            records.remove((tenant, id)).map_err(DatasetError::database)?;
            let digest = if let Some(record) = &record {
                contents.remove((tenant, content_key(record).as_str())).map_err(DatasetError::database)?;
                files.remove((file_name(record), id)).map_err(DatasetError::database)?;
                Some(file_name(record).to_owned())
            } else {
                // Its file and its content stand in the record.
                let mut digest = None;
                contents.retain(|_, known| known != id).map_err(DatasetError::database)?;
                files
                    .retain(|(file, user), ()| {
                        if user == id {
                            digest = Some(file.to_owned());
                        }
                        user != id
                    })
                    .map_err(DatasetError::database)?;
                digest
            };
            match digest {
                Some(digest) if !is_needed(&files, &digest)? => Some(digest),
                _ => None,
            }
        };
        fault::around("dataset_delete", || change.commit()).map_err(DatasetError::database)?;
        if let Some(digest) = orphan
            && let Err(error) = fs::remove_file(self.shared.files.join(&digest))
        {
            // The dataset is gone as far as anyone can see; the next start removes the file.
            tracing::warn!(%error, dataset.id = id, dataset.digest = digest, "the file of a deleted dataset stays until the next start");
        }
        Ok(true)
    }

    /// Opens a dataset for reading.
    ///
    /// # Errors
    /// [`DatasetError::Damaged`] when the file is not as long as it was; [`DatasetError::Io`].
    pub fn source(&self, record: &DatasetRecord) -> Result<Source, DatasetError> {
        let path = self.shared.files.join(file_name(record));
        let found = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error.into()),
        };
        if found != record.bytes {
            return Err(DatasetError::Damaged { dataset: record.id.clone(), expected: record.bytes, found });
        }
        let source = Source::open(&path, record.format, &record.options(), self.shared.held_bytes)?;
        Ok(source.of_record(record))
    }

    pub(super) fn held_bytes(&self) -> u64 {
        self.shared.held_bytes
    }

    pub(super) fn uploads(&self) -> &Path {
        &self.shared.uploads
    }

    /// Moves a validated file to its place and commits its record.
    pub(super) fn keep(
        &self,
        upload: Validated,
        tenant: &str,
        name: Option<String>,
    ) -> Result<(DatasetRecord, bool), DatasetError> {
        let Validated { file, bytes, digest, source, format, id_column, zero_row } = upload;
        let record = DatasetRecord {
            id: DatasetRecord::new_id(),
            tenant: tenant.into(),
            name,
            kind: source.kind(),
            format,
            rows: source.rows(),
            dim: source.dim(),
            columns: source.columns().to_vec(),
            bytes,
            digest: format!("{DIGEST_PREFIX}{digest}"),
            created_at: OffsetDateTime::now_utc(),
            vectors_column: source.vectors_column().map(str::to_owned),
            id_column,
            zero_row,
        };
        let key = content_key(&record);
        let _held = self.hold_files();
        let change = self.shared.database.begin_write().map_err(DatasetError::database)?;
        let (needed_before, known) = {
            let mut records = change.open_table(RECORDS).map_err(DatasetError::database)?;
            let mut contents = change.open_table(CONTENTS).map_err(DatasetError::database)?;
            let mut files = change.open_table(FILES).map_err(DatasetError::database)?;
            let needed_before = is_needed(&files, &digest)?;
            let known = contents.get((tenant, key.as_str())).map_err(DatasetError::database)?;
            let known = known.map(|id| id.value().to_owned());
            // A record that cannot be read is replaced by one that can; it stays for its owner to delete.
            let known = match known.map(|id| find(&records, tenant, &id)).transpose() {
                Err(DatasetError::Record(_)) => None,
                found => found?.flatten(),
            };
            if known.is_none() {
                let json = serde_json::to_vec(&record)?;
                records
                    .insert((tenant, record.id.as_str()), json.as_slice())
                    .map_err(DatasetError::database)?;
                contents
                    .insert((tenant, key.as_str()), record.id.as_str())
                    .map_err(DatasetError::database)?;
                files.insert((digest.as_str(), record.id.as_str()), ()).map_err(DatasetError::database)?;
            }
            (needed_before, known)
        };
        uses::note(&change, known.as_ref().unwrap_or(&record), record.created_at)?;
        // Also over a file that is there: the bytes are the same, unless that file is damaged.
        let path = self.shared.files.join(&digest);
        file.persist(&path).map_err(|refused| refused.error)?;
        let kept = sync_directory(&self.shared.files)
            .map_err(DatasetError::from)
            .and_then(|()| fault::around("upload", || change.commit()).map_err(DatasetError::database));
        if let Err(error) = kept {
            if !needed_before {
                fs::remove_file(&path)?;
            }
            return Err(error);
        }
        Ok(known.map_or((record, true), |known| (known, false)))
    }

    fn hold_files(&self) -> MutexGuard<'_, ()> {
        // The mutex guards no data, so a panic of its holder has broken none.
        self.shared.file_changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove_files_without_record(&self) -> Result<(), DatasetError> {
        let read = self.shared.database.begin_read().map_err(DatasetError::database)?;
        let files = read.open_table(FILES).map_err(DatasetError::database)?;
        for entry in fs::read_dir(&self.shared.files)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_digest =
                |name: &&str| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            if let Some(digest) = name.to_str().filter(is_digest)
                && !is_needed(&files, digest)?
            {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

pub(super) const DIGEST_PREFIX: &str = "sha256:";

fn file_name(record: &DatasetRecord) -> &str {
    record.digest.strip_prefix(DIGEST_PREFIX).unwrap_or(&record.digest)
}

/// Equal for uploads that are the same dataset: the same bytes, read the same way.
fn content_key(record: &DatasetRecord) -> String {
    let DatasetRecord { digest, kind, vectors_column, id_column, .. } = record;
    // Debug quotes and escapes, so no column name can imitate another key.
    format!("{digest} {kind} {vectors_column:?} {id_column:?}")
}

fn find(
    records: &impl ReadableTable<(&'static str, &'static str), &'static [u8]>,
    tenant: &str,
    id: &str,
) -> Result<Option<DatasetRecord>, DatasetError> {
    let found = records.get((tenant, id)).map_err(DatasetError::database)?;
    Ok(found.map(|record| serde_json::from_slice(record.value())).transpose()?)
}

fn is_needed(
    files: &impl ReadableTable<(&'static str, &'static str), ()>,
    digest: &str,
) -> Result<bool, DatasetError> {
    let mut users = files.range((digest, "")..(digest, "~")).map_err(DatasetError::database)?;
    Ok(users.next().transpose().map_err(DatasetError::database)?.is_some())
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
