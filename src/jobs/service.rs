//! The jobs of this process: look up, cancel, delete, stop. How they are accepted stands in `submission`.

use super::JobError;
use super::admission::{Admission, Running, Tracked, Waiting};
use super::events::{Changes, Events};
use super::idempotency::UnderWay;
use super::outcome::JobResult;
use super::record::{JobKey, JobRecord};
use super::retention::{self, Retention, Signal, Sweeper, Swept};
use super::selection::Limits;
use super::state::{Forbidden, State};
use super::store::{Filter, JobStore, StoreError};
use super::{exchange, meters, recovery, runner, worker};
use crate::dataset::{DatasetError, DatasetStore};
use redb::Database;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use submodular::tile::Kernel;
use time::OffsetDateTime;

/// Between two looks at a worker that is about to end.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// What jobs may take of the machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobSettings {
    /// Bytes all running jobs together may take.
    pub memory_bytes: u64,
    /// Floating-point operations one job may need.
    pub max_flops: f64,
    /// Threads that compute, for each job.
    pub threads: usize,
    /// Jobs that run at once.
    pub workers: usize,
    /// Jobs that may wait in line.
    pub max_queued: usize,
    /// Time between two saves of a running job.
    pub checkpoint: Duration,
    /// What is removed without being asked for.
    pub retention: Retention,
}

/// A job as it is now: its record, and of a live one what only its process knows.
#[derive(Debug, Clone, PartialEq)]
pub struct JobView {
    /// The stored form.
    pub record: JobRecord,
    /// How far a running job is.
    pub tracked: Option<Tracked>,
    /// How many are before a queued one.
    pub queue_position: Option<usize>,
}

/// How busy the workers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occupancy {
    /// Jobs in line.
    pub queued: usize,
    /// Jobs that run.
    pub running: usize,
    /// Bytes that those which run, and evaluations, were estimated to take.
    pub reserved_bytes: u64,
}

/// Why the jobs could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A compute pool could not be built.
    #[error("the compute threads could not be started: {0}")]
    Pool(#[from] rayon::ThreadPoolBuildError),
    /// The workers could not be started.
    #[error("the worker threads could not be started: {0}")]
    Workers(#[from] std::io::Error),
}

/// What workers and requests share.
pub(super) struct Shared {
    pub(super) store: JobStore,
    pub(super) datasets: DatasetStore,
    pub(super) limits: Limits,
    pub(super) checkpoint: Duration,
    pub(super) events: Arc<Events>,
    pub(super) sweeps: Signal,
    books: Mutex<Books>,
    pub(super) changed: Condvar,
}

pub(super) struct Books {
    pub(super) admission: Admission,
    pub(super) draining: bool,
}

impl Shared {
    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        // Nothing that changes the books can panic between two of their lines.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, when there is one that fits; none when the service drains. Blocks until either.
    pub(super) fn take(&self) -> Option<Arc<Running>> {
        let mut books = self.books();
        loop {
            if books.draining {
                return None;
            }
            if let Some(key) = books.admission.unplanned().cloned() {
                drop(books);
                let memory_bytes = runner::estimate(self, &key);
                books = self.books();
                books.admission.plan(&key, memory_bytes);
                continue;
            }
            if let Some(running) = books.admission.next() {
                return Some(running);
            }
            books = self.changed.wait(books).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// This run of the job is over: its memory may serve the next.
    pub(super) fn give_back(&self, running: &Arc<Running>) {
        self.books().admission.release(running);
        self.changed.notify_all();
        self.sweeps.wake();
    }
}

/// The jobs of this process. Every method blocks on the disk, none on a computation.
pub struct JobService {
    pub(super) shared: Arc<Shared>,
    pub(super) under_way: UnderWay,
    workers: Mutex<Vec<JoinHandle<()>>>,
    retention: Retention,
    sweeper: Mutex<Option<Sweeper>>,
}

impl JobService {
    /// Opens the store, puts right what the last process left, and starts the workers.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        database: Arc<Database>,
        datasets: DatasetStore,
        settings: JobSettings,
    ) -> Result<Self, OpenError> {
        meters::register();
        let store = JobStore::open(database)?;
        let mut admission = Admission::new(settings.memory_bytes, settings.max_queued);
        for waiting in recovery::recover(&store)? {
            admission.push(waiting);
        }
        let shared = Arc::new(Shared {
            store,
            datasets,
            limits: Limits {
                memory_bytes: settings.memory_bytes,
                max_flops: settings.max_flops,
                threads: settings.threads,
                kernel: Kernel::detect(),
            },
            checkpoint: settings.checkpoint,
            events: Arc::default(),
            sweeps: Signal::default(),
            books: Mutex::new(Books { admission, draining: false }),
            changed: Condvar::new(),
        });
        let mut workers = worker::start(&shared, settings.workers, settings.threads)?;
        workers.push(exchange::start(&shared)?);
        let workers = Mutex::new(workers);
        let retention = settings.retention;
        let sweeper = Mutex::new(Sweeper::start(&shared, retention)?);
        Ok(Self { shared, under_way: UnderWay::default(), workers, retention, sweeper })
    }

    /// A job.
    ///
    /// # Errors
    /// Where there is none, and the store's own.
    pub fn get(&self, key: &JobKey) -> Result<JobView, JobError> {
        Ok(self.with_live_part(self.shared.store.get(key)?))
    }

    /// At most `limit` jobs that pass the filter, newest first, of those older than `before`; and the id to go on
    /// before, where there may be more. A page of a filtered list may be short and not the last.
    ///
    /// # Errors
    /// The store's own.
    pub fn list(
        &self,
        tenant: &str,
        limit: usize,
        before: Option<&str>,
        filter: &Filter,
    ) -> Result<(Vec<JobView>, Option<String>), JobError> {
        let (records, next) = self.shared.store.list(tenant, limit, before, filter)?;
        Ok((records.into_iter().map(|record| self.with_live_part(record)).collect(), next))
    }

    /// Tells of each change of the job's state from now on.
    pub fn changes(&self, key: &JobKey) -> Changes {
        self.shared.events.watch(key)
    }

    /// Ends a queued job, tells a running one to stop, and leaves one that has ended as it is. Needs no slot, no
    /// memory and no place in line. Where the disk has no room to record it, a running job stops nevertheless.
    ///
    /// # Errors
    /// [`DatasetError::DiskFull`]; where there is none, and the store's own.
    pub fn cancel(&self, key: &JobKey) -> Result<JobView, JobError> {
        if let Err(full) = self.shared.datasets.disk().admit_change() {
            let job = self.get(key)?;
            if job.record.state.is_terminal() {
                return Ok(job);
            }
            if let Some(running) = self.shared.books().admission.running(key) {
                running.cancel();
            }
            return Err(full.into());
        }
        let record = match self.shared.store.cancel(key) {
            Ok(record) => record,
            Err(StoreError::Forbidden(Forbidden { .. })) => self.shared.store.get(key)?,
            Err(error) => return Err(error.into()),
        };
        let mut books = self.shared.books();
        if record.state == State::Cancelling {
            if let Some(running) = books.admission.running(key) {
                running.cancel();
            } else if books.admission.position(key).is_none() {
                // It waited for answers: a worker stores what it has chosen.
                books.admission.push(Waiting::to_be_stopped(&record));
            }
        } else {
            books.admission.forget(key);
        }
        drop(books);
        self.shared.events.tell(&record);
        // The next in line may fit where this one did not.
        self.shared.changed.notify_all();
        Ok(self.with_live_part(record))
    }

    /// Removes a job that has ended.
    ///
    /// # Errors
    /// [`JobError::NotTerminal`], [`DatasetError::DiskFull`]; where there is none, and the store's own.
    pub fn delete(&self, key: &JobKey) -> Result<(), JobError> {
        self.shared.datasets.disk().admit_change()?;
        if !self.shared.store.remove(key)? {
            return Err(JobError::NotTerminal(key.id.to_string()));
        }
        self.shared.events.tell_gone(key);
        Ok(())
    }

    /// What a job left.
    ///
    /// # Errors
    /// [`JobError::NotFinished`], [`JobError::NoResult`], [`JobError::ResultExpired`]; where there is no such job,
    /// and the store's own.
    pub fn result(&self, key: &JobKey) -> Result<JobResult, JobError> {
        Ok(self.shared.left_by(key)?.1)
    }

    /// A dataset was stored: others may have to make room for it.
    pub fn dataset_stored(&self) {
        self.shared.sweeps.wake();
    }

    /// Removes what retention would remove at `now`. The service does so by itself; this is for who cannot wait.
    ///
    /// # Errors
    /// The store's own.
    pub fn sweep(&self, now: OffsetDateTime) -> Result<Swept, JobError> {
        Ok(retention::sweep(&self.shared, &self.retention, now, &|| true)?)
    }

    /// Removes a dataset that no live job needs.
    ///
    /// # Errors
    /// [`DatasetError::InUse`], [`DatasetError::DiskFull`]; where there is none, and the store's own.
    pub fn delete_dataset(&self, tenant: &str, id: &str) -> Result<(), DatasetError> {
        self.shared.datasets.disk().admit_change()?;
        self.shared.datasets.delete(tenant, id, |within| JobStore::user_of(within, tenant, id))
    }

    /// How busy the workers are. Waits for no disk and no computation.
    pub fn occupancy(&self) -> Occupancy {
        let (queued, running, reserved_bytes) = self.shared.books().admission.occupancy();
        Occupancy { queued, running, reserved_bytes }
    }

    /// Takes no more jobs, stops those that run where they can go on after the next start, and waits until they have
    /// been stored, at most `patience`. Gives whether all have.
    pub fn drain(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        self.shared.sweeps.end();
        let mut books = self.shared.books();
        books.draining = true;
        for running in books.admission.all_running() {
            running.ctl.cancel();
        }
        self.shared.changed.notify_all();
        while books.admission.all_running().next().is_some() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let late: Vec<_> = books.admission.all_running().map(|running| running.key.clone()).collect();
                drop(books);
                self.park(&late);
                return false;
            }
            books = self.shared.changed.wait_timeout(books, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(books);
        // They have little left but to notice; after that the database is free for another process.
        for worker in self.workers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            while !worker.is_finished() {
                if Instant::now() >= until {
                    return false;
                }
                std::thread::sleep(BETWEEN_LOOKS);
            }
            if worker.join().is_err() {
                tracing::error!("a worker thread panicked");
            }
        }
        let sweeper = self.sweeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        sweeper.is_none_or(|sweeper| sweeper.stop(until.saturating_duration_since(Instant::now())))
    }

    /// Puts back in line what did not stop in time: the next start goes on from its last save, and does not take an
    /// orderly stop for a crash.
    fn park(&self, late: &[JobKey]) {
        for key in late {
            match self.shared.store.park(key) {
                // It ended after all, or is being cancelled and will be by the next start.
                Ok(_) | Err(StoreError::Forbidden(_) | StoreError::NotFound(_)) => {}
                Err(error) => {
                    tracing::error!(job.id = %key.id, %error, "the job could not be put back in line");
                }
            }
        }
    }

    pub(super) fn with_live_part(&self, record: JobRecord) -> JobView {
        let mut view = JobView { record, tracked: None, queue_position: None };
        self.refresh(&mut view);
        view
    }

    /// Brings up to date what only this process knows of the job. Does not look at the disk.
    pub fn refresh(&self, view: &mut JobView) {
        let record = &view.record;
        let books = self.shared.books();
        let key = record.key();
        // Between two reads the job may have gone on: what does not fit the record's state is left out.
        let runs = matches!(record.state, State::Running | State::Cancelling);
        view.tracked = if runs { books.admission.running(&key).and_then(|job| job.tracked()) } else { None };
        let waits = record.state == State::Queued;
        view.queue_position = if waits { books.admission.position(&key) } else { None };
    }
}

impl Drop for JobService {
    /// Workers end with the last job they run.
    fn drop(&mut self) {
        self.shared.books().draining = true;
        self.shared.changed.notify_all();
        self.shared.sweeps.end();
    }
}
