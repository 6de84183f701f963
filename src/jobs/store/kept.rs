//! The results that are kept, and since when each is.

use super::{JOBS, JobStore, LIVE, RESULTS, StoreError, decode, not_found, parts};
use crate::jobs::outcome::JobResult;
use crate::jobs::record::{JobKey, JobRecord};
use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use std::collections::HashSet;
use time::OffsetDateTime;

/// (tenant, id) -> when the result was stored, in nanoseconds since 1970, and its size. One entry a result.
const AGES: TableDefinition<(&str, &str), (i128, u64)> = TableDefinition::new("job_result_ages");

/// A result as retention sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptResult {
    /// Whose result.
    pub key: JobKey,
    /// When it was stored, in nanoseconds since 1970.
    pub stored: i128,
    /// Its size on disk.
    pub bytes: u64,
}

/// Makes the table, and the entries of results that were stored before there was one.
pub(super) fn open(transaction: &WriteTransaction) -> Result<(), StoreError> {
    let mut ages = transaction.open_table(AGES)?;
    let results = transaction.open_table(RESULTS)?;
    if ages.len()? == results.len()? {
        return Ok(());
    }
    let jobs = transaction.open_table(JOBS)?;
    for entry in results.iter()? {
        let (key, result) = entry?;
        let key = key.value();
        if ages.get(key)?.is_none() {
            let record = jobs.get(key)?.and_then(|record| decode(record.value()).ok());
            // Of a job whose record cannot be read the time is not known: its age begins now.
            let stored = record.and_then(|record| record.finished_at).unwrap_or_else(OffsetDateTime::now_utc);
            ages.insert(key, (stored.unix_timestamp_nanos(), result.value().len() as u64))?;
        }
    }
    Ok(())
}

pub(super) fn put(transaction: &WriteTransaction, key: &JobKey, result: &[u8]) -> Result<(), StoreError> {
    transaction.open_table(RESULTS)?.insert(parts(key), result)?;
    let stored = OffsetDateTime::now_utc().unix_timestamp_nanos();
    transaction.open_table(AGES)?.insert(parts(key), (stored, result.len() as u64))?;
    Ok(())
}

/// Gives whether there was one.
pub(super) fn remove(transaction: &WriteTransaction, key: &JobKey) -> Result<bool, StoreError> {
    transaction.open_table(AGES)?.remove(parts(key))?;
    Ok(transaction.open_table(RESULTS)?.remove(parts(key))?.is_some())
}

impl JobStore {
    /// A job and its result: none where it left none, or where retention has removed it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and the store's own.
    pub fn result(&self, key: &JobKey) -> Result<(JobRecord, Option<JobResult>), StoreError> {
        let transaction = self.database.begin_read()?;
        let jobs = transaction.open_table(JOBS)?;
        let record: JobRecord = decode(jobs.get(parts(key))?.ok_or_else(|| not_found(key))?.value())?;
        let results = transaction.open_table(RESULTS)?;
        let bytes = results.get(parts(key))?;
        let result = bytes.map(|bytes| JobResult::decode(&record.spec, bytes.value())).transpose()?;
        Ok((record, result))
    }

    /// Every result of every tenant. O(results).
    ///
    /// # Errors
    /// The store's own.
    pub fn kept(&self) -> Result<Vec<KeptResult>, StoreError> {
        let ages = self.database.begin_read()?.open_table(AGES)?;
        let mut kept = Vec::new();
        for entry in ages.iter()? {
            let (key, value) = entry?;
            let ((tenant, id), (stored, bytes)) = (key.value(), value.value());
            kept.push(KeptResult { key: JobKey::new(tenant, id), stored, bytes });
        }
        Ok(kept)
    }

    /// Removes a result; its job stays, and tells what it was in a few numbers. Gives whether there was one.
    ///
    /// # Errors
    /// The store's own.
    pub fn expire(&self, key: &JobKey) -> Result<bool, StoreError> {
        let transaction = self.database.begin_write()?;
        let removed = remove(&transaction, key)?;
        transaction.commit()?;
        Ok(removed)
    }

    /// (tenant, dataset) of every dataset that a live job needs. O(live jobs).
    ///
    /// # Errors
    /// The store's own.
    pub fn needed_datasets(&self) -> Result<HashSet<(String, String)>, StoreError> {
        let live = self.database.begin_read()?.open_table(LIVE)?;
        let mut needed = HashSet::new();
        for entry in live.iter()? {
            let (key, _) = entry?;
            let (tenant, dataset, _) = key.value();
            needed.insert((tenant.to_owned(), dataset.to_owned()));
        }
        Ok(needed)
    }
}
