//! Lists of jobs: a page of the newest that pass a filter, at a bounded cost.

use super::{AFTER_EVERY_ID, JOBS, JobStore, StoreError, decode, readable};
use crate::jobs::record::JobRecord;
use crate::jobs::state::State;
use redb::ReadableDatabase;
use std::collections::BTreeMap;

/// What one page of a list looks at, and what it holds: a request can be a megabyte, and so can a record.
const MOST_LOOKED_AT: usize = 10_000;
const MOST_BYTES_READ: usize = 64 << 20;
const MOST_BYTES_KEPT: usize = 4 << 20;

/// Which jobs a list has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// In one of these states; any where there is none.
    pub states: Vec<State>,
    /// With this label, and where there is one, this value of it.
    pub label: Option<(String, Option<String>)>,
}

impl Filter {
    /// Reads no more of a record than it has to. One that cannot be read passes, and is told of by whoever reads it.
    fn passes(&self, record: &[u8]) -> bool {
        #[derive(serde::Deserialize)]
        struct Glance {
            state: State,
            labels: BTreeMap<String, String>,
        }
        if *self == Self::default() {
            return true;
        }
        let Ok(Glance { state, labels }) = serde_json::from_slice(record) else { return true };
        let in_state = self.states.is_empty() || self.states.contains(&state);
        let labelled = self.label.as_ref().is_none_or(|(name, wanted)| {
            labels.get(name).is_some_and(|value| wanted.as_ref().is_none_or(|wanted| wanted == value))
        });
        in_state && labelled
    }
}

impl JobStore {
    /// At most `limit` jobs of one tenant, newest first, of those older than `before` that pass the filter; and the
    /// id to go on before, where there may be more. What a page looks at and what it holds is bounded, so that a filter
    /// that few pass costs no more than another: a page may be short, even empty, and not the last. Records that cannot
    /// be read are left out.
    ///
    /// # Errors
    /// The store's own.
    pub fn list(
        &self,
        tenant: &str,
        limit: usize,
        before: Option<&str>,
        filter: &Filter,
    ) -> Result<(Vec<JobRecord>, Option<String>), StoreError> {
        let jobs = self.database.begin_read()?.open_table(JOBS)?;
        let range = jobs.range((tenant, "")..(tenant, before.unwrap_or(AFTER_EVERY_ID)))?;
        let mut records = Vec::new();
        let mut last = None;
        let (mut bytes_read, mut bytes_kept) = (0, 0);
        for (looked_at, entry) in range.rev().enumerate() {
            let full = records.len() == limit || bytes_kept >= MOST_BYTES_KEPT;
            if full || looked_at == MOST_LOOKED_AT || bytes_read >= MOST_BYTES_READ {
                return Ok((records, last));
            }
            let (key, bytes) = entry?;
            let (id, bytes) = (key.value().1, bytes.value());
            last = Some(id.to_owned());
            bytes_read += bytes.len();
            if filter.passes(bytes) {
                bytes_kept += bytes.len();
                records.extend(readable(id, decode(bytes)));
            }
        }
        Ok((records, None))
    }
}
