//! What the last process left unfinished.

use super::admission::Waiting;
use super::record::{Failure, JobRecord};
use super::spec::OnStop;
use super::state::State;
use super::store::{Ending, JobStore, StoreError};

/// The service may die of a job this often before it stops trying. What its owner answers is progress: an exchange of many
/// rounds may see many ends that are none of its doing.
const MOST_DEATHS: u32 = 2;

/// Puts every job of a process that is gone where it belongs and gives those that wait, oldest first. A job that ran
/// goes on from its last save as its next attempt; one that brought the service down [`MOST_DEATHS`] times fails;
/// one that was being cancelled is taken up once more to store its prefix, and is cancelled without one where it has
/// no save.
pub(super) fn recover(store: &JobStore) -> Result<Vec<Waiting>, StoreError> {
    let mut waiting = Vec::new();
    for record in store.live()? {
        let key = record.key();
        match record.state {
            State::Running if record.deaths + 1 >= MOST_DEATHS => {
                tracing::warn!(job.id = %key.id, dataset.id = record.dataset.as_deref(), job.attempt = record.attempt, "job given up");
                let detail = format!(
                    "the service died {} times while the job ran; it is not tried again",
                    record.deaths + 1
                );
                store.finish(&key, &Ending::Failed(Failure::new("worker_lost", detail)), None)?;
            }
            State::Running => {
                tracing::info!(
                    job.id = %key.id,
                    dataset.id = record.dataset.as_deref(),
                    job.attempt = record.attempt + 1,
                    "job goes on from its last save"
                );
                waiting.push(entry(store, &store.resume(&key)?)?);
            }
            State::Cancelling if record.deaths < MOST_DEATHS && keeps_prefix(store, &record)? => {
                waiting.push(Waiting::to_be_stopped(&store.resume(&key)?));
            }
            State::Cancelling => {
                let detail = "the service died before the prefix was stored";
                store.abandon(&key, Failure::new("worker_lost", detail))?;
            }
            // Its round stands on the disk.
            State::AwaitingAnswers => {}
            State::Queued => waiting.push(entry(store, &record)?),
            // Not among the live.
            State::Succeeded | State::Failed | State::Cancelled => {}
        }
    }
    Ok(waiting)
}

fn entry(store: &JobStore, record: &JobRecord) -> Result<Waiting, StoreError> {
    let running_seconds = store.saved(&record.key())?.map_or(0.0, |save| save.running_seconds);
    Ok(Waiting::recovered(record, record.spec.deadline_seconds(), running_seconds))
}

fn keeps_prefix(store: &JobStore, record: &JobRecord) -> Result<bool, StoreError> {
    Ok(record.spec.on_stop() == OnStop::Partial && store.saved(&record.key())?.is_some())
}
