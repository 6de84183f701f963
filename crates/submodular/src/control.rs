//! The one handle that reaches every block of work, and the reasons for stopping early.

use crate::{Error, Set};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Why work stopped before it was done. Nothing is lost: see [`Outcome::saved`](crate::Outcome).
#[derive(Debug, Clone, PartialEq)]
pub enum Halt {
    /// [`Ctl::cancel`] was called.
    Cancelled,
    /// The deadline of [`Ctl::new`] has passed.
    Deadline,
    /// The values of these sets are needed from outside. Each set is sorted; the list is sorted and has no repeats.
    Ask(Vec<Set>),
    /// The work cannot be done.
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Halt::Failed(error)
    }
}

/// Both results, or one halt. Two requests for outside values become one round; anything else wins over a question.
///
/// # Errors
/// The merged halt, when either side stopped.
pub fn both<A, B>(a: Result<A, Halt>, b: Result<B, Halt>) -> Result<(A, B), Halt> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(Halt::Ask(mut x)), Err(Halt::Ask(y))) => {
            x.extend(y);
            x.sort();
            x.dedup();
            Err(Halt::Ask(x))
        }
        (Err(Halt::Ask(_)), Err(halt)) | (Err(halt), _) | (_, Err(halt)) => Err(halt),
    }
}

/// Cancel, deadline, progress and the evaluation count of one run. Share it by reference or in an `Arc`.
#[derive(Debug)]
pub struct Ctl {
    cancel: AtomicBool,
    deadline: Option<Instant>,
    fuse: AtomicI64,
    cells: AtomicU64,
    evaluations: AtomicU64,
}

impl Default for Ctl {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Ctl {
    /// A handle that stops work at `deadline`, if there is one.
    pub fn new(deadline: Option<Instant>) -> Self {
        Self {
            cancel: AtomicBool::new(false),
            deadline,
            fuse: AtomicI64::new(i64::MAX),
            cells: AtomicU64::new(0),
            evaluations: AtomicU64::new(0),
        }
    }

    /// A handle that cancels itself at the `ticks`-th tick: tests stop a run everywhere it can be stopped.
    pub fn fused(ticks: i64) -> Self {
        Self { fuse: AtomicI64::new(ticks), ..Self::new(None) }
    }

    /// Asks the work to stop; it does so within one block.
    pub fn cancel(&self) {
        self.cancel.store(true, Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Relaxed)
    }

    /// Polls. Kernels call it once a block (at most about 50 ms of work), from any thread; `cells` is the number of
    /// similarities, or other units of work, in the block.
    ///
    /// # Errors
    /// [`Halt::Cancelled`] or [`Halt::Deadline`].
    pub fn tick(&self, cells: u64) -> Result<(), Halt> {
        self.cells.fetch_add(cells, Relaxed);
        if self.is_cancelled() || self.fuse.fetch_sub(1, Relaxed) <= 0 {
            return Err(Halt::Cancelled);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Halt::Deadline);
        }
        Ok(())
    }

    /// Units of work begun so far: progress inside a step.
    pub fn cells(&self) -> u64 {
        self.cells.load(Relaxed)
    }

    /// Gains computed so far, by steps that succeeded.
    pub fn evaluations(&self) -> u64 {
        self.evaluations.load(Relaxed)
    }

    pub(crate) fn count(&self, evaluations: usize) {
        self.evaluations.fetch_add(evaluations as u64, Relaxed);
    }

    /// Sets the count back: a step that failed has not happened, so the count is the same however often a run stopped.
    pub(crate) fn recount(&self, evaluations: u64) {
        self.evaluations.store(evaluations, Relaxed);
    }
}
