//! `/v1/jobs`.

mod job;
mod request;

pub use job::{Job, JobFailure, JobPage, JobPhase, JobPlan, JobProgress, JobResult, JobSpec, JobState};
pub use request::JobRequest;

use super::TENANT;
use super::page::{self, PageQuery};
use super::result::SelectionResult;
use crate::api::app::{App, blocking};
use crate::api::extract::{Path, Query, json_body};
use crate::api::json;
use crate::api::problem::Problem;
use crate::dataset::{DatasetRecord, Format, Options, Source};
use crate::jobs::NewJob;
use crate::jobs::record::JobKey;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use request::{DatasetChoice, Wanted};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// How the job is to be taken.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct CreateQuery {
    /// Only say what the job would take; nothing is stored.
    #[serde(default)]
    #[param(default = false)]
    validate_only: bool,
}

/// Which part of the result.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ResultQuery {
    /// The answer for this smaller budget, where `prefixes_valid`.
    #[param(minimum = 1)]
    k: Option<u64>,
}

/// Submit a job
///
/// The job is stored before the answer is sent, and outlives a crash from then on. Follow it at `Location`. With
/// `validate_only` nothing is stored, and the answer is the plan.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "jobs", params(CreateQuery),
    request_body(content = JobRequest, example = json!({
        "kind": "selection",
        "inline": {"kind": "vectors", "vectors": [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], "ids": ["a", "b", "c"]},
        "objective": {"name": "facility_location", "similarity": {"metric": "cosine"}},
        "constraints": {"k": 2},
        "labels": {"run": "first"},
    })),
    responses(
        (status = 202, description = "Accepted", body = Job,
            headers(("Location" = String, description = "Path of the job"))),
        (status = 200, description = "With `validate_only`: what the job would take", body = JobPlan),
    ),
    extensions(
        ("x-problem-codes" = json!(["malformed_body", "invalid_query", "invalid_header", "dataset_not_found",
            "body_timeout", "payload_too_large", "unsupported_media_type", "unsupported_encoding",
            "invalid_parameter", "invalid_matrix", "shape_mismatch", "negative_similarity", "unknown_item",
            "duplicate_item", "unknown_group", "infeasible_constraint", "optimizer_mismatch",
            "estimate_exceeds_limit", "shutting_down", "insufficient_storage"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/jobs -H 'Content-Type: application/json' -d '{\"kind\":\"selection\",\"inline\":{\"vectors\":[[1,0],[0.9,0.1],[0,1]]},\"objective\":{\"name\":\"facility_location\"},\"constraints\":{\"k\":2}}'"}])),
    ),
)]
pub(in crate::api) async fn create_job(
    State(app): State<Arc<App>>,
    Query(query): Query<CreateQuery>,
    request: Request,
) -> Result<Response, Problem> {
    app.refuse_when_stopping()?;
    let limit = app.settings.max_request_bytes;
    let body = json_body(request, limit, "FEWER_LIMITS__REQUEST_BYTES (--max-request-bytes)").await?;
    let wanted = blocking(move || json::read::<JobRequest>(&body)?.check()).await?;
    if query.validate_only {
        let plan = blocking(move || plan(&app, &wanted)).await?;
        return Ok(Json(plan).into_response());
    }
    let job = blocking(move || submit(&app, wanted)).await?;
    tracing::info!(job.id = %job.id, "job accepted");
    let location = format!("/v1/jobs/{}", job.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(job)).into_response())
}

fn plan(app: &App, wanted: &Wanted) -> Result<JobPlan, Problem> {
    let source = match &wanted.dataset {
        DatasetChoice::Stored(id) => app.datasets.source(&stored(app, id)?)?,
        DatasetChoice::Inline(body) => inline(body)?,
    };
    Ok(app.jobs.plan(TENANT, &wanted.spec, &source)?.into())
}

fn submit(app: &App, wanted: Wanted) -> Result<Job, Problem> {
    let dataset = match &wanted.dataset {
        DatasetChoice::Stored(id) => stored(app, id)?,
        DatasetChoice::Inline(body) => {
            // A job that is refused leaves no dataset behind.
            app.jobs.check(TENANT, &wanted.spec, &inline(body)?)?;
            let mut upload = app.datasets.begin(app.settings.max_request_bytes);
            upload.write(body)?;
            upload
                .finish(TENANT, None, Format::Json, &Options::default())
                .map_err(|error| Problem::from(error).below("/inline"))?
                .0
        }
    };
    let job = NewJob { tenant: TENANT.into(), spec: wanted.spec, labels: wanted.labels };
    Ok(app.jobs.submit(job, &dataset)?.into())
}

fn stored(app: &App, id: &str) -> Result<DatasetRecord, Problem> {
    app.datasets.get(TENANT, id).map_err(|error| Problem::from(error).below("/dataset"))
}

fn inline(body: &[u8]) -> Result<Source, Problem> {
    Source::inline(body, &Options::default()).map_err(|error| Problem::from(error).below("/inline"))
}

/// List jobs
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs", params(PageQuery),
    responses((status = 200, description = "A page of jobs", body = JobPage)),
    extensions(
        ("x-problem-codes" = json!(["invalid_query"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS 'http://127.0.0.1:8080/v1/jobs?limit=10'"}])),
    ),
)]
pub(in crate::api) async fn list_jobs(
    State(app): State<Arc<App>>,
    Query(query): Query<PageQuery>,
) -> Result<Json<JobPage>, Problem> {
    let limit = query.limit()?;
    query.after()?;
    let (jobs, more) = blocking(move || Ok(app.jobs.list(TENANT, limit, query.after()?)?)).await?;
    let next_page_token = jobs.last().filter(|_| more).map(|job| page::token(job.record.id.as_str()));
    Ok(Json(JobPage { items: jobs.into_iter().map(Job::from).collect(), next_page_token }))
}

/// Get a job
///
/// Its state, its progress while it runs, and its result in a few numbers.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses((status = 200, description = "The job", body = Job)),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "job_not_found"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/jobs/$JOB"}])),
    ),
)]
pub(in crate::api) async fn get_job(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Job>, Problem> {
    let job = blocking(move || Ok(app.jobs.get(&JobKey::new(TENANT, &id))?)).await?;
    Ok(Json(job.into()))
}

/// Delete a job
///
/// And its result. Refused while it is live.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses((status = 204, description = "Deleted")),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "job_not_found", "job_not_terminal"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS -X DELETE http://127.0.0.1:8080/v1/jobs/$JOB"}])),
    ),
)]
pub(in crate::api) async fn delete_job(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    blocking(move || Ok(app.jobs.delete(&JobKey::new(TENANT, &id))?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cancel a job
///
/// A queued job ends at once; a running one stops within a second and, with `on_stop: "partial"`, keeps what it has
/// chosen as its result. One that has ended stays as it is. Cancelling twice is no error.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/cancel", tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses(
        (status = 202, description = "It was told to stop", body = Job),
        (status = 200, description = "It has ended", body = Job),
    ),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "job_not_found"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS -X POST http://127.0.0.1:8080/v1/jobs/$JOB/cancel"}])),
    ),
)]
pub(in crate::api) async fn cancel_job(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Job>), Problem> {
    let job = blocking(move || Ok(app.jobs.cancel(&JobKey::new(TENANT, &id))?)).await?;
    let status = if job.record.state.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(job.into())))
}

/// Get a job's result
///
/// The chosen items in order, with their gains, what is promised and what was measured. One job answers every
/// smaller budget with `k`, where `prefixes_valid`.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/result", tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), ResultQuery),
    responses((status = 200, description = "The result", body = SelectionResult)),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "invalid_query", "job_not_found", "job_not_finished",
            "no_result", "prefix_not_valid"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/jobs/$JOB/result"}])),
    ),
)]
pub(in crate::api) async fn get_job_result(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<ResultQuery>,
) -> Result<Json<SelectionResult>, Problem> {
    let result = blocking(move || Ok(app.jobs.result(&JobKey::new(TENANT, &id))?)).await?;
    let result = SelectionResult::from(result);
    Ok(Json(match query.k {
        None => result,
        Some(k) => result.prefix(k)?,
    }))
}
