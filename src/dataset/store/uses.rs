//! When each dataset was last needed, which of them may go by that, and which have gone.

use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use time::OffsetDateTime;

use super::{DatasetStore, RECORDS, file_name};
use crate::dataset::error::DatasetError;
use crate::dataset::record::DatasetRecord;

/// (tenant, id) -> when the dataset was stored or a job last needed it, digest and bytes of its file. One entry a record.
const USES: TableDefinition<(&str, &str), (i128, &str, u64)> = TableDefinition::new("dataset_uses");
/// (tenant, id) -> when retention removed the dataset.
pub(super) const EXPIRED: TableDefinition<(&str, &str), i128> = TableDefinition::new("dataset_tombstones");

/// A dataset as retention sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetUse {
    /// Whose.
    pub tenant: String,
    /// Which.
    pub id: String,
    /// When it was stored or a job last needed it, in nanoseconds since 1970.
    pub last_needed: i128,
    /// Digest of its file: records of one digest share it.
    pub digest: String,
    /// Size of its file.
    pub bytes: u64,
}

/// Makes the tables, and the entries of records that were stored before there were any.
pub(super) fn open(change: &WriteTransaction) -> Result<(), DatasetError> {
    change.open_table(EXPIRED).map_err(DatasetError::database)?;
    let mut uses = change.open_table(USES).map_err(DatasetError::database)?;
    let records = change.open_table(RECORDS).map_err(DatasetError::database)?;
    if uses.len().map_err(DatasetError::database)? == records.len().map_err(DatasetError::database)? {
        return Ok(());
    }
    for entry in records.iter().map_err(DatasetError::database)? {
        let (key, record) = entry.map_err(DatasetError::database)?;
        let key = key.value();
        if uses.get(key).map_err(DatasetError::database)?.is_some() {
            continue;
        }
        // One that cannot be read is nobody's to remove.
        if let Ok(record) = serde_json::from_slice::<DatasetRecord>(record.value()) {
            let value = (record.created_at.unix_timestamp_nanos(), file_name(&record), record.bytes);
            uses.insert(key, value).map_err(DatasetError::database)?;
        }
    }
    Ok(())
}

/// The dataset was stored, perhaps not for the first time.
pub(super) fn note(
    change: &WriteTransaction,
    record: &DatasetRecord,
    at: OffsetDateTime,
) -> Result<(), DatasetError> {
    let mut uses = change.open_table(USES).map_err(DatasetError::database)?;
    let value = (at.unix_timestamp_nanos(), file_name(record), record.bytes);
    uses.insert((record.tenant.as_str(), record.id.as_str()), value).map_err(DatasetError::database)?;
    Ok(())
}

/// The dataset goes.
pub(super) fn forget(change: &WriteTransaction, tenant: &str, id: &str) -> Result<(), DatasetError> {
    let mut uses = change.open_table(USES).map_err(DatasetError::database)?;
    uses.remove((tenant, id)).map_err(DatasetError::database)?;
    Ok(())
}

/// Why there is no such dataset.
pub(super) fn absent(
    expired: &impl ReadableTable<(&'static str, &'static str), i128>,
    tenant: &str,
    id: &str,
) -> Result<DatasetError, DatasetError> {
    let tombstone = expired.get((tenant, id)).map_err(DatasetError::database)?;
    Ok(match tombstone {
        Some(_) => DatasetError::Expired(id.into()),
        None => DatasetError::NotFound(id.into()),
    })
}

impl DatasetStore {
    /// A job needs the dataset, or needed it until now: noted in the caller's transaction.
    ///
    /// # Errors
    /// [`DatasetError::Database`].
    pub fn touch_within(
        within: &WriteTransaction,
        tenant: &str,
        id: &str,
        at: OffsetDateTime,
    ) -> Result<(), DatasetError> {
        let mut uses = within.open_table(USES).map_err(DatasetError::database)?;
        let before = uses.get((tenant, id)).map_err(DatasetError::database)?;
        let before = before.map(|entry| {
            let (last_needed, digest, bytes) = entry.value();
            (last_needed, digest.to_owned(), bytes)
        });
        if let Some((last_needed, digest, bytes)) = before {
            let value = (at.unix_timestamp_nanos().max(last_needed), digest.as_str(), bytes);
            uses.insert((tenant, id), value).map_err(DatasetError::database)?;
        }
        Ok(())
    }

    /// Every dataset of every tenant. O(n).
    ///
    /// # Errors
    /// [`DatasetError::Database`].
    pub fn uses(&self) -> Result<Vec<DatasetUse>, DatasetError> {
        let read = self.shared.database.begin_read().map_err(DatasetError::database)?;
        let uses = read.open_table(USES).map_err(DatasetError::database)?;
        let mut found = Vec::new();
        for entry in uses.iter().map_err(DatasetError::database)? {
            let (key, value) = entry.map_err(DatasetError::database)?;
            let ((tenant, id), (last_needed, digest, bytes)) = (key.value(), value.value());
            let (tenant, id, digest) = (tenant.to_owned(), id.to_owned(), digest.to_owned());
            found.push(DatasetUse { tenant, id, last_needed, digest, bytes });
        }
        Ok(found)
    }

    /// Removes a dataset that nobody has needed for long, as [`delete`](Self::delete) does, and remembers that it
    /// was there. Gives whether it did: not one that is gone, that a live job needs, or that was needed after `seen`.
    ///
    /// # Errors
    /// What `live_job` fails with, and the store's own.
    pub fn expire<F>(&self, seen: &DatasetUse, now: OffsetDateTime, live_job: F) -> Result<bool, DatasetError>
    where
        F: FnOnce(&WriteTransaction) -> Result<Option<String>, DatasetError>,
    {
        let key = (seen.tenant.as_str(), seen.id.as_str());
        let removed = self.remove(&seen.tenant, &seen.id, |change| {
            let uses = change.open_table(USES).map_err(DatasetError::database)?;
            let last_needed = uses.get(key).map_err(DatasetError::database)?.map(|entry| entry.value().0);
            if last_needed != Some(seen.last_needed) || live_job(change)?.is_some() {
                return Ok(false);
            }
            let mut expired = change.open_table(EXPIRED).map_err(DatasetError::database)?;
            expired.insert(key, now.unix_timestamp_nanos()).map_err(DatasetError::database)?;
            Ok(true)
        });
        match removed {
            Err(DatasetError::NotFound(_) | DatasetError::Expired(_)) => Ok(false),
            other => other,
        }
    }

    /// Forgets the datasets that were removed by [`expire`](Self::expire) before `then`. O(removed).
    ///
    /// # Errors
    /// [`DatasetError::Database`].
    pub fn forget_expired(&self, then: OffsetDateTime) -> Result<(), DatasetError> {
        let then = then.unix_timestamp_nanos();
        let old = || -> Result<bool, redb::Error> {
            let expired = self.shared.database.begin_read()?.open_table(EXPIRED)?;
            for entry in expired.iter()? {
                if entry?.1.value() < then {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        // Without one to forget nothing is written.
        if old().map_err(DatasetError::database)? {
            let change = self.shared.database.begin_write().map_err(DatasetError::database)?;
            let mut expired = change.open_table(EXPIRED).map_err(DatasetError::database)?;
            expired.retain(|_, at| at >= then).map_err(DatasetError::database)?;
            drop(expired);
            change.commit().map_err(DatasetError::database)?;
        }
        Ok(())
    }
}
