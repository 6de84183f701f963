//! A job on the wire.

use crate::api::v1::result::{Guarantee, JobKind};
use crate::api::v1::spec::{
    AttributionSpec, BiasStudySpec, Constraints, Objective, OnStop, Optimizer, ResampleSpec, SmoothnessSpec,
    To, WarmStart,
};
use crate::jobs::record::{self, PhaseRecord, ProgressRecord};
use crate::jobs::selection::result::PlanReport;
use crate::jobs::spec;
use crate::jobs::state::State;
use crate::jobs::{JobView, Tracked};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A job: what was asked, how far it is, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    #[schema(example = "job_0192f0c1a2b37c4d8e5f6a7b8c9d0e1f")]
    pub id: String,
    /// What kind of work it is.
    pub kind: JobKind,
    /// Where it is.
    pub state: JobState,
    /// The request with every default filled in.
    pub spec: JobSpec,
    /// Id of the dataset it reads; null where it reads none: a draw reads a result.
    pub dataset: Option<String>,
    /// The owner's notes.
    pub labels: BTreeMap<String, String>,
    /// When it was accepted.
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
    /// How far it is; null before it first runs.
    pub progress: Option<JobProgress>,
    /// The result in a few numbers; null where there is none.
    pub result: Option<JobResult>,
    /// Why there is no result; null where nothing went wrong.
    pub error: Option<JobFailure>,
    /// How many jobs are before it; null unless it is queued.
    pub queue_position: Option<u64>,
}

/// Where a job is. Nothing leaves `succeeded`, `failed` and `cancelled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker and for memory.
    Queued,
    /// Computes.
    Running,
    /// Has asked for values: see its questions.
    AwaitingAnswers,
    /// Was told to stop.
    Cancelling,
    /// Ended with a result.
    Succeeded,
    /// Ended without.
    Failed,
    /// Was stopped by its owner.
    Cancelled,
}

/// A request with every default filled in, by the job's `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum JobSpec {
    /// Of a selection.
    Selection(Box<SelectionSpec>),
    /// Of a bias study.
    BiasStudy(BiasStudySpec),
    /// Of an estimate of smoothness.
    Smoothness(SmoothnessSpec),
    /// Of an attribution.
    Attribution(Box<AttributionSpec>),
    /// Of a draw.
    Resample(ResampleSpec),
}

/// The request of a selection with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SelectionSpec {
    /// The set function to maximise.
    pub objective: Objective,
    /// What an answer must keep to.
    pub constraints: Constraints,
    /// How to search.
    pub optimizer: Optimizer,
    /// An earlier answer to begin with.
    pub warm_start: Option<WarmStart>,
    /// Seed of every draw.
    pub seed: u64,
    /// Running seconds after which the job stops.
    pub deadline_seconds: Option<f64>,
    /// What a stopped job leaves.
    pub on_stop: OnStop,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobProgress {
    /// What it is at.
    pub phase: JobPhase,
    /// Units of the phase that are done.
    pub done: u64,
    /// Units of the phase in all.
    pub total: u64,
    /// The objective's value so far.
    pub objective_value: Option<f64>,
    /// Gains computed so far.
    pub evaluations: u64,
    /// Seconds until the phase ends, by its pace so far; null where there is none yet.
    pub eta_seconds: Option<f64>,
}

/// What a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobPhase {
    /// Reads its dataset.
    Loading,
    /// Computes stored similarities.
    Similarity,
    /// Chooses items.
    Selecting,
    /// Makes the repetitions of an experiment.
    Simulating,
}

/// A result in a few numbers, by the job's `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum JobResult {
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
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttributionSummary {
    /// Regions that have a place in the order.
    #[schema(example = 50)]
    pub ranked: u64,
    /// Area under the insertion curve; null where nothing is known.
    #[schema(example = 0.894)]
    pub insertion_auc: Option<f64>,
    /// Area under the deletion curve; null where nothing is known.
    #[schema(example = 0.104)]
    pub deletion_auc: Option<f64>,
    /// Whether the search ran to its end.
    pub complete: bool,
    /// Why it ended.
    #[schema(example = "all_ranked")]
    pub termination: String,
}

/// A draw in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SampleSummary {
    /// Items that were drawn.
    #[schema(example = 100)]
    pub drawn: u64,
    /// Items that they were drawn from.
    #[schema(example = 1000)]
    pub kept: u64,
}

/// An experiment in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ExperimentSummary {
    /// Repetitions that were made.
    #[schema(example = 40)]
    pub repetitions: u64,
    /// Whether it ran to its end.
    pub complete: bool,
    /// Why it ended: `all_repetitions`, `cancelled`, `deadline`.
    #[schema(example = "all_repetitions")]
    pub termination: String,
}

/// A selection in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SelectionSummary {
    /// Number of items chosen.
    #[schema(example = 50)]
    pub selected: u64,
    /// f of the chosen items.
    #[schema(example = 1712.4)]
    pub objective_value: f64,
    /// Whether the search ran to its end.
    pub complete: bool,
    /// Why it ended.
    #[schema(example = "budget_reached")]
    pub termination: String,
    /// `objective_value` over the measured bound of the best possible; null where the objective earns none.
    #[schema(example = 0.978)]
    pub certificate_ratio: Option<f64>,
}

/// Why a job did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobFailure {
    /// For programs: `deadline_exceeded`, `exchange_expired`, `worker_lost`, or a code of a problem.
    #[schema(example = "deadline_exceeded")]
    pub code: String,
    /// For people.
    pub detail: String,
}

/// What a job would take.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobPlan {
    /// Peak bytes.
    #[schema(example = 21_000_000)]
    pub memory_bytes: u64,
    /// Gains computed at most.
    pub evaluations: u64,
    /// Rounds of questions at most; null where nobody is asked, or the answers decide.
    pub rounds: Option<u64>,
    /// Floating-point operations, about.
    pub flops: f64,
    /// The optimizer that would run.
    #[schema(example = "lazy_greedy")]
    pub optimizer: String,
    /// How the similarities would be held.
    #[schema(example = "stored_f32")]
    pub plan: String,
    /// What would be promised.
    pub guarantee: Guarantee,
    /// Whether the service would accept it.
    pub admissible: bool,
    /// Why not, or a warning.
    pub reason: Option<String>,
}

/// A job that has ended, or, with `validate_only`, what it would take.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum JobOrPlan {
    /// The job.
    Job(Box<Job>),
    /// The plan.
    Plan(JobPlan),
}

impl From<PlanReport> for JobPlan {
    fn from(report: PlanReport) -> Self {
        let PlanReport {
            memory_bytes,
            evaluations,
            rounds,
            flops,
            optimizer,
            plan,
            guarantee,
            admissible,
            reason,
        } = report;
        Self {
            memory_bytes,
            evaluations,
            rounds,
            flops,
            optimizer,
            plan,
            guarantee: guarantee.into(),
            admissible,
            reason,
        }
    }
}

impl From<JobView> for Job {
    fn from(view: JobView) -> Self {
        let JobView { record, tracked, queue_position } = view;
        let (kind, spec) = match record.spec {
            record::JobSpec::Selection(spec) => {
                (JobKind::Selection, JobSpec::Selection(Box::new((*spec).into())))
            }
            record::JobSpec::BiasStudy(spec) => (JobKind::BiasStudy, JobSpec::BiasStudy(spec.into())),
            record::JobSpec::Smoothness(spec) => (JobKind::Smoothness, JobSpec::Smoothness(spec.into())),
            record::JobSpec::Attribution(spec) => {
                (JobKind::Attribution, JobSpec::Attribution(Box::new((*spec).into())))
            }
            record::JobSpec::Resample(spec) => (JobKind::Resample, JobSpec::Resample(spec.to())),
        };
        Self {
            id: record.id.to_string(),
            kind,
            state: record.state.into(),
            spec,
            dataset: record.dataset,
            labels: record.labels,
            created_at: record.created_at,
            started_at: record.started_at,
            finished_at: record.finished_at,
            attempt: record.attempt,
            progress: tracked.map(JobProgress::from).or_else(|| record.progress.map(JobProgress::from)),
            result: record.result.map(JobResult::from),
            error: record.failure.map(|record::Failure { code, detail }| JobFailure { code, detail }),
            queue_position: queue_position.map(|position| position as u64),
        }
    }
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Running => Self::Running,
            State::AwaitingAnswers => Self::AwaitingAnswers,
            State::Cancelling => Self::Cancelling,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<JobState> for State {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Running => Self::Running,
            JobState::AwaitingAnswers => Self::AwaitingAnswers,
            JobState::Cancelling => Self::Cancelling,
            JobState::Succeeded => Self::Succeeded,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<spec::SelectionSpec> for SelectionSpec {
    fn from(spec: spec::SelectionSpec) -> Self {
        Self {
            objective: spec.objective.to(),
            constraints: spec.constraints.to(),
            optimizer: spec.optimizer.to(),
            warm_start: spec.warm_start.to(),
            seed: spec.seed,
            deadline_seconds: spec.deadline_seconds,
            on_stop: spec.on_stop.to(),
        }
    }
}

impl From<Tracked> for JobProgress {
    fn from(tracked: Tracked) -> Self {
        let Tracked { progress, phase_began } = tracked;
        let left = progress.total.saturating_sub(progress.done);
        let eta_seconds = (progress.done > 0)
            .then(|| phase_began.elapsed().as_secs_f64() / progress.done as f64 * left as f64);
        Self { eta_seconds, ..progress.into() }
    }
}

impl From<ProgressRecord> for JobProgress {
    fn from(progress: ProgressRecord) -> Self {
        let ProgressRecord { phase, done, total, objective_value, evaluations } = progress;
        let phase = match phase {
            PhaseRecord::Loading => JobPhase::Loading,
            PhaseRecord::Similarity => JobPhase::Similarity,
            PhaseRecord::Selecting => JobPhase::Selecting,
            PhaseRecord::Simulating => JobPhase::Simulating,
        };
        Self { phase, done, total, objective_value, evaluations, eta_seconds: None }
    }
}

impl From<record::ResultSummary> for JobResult {
    fn from(summary: record::ResultSummary) -> Self {
        match summary {
            record::ResultSummary::Selection(summary) => {
                let record::SelectionSummary {
                    selected,
                    objective_value,
                    complete,
                    termination,
                    certificate_ratio,
                } = summary;
                Self::Selection(SelectionSummary {
                    selected,
                    objective_value,
                    complete,
                    termination,
                    certificate_ratio,
                })
            }
            record::ResultSummary::Experiment(summary) => {
                let record::ExperimentSummary { repetitions, complete, termination } = summary;
                Self::Experiment(ExperimentSummary { repetitions, complete, termination })
            }
            record::ResultSummary::Attribution(summary) => {
                let record::AttributionSummary { ranked, insertion_auc, deletion_auc, complete, termination } =
                    summary;
                Self::Attribution(AttributionSummary {
                    ranked,
                    insertion_auc,
                    deletion_auc,
                    complete,
                    termination,
                })
            }
            record::ResultSummary::Sample(record::SampleSummary { drawn, kept }) => {
                Self::Sample(SampleSummary { drawn, kept })
            }
        }
    }
}
