//! Why a request about a job is refused.

use super::selection::SelectionError;
use super::store::{AnswerError, StoreError};
use crate::dataset::DatasetError;

/// What can be wrong with a request about a job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The job has to end first, to be deleted.
    #[error("{0} has not ended: cancel it first")]
    NotTerminal(String),
    /// The job has to end first, to have a result.
    #[error("{0} has not ended")]
    NotFinished(String),
    /// The job ended and left nothing.
    #[error("{0} ended without a result")]
    NoResult(String),
    /// Too many jobs wait already.
    #[error(
        "{waiting} jobs wait, and no more may (jobs.max_queued); {running} run and hold {reserved_bytes} of {memory_bytes} bytes"
    )]
    QueueFull {
        /// Jobs in line.
        waiting: usize,
        /// Jobs that run.
        running: usize,
        /// Bytes that those are estimated to take.
        reserved_bytes: u64,
        /// Bytes that all together may take.
        memory_bytes: u64,
        /// Seconds until a place in line may be free, by the pace of the last jobs.
        retry_after_seconds: u32,
    },
    /// Another request with the key has not been answered yet.
    #[error("a request with this Idempotency-Key is under way")]
    IdempotencyInProgress,
    /// The key stands for another request.
    #[error("this Idempotency-Key was sent with another body")]
    IdempotencyMismatch,
    /// Retention has removed the result.
    #[error("the result of {0} was kept as long as the service keeps results, and is gone")]
    ResultExpired(String),
    /// Jobs hold the memory that an evaluation needs.
    #[error(
        "{needed} bytes are needed, and what runs holds {reserved_bytes} of {memory_bytes} (jobs.memory_bytes)"
    )]
    MemoryTaken {
        /// Bytes of the evaluation.
        needed: u64,
        /// Bytes that those which run are estimated to take.
        reserved_bytes: u64,
        /// Bytes that all together may take.
        memory_bytes: u64,
    },
    /// The threads of an evaluation could not be started.
    #[error("the compute threads could not be started: {0}")]
    Pool(#[from] rayon::ThreadPoolBuildError),
    /// The service is stopping.
    #[error("the service is stopping and takes no new jobs")]
    ShuttingDown,
    /// Answers were not taken.
    #[error(transparent)]
    Answer(AnswerError),
    /// What was asked for cannot be done.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The dataset is not there, or cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        if let StoreError::Dataset(error) = error { Self::Dataset(error) } else { Self::Store(error) }
    }
}

impl From<AnswerError> for JobError {
    fn from(error: AnswerError) -> Self {
        if let AnswerError::Store(error) = error { error.into() } else { Self::Answer(error) }
    }
}

impl JobError {
    /// The code of this error on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotTerminal(_) => "job_not_terminal",
            Self::NotFinished(_) => "job_not_finished",
            Self::NoResult(_) => "no_result",
            Self::QueueFull { .. } => "queue_full",
            Self::IdempotencyInProgress => "idempotency_in_progress",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::ResultExpired(_) => "result_expired",
            Self::MemoryTaken { .. } => "too_many_requests",
            Self::Pool(_) => "internal",
            Self::ShuttingDown => "shutting_down",
            Self::Answer(AnswerError::Ended(_)) => "not_awaiting_answers",
            Self::Answer(AnswerError::WrongRound { .. }) => "wrong_round",
            Self::Answer(AnswerError::Differ(_)) => "answers_differ",
            Self::Answer(AnswerError::Count { .. }) => "shape_mismatch",
            Self::Answer(AnswerError::Store(error)) if error.is_full() => "insufficient_storage",
            Self::Answer(AnswerError::Store(_)) => "internal",
            Self::Selection(error) => error.code(),
            Self::Dataset(error) => error.code(),
            Self::Store(StoreError::NotFound(_)) => "job_not_found",
            Self::Store(error) if error.is_full() => "insufficient_storage",
            Self::Store(_) => "internal",
        }
    }
}
