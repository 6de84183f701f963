//! What the handlers share.

use super::codes::Code;
use super::problem::Problem;
use crate::config::Settings;
use crate::dataset::{DatasetError, DatasetStore};
use crate::jobs::{JobService, JobSettings, OpenError as JobsOpenError};
use crate::telemetry::metrics::{self, Exporter, InstallError};
use redb::Database;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use submodular::selfcheck::Fault;
use tracing::Span;

/// What the database keeps in memory beside the jobs. Its own default is a gigabyte, which a long list of jobs fills.
const DATABASE_CACHE_BYTES: usize = 64 << 20;

/// One service: its settings, its datasets, its jobs.
pub struct App {
    pub(super) settings: Settings,
    pub(super) datasets: DatasetStore,
    pub(super) jobs: JobService,
    pub(super) exporter: &'static Exporter,
    /// Whether this processor computes what it should, or what it got wrong.
    pub(super) selfcheck: Result<(), Fault>,
    stopping: AtomicBool,
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
        let dir = &settings.data_dir;
        std::fs::create_dir_all(dir).map_err(|error| OpenError::DataDir { path: dir.clone(), error })?;
        let path = dir.join("fewer.redb");
        let database = Database::builder()
            .set_cache_size(DATABASE_CACHE_BYTES)
            .create(&path)
            .map_err(|error| OpenError::Database { path: path.clone(), error: Box::new(error) })?;
        let database = Arc::new(database);
        let selfcheck = submodular::selfcheck::run();
        if let Err(fault) = &selfcheck {
            tracing::error!(%fault, "the numerical self-check failed: the service will not be ready");
        }
        let datasets = DatasetStore::open(dir, Arc::clone(&database))?;
        let jobs = JobService::open(
            database,
            datasets.clone(),
            JobSettings {
                memory_bytes: settings.memory_bytes,
                max_flops: settings.max_flops,
                threads: settings.threads,
                workers: settings.workers,
                checkpoint: Duration::try_from_secs_f64(settings.checkpoint_seconds).unwrap_or(Duration::MAX),
            },
        )?;
        Ok(Arc::new(Self { settings, datasets, jobs, exporter, selfcheck, stopping: AtomicBool::new(false) }))
    }

    /// Takes no new work, stores what runs so that the next start goes on with it, and waits for that at most
    /// `patience`. Gives whether everything has been stored. Blocks.
    pub fn stop(&self, patience: Duration) -> bool {
        self.stopping.store(true, Relaxed);
        self.jobs.drain(patience)
    }

    /// Whether requests can be served.
    pub(super) fn readiness(&self) -> Result<(), Problem> {
        self.refuse_when_stopping()?;
        self.selfcheck.as_ref().copied().map_err(|fault| {
            Problem::new(Code::NotReady, format!("the numerical self-check failed: {fault}"))
        })
    }

    pub(super) fn refuse_when_stopping(&self) -> Result<(), Problem> {
        if self.stopping.load(Relaxed) {
            Err(Problem::new(Code::ShuttingDown, "the service is stopping and takes no new work"))
        } else {
            Ok(())
        }
    }
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
