//! The stored form of a job.

use super::attribution::result::AttributionResult;
use super::experiment::result::{BiasStudyResult, SmoothnessResult};
use super::outcome::JobResult;
use super::selection::result::PlanReport;
use super::spec::{
    AttributionSpec, BiasStudySpec, EvaluatorSpec, ObjectiveSpec, OnStop, ResampleSpec, SelectionSpec,
    SmoothnessSpec,
};
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
    Selection(Box<SelectionSpec>),
    /// Compare committees chosen from biased rankings.
    BiasStudy(BiasStudySpec),
    /// Estimate what biased rankings still tell.
    Smoothness(SmoothnessSpec),
    /// Explain a model's answer.
    Attribution(Box<AttributionSpec>),
    /// Draw from what a selection kept.
    Resample(ResampleSpec),
}

impl JobSpec {
    /// Its name on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            JobSpec::Selection(_) => "selection",
            JobSpec::BiasStudy(_) => "bias_study",
            JobSpec::Smoothness(_) => "smoothness",
            JobSpec::Attribution(_) => "attribution",
            JobSpec::Resample(_) => "resample",
        }
    }

    /// Running seconds after which it stops.
    pub fn deadline_seconds(&self) -> Option<f64> {
        match self {
            JobSpec::Selection(spec) => spec.deadline_seconds,
            JobSpec::BiasStudy(BiasStudySpec { run, .. })
            | JobSpec::Smoothness(SmoothnessSpec { run, .. }) => run.deadline_seconds,
            JobSpec::Attribution(spec) => spec.run.deadline_seconds,
            JobSpec::Resample(_) => None,
        }
    }

    /// What a stopped one leaves.
    pub fn on_stop(&self) -> OnStop {
        match self {
            JobSpec::Selection(spec) => spec.on_stop,
            JobSpec::BiasStudy(BiasStudySpec { run, .. })
            | JobSpec::Smoothness(SmoothnessSpec { run, .. }) => run.on_stop,
            JobSpec::Attribution(spec) => spec.run.on_stop,
            JobSpec::Resample(_) => OnStop::Fail,
        }
    }

    /// The dataset of the rankings that an experiment begins with, where they are of one.
    pub fn latent_dataset(&self) -> Option<&str> {
        match self {
            JobSpec::Selection(_) | JobSpec::Attribution(_) | JobSpec::Resample(_) => None,
            JobSpec::BiasStudy(BiasStudySpec { latent, .. })
            | JobSpec::Smoothness(SmoothnessSpec { latent, .. }) => latent.dataset(),
        }
    }

    /// The datasets that it names.
    fn datasets(&self) -> Vec<&str> {
        match self {
            JobSpec::Selection(spec) => spec.objective.datasets(),
            JobSpec::BiasStudy(spec) => spec.latent.dataset().into_iter().collect(),
            JobSpec::Smoothness(spec) => spec.datasets().collect(),
            // The gains are in the job's result: its dataset may be gone.
            JobSpec::Resample(_) => vec![],
            JobSpec::Attribution(_) => vec![],
        }
    }

    /// Most sets of a round of questions, and the seconds that it waits for its answers; none where nobody is asked.
    pub fn patience(&self) -> Option<(u64, f64)> {
        match self {
            JobSpec::Selection(spec) => {
                let ObjectiveSpec::External { max_sets_per_round, idle_expires_seconds, .. } = spec.objective
                else {
                    return None;
                };
                Some((max_sets_per_round, idle_expires_seconds))
            }
            JobSpec::Attribution(spec) => match spec.evaluator {
                EvaluatorSpec::Answers { max_sets_per_round, idle_expires_seconds } => {
                    Some((max_sets_per_round, idle_expires_seconds))
                }
                EvaluatorSpec::Table { .. } => None,
            },
            JobSpec::BiasStudy(_) | JobSpec::Smoothness(_) | JobSpec::Resample(_) => None,
        }
    }
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
    /// Id of the dataset it reads; none where an experiment draws its own rankings.
    pub dataset: Option<String>,
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
    /// How often the service has died while it ran, since its owner last answered.
    #[serde(default)]
    pub deaths: u32,
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
    /// Makes the repetitions of an experiment.
    Simulating,
}

/// A result in a few numbers. Told apart by their fields: those of selections were the first to be stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ResultSummary {
    /// Of a selection.
    Selection(SelectionSummary),
    /// Of an experiment.
    Experiment(ExperimentSummary),
    /// Of an attribution.
    Attribution(AttributionSummary),
    /// Of a draw.
    Sample(SampleSummary),
}

/// An attribution in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributionSummary {
    /// Regions that have a place in the order.
    pub ranked: u64,
    /// Area under the insertion curve, where there is one.
    pub insertion_auc: Option<f64>,
    /// Area under the deletion curve, where there is one.
    pub deletion_auc: Option<f64>,
    /// Whether the search ran to its end.
    pub complete: bool,
    /// Why it ended.
    pub termination: String,
}

/// A draw in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleSummary {
    /// Items that were drawn.
    pub drawn: u64,
    /// Items that they were drawn from.
    pub kept: u64,
}

/// An experiment in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentSummary {
    /// Repetitions that were made.
    pub repetitions: u64,
    /// Whether it ran to its end.
    pub complete: bool,
    /// Why it ended.
    pub termination: String,
}

/// A selection in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectionSummary {
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

impl ResultSummary {
    /// Items that were chosen or drawn; others have none.
    pub fn selected(&self) -> u64 {
        match self {
            Self::Selection(summary) => summary.selected,
            Self::Sample(summary) => summary.drawn,
            Self::Experiment(_) | Self::Attribution(_) => 0,
        }
    }
}

impl From<&JobResult> for ResultSummary {
    fn from(result: &JobResult) -> Self {
        match result {
            JobResult::Selection(result) => Self::Selection(SelectionSummary {
                selected: result.indices.len() as u64,
                objective_value: result.objective_value,
                complete: result.complete,
                termination: result.termination.clone(),
                certificate_ratio: result.certificate.as_ref().map(|certificate| certificate.ratio),
            }),
            JobResult::BiasStudy(BiasStudyResult { ran, .. })
            | JobResult::Smoothness(SmoothnessResult { ran, .. }) => Self::Experiment(ExperimentSummary {
                repetitions: ran.repetitions,
                complete: ran.complete,
                termination: ran.termination.clone(),
            }),
            JobResult::Attribution(result) => {
                let AttributionResult { explained, complete, termination, .. } = &**result;
                Self::Attribution(AttributionSummary {
                    ranked: explained.ranking.len() as u64,
                    insertion_auc: explained.insertion_auc,
                    deletion_auc: explained.deletion_auc,
                    complete: *complete,
                    termination: termination.clone(),
                })
            }
            JobResult::Resample(result) => Self::Sample(SampleSummary {
                drawn: result.indices.len() as u64,
                kept: result.parts.iter().map(|part| part.kept).sum(),
            }),
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
        dataset: Option<String>,
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
            deaths: 0,
            progress: None,
            result: None,
            failure: None,
        }
    }

    /// The datasets it reads: its own, then the others that its spec names.
    pub fn datasets(&self) -> impl Iterator<Item = &str> {
        let own = self.dataset.as_deref();
        let mut others = self.spec.datasets();
        others.sort_unstable();
        others.dedup();
        others.retain(|id| Some(*id) != own);
        own.into_iter().chain(others)
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
