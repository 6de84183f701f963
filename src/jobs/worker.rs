//! The threads that take jobs, and the pools they compute in.

use super::runner;
use super::service::OpenError;
use super::service::Shared;
use rayon::{ThreadPool, ThreadPoolBuildError};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// Added to the threads that compute: whoever asks the service something is answered first.
const NICENESS: i32 = 10;

/// Starts `count` threads that take jobs until the service drains. Each computes in a pool of its own: a thread of a
/// shared one that waits for its part of a job may pick up the whole run of another, and the first job would stand
/// still, deaf to its deadline, until the second has ended.
pub(super) fn start(
    shared: &Arc<Shared>,
    count: usize,
    threads: usize,
) -> Result<Vec<JoinHandle<()>>, OpenError> {
    let one = |index| {
        let shared = Arc::clone(shared);
        let pool = pool(&format!("fewer-compute-{index}"), threads)?;
        let worker = Builder::new().name(format!("fewer-job-{index}")).spawn(move || {
            step_back();
            while let Some(running) = shared.take() {
                // However the run ends, its place and its memory are free, and the worker takes the next job. What it
                // borrows are locks that bear a panic, and the database.
                let run = || runner::run(&shared, &pool, &running);
                if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
                    let panic = panic_text(panic.as_ref());
                    tracing::error!(job.id = %running.key.id, panic, "storing the end of a job panicked");
                }
                shared.give_back(&running);
            }
        })?;
        Ok(worker)
    };
    (0..count).map(one).collect()
}

/// Threads that compute, named after `name`.
pub(super) fn pool(name: &str, threads: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    let name = name.to_owned();
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(move |thread| format!("{name}-{thread}"))
        .start_handler(|_| step_back())
        .build()
}

/// On Linux a thread has a niceness of its own.
pub(super) fn step_back() {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "this thread keeps its priority");
    }
}

/// What a panic said.
pub fn panic_text(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else {
        payload.downcast_ref::<String>().map_or("no message", String::as_str)
    }
}
