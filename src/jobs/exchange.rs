//! Questions and answers: what a job asks its owner, and what comes back.

use super::JobError;
use super::admission::Waiting;
use super::attribution;
use super::record::{JobKey, JobRecord, JobSpec};
use super::selection::{FieldError, SelectionError};
use super::service::{JobService, Shared};
use super::state::State;
use super::store::{Answered, Round, StoreError, Values};
use sha2::{Digest, Sha256};
use std::sync::{Arc, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use submodular::attribution::{Evaluation, Fault, InvalidAnswers, InvalidOutput, Output, Scores};
use time::OffsetDateTime;

/// Answers as they were sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// f of each set.
    Values(Vec<f64>),
    /// What a model says of each set and its complement.
    Evaluations(Vec<Evaluation>),
}

/// Between two looks for rounds that nobody has answered in time.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// A full disk is not written to, and not told of, twice a second.
const AFTER_A_FAILURE: Duration = Duration::from_secs(30);

impl JobService {
    /// A job, and the round that it asks; none where it computes, or waits in line to.
    ///
    /// # Errors
    /// Where there is no such job, and the store's own.
    pub fn round(&self, key: &JobKey) -> Result<(JobRecord, Option<Round>), JobError> {
        Ok(self.shared.store.round(key)?)
    }

    /// Takes the answers to a round, in the order of its sets. The job goes on once all of its sets are answered.
    ///
    /// # Errors
    /// [`JobError::Answer`], and [`SelectionError::Invalid`] for what a model cannot have said; nothing has changed then.
    /// Where the disk is full, and the store's own.
    pub fn answer(&self, key: &JobKey, round: u64, sent: Sent) -> Result<Answered, JobError> {
        self.shared.datasets.disk().admit_change()?;
        let digest = sent.digest();
        let values = match sent {
            Sent::Values(values) => Some(Values::Numbers(values)),
            Sent::Evaluations(evaluations) => self.read(key, round, &evaluations)?,
        };
        let answered = self.shared.store.answer(key, round, values.as_ref(), &digest)?;
        if let Answered::Kept(record) = &answered {
            if record.state == State::Queued {
                let ran = self.shared.store.saved(key)?.map_or(0.0, |save| save.running_seconds);
                let deadline_seconds = record.spec.deadline_seconds();
                self.shared.books().admission.push(Waiting::recovered(record, deadline_seconds, ran));
                self.shared.changed.notify_all();
            }
            self.shared.events.tell(record);
        }
        Ok(answered)
    }

    /// What counts of what was said about the sets of a round; none where it is not the one that is asked.
    fn read(&self, key: &JobKey, sent: u64, evaluations: &[Evaluation]) -> Result<Option<Values>, JobError> {
        let (record, round) = self.shared.store.round(key)?;
        let (JobSpec::Attribution(spec), Some(round)) =
            (&record.spec, round.filter(|round| round.round == sent))
        else {
            return Ok(None);
        };
        let book = attribution::evaluations(spec, round.target).map_err(SelectionError::Core)?;
        let (target, pairs) = book.read(&round.sets, evaluations).map_err(|error| {
            let of_size = matches!(
                error,
                InvalidAnswers::Count { .. }
                    | InvalidAnswers::Output {
                        output: InvalidOutput { fault: Fault::Length { .. }, .. },
                        ..
                    }
            );
            let code = if of_size { "shape_mismatch" } else { "invalid_parameter" };
            let place = format!("/answers{}", error.pointer());
            SelectionError::Invalid(vec![FieldError::new(place, code, error.to_string())])
        })?;
        Ok(Some(Values::Pairs { target: target as u64, pairs }))
    }
}

impl Sent {
    /// The same for the same answers, however they were written.
    fn digest(&self) -> Vec<u8> {
        let mut digest = Sha256::new();
        let numbers = |digest: &mut Sha256, numbers: &[f64]| {
            digest.update((numbers.len() as u64).to_le_bytes());
            numbers.iter().for_each(|number| digest.update(number.to_le_bytes()));
        };
        match self {
            Self::Values(values) => values.iter().for_each(|value| digest.update(value.to_le_bytes())),
            Self::Evaluations(evaluations) => {
                for Output { scores, evidence, confidence } in
                    evaluations.iter().flat_map(|answer| [&answer.shown, &answer.complement])
                {
                    match scores {
                        Scores::Probabilities(p) => numbers(&mut digest, p),
                        Scores::Target(p) => digest.update(p.to_le_bytes()),
                    }
                    numbers(&mut digest, evidence.as_deref().unwrap_or_default());
                    numbers(&mut digest, confidence.as_slice());
                }
            }
        }
        digest.finalize().to_vec()
    }
}

/// Starts the thread that stops what nobody has answered in time, until the service drains.
pub(super) fn start(shared: &Arc<Shared>) -> std::io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    Builder::new().name("fewer-exchange".into()).spawn(move || {
        let mut pause = BETWEEN_LOOKS;
        while !drains_within(&shared, pause) {
            let given_up = give_up(&shared, OffsetDateTime::now_utc());
            pause = if given_up.is_ok() { BETWEEN_LOOKS } else { AFTER_A_FAILURE };
            if let Err(error) = given_up {
                tracing::error!(%error, "rounds that nobody answered could not be ended");
            }
        }
    })
}

/// Waits so long, and gives whether the service drains.
fn drains_within(shared: &Shared, pause: Duration) -> bool {
    let waited = shared.changed.wait_timeout_while(shared.books(), pause, |books| !books.draining);
    waited.unwrap_or_else(PoisonError::into_inner).0.draining
}

fn give_up(shared: &Shared, now: OffsetDateTime) -> Result<(), StoreError> {
    for key in shared.store.unanswered(now)? {
        match shared.store.give_up(&key, now) {
            Ok(record) => {
                tracing::info!(job.id = %key.id, "nobody answered in time");
                shared.books().admission.push(Waiting::to_be_stopped(&record));
                shared.changed.notify_all();
                shared.events.tell(&record);
            }
            // It was answered, cancelled or deleted in the meantime.
            Err(StoreError::Forbidden(_) | StoreError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
