//! Points at which a debug build can be made to die, so that tests see what a kill there leaves behind.
//!
//! `FEWER_FAULT_POINT=name` ends the process as `kill -9` does when it first passes the point, `name:n` when it
//! passes it for the n-th time. A release build has no points.

/// Every point, in the order in which a dataset and a job pass them.
#[cfg(debug_assertions)]
pub const POINTS: [&str; 32] = [
    "upload_written",
    "upload_synced",
    "upload_before_commit",
    "upload_committed",
    "submit_before_commit",
    "submit_committed",
    "start_before_commit",
    "start_committed",
    "save_before_commit",
    "save_committed",
    "ask_before_commit",
    "ask_committed",
    "answer_before_commit",
    "answer_committed",
    "give_up_before_commit",
    "give_up_committed",
    "succeed_before_commit",
    "succeed_committed",
    "fail_before_commit",
    "fail_committed",
    "cancel_before_commit",
    "cancel_committed",
    "stop_before_commit",
    "stop_committed",
    "requeue_before_commit",
    "requeue_committed",
    "resume_before_commit",
    "resume_committed",
    "job_delete_before_commit",
    "job_delete_committed",
    "dataset_delete_before_commit",
    "dataset_delete_committed",
];

/// A point of [`POINTS`].
#[cfg(debug_assertions)]
pub(crate) fn point(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    static FATAL: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let given = std::env::var("FEWER_FAULT_POINT").ok()?;
        match given.split_once(':') {
            None => Some((given, 1)),
            Some((name, pass)) => Some((name.to_owned(), pass.parse().ok()?)),
        }
    });
    static PASSES: AtomicU64 = AtomicU64::new(0);

    debug_assert!(POINTS.contains(&name), "{name} is missing in POINTS");
    let Some((fatal, pass)) = &*FATAL else { return };
    if fatal == name && PASSES.fetch_add(1, Relaxed) + 1 == *pass {
        let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        tracing::error!(?killed, "still alive");
        std::process::abort();
    }
}

/// Commits, with the points `{what}_before_commit` and `{what}_committed` around it.
#[cfg(debug_assertions)]
pub(crate) fn around<T>(what: &str, commit: impl FnOnce() -> T) -> T {
    point(&format!("{what}_before_commit"));
    let done = commit();
    point(&format!("{what}_committed"));
    done
}

/// No point.
#[cfg(not(debug_assertions))]
pub(crate) fn point(_: &str) {}

/// Commits.
#[cfg(not(debug_assertions))]
pub(crate) fn around<T>(_: &str, commit: impl FnOnce() -> T) -> T {
    commit()
}
