//! The stored form of a job.

use super::selection::result::{PlanReport, SelectionResult};
use super::spec::SelectionSpec;
use super::state::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use time::OffsetDateTime;
use uuid::Uuid;

/// The version that [`JobRecord::version`] has now.
pub const RECORD_VERSION: u32 = 1;

/// `job_` and a time-ordered UUID: a later job has the greater id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

impl JobId {
    /// The id of a new job.
    pub fn new() -> Self {
        Self(format!("job_{}", Uuid::now_v7().simple()))
    }

    /// As on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for JobId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of work a job is, and its request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobSpec {
    /// Choose items.
    Selection(SelectionSpec),
}

/// One job of one tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// [`RECORD_VERSION`] of the release that wrote it.
    pub version: u32,
    /// Whose job this is.
    pub tenant: String,
    /// Its id.
    pub id: JobId,
    /// Where it is.
    pub state: State,
    /// What was asked for.
    pub spec: JobSpec,
    /// Id of the dataset it reads.
    pub dataset: String,
    /// The owner's notes.
    pub labels: BTreeMap<String, String>,
    /// The request that it came by, for the log.
    #[serde(default)]
    pub request_id: Option<String>,
    /// What it was estimated to take when it was accepted.
    pub plan: PlanReport,
    /// When it was accepted, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it first began to run.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// Which try this is, from 1: a crash of the service begins the next.
    pub attempt: u32,
    /// How far it was when it last stopped; of a running job, its worker knows better.
    pub progress: Option<ProgressRecord>,
    /// The result in a few numbers, where there is one.
    pub result: Option<ResultSummary>,
    /// Why there is none, or why it is not whole.
    pub failure: Option<Failure>,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgressRecord {
    /// What it is at.
    pub phase: PhaseRecord,
    /// Units of the phase that are done.
    pub done: u64,
    /// Units of the phase in all.
    pub total: u64,
    /// The objective's value so far.
    pub objective_value: Option<f64>,
    /// Gains computed so far.
    pub evaluations: u64,
}

/// What a running job is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseRecord {
    /// Reads its dataset.
    Loading,
    /// Computes stored similarities.
    Similarity,
    /// Chooses items.
    Selecting,
}

/// A result in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultSummary {
    /// Number of items chosen.
    pub selected: u64,
    /// f of the chosen items.
    pub objective_value: f64,
    /// Whether the search ran to its end.
    pub complete: bool,
    /// Why it ended.
    pub termination: String,
    /// `objective_value` over the measured bound of the optimum.
    pub certificate_ratio: Option<f64>,
}

impl From<&SelectionResult> for ResultSummary {
    fn from(result: &SelectionResult) -> Self {
        Self {
            selected: result.indices.len() as u64,
            objective_value: result.objective_value,
            complete: result.complete,
            termination: result.termination.clone(),
            certificate_ratio: result.certificate.as_ref().map(|certificate| certificate.ratio),
        }
    }
}

/// Why a job did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: String,
}

impl Failure {
    /// A failure with its code and what happened.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into() }
    }
}

impl JobRecord {
    /// A job that has just been accepted.
    pub fn new(
        tenant: &str,
        spec: JobSpec,
        dataset: String,
        labels: BTreeMap<String, String>,
        plan: PlanReport,
    ) -> Self {
        Self {
            version: RECORD_VERSION,
            tenant: tenant.into(),
            id: JobId::new(),
            state: State::Queued,
            spec,
            dataset,
            labels,
            request_id: None,
            plan,
            created_at: OffsetDateTime::now_utc(),
            started_at: None,
            finished_at: None,
            attempt: 1,
            progress: None,
            result: None,
            failure: None,
        }
    }

    /// The datasets it reads: its own, then the others that its objective names.
    pub fn datasets(&self) -> impl Iterator<Item = &str> {
        let JobSpec::Selection(SelectionSpec { objective, .. }) = &self.spec;
        let mut others = objective.datasets();
        others.sort_unstable();
        others.dedup();
        others.retain(|id| *id != self.dataset);
        std::iter::once(self.dataset.as_str()).chain(others)
    }

    /// Where to find it.
    pub fn key(&self) -> JobKey {
        JobKey { tenant: self.tenant.clone(), id: self.id.clone() }
    }
}

/// Tenant and id: one tenant never sees another's jobs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobKey {
    /// Whose job.
    pub tenant: String,
    /// Which.
    pub id: JobId,
}

impl JobKey {
    /// The key of an id that came from outside; it may name no job.
    pub fn new(tenant: &str, id: &str) -> Self {
        Self { tenant: tenant.into(), id: JobId(id.into()) }
    }
}
