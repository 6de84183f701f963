//! Who wants to know when a job changes.

use super::record::{JobKey, JobRecord};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The jobs that somebody watches. A change of a job nobody watches costs one look into this map.
#[derive(Debug, Default)]
pub(super) struct Events {
    watched: Mutex<HashMap<JobKey, watch::Sender<Change>>>,
}

/// What has become of a job.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The job as it was last; none where it has not changed since it is watched.
    pub record: Option<Arc<JobRecord>>,
    /// It has been deleted since.
    pub gone: bool,
}

/// Tells of each change of one job from now on. Look at the job after this has been made, or a change between the two
/// is missed.
#[derive(Debug)]
pub struct Changes {
    events: Arc<Events>,
    key: JobKey,
    receiver: watch::Receiver<Change>,
}

impl Events {
    pub(super) fn watch(self: &Arc<Self>, key: &JobKey) -> Changes {
        let receiver = self
            .watched()
            .entry(key.clone())
            .or_insert_with(|| watch::Sender::new(Change::default()))
            .subscribe();
        Changes { events: Arc::clone(self), key: key.clone(), receiver }
    }

    /// The job has another state than before, stored.
    pub(super) fn tell(&self, record: &JobRecord) {
        if let Some(sender) = self.watched().get(&record.key()) {
            sender.send_modify(|change| change.record = Some(Arc::new(record.clone())));
        }
    }

    /// The job is no more.
    pub(super) fn tell_gone(&self, key: &JobKey) {
        if let Some(sender) = self.watched().get(key) {
            sender.send_modify(|change| change.gone = true);
        }
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<JobKey, watch::Sender<Change>>> {
        // Nothing that changes the map can panic between two of its lines.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Changes {
    /// Waits for the next change; of those that came since the last call, the last.
    ///
    /// # Cancel safety
    /// A change is never lost by dropping this before it is ready.
    pub async fn next(&mut self) -> Change {
        if self.receiver.changed().await.is_err() {
            // The sender lives as long as this does; if it ever should not, there is nothing to wait for.
            std::future::pending::<()>().await;
        }
        self.receiver.borrow_and_update().clone()
    }
}

impl Drop for Changes {
    /// The last to leave takes the entry along: jobs that have ended must not pile up.
    fn drop(&mut self) {
        let mut watched = self.events.watched();
        if watched.get(&self.key).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_before_the_wait_is_not_missed_and_nothing_stays_behind() {
        let events = Arc::new(Events::default());
        let key = JobKey::new("t", "a");
        let (mut first, mut second) = (events.watch(&key), events.watch(&key));
        events.tell_gone(&JobKey::new("t", "b"));
        events.tell_gone(&key);
        events.tell_gone(&key);
        first.next().await;
        second.next().await;
        let again = tokio::time::timeout(std::time::Duration::from_millis(20), first.next()).await;
        assert!(again.is_err(), "two changes before a wait are one");
        drop(first);
        events.tell_gone(&key);
        second.next().await;
        drop(second);
        assert!(events.watched().is_empty());
    }
}
