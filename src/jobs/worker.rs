//! The threads that take jobs, and the pool they compute in.

use super::runner;
use super::service::Shared;
use std::any::Any;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// Added to the threads that compute: whoever asks the service something is answered first.
const NICENESS: i32 = 10;

/// One pool for all jobs, so that two of them share the cores instead of fighting for them.
pub(super) fn compute_pool(threads: usize) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("fewer-compute-{index}"))
        .start_handler(|_| step_back())
        .build()
}

/// Starts `count` threads that take jobs until the service drains.
pub(super) fn start(shared: &Arc<Shared>, count: usize) -> io::Result<Vec<JoinHandle<()>>> {
    let one = |index| {
        let shared = Arc::clone(shared);
        Builder::new().name(format!("fewer-job-{index}")).spawn(move || {
            step_back();
            while let Some(running) = shared.take() {
                runner::run(&shared, &running);
                shared.give_back(&running.key);
            }
        })
    };
    (0..count).map(one).collect()
}

/// On Linux a thread has a niceness of its own.
fn step_back() {
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
