//! `Idempotency-Key`: a request that is sent again makes no second job.
//!
//! The key is stored in the transaction that stores its job, so after a crash there are both or neither. A request
//! that was refused has no job and leaves its key free.

use super::record::JobKey;
use super::store::StoreError;
use redb::{TableDefinition, WriteTransaction};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::{Duration, OffsetDateTime};

/// (tenant, key) -> digest of the request, id of its job, Unix seconds of its acceptance.
const KEYS: TableDefinition<(&str, &str), (&[u8], &str, i64)> = TableDefinition::new("idempotency_keys");
/// (Unix seconds, tenant, key): what is oldest stands first.
const BY_AGE: TableDefinition<(i64, &str, &str), ()> = TableDefinition::new("idempotency_keys_by_age");

/// How long a key holds.
const KEPT: Duration = Duration::hours(24);

/// A key with the request it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The caller's own text.
    pub key: String,
    /// SHA-256 of the body.
    pub digest: [u8; 32],
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing, or nothing that still holds.
    New,
    /// The same request made this job.
    Job(JobKey),
    /// It stands for another request.
    Other,
}

/// The keys of requests under way. Clones share one set.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay {
    keys: Arc<Mutex<HashSet<(String, String)>>>,
}

/// A key's request is under way as long as this lives.
#[derive(Debug)]
pub(super) struct Turn {
    under_way: UnderWay,
    key: (String, String),
}

impl UnderWay {
    /// None where another request with the key is under way.
    pub(super) fn begin(&self, tenant: &str, key: &IdempotencyKey) -> Option<Turn> {
        let key = (tenant.to_owned(), key.key.clone());
        self.keys().insert(key.clone()).then(|| Turn { under_way: self.clone(), key })
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        // A set is whole between two of its methods.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.under_way.keys().remove(&self.key);
    }
}

/// Makes the tables where they are missing.
pub(super) fn open(within: &WriteTransaction) -> Result<(), StoreError> {
    within.open_table(KEYS)?;
    within.open_table(BY_AGE)?;
    Ok(())
}

/// What is known of the key at this time.
pub(super) fn look_up(
    within: &redb::ReadTransaction,
    tenant: &str,
    key: &IdempotencyKey,
    now: OffsetDateTime,
) -> Result<Known, StoreError> {
    let keys = within.open_table(KEYS)?;
    let Some(entry) = keys.get((tenant, &*key.key))? else { return Ok(Known::New) };
    let (digest, job, accepted) = entry.value();
    if accepted <= (now - KEPT).unix_timestamp() {
        return Ok(Known::New);
    }
    Ok(if digest == key.digest { Known::Job(JobKey::new(tenant, job)) } else { Known::Other })
}

/// Stores the key for its job, and drops those whose time is over.
pub(super) fn keep(
    within: &WriteTransaction,
    job: &JobKey,
    key: &IdempotencyKey,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let mut keys = within.open_table(KEYS)?;
    let mut by_age = within.open_table(BY_AGE)?;
    let over = (now - KEPT).unix_timestamp();
    // The first of the next second: all of this one are over.
    for entry in by_age.extract_from_if(..(over + 1, "", ""), |_, ()| true)? {
        let (age, ()) = entry.map(|(age, unit)| (age, unit.value()))?;
        let (_, tenant, old) = age.value();
        keys.remove((tenant, old))?;
    }
    let seconds = now.unix_timestamp();
    keys.insert((&*job.tenant, &*key.key), (key.digest.as_slice(), job.id.as_str(), seconds))?;
    by_age.insert((seconds, &*job.tenant, &*key.key), ())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::{Database, ReadableDatabase, ReadableTableMetadata};

    #[test]
    fn a_key_holds_for_a_day_and_is_then_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::create(dir.path().join("keys.redb")).unwrap();
        let accepted = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let key = |text: &str, byte| IdempotencyKey { key: text.into(), digest: [byte; 32] };
        let keep_at = |text: &str, job: &str, now| {
            let change = database.begin_write().unwrap();
            open(&change).unwrap();
            keep(&change, &JobKey::new("t", job), &key(text, 1), now).unwrap();
            change.commit().unwrap();
        };
        let known = |tenant: &str, key: &IdempotencyKey, now| {
            look_up(&database.begin_read().unwrap(), tenant, key, now).unwrap()
        };
        keep_at("a", "job_1", accepted);

        let later = accepted + Duration::hours(24) - Duration::seconds(1);
        assert_eq!(known("t", &key("a", 1), later), Known::Job(JobKey::new("t", "job_1")));
        assert_eq!(known("t", &key("a", 2), later), Known::Other);
        assert_eq!(known("u", &key("a", 1), later), Known::New, "keys are each tenant's own");
        let over = accepted + Duration::hours(24);
        assert_eq!(known("t", &key("a", 1), over), Known::New);

        keep_at("b", "job_2", over);
        let left = database.begin_read().unwrap();
        assert_eq!(left.open_table(KEYS).unwrap().len().unwrap(), 1);
        assert_eq!(left.open_table(BY_AGE).unwrap().len().unwrap(), 1);
        keep_at("a", "job_3", over);
        assert_eq!(known("t", &key("a", 1), over), Known::Job(JobKey::new("t", "job_3")));
    }

    #[test]
    fn one_request_with_a_key_is_under_way_at_a_time() {
        let under_way = UnderWay::default();
        let key = IdempotencyKey { key: "a".into(), digest: [0; 32] };
        let turn = under_way.begin("t", &key);
        assert!(turn.is_some());
        assert!(under_way.begin("t", &key).is_none());
        assert!(under_way.begin("u", &key).is_some());
        drop(turn);
        assert!(under_way.begin("t", &key).is_some());
    }
}
