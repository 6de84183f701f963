//! Jobs on disk. Every change of state is one transaction, and what belongs to the change is in it: a result with
//! the state that ends the job, a save with the state that will take it up again.

mod exchange;
mod kept;
mod list;

pub use exchange::{AnswerError, Answered, Round, Values};
pub use kept::KeptResult;
pub use list::Filter;

use super::idempotency::{self, IdempotencyKey, Known};
use super::meters;
use super::outcome::JobResult;
use super::record::{Failure, JobKey, JobRecord, ProgressRecord, RECORD_VERSION, ResultSummary};
use super::state::{Event, Forbidden};
use crate::dataset::error::has_no_room;
use crate::dataset::{DatasetError, DatasetStore};
use crate::fault;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use std::sync::Arc;
use time::OffsetDateTime;

/// (tenant, id) -> record as JSON. Ids are time-ordered, so a tenant's jobs are one range in order of time.
const JOBS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("jobs");
/// (tenant, dataset, id) of every job that has not ended, with an empty dataset for one that reads none: what a start goes through, and what a deletion of the
/// dataset asks.
const LIVE: TableDefinition<(&str, &str, &str), ()> = TableDefinition::new("live_jobs");
/// (tenant, id) -> running seconds so far, and what the run goes on from.
const SAVES: TableDefinition<(&str, &str), (f64, &[u8])> = TableDefinition::new("job_saves");
/// (tenant, id) -> result, as [`JobResult::encode`] writes it.
const RESULTS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("job_results");

/// Ids are letters, digits and underscores.
const AFTER_EVERY_ID: &str = "~";

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such job of this tenant.
    #[error("no job {0}")]
    NotFound(String),
    /// The job's state does not allow it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The job's dataset is not there, or cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A record that this version cannot read.
    #[error("unreadable record: {0}")]
    Record(#[from] serde_json::Error),
    /// A record of another version.
    #[error("a record of version {found}; this release reads version {RECORD_VERSION}")]
    Version {
        /// The record's version.
        found: u64,
    },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[source] Box<redb::Error>),
}

macro_rules! from_database {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        }
    )*};
}

from_database!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError);

impl StoreError {
    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Database(error) if has_no_room(error))
    }
}

/// What a run goes on from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Save {
    /// Seconds it has run: a deadline counts these.
    pub running_seconds: f64,
    /// The engine's own bytes.
    pub bytes: Vec<u8>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With a result that counts.
    Succeeded(JobResult),
    /// Without.
    Failed(Failure),
    /// Stopped by its owner, with what there was.
    Cancelled(Option<JobResult>),
}

impl Ending {
    /// The stored form of the result; none where there is none.
    ///
    /// # Errors
    /// None that a result can cause.
    pub fn encode(&self) -> Result<Option<Vec<u8>>, serde_json::Error> {
        match self {
            Self::Succeeded(result) | Self::Cancelled(Some(result)) => result.encode().map(Some),
            Self::Failed(_) | Self::Cancelled(None) => Ok(None),
        }
    }
}

/// The jobs of every tenant.
#[derive(Debug)]
pub struct JobStore {
    database: Arc<Database>,
}

impl JobStore {
    /// Opens the tables, and makes them where they are missing.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn open(database: Arc<Database>) -> Result<Self, StoreError> {
        let transaction = database.begin_write()?;
        transaction.open_table(JOBS)?;
        transaction.open_table(LIVE)?;
        transaction.open_table(SAVES)?;
        transaction.open_table(RESULTS)?;
        idempotency::open(&transaction)?;
        kept::open(&transaction)?;
        exchange::open(&transaction)?;
        transaction.commit()?;
        Ok(Self { database })
    }

    /// Stores a new job, in one transaction with its key and a last look at its datasets. When this returns the job
    /// outlives a crash.
    ///
    /// # Errors
    /// [`StoreError::Dataset`] where one has been deleted, and the store's own.
    pub fn insert(&self, record: &JobRecord, key: Option<&IdempotencyKey>) -> Result<(), StoreError> {
        let transaction = self.database.begin_write()?;
        for dataset in record.datasets() {
            DatasetStore::get_within(&transaction, &record.tenant, dataset)?;
            DatasetStore::touch_within(&transaction, &record.tenant, dataset, record.created_at)?;
        }
        for dataset in places(record) {
            transaction.open_table(LIVE)?.insert((&*record.tenant, dataset, record.id.as_str()), ())?;
        }
        put(&transaction, record)?;
        if let Some(key) = key {
            idempotency::keep(&transaction, &record.key(), key, record.created_at)?;
        }
        fault::around("submit", || transaction.commit())?;
        meters::submitted();
        Ok(())
    }

    /// What is known of an idempotency key.
    pub(super) fn known(&self, tenant: &str, key: &IdempotencyKey) -> Result<Known, StoreError> {
        idempotency::look_up(&self.database.begin_read()?, tenant, key, OffsetDateTime::now_utc())
    }

    /// A live job that needs the dataset, as seen by the transaction that wants to delete it.
    ///
    /// # Errors
    /// [`DatasetError::Database`].
    pub fn user_of(
        within: &WriteTransaction,
        tenant: &str,
        dataset: &str,
    ) -> Result<Option<String>, DatasetError> {
        let first = || -> Result<Option<String>, redb::Error> {
            let live = within.open_table(LIVE)?;
            let mut users = live.range((tenant, dataset, "")..(tenant, dataset, AFTER_EVERY_ID))?;
            Ok(users.next().transpose()?.map(|(key, _)| key.value().2.to_owned()))
        };
        first().map_err(|error| DatasetError::Database(Box::new(error)))
    }

    /// One job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and the store's own.
    pub fn get(&self, key: &JobKey) -> Result<JobRecord, StoreError> {
        let jobs = self.database.begin_read()?.open_table(JOBS)?;
        let bytes = jobs.get(parts(key))?.ok_or_else(|| not_found(key))?;
        decode(bytes.value())
    }

    /// Every job that has not ended, oldest first. Records that cannot be read are left out.
    ///
    /// # Errors
    /// The store's own.
    pub fn live(&self) -> Result<Vec<JobRecord>, StoreError> {
        let transaction = self.database.begin_read()?;
        let jobs = transaction.open_table(JOBS)?;
        let mut records = Vec::new();
        for entry in transaction.open_table(LIVE)?.iter()? {
            let (key, _) = entry?;
            let (tenant, _, id) = key.value();
            let record = jobs.get((tenant, id))?.map(|bytes| decode(bytes.value()));
            records.extend(readable(id, record.unwrap_or_else(|| Err(StoreError::NotFound(id.into())))));
        }
        records.sort_by(|a: &JobRecord, b| a.id.cmp(&b.id));
        // A job of two datasets stands there twice.
        records.dedup_by(|a, b| a.id == b.id);
        Ok(records)
    }

    /// A worker takes the job.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] where it is no longer queued, and the store's own.
    pub fn start(&self, key: &JobKey) -> Result<JobRecord, StoreError> {
        self.change(key, Event::Start, |_, record| {
            record.started_at.get_or_insert_with(OffsetDateTime::now_utc);
            Ok(())
        })
    }

    /// The owner wants the job stopped: a queued one ends here, a running one is asked to.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] where it has ended, and the store's own.
    pub fn cancel(&self, key: &JobKey) -> Result<JobRecord, StoreError> {
        self.change(key, Event::Cancel, |_, _| Ok(()))
    }

    /// The job ends, with its result in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] where its state does not lead there, and the store's own.
    pub fn finish(
        &self,
        key: &JobKey,
        ending: &Ending,
        progress: Option<ProgressRecord>,
    ) -> Result<JobRecord, StoreError> {
        self.finish_encoded(key, ending, ending.encode()?.as_deref(), progress)
    }

    /// As [`finish`](Self::finish), where the stored form of the result, as [`Ending::encode`] gives it, is at hand.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_encoded(
        &self,
        key: &JobKey,
        ending: &Ending,
        encoded: Option<&[u8]>,
        progress: Option<ProgressRecord>,
    ) -> Result<JobRecord, StoreError> {
        let (event, result) = match ending {
            Ending::Succeeded(result) => (Event::Succeed, Some(result)),
            Ending::Failed(_) => (Event::Fail, None),
            Ending::Cancelled(result) => (Event::Stop, result.as_ref()),
        };
        self.change(key, event, |transaction, record| {
            if let Some(encoded) = encoded {
                kept::put(transaction, key, encoded)?;
            }
            record.result = result.map(ResultSummary::from);
            record.failure = match ending {
                Ending::Succeeded(_) => None,
                Ending::Failed(failure) => Some(failure.clone()),
                // One that was stopped because nobody answered says so already.
                Ending::Cancelled(_) => record.failure.take(),
            };
            record.progress = progress.or(record.progress.take());
            Ok(())
        })
    }

    /// A cancelled job whose prefix was lost ends without one, and says why.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn abandon(&self, key: &JobKey, failure: Failure) -> Result<JobRecord, StoreError> {
        self.change(key, Event::Stop, |_, record| {
            record.failure = Some(failure);
            Ok(())
        })
    }

    /// The service cuts the run short and will go on from `save`.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] where the job does not run, and the store's own.
    pub fn requeue(&self, key: &JobKey, save: &Save) -> Result<JobRecord, StoreError> {
        self.change(key, Event::Requeue, |transaction, _| put_save(transaction, key, save))
    }

    /// The service stops and cannot wait for the run, which will go on from its last save.
    ///
    /// # Errors
    /// As [`requeue`](Self::requeue).
    pub fn park(&self, key: &JobKey) -> Result<JobRecord, StoreError> {
        self.change(key, Event::Requeue, |_, _| Ok(()))
    }

    /// The service died during the run: its next attempt goes on from the last save.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] where the job did not run, and the store's own.
    pub fn resume(&self, key: &JobKey) -> Result<JobRecord, StoreError> {
        self.change(key, Event::Resume, |_, record| {
            record.attempt += 1;
            record.deaths += 1;
            Ok(())
        })
    }

    /// Keeps what the run could go on from after a crash.
    ///
    /// # Errors
    /// The store's own.
    pub fn save(&self, key: &JobKey, save: &Save) -> Result<(), StoreError> {
        let transaction = self.database.begin_write()?;
        put_save(&transaction, key, save)?;
        fault::around("save", || transaction.commit())?;
        Ok(())
    }

    /// What the run goes on from; none for a job that starts anew.
    ///
    /// # Errors
    /// The store's own.
    pub fn saved(&self, key: &JobKey) -> Result<Option<Save>, StoreError> {
        let saves = self.database.begin_read()?.open_table(SAVES)?;
        let save = saves.get(parts(key))?.map(|entry| {
            let (running_seconds, bytes) = entry.value();
            Save { running_seconds, bytes: bytes.to_vec() }
        });
        Ok(save)
    }

    /// Removes a job that has ended, with its result; one whose record cannot be read, with all that is known of it.
    /// Gives false, and removes nothing, where it has not ended.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and the store's own.
    pub fn remove(&self, key: &JobKey) -> Result<bool, StoreError> {
        let transaction = self.database.begin_write()?;
        match fetch(&transaction, key) {
            Ok(record) if record.state.is_terminal() => {}
            Ok(_) => return Ok(false),
            Err(StoreError::Record(_) | StoreError::Version { .. }) => {
                // Which datasets it needs stands in the record.
                let mut live = transaction.open_table(LIVE)?;
                live.retain(|(tenant, _, id), ()| (tenant, id) != parts(key))?;
                transaction.open_table(SAVES)?.remove(parts(key))?;
            }
            Err(error) => return Err(error),
        }
        transaction.open_table(JOBS)?.remove(parts(key))?;
        kept::remove(&transaction, key)?;
        exchange::remove(&transaction, key)?;
        fault::around("job_delete", || transaction.commit())?;
        Ok(true)
    }

    /// One event in one transaction; the save goes when the job ends.
    fn change(
        &self,
        key: &JobKey,
        event: Event,
        edit: impl FnOnce(&WriteTransaction, &mut JobRecord) -> Result<(), StoreError>,
    ) -> Result<JobRecord, StoreError> {
        let transaction = self.database.begin_write()?;
        let mut record = fetch(&transaction, key)?;
        record.state = record.state.after(event)?;
        edit(&transaction, &mut record)?;
        if record.state.is_terminal() {
            let now = OffsetDateTime::now_utc();
            record.finished_at = Some(now);
            for dataset in places(&record) {
                transaction.open_table(LIVE)?.remove((&*record.tenant, dataset, record.id.as_str()))?;
            }
            for dataset in record.datasets() {
                DatasetStore::touch_within(&transaction, &record.tenant, dataset, now)?;
            }
            transaction.open_table(SAVES)?.remove(parts(key))?;
            exchange::close(&transaction, key)?;
        }
        put(&transaction, &record)?;
        fault::around(event.name(), || transaction.commit())?;
        meters::ended(&record);
        Ok(record)
    }
}

/// The datasets under which a live job stands.
fn places(record: &JobRecord) -> impl Iterator<Item = &str> {
    let none = record.datasets().next().is_none().then_some("");
    record.datasets().chain(none)
}

fn parts(key: &JobKey) -> (&str, &str) {
    (&key.tenant, key.id.as_str())
}

fn not_found(key: &JobKey) -> StoreError {
    StoreError::NotFound(key.id.to_string())
}

fn fetch(transaction: &WriteTransaction, key: &JobKey) -> Result<JobRecord, StoreError> {
    let jobs = transaction.open_table(JOBS)?;
    let bytes = jobs.get(parts(key))?.ok_or_else(|| not_found(key))?;
    decode(bytes.value())
}

fn put(transaction: &WriteTransaction, record: &JobRecord) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec(record)?;
    transaction.open_table(JOBS)?.insert((record.tenant.as_str(), record.id.as_str()), bytes.as_slice())?;
    Ok(())
}

fn put_save(transaction: &WriteTransaction, key: &JobKey, save: &Save) -> Result<(), StoreError> {
    transaction.open_table(SAVES)?.insert(parts(key), (save.running_seconds, save.bytes.as_slice()))?;
    Ok(())
}

/// One record that cannot be read must not hide the others.
fn readable(id: &str, record: Result<JobRecord, StoreError>) -> Option<JobRecord> {
    record.inspect_err(|error| tracing::error!(job.id = id, %error, "job left out")).ok()
}

/// The version is read first: a record of another one may not have this one's fields.
fn decode(bytes: &[u8]) -> Result<JobRecord, StoreError> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u64,
    }
    let Versioned { version } = serde_json::from_slice(bytes)?;
    if version != u64::from(RECORD_VERSION) {
        return Err(StoreError::Version { found: version });
    }
    Ok(serde_json::from_slice(bytes)?)
}
