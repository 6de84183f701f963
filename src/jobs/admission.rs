//! Who runs next: in order of arrival, and only when what is left of the memory holds the estimate.

use super::JobError;
use super::record::{JobKey, JobRecord, ProgressRecord};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use submodular::Ctl;

/// Seconds: nobody is told to stay away for longer, however slow the jobs are.
const LONGEST_RETRY_AFTER: f64 = 60.0;

/// A job that waits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Waiting {
    key: JobKey,
    /// None until it is planned.
    memory_bytes: Option<u64>,
    seconds_left: Option<f64>,
    cancelled: bool,
}

impl Waiting {
    /// A job that has just been planned and accepted.
    pub(super) fn accepted(record: &JobRecord, deadline_seconds: Option<f64>) -> Self {
        let memory_bytes = Some(record.plan.memory_bytes);
        Self { key: record.key(), memory_bytes, seconds_left: deadline_seconds, cancelled: false }
    }

    /// A job of an earlier process that has run for `running_seconds`. The limits may be others now, and its plan
    /// with them: it is planned again when it is first in line.
    pub(super) fn recovered(record: &JobRecord, deadline_seconds: Option<f64>, running_seconds: f64) -> Self {
        let seconds_left = deadline_seconds.map(|seconds| (seconds - running_seconds).max(0.0));
        Self { key: record.key(), memory_bytes: None, seconds_left, cancelled: false }
    }

    /// A job that its owner has stopped: its run ends before it computes anything.
    pub(super) fn to_be_stopped(record: &JobRecord) -> Self {
        Self { key: record.key(), memory_bytes: Some(0), seconds_left: None, cancelled: true }
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
    max_queued: usize,
    /// Places in line that are promised to jobs on their way to the disk.
    promised: usize,
    pace: Pace,
}

/// How long jobs have run lately.
#[derive(Debug, Default)]
struct Pace {
    /// A mean in which each job weighs a fifth less than the next.
    seconds: Option<f64>,
}

impl Pace {
    fn note(&mut self, seconds: f64) {
        self.seconds = Some(self.seconds.map_or(seconds, |mean| mean + (seconds - mean) / 5.0));
    }
}

impl Admission {
    pub(super) fn new(memory_bytes: u64, max_queued: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            running: HashMap::new(),
            memory_bytes,
            reserved_bytes: 0,
            max_queued,
            promised: 0,
            pace: Pace::default(),
        }
    }

    /// Promises a place in line, to be taken by [`push`](Self::push) after [`unpromise`](Self::unpromise).
    pub(super) fn promise(&mut self) -> Result<(), JobError> {
        let waiting = self.waiting.len() + self.promised;
        if waiting >= self.max_queued {
            let seconds = self.pace.seconds.unwrap_or(1.0) / self.running.len().max(1) as f64;
            return Err(JobError::QueueFull {
                waiting,
                running: self.running.len(),
                reserved_bytes: self.reserved_bytes,
                memory_bytes: self.memory_bytes,
                retry_after_seconds: seconds.ceil().clamp(1.0, LONGEST_RETRY_AFTER) as u32,
            });
        }
        self.promised += 1;
        Ok(())
    }

    /// The promised place is taken, or not wanted after all.
    pub(super) fn unpromise(&mut self) {
        self.promised = self.promised.saturating_sub(1);
    }

    pub(super) fn push(&mut self, job: Waiting) {
        self.waiting.push_back(job);
    }

    /// The first in line, where it has to be planned before it can be taken.
    pub(super) fn unplanned(&self) -> Option<&JobKey> {
        self.waiting.front().filter(|head| head.memory_bytes.is_none()).map(|head| &head.key)
    }

    /// The job would take so much, if it still waits.
    pub(super) fn plan(&mut self, key: &JobKey, memory_bytes: u64) {
        for job in self.waiting.iter_mut().filter(|job| job.key == *key) {
            job.memory_bytes = Some(memory_bytes);
        }
    }

    /// Takes the first in line, if it is planned and fits. One that could never fit is taken when nothing else holds memory: the runner
    /// refuses it with the numbers, and those behind it go on.
    pub(super) fn next(&mut self) -> Option<Arc<Running>> {
        let head = self.waiting.front()?;
        let memory_bytes = head.memory_bytes?;
        let fits = self.reserved_bytes.saturating_add(memory_bytes) <= self.memory_bytes;
        if !fits && self.reserved_bytes > 0 {
            return None;
        }
        let Waiting { key, seconds_left, cancelled, .. } = self.waiting.pop_front()?;
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
        if cancelled {
            running.cancel();
        }
        self.running.insert(key, Arc::clone(&running));
        Some(running)
    }

    /// Takes memory for what is no job, if so much is left.
    pub(super) fn reserve(&mut self, needed: u64) -> Result<(), JobError> {
        let (reserved_bytes, memory_bytes) = (self.reserved_bytes, self.memory_bytes);
        if reserved_bytes.saturating_add(needed) > memory_bytes {
            return Err(JobError::MemoryTaken { needed, reserved_bytes, memory_bytes });
        }
        self.reserved_bytes += needed;
        Ok(())
    }

    /// Memory that was reserved is free.
    pub(super) fn give_back(&mut self, bytes: u64) {
        self.reserved_bytes = self.reserved_bytes.saturating_sub(bytes);
    }

    /// This run of the job is over: its memory is free. Again, or when another run of it has begun, nothing happens.
    pub(super) fn release(&mut self, over: &Arc<Running>) {
        if self.running.get(&over.key).is_some_and(|running| Arc::ptr_eq(running, over))
            && let Some(running) = self.running.remove(&over.key)
        {
            self.reserved_bytes = self.reserved_bytes.saturating_sub(running.memory_bytes);
            self.pace.note(running.began.elapsed().as_secs_f64());
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

    /// How many wait, how many run, and the bytes these have reserved.
    pub(super) fn occupancy(&self) -> (usize, usize, u64) {
        (self.waiting.len(), self.running.len(), self.reserved_bytes)
    }

    /// How many are before it in line; none where it does not wait.
    pub(super) fn position(&self, key: &JobKey) -> Option<usize> {
        self.waiting.iter().position(|job| job.key == *key)
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, JobError, Waiting};
    use crate::jobs::record::JobKey;

    fn job(id: &str, memory_bytes: u64) -> Waiting {
        Waiting {
            key: JobKey::new("t", id),
            memory_bytes: Some(memory_bytes),
            seconds_left: None,
            cancelled: false,
        }
    }

    fn next(admission: &mut Admission) -> Option<String> {
        admission.next().map(|running| running.key.id.to_string())
    }

    #[test]
    fn the_first_in_line_runs_when_it_fits_and_nobody_overtakes_it() {
        let mut admission = Admission::new(10, 9);
        for (id, bytes) in [("a", 6), ("b", 5), ("c", 1)] {
            admission.push(job(id, bytes));
        }
        let a = admission.next().unwrap();
        assert_eq!(a.key.id.as_str(), "a");
        assert_eq!(next(&mut admission), None, "b does not fit beside a, and c waits behind b");
        assert_eq!(admission.position(&JobKey::new("t", "c")), Some(1));
        admission.release(&a);
        assert_eq!(next(&mut admission).as_deref(), Some("b"));
        assert_eq!(next(&mut admission).as_deref(), Some("c"));
        assert_eq!(admission.reserved_bytes, 6);
    }

    #[test]
    fn one_without_a_plan_is_planned_first_and_keeps_its_place() {
        let mut admission = Admission::new(10, 9);
        admission.push(Waiting { memory_bytes: None, ..job("old", 0) });
        admission.push(job("new", 5));
        assert_eq!(next(&mut admission), None);
        let key = admission.unplanned().cloned();
        assert_eq!(key, Some(JobKey::new("t", "old")));
        admission.plan(&JobKey::new("t", "old"), 6);
        assert_eq!(admission.unplanned(), None);
        assert_eq!(next(&mut admission).as_deref(), Some("old"));
        assert_eq!(next(&mut admission), None, "both together do not fit");
    }

    #[test]
    fn no_more_places_are_promised_than_there_are() {
        let mut admission = Admission::new(10, 2);
        admission.push(job("a", 1));
        admission.promise().unwrap();
        let Err(JobError::QueueFull { waiting: 2, retry_after_seconds: 1, .. }) = admission.promise() else {
            panic!("a third place was promised");
        };
        admission.unpromise();
        admission.promise().unwrap();
        admission.pace.note(500.0);
        let Err(JobError::QueueFull { retry_after_seconds: 60, .. }) = admission.promise() else {
            panic!("a slow service tells nobody to come back at once");
        };
    }

    #[test]
    fn one_that_never_fits_blocks_nobody_for_ever() {
        let mut admission = Admission::new(10, 9);
        admission.push(job("small", 1));
        admission.push(job("huge", u64::MAX));
        admission.push(job("last", 1));
        let small = admission.next().unwrap();
        assert_eq!(small.key.id.as_str(), "small");
        assert_eq!(next(&mut admission), None);
        admission.release(&small);
        let huge = admission.next().unwrap();
        assert_eq!(huge.key.id.as_str(), "huge");
        admission.release(&huge);
        assert_eq!(next(&mut admission).as_deref(), Some("last"));
    }

    #[test]
    fn a_run_that_is_over_takes_nothing_from_the_next_run_of_its_job() {
        let mut admission = Admission::new(10, 9);
        admission.push(job("a", 6));
        let first = admission.next().unwrap();
        admission.release(&first);
        admission.push(job("a", 6));
        let second = admission.next().unwrap();
        admission.release(&first);
        assert_eq!((admission.occupancy().1, admission.reserved_bytes), (1, 6));
        admission.release(&second);
        assert_eq!((admission.occupancy().1, admission.reserved_bytes), (0, 0));
    }

    #[test]
    fn jobs_wait_for_memory_that_is_held_beside_them() {
        let mut admission = Admission::new(10, 9);
        admission.reserve(6).unwrap();
        let Err(JobError::MemoryTaken { needed: 5, reserved_bytes: 6, memory_bytes: 10 }) =
            admission.reserve(5)
        else {
            panic!("more was reserved than there is");
        };
        admission.push(job("a", 5));
        assert_eq!(next(&mut admission), None);
        admission.give_back(6);
        assert_eq!(next(&mut admission).as_deref(), Some("a"));
        admission.reserve(5).unwrap();
    }
}
