//! What is removed without being asked for: results and datasets that are old, or too many.

use super::service::{OpenError, Shared};
use super::store::{JobStore, StoreError};
use super::worker;
use crate::dataset::DatasetUse;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// How long, and how much, is kept; none: for ever, and all of it. What a live job needs is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Retention {
    /// Age of a result after which it goes.
    pub result_age: Option<Duration>,
    /// Bytes of all results together; the oldest go first.
    pub result_bytes: Option<u64>,
    /// Time after which a dataset goes that was not stored again, and needed by no job.
    pub dataset_age: Option<Duration>,
    /// Bytes of all dataset files together; those that were not needed for longest go first.
    pub dataset_bytes: Option<u64>,
}

/// What a sweep has removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Results.
    pub results: u64,
    /// Datasets.
    pub datasets: u64,
    /// Whether something stays only because it is too young to go.
    pub spared: bool,
}

/// Time between two sweeps when nothing happens.
const PERIOD: Duration = Duration::from_secs(60);

/// Time between two sweeps when much happens; and the age below which nothing has to make room for others, so that
/// whoever stored it can use it.
const GRACE: Duration = Duration::from_secs(2);

/// How long it is known of a dataset that there was one.
const TOMBSTONES: Duration = Duration::from_secs(30 * 24 * 3600);

/// One thing that may be removed.
struct Entry<K> {
    key: K,
    /// Since when it counts, in nanoseconds since 1970.
    since: i128,
    bytes: u64,
    /// Somebody needs it.
    held: bool,
}

/// Several entries that lie in one file; most files have one.
struct File<K> {
    entries: Vec<Entry<K>>,
    newest: i128,
    bytes: u64,
    held: bool,
}

/// Removes what has to go at `now`, each in a transaction of its own, as long as `goes_on`. What cannot be removed is
/// logged and stays. O(results + datasets).
pub(super) fn sweep(
    shared: &Shared,
    policy: &Retention,
    now: OffsetDateTime,
    goes_on: &dyn Fn() -> bool,
) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    let at = now.unix_timestamp_nanos();
    if policy.result_age.is_some() || policy.result_bytes.is_some() {
        let entries = shared.store.kept()?.into_iter().map(|kept| {
            let content = kept.key.clone();
            (content, Entry { key: kept.key, since: kept.stored, bytes: kept.bytes, held: false })
        });
        let surplus = surplus(entries, at, policy.result_age, policy.result_bytes, &mut swept.spared);
        for key in surplus.iter().take_while(|_| goes_on()) {
            swept.results += u64::from(removed(&key.id, shared.store.expire(key)));
        }
    }
    if policy.dataset_age.is_some() || policy.dataset_bytes.is_some() {
        let needed = shared.store.needed_datasets()?;
        let entries = shared.datasets.uses()?.into_iter().map(|seen| {
            let held = needed.contains(&(seen.tenant.clone(), seen.id.clone()));
            let (content, since, bytes) = (seen.digest.clone(), seen.last_needed, seen.bytes);
            (content, Entry { key: seen, since, bytes, held })
        });
        let surplus = surplus(entries, at, policy.dataset_age, policy.dataset_bytes, &mut swept.spared);
        for seen in surplus.iter().take_while(|_| goes_on()) {
            let DatasetUse { tenant, id, .. } = seen;
            let result = shared.datasets.expire(seen, now, |within| JobStore::user_of(within, tenant, id));
            swept.datasets += u64::from(removed(id, result));
        }
        shared.datasets.forget_expired(now - TOMBSTONES)?;
    }
    Ok(swept)
}

fn removed<E: std::fmt::Display>(what: &impl std::fmt::Display, result: Result<bool, E>) -> bool {
    match result {
        Ok(removed) => removed,
        Err(error) => {
            tracing::warn!(%what, %error, "not removed by retention");
            false
        }
    }
}

/// The keys of what has to go. First what is older than `age`; then, while the files together have more bytes than
/// `limit`, those whose newest entry is the oldest, with all their entries: less would free nothing. The newest file
/// always stays, and so does what is younger than [`GRACE`], which sets `spared`.
fn surplus<C: Eq + std::hash::Hash, K>(
    entries: impl Iterator<Item = (C, Entry<K>)>,
    now: i128,
    age: Option<Duration>,
    limit: Option<u64>,
    spared: &mut bool,
) -> Vec<K> {
    let older = |since: i128, age: Duration| now.saturating_sub(since) >= nanoseconds(age);
    let (mut gone, mut files) = (Vec::new(), HashMap::<C, File<K>>::new());
    for (content, entry) in entries {
        if !entry.held && age.is_some_and(|age| older(entry.since, age)) {
            gone.push(entry.key);
            continue;
        }
        let empty = || File { entries: Vec::new(), newest: i128::MIN, bytes: entry.bytes, held: false };
        let file = files.entry(content).or_insert_with(empty);
        file.newest = file.newest.max(entry.since);
        file.held |= entry.held;
        file.entries.push(entry);
    }
    let Some(limit) = limit else { return gone };
    let mut files: Vec<File<K>> = files.into_values().collect();
    files.sort_by_key(|file| file.newest);
    let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
    files.pop();
    for file in files.into_iter().filter(|file| !file.held) {
        if bytes <= limit {
            break;
        }
        if !older(file.newest, GRACE) {
            *spared = true;
            break;
        }
        bytes -= file.bytes;
        gone.extend(file.entries.into_iter().map(|entry| entry.key));
    }
    gone
}

fn nanoseconds(age: Duration) -> i128 {
    i128::try_from(age.as_nanos()).unwrap_or(i128::MAX)
}

/// How the thread that sweeps is told.
#[derive(Debug, Default)]
pub(super) struct Signal {
    state: Mutex<SignalState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct SignalState {
    wanted: bool,
    ends: bool,
    ended: bool,
}

impl Signal {
    fn state(&self) -> MutexGuard<'_, SignalState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut SignalState)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Something was stored: there may be too much now.
    pub(super) fn wake(&self) {
        self.set(|state| state.wanted = true);
    }

    /// No more sweeps; one under way ends after what it is at.
    pub(super) fn end(&self) {
        self.set(|state| state.ends = true);
    }

    /// Waits until `until` holds, at most `patience`, and gives whether it does.
    fn wait(&self, patience: Duration, until: impl Fn(&SignalState) -> bool) -> bool {
        let state = self.state();
        let waited = self.changed.wait_timeout_while(state, patience, |state| !until(state));
        until(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// The thread that sweeps.
pub(super) struct Sweeper {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Sweeper {
    /// Sweeps at once, then about once a minute, and soon after something was stored where bytes are limited. No
    /// thread is needed where everything is kept.
    pub(super) fn start(shared: &Arc<Shared>, policy: Retention) -> Result<Option<Self>, OpenError> {
        if policy == Retention::default() {
            return Ok(None);
        }
        let swept = Arc::clone(shared);
        let thread = Builder::new().name("fewer-retention".into()).spawn(move || {
            worker::step_back();
            keep_sweeping(&swept, &policy);
            swept.sweeps.set(|state| state.ended = true);
        })?;
        Ok(Some(Self { shared: Arc::clone(shared), thread }))
    }

    /// Ends the thread, if it does so in time, and gives whether it did. A write may have to wait for the disk.
    pub(super) fn stop(self, patience: Duration) -> bool {
        self.shared.sweeps.end();
        let ended = self.shared.sweeps.wait(patience, |state| state.ended);
        if ended && self.thread.join().is_err() {
            tracing::error!("the thread of retention panicked");
        }
        ended
    }
}

fn keep_sweeping(shared: &Shared, policy: &Retention) {
    let signal = &shared.sweeps;
    let limits_bytes = policy.result_bytes.is_some() || policy.dataset_bytes.is_some();
    loop {
        signal.set(|state| state.wanted = false);
        let started = Instant::now();
        let now = OffsetDateTime::now_utc();
        let spared = match sweep(shared, policy, now, &|| !signal.state().ends) {
            Ok(swept) => {
                if swept.results + swept.datasets > 0 {
                    let seconds = started.elapsed().as_secs_f64();
                    tracing::info!(
                        results = swept.results,
                        datasets = swept.datasets,
                        seconds,
                        "removed by retention"
                    );
                }
                swept.spared
            }
            Err(error) => {
                tracing::error!(%error, "the sweep of retention failed and is tried again later");
                false
            }
        };
        if signal.wait(GRACE, |state| state.ends) {
            return;
        }
        let period = if spared { Duration::ZERO } else { PERIOD };
        signal.wait(period, |state| state.ends || (limits_bytes && state.wanted));
        if signal.state().ends {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i128 = 1_000_000_000;
    const NOW: i128 = 1_000 * SECOND;

    /// (name, file, seconds of age, bytes, held) -> the names that go, and whether something was spared.
    fn gone(
        entries: &[(&'static str, &'static str, i128, u64, bool)],
        age: Option<u64>,
        limit: Option<u64>,
    ) -> (Vec<&'static str>, bool) {
        let entries = entries.iter().map(|&(key, file, seconds, bytes, held)| {
            (file, Entry { key, since: NOW - seconds * SECOND, bytes, held })
        });
        let mut spared = false;
        let mut gone = surplus(entries, NOW, age.map(Duration::from_secs), limit, &mut spared);
        gone.sort_unstable();
        (gone, spared)
    }

    #[test]
    fn by_age_goes_what_is_old_and_not_held() {
        let entries = [("a", "1", 100, 5, false), ("b", "2", 100, 5, true), ("c", "3", 99, 5, false)];
        assert_eq!(gone(&entries, Some(100), None), (vec!["a"], false));
        assert_eq!(gone(&entries, None, None), (vec![], false));
    }

    #[test]
    fn by_bytes_the_oldest_go_until_the_rest_fits() {
        let entries = [("a", "1", 9, 5, false), ("b", "2", 40, 5, false), ("c", "3", 30, 5, false)];
        assert_eq!(gone(&entries, None, Some(15)), (vec![], false));
        assert_eq!(gone(&entries, None, Some(14)), (vec!["b"], false));
        assert_eq!(gone(&entries, None, Some(5)), (vec!["b", "c"], false));
        assert_eq!(gone(&entries, None, Some(0)), (vec!["b", "c"], false), "the newest stays");
        assert_eq!(gone(&entries, Some(40), Some(10)), (vec!["b"], false), "age has made the room");
    }

    #[test]
    fn a_file_counts_once_and_goes_with_all_its_entries_or_not_at_all() {
        let entries = [
            ("a", "1", 50, 5, false),
            ("b", "1", 10, 5, false),
            ("c", "2", 40, 5, false),
            ("d", "3", 5, 5, false),
        ];
        assert_eq!(gone(&entries, None, Some(15)), (vec![], false));
        assert_eq!(gone(&entries, None, Some(10)), (vec!["c"], false), "file 1 was needed after file 2");
        assert_eq!(gone(&entries, None, Some(5)), (vec!["a", "b", "c"], false));
        let held = [("a", "1", 50, 5, false), ("b", "1", 60, 5, true), ("c", "2", 40, 5, false), entries[3]];
        assert_eq!(gone(&held, None, Some(5)), (vec!["c"], false), "what is held counts and stays");
    }

    #[test]
    fn what_is_young_makes_no_room_yet() {
        let entries = [("a", "1", 50, 5, false), ("b", "2", 1, 5, false), ("c", "3", 0, 5, false)];
        assert_eq!(gone(&entries, None, Some(5)), (vec!["a"], true));
        assert_eq!(gone(&entries, Some(1), Some(5)), (vec!["a", "b"], false), "age is as it was asked for");
    }
}
