//! Who runs next: in order of arrival, and only when what is left of the memory holds the estimate.

use super::record::{JobKey, JobRecord, ProgressRecord};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use submodular::Ctl;

/// A job that waits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Waiting {
    key: JobKey,
    memory_bytes: u64,
    seconds_left: Option<f64>,
}

impl Waiting {
    /// A queued job that has run for `running_seconds` before.
    pub(super) fn new(record: &JobRecord, deadline_seconds: Option<f64>, running_seconds: f64) -> Self {
        Self {
            key: record.key(),
            memory_bytes: record.plan.memory_bytes,
            seconds_left: deadline_seconds.map(|seconds| (seconds - running_seconds).max(0.0)),
        }
    }
}

/// A job that runs: the handles that reach it.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) key: JobKey,
    memory_bytes: u64,
    pub(super) ctl: Ctl,
    pub(super) began: Instant,
    cancelled: AtomicBool,
    tracked: Mutex<Option<Tracked>>,
}

/// Progress, and when its phase began.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracked {
    /// The numbers.
    pub progress: ProgressRecord,
    /// Since when the job is in this phase.
    pub phase_began: Instant,
}

impl Running {
    /// Its owner wants it stopped.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
        self.ctl.cancel();
    }

    /// Whether it was its owner who stopped it.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    pub(super) fn track(&self, progress: ProgressRecord) {
        // A panic while this is held leaves a whole value behind.
        let mut tracked = self.tracked.lock().unwrap_or_else(PoisonError::into_inner);
        let phase_began = match &*tracked {
            Some(before) if before.progress.phase == progress.phase => before.phase_began,
            _ => Instant::now(),
        };
        *tracked = Some(Tracked { progress, phase_began });
    }

    pub(super) fn tracked(&self) -> Option<Tracked> {
        self.tracked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The books: who waits, who runs, what memory is left.
#[derive(Debug)]
pub(super) struct Admission {
    waiting: VecDeque<Waiting>,
    running: HashMap<JobKey, Arc<Running>>,
    memory_bytes: u64,
    reserved_bytes: u64,
}

impl Admission {
    pub(super) fn new(memory_bytes: u64) -> Self {
        Self { waiting: VecDeque::new(), running: HashMap::new(), memory_bytes, reserved_bytes: 0 }
    }

    pub(super) fn push(&mut self, job: Waiting) {
        self.waiting.push_back(job);
    }

    /// Takes the first in line, if it fits. One that could never fit is taken when nothing else runs: the runner
    /// refuses it with the numbers, and those behind it go on.
    pub(super) fn next(&mut self) -> Option<Arc<Running>> {
        let head = self.waiting.front()?;
        let fits = self.reserved_bytes.saturating_add(head.memory_bytes) <= self.memory_bytes;
        if !fits && !self.running.is_empty() {
            return None;
        }
        let Waiting { key, memory_bytes, seconds_left } = self.waiting.pop_front()?;
        self.reserved_bytes = self.reserved_bytes.saturating_add(memory_bytes);
        let now = Instant::now();
        // A deadline beyond the clock is none.
        let deadline = seconds_left
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .and_then(|left| now.checked_add(left));
        let running = Arc::new(Running {
            key: key.clone(),
            memory_bytes,
            ctl: Ctl::new(deadline),
            began: now,
            cancelled: AtomicBool::new(false),
            tracked: Mutex::new(None),
        });
        self.running.insert(key, Arc::clone(&running));
        Some(running)
    }

    /// The job no longer runs: its memory is free.
    pub(super) fn release(&mut self, key: &JobKey) {
        if let Some(running) = self.running.remove(key) {
            self.reserved_bytes = self.reserved_bytes.saturating_sub(running.memory_bytes);
        }
    }

    /// The job no longer waits.
    pub(super) fn forget(&mut self, key: &JobKey) {
        self.waiting.retain(|job| job.key != *key);
    }

    pub(super) fn running(&self, key: &JobKey) -> Option<&Arc<Running>> {
        self.running.get(key)
    }

    pub(super) fn all_running(&self) -> impl Iterator<Item = &Arc<Running>> {
        self.running.values()
    }

    /// How many are before it in line; none where it does not wait.
    pub(super) fn position(&self, key: &JobKey) -> Option<usize> {
        self.waiting.iter().position(|job| job.key == *key)
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Waiting};
    use crate::jobs::record::JobKey;

    fn job(id: &str, memory_bytes: u64) -> Waiting {
        Waiting { key: JobKey::new("t", id), memory_bytes, seconds_left: None }
    }

    fn next(admission: &mut Admission) -> Option<String> {
        admission.next().map(|running| running.key.id.to_string())
    }

    #[test]
    fn the_first_in_line_runs_when_it_fits_and_nobody_overtakes_it() {
        let mut admission = Admission::new(10);
        for (id, bytes) in [("a", 6), ("b", 5), ("c", 1)] {
            admission.push(job(id, bytes));
        }
        assert_eq!(next(&mut admission).as_deref(), Some("a"));
        assert_eq!(next(&mut admission), None, "b does not fit beside a, and c waits behind b");
        assert_eq!(admission.position(&JobKey::new("t", "c")), Some(1));
        admission.release(&JobKey::new("t", "a"));
        assert_eq!(next(&mut admission).as_deref(), Some("b"));
        assert_eq!(next(&mut admission).as_deref(), Some("c"));
        assert_eq!(admission.reserved_bytes, 6);
    }

    #[test]
    fn one_that_never_fits_blocks_nobody_for_ever() {
        let mut admission = Admission::new(10);
        admission.push(job("small", 1));
        admission.push(job("huge", u64::MAX));
        admission.push(job("last", 1));
        assert_eq!(next(&mut admission).as_deref(), Some("small"));
        assert_eq!(next(&mut admission), None);
        admission.release(&JobKey::new("t", "small"));
        assert_eq!(next(&mut admission).as_deref(), Some("huge"));
        admission.release(&JobKey::new("t", "huge"));
        assert_eq!(next(&mut admission).as_deref(), Some("last"));
    }
}
