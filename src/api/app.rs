//! What the handlers share.

use super::codes::Code;
use super::problem::Problem;
use crate::config::Settings;
use crate::dataset::{DatasetError, DatasetStore, Disk, InvalidUri, Sources, held_bytes, open_database};
use crate::jobs::{JobError, JobService, JobSettings, OpenError as JobsOpenError, Retention, Swept};
use crate::telemetry::metrics::{self, Exporter, InstallError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use submodular::selfcheck::Fault;
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tracing::Span;

/// One service: its settings, its datasets, its jobs.
pub struct App {
    pub(super) settings: Settings,
    pub(super) datasets: DatasetStore,
    pub(super) sources: Sources,
    pub(super) jobs: JobService,
    pub(super) exporter: &'static Exporter,
    /// Whether this processor computes what it should, or what it got wrong.
    pub(super) selfcheck: Result<(), Fault>,
    stopping: watch::Sender<bool>,
    /// One permit for each upload that may be under way.
    uploads: Arc<Semaphore>,
    /// One permit for each upload that may be validated at once.
    validating: Arc<Semaphore>,
    /// One permit for each request for a job that may be prepared at once.
    pub(super) preparing: Arc<Semaphore>,
    /// One permit for each evaluation that may compute at once.
    evaluating: Arc<Semaphore>,
    /// One permit for each connection that may wait for a job.
    waiting: Arc<Semaphore>,
}

/// Why a service could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory cannot be made.
    #[error("{path}: {error}")]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The database cannot be opened; another process may have it.
    #[error("{path}: {error}")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        error: Box<redb::DatabaseError>,
    },
    /// Nothing could be counted.
    #[error(transparent)]
    Metrics(#[from] &'static InstallError),
    /// A prefix of sources that is none.
    #[error("source prefix {0}")]
    Sources(#[from] InvalidUri),
    /// The datasets cannot be opened.
    #[error(transparent)]
    Datasets(#[from] DatasetError),
    /// The jobs cannot be opened.
    #[error(transparent)]
    Jobs(#[from] JobsOpenError),
}

impl App {
    /// Opens the data directory, puts right what the last process left, checks the arithmetic, and starts the
    /// workers. Blocks.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(settings: Settings) -> Result<Arc<Self>, OpenError> {
        let exporter = metrics::install()?;
        super::metrics::register();
        let sources = Sources::new(&settings.source_prefixes, seconds(settings.source_timeout_seconds))?;
        let dir = &settings.data_dir;
        std::fs::create_dir_all(dir).map_err(|error| OpenError::DataDir { path: dir.clone(), error })?;
        let path = dir.join("fewer.redb");
        let database = open_database(&path)
            .map_err(|error| OpenError::Database { path: path.clone(), error: Box::new(error) })?;
        let database = Arc::new(database);
        let selfcheck = submodular::selfcheck::run();
        if let Err(fault) = &selfcheck {
            tracing::error!(%fault, "the numerical self-check failed: the service will not be ready");
        }
        let datasets = DatasetStore::open(
            dir,
            Arc::clone(&database),
            Disk::of(dir, settings.min_free_bytes),
            held_bytes(settings.memory_bytes),
        )?;
        let jobs = JobService::open(
            database,
            datasets.clone(),
            JobSettings {
                memory_bytes: settings.memory_bytes,
                max_flops: settings.max_flops,
                threads: settings.threads,
                workers: settings.workers,
                max_queued: settings.max_queued,
                checkpoint: seconds(settings.checkpoint_seconds),
                retention: Retention {
                    result_age: settings.retention.result_seconds.map(seconds),
                    result_bytes: settings.retention.result_bytes,
                    dataset_age: settings.retention.dataset_seconds.map(seconds),
                    dataset_bytes: settings.retention.dataset_bytes,
                },
            },
        )?;
        let permits = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let (uploads, waiting) = (permits(settings.max_uploads), permits(settings.max_waiting));
        // As many as there is work for; a request that is soon answered shall rarely wait for a slow one.
        let (validating, preparing) =
            (permits(settings.workers), permits(settings.workers.saturating_mul(2)));
        let evaluating = permits(settings.workers);
        Ok(Arc::new(Self {
            settings,
            datasets,
            sources,
            jobs,
            exporter,
            selfcheck,
            stopping: watch::Sender::new(false),
            uploads,
            validating,
            preparing,
            evaluating,
            waiting,
        }))
    }

    /// Takes no new work, stores what runs so that the next start goes on with it, and waits for that at most
    /// `patience`. Gives whether everything has been stored. Blocks.
    pub fn stop(&self, patience: Duration) -> bool {
        self.stopping.send_replace(true);
        self.jobs.drain(patience)
    }

    /// Removes what retention would remove at `now`; the service does so by itself about once a minute. Blocks.
    ///
    /// # Errors
    /// What the store says.
    pub fn sweep(&self, now: OffsetDateTime) -> Result<Swept, JobError> {
        self.jobs.sweep(now)
    }

    /// Whether requests can be served.
    pub(super) fn readiness(&self) -> Result<(), Problem> {
        self.refuse_when_stopping()?;
        self.selfcheck.as_ref().copied().map_err(|fault| {
            Problem::new(Code::NotReady, format!("the numerical self-check failed: {fault}"))
        })
    }

    pub(super) fn refuse_when_stopping(&self) -> Result<(), Problem> {
        if *self.stopping.borrow() {
            Err(Problem::new(Code::ShuttingDown, "the service is stopping and takes no new work"))
        } else {
            Ok(())
        }
    }

    /// Ready when the service stops: who waits for a job is sent away.
    pub(super) async fn stopping(&self) {
        // The sender lives as long as this.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// As long as the caller wants, or as the service allows.
    pub(super) fn longest_wait(&self, wanted: Duration) -> Duration {
        let longest = self.settings.max_wait_seconds;
        Duration::try_from_secs_f64(longest).map_or(wanted, |longest| wanted.min(longest))
    }

    /// The right to upload a dataset. Whatever works for the upload holds it, threads that nobody waits for any more
    /// too, so that uploads never take all the threads that block.
    pub(super) fn upload_permit(&self) -> Result<Arc<OwnedSemaphorePermit>, Problem> {
        let permit = Arc::clone(&self.uploads).try_acquire_owned().map_err(|_| {
            let most = self.settings.max_uploads;
            let detail = format!("{most} uploads are under way, and no more may be (limits.uploads)");
            Problem::new(Code::TooManyRequests, detail)
        })?;
        Ok(Arc::new(permit))
    }

    /// The right to validate an upload, once it is this one's turn: what that takes is in no job's estimate.
    pub(super) async fn validate_permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        in_turn(&self.validating).await
    }

    /// The right to prepare a request for a job, or to read answers, likewise.
    pub(super) async fn prepare_permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        in_turn(&self.preparing).await
    }

    /// The right to evaluate, likewise.
    pub(super) async fn evaluate_permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        in_turn(&self.evaluating).await
    }

    /// The right to wait for a job, where one is left.
    pub(super) fn wait_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.waiting).try_acquire_owned().ok()
    }
}

async fn in_turn(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(permits).acquire_owned().await.map_err(|error| Problem::internal(&error))
}

/// More than there are is for ever.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// Runs what blocks where it holds up no connection.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let span = Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(done) => done,
        Err(error) => Err(Problem::internal(&error)),
    }
}
