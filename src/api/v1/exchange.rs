//! `/v1/jobs/{id}/questions` and `/answers`: the caller holds the model.

use super::TENANT;
use super::jobs::JobState;
use crate::api::app::{App, blocking};
use crate::api::codes::Code;
use crate::api::extract::{Path, Query, json_body};
use crate::api::json;
use crate::api::problem::Problem;
use crate::jobs::record::{JobKey, JobSpec};
use crate::jobs::{Answered, Round, Sent};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use submodular::attribution::{Evaluation, Output, Scores};
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};
use utoipa::{IntoParams, ToSchema};

/// How long to wait for questions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct QuestionsQuery {
    /// Seconds to wait for a round, while the job computes; the service's own limit is `limits.wait_seconds`.
    #[serde(default)]
    #[param(minimum = 0, default = 0, example = 30)]
    wait: u64,
}

/// Sets whose values a job needs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Questions {
    /// The round, to be sent back with the answers.
    #[schema(example = 3)]
    pub round: u64,
    /// The sets, each in ascending order; one may be empty. Answers come in this order.
    #[schema(example = json!([[], [0], [4]]))]
    pub sets: Vec<Vec<u32>>,
    /// Whether each set's complement is asked for too.
    pub complements: bool,
    /// What asks.
    pub of: Asking,
    /// Classes of a model's answers; null where answers are numbers.
    pub classes: Option<u64>,
    /// When the job is stopped unless this round has been answered.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// What asks: it says what answers look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asking {
    /// An `external` objective, for values.
    External,
    /// An attribution, for what a model says of an input.
    Attribution,
}

/// Answers to a round, by what asks.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Answers {
    /// Of an `external` objective.
    Values(ValueAnswers),
    /// Of an attribution.
    Evaluations(EvaluationAnswers),
}

/// Values of the sets of a round.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueAnswers {
    /// Which round.
    #[schema(minimum = 1, example = 3)]
    pub round: u64,
    /// f of each set, in the order of `sets`: values, never gains.
    #[schema(example = json!([0.0, 0.25, 0.75]))]
    pub answers: Vec<f64>,
}

/// What a model says of the sets of a round.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationAnswers {
    /// Which round.
    #[schema(minimum = 1, example = 3)]
    pub round: u64,
    /// One answer a set, in the order of `sets`.
    pub answers: Vec<EvaluationAnswer>,
}

/// What a model says of the input with one set of regions shown, and with all others shown.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationAnswer {
    /// The probability of every class with the set shown: from 0 to 1, with a sum of 1 within 0.001. Or give `p_target`.
    #[serde(default)]
    #[schema(example = json!([0.1, 0.9]))]
    pub probs: Option<Vec<f64>>,
    /// The target's probability alone: where a target is given and confidence is not from the entropy.
    #[serde(default)]
    pub p_target: Option<f64>,
    /// Outputs of the evidential model, one a class: where confidence is evidential.
    #[serde(default)]
    pub evidence: Option<Vec<f64>>,
    /// How sure the model is, from 0 to 1: where confidence is given.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// The same with the complement shown: all regions but those of the set.
    pub complement: ComplementAnswer,
}

/// What a model says of the input with the complement of a set shown.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComplementAnswer {
    /// The probability of every class. Or give `p_target`.
    #[serde(default)]
    #[schema(example = json!([0.6, 0.4]))]
    pub probs: Option<Vec<f64>>,
    /// The target's probability alone.
    #[serde(default)]
    pub p_target: Option<f64>,
    /// Outputs of the evidential model; may be left out here.
    #[serde(default)]
    pub evidence: Option<Vec<f64>>,
    /// How sure the model is; may be left out here.
    #[serde(default)]
    pub confidence: Option<f64>,
}

/// What became of answers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AnswersTaken {
    /// Where the job is now.
    pub state: JobState,
    /// The round that was answered.
    pub round: u64,
}

impl Questions {
    fn new(spec: &JobSpec, Round { round, sets, expires_at, .. }: Round) -> Self {
        let (of, classes) = match spec {
            JobSpec::Attribution(spec) => (Asking::Attribution, spec.classes),
            JobSpec::Selection(_) | JobSpec::BiasStudy(_) | JobSpec::Smoothness(_) | JobSpec::Resample(_) => {
                (Asking::External, None)
            }
        };
        Self { round, sets, complements: of == Asking::Attribution, of, classes, expires_at }
    }
}

impl Answers {
    /// Reads a body as what the job asks for: its round, and the answers.
    fn read(body: &[u8], spec: &JobSpec) -> Result<(u64, Sent), Problem> {
        match spec {
            JobSpec::Attribution(_) => {
                let EvaluationAnswers { round, answers } = json::read(body)?;
                let read = |(at, answer): (usize, EvaluationAnswer)| answer.read(&format!("/answers/{at}"));
                let evaluations = answers.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
                Ok((round, Sent::Evaluations(evaluations)))
            }
            JobSpec::Selection(_) | JobSpec::BiasStudy(_) | JobSpec::Smoothness(_) | JobSpec::Resample(_) => {
                let ValueAnswers { round, answers } = json::read(body)?;
                if let Some(at) = answers.iter().position(|answer| !answer.is_finite()) {
                    let detail = format!("{}, expected a finite number", answers[at]);
                    return Err(Problem::at(Code::InvalidParameter, format!("/answers/{at}"), detail));
                }
                Ok((round, Sent::Values(answers)))
            }
        }
    }
}

impl EvaluationAnswer {
    fn read(self, at: &str) -> Result<Evaluation, Problem> {
        let Self { probs, p_target, evidence, confidence, complement } = self;
        let shown = Output { scores: scores(probs, p_target, at)?, evidence, confidence };
        let ComplementAnswer { probs, p_target, evidence, confidence } = complement;
        let scores = scores(probs, p_target, &format!("{at}/complement"))?;
        Ok(Evaluation { shown, complement: Output { scores, evidence, confidence } })
    }
}

fn scores(probs: Option<Vec<f64>>, p_target: Option<f64>, at: &str) -> Result<Scores, Problem> {
    match (probs, p_target) {
        (Some(probs), None) => Ok(Scores::Probabilities(probs)),
        (None, Some(p_target)) => Ok(Scores::Target(p_target)),
        (None, None) => {
            Err(Problem::at(Code::InvalidParameter, format!("{at}/probs"), "missing; give probs or p_target"))
        }
        (Some(_), Some(_)) => {
            let detail = "give probs or p_target, not both";
            Err(Problem::at(Code::InvalidParameter, format!("{at}/p_target"), detail))
        }
    }
}

/// Get a job's questions
///
/// The sets whose values the job needs before it can go on. 204 while it computes, or, with `wait`, when it still does
/// after so many seconds. A round stays the same until it is answered, whatever happens to the service.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/questions", tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), QuestionsQuery),
    responses(
        (status = 200, description = "A round of questions", body = Questions),
        (status = 204, description = "The job computes"),
    ),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "invalid_query", "job_not_found", "not_awaiting_answers"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS 'http://127.0.0.1:8080/v1/jobs/$JOB/questions?wait=30'"}])),
    ),
)]
pub(in crate::api) async fn get_questions(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<QuestionsQuery>,
) -> Result<Response, Problem> {
    let key = JobKey::new(TENANT, &id);
    // Where too many wait already, the answer comes at once.
    let permit = (query.wait > 0).then(|| app.wait_permit()).flatten();
    let wait =
        if permit.is_some() { app.longest_wait(Duration::from_secs(query.wait)) } else { Duration::ZERO };
    let now = Instant::now();
    let until = now.checked_add(wait).unwrap_or(now);
    let mut changes = app.jobs.changes(&key);
    loop {
        let (looking, asked) = (Arc::clone(&app), key.clone());
        let (record, round) = blocking(move || Ok(looking.jobs.round(&asked)?)).await?;
        if let Some(round) = round {
            return Ok(Json(Questions::new(&record.spec, round)).into_response());
        }
        if record.state.is_terminal() {
            let detail = format!("{id} has ended, and asks nothing");
            return Err(Problem::new(Code::NotAwaitingAnswers, detail));
        }
        let changed = tokio::select! {
            change = timeout_at(until, changes.next()) => change.is_ok(),
            () = app.stopping() => false,
        };
        if !changed {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
}

/// Answer a job's questions
///
/// What is asked of the round's sets, in their order: values for an `external` objective, what the model says for an
/// attribution. The same answers can be sent again: that is no error, and changes nothing.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/answers", tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    request_body(content = Answers),
    responses(
        (status = 202, description = "They are kept: the job goes on, or asks its next round", body = AnswersTaken),
        (status = 200, description = "The same answers were sent before", body = AnswersTaken),
    ),
    extensions(
        ("x-problem-codes" = json!(["malformed_body", "invalid_path", "job_not_found", "body_timeout",
            "not_awaiting_answers", "wrong_round", "answers_differ", "payload_too_large", "unsupported_media_type",
            "unsupported_encoding", "invalid_parameter", "shape_mismatch", "too_many_requests",
            "insufficient_storage"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/jobs/$JOB/answers -H 'Content-Type: application/json' -d '{\"round\":1,\"answers\":[0,0.5]}'"}])),
    ),
)]
pub(in crate::api) async fn post_answers(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<AnswersTaken>), Problem> {
    // They may be as large as a small dataset, and are read in turn for the same reason.
    let permit = app.upload_permit()?;
    let limit = app.settings.max_answers_bytes;
    let body = json_body(request, limit, "FEWER_LIMITS__ANSWERS_BYTES (--max-answers-bytes)").await?;
    let turn = app.prepare_permit().await?;
    let answered = blocking(move || {
        let _held = (permit, turn);
        let key = JobKey::new(TENANT, &id);
        let (round, answers) = Answers::read(&body, &app.jobs.get(&key)?.record.spec)?;
        let answered = app.jobs.answer(&key, round, answers).map_err(Problem::from);
        // A wrong count is told without a place.
        let placed = |problem: Problem| {
            let count = problem.code == Code::ShapeMismatch && problem.errors.is_empty();
            if count { problem.below("/answers") } else { problem }
        };
        let answered = answered.map_err(placed)?;
        Ok((round, answered))
    });
    let (round, answered) = answered.await?;
    let (status, record) = match answered {
        Answered::Kept(record) => (StatusCode::ACCEPTED, record),
        Answered::Known(record) => (StatusCode::OK, record),
    };
    Ok((status, Json(AnswersTaken { state: record.state.into(), round })))
}
