//! `/v1/jobs`.

mod attribution;
mod events;
mod experiment;
mod headers;
mod job;
mod list;
mod plot;
mod request;
mod resample;
#[cfg(test)]
mod tests;

pub use attribution::AttributionRequest;
pub(in crate::api) use events::*;
pub use experiment::{BiasStudyRequest, SmoothnessRequest};
pub use job::{Job, JobFailure, JobOrPlan, JobPhase, JobPlan, JobProgress, JobResult, JobSpec, JobState};
pub use list::JobPage;
pub(in crate::api) use list::*;
pub(in crate::api) use plot::*;
pub use request::{JobRequest, SelectionRequest};
pub use resample::ResampleRequest;

use super::TENANT;
use super::datasets::Binary;
use super::result::{JobOutcome, ResultFormat};
use crate::api::app::{App, blocking};
use crate::api::codes::Code;
use crate::api::extract::{Path, Query, json_body};
use crate::api::middleware::RequestId;
use crate::api::problem::Problem;
use crate::dataset::{DatasetError, DatasetRecord, Format, Options, Source};
use crate::jobs::record::JobKey;
use crate::jobs::{Begun, IdempotencyKey, JobView, NewJob, Place};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
pub(in crate::api) use request::DatasetChoice;
use request::Wanted;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tracing::Span;
use utoipa::IntoParams;

/// Seconds after which a caller that did not wait may look again.
const LOOK_AGAIN_SECONDS: u32 = 1;

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
/// `Prefer: wait=SECONDS` the answer waits for the job to end, that long at most; the job goes on when the caller
/// leaves. With `Idempotency-Key` the same request can be sent again without making a second job: for a day the key
/// answers with the job it made. With `validate_only` nothing is stored, and the answer is the plan.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "jobs",
    params(
        CreateQuery,
        ("Prefer" = Option<String>, Header, description = "`wait=SECONDS`: answer when the job has ended, or after so many seconds at most. The service's own limit is `limits.wait_seconds`.", example = "wait=10"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters, the caller's own. The same key with the same body gives the job that it made before.", example = "run-42-round-1", min_length = 1, max_length = 255),
    ),
    request_body(content = JobRequest, example = json!({
        "kind": "selection",
        "inline": {"kind": "vectors", "vectors": [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], "ids": ["a", "b", "c"]},
        "objective": {"name": "facility_location", "similarity": {"metric": "cosine"}},
        "constraints": {"k": 2},
        "labels": {"run": "first"},
    })),
    responses(
        (status = 202, description = "Accepted", body = Job,
            headers(
                ("Location" = String, description = "Path of the job"),
                ("Retry-After" = u32, description = "Seconds after which to look again"),
            )),
        (status = 200, description = "With `Prefer: wait`: the job, which has ended. With `validate_only`: what the job would take", body = JobOrPlan),
    ),
    extensions(
        ("x-problem-codes" = json!(["malformed_body", "invalid_query", "invalid_header", "dataset_not_found",
            "dataset_expired", "job_not_found", "body_timeout", "idempotency_in_progress", "job_not_finished", "no_result",
            "result_expired", "payload_too_large",
            "unsupported_media_type", "unsupported_encoding", "invalid_parameter", "invalid_matrix",
            "invalid_ranking", "shape_mismatch", "negative_similarity", "unknown_item", "duplicate_item",
            "unknown_group", "infeasible_constraint", "optimizer_mismatch", "estimate_exceeds_limit",
            "job_not_finished", "no_result", "result_expired", "idempotency_mismatch", "queue_full", "shutting_down", "insufficient_storage"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/jobs -H 'Content-Type: application/json' -H 'Prefer: wait=10' -d '{\"kind\":\"selection\",\"inline\":{\"vectors\":[[1,0],[0.9,0.1],[0,1]]},\"objective\":{\"name\":\"facility_location\"},\"constraints\":{\"k\":2}}'"}])),
    ),
)]
pub(in crate::api) async fn create_job(
    State(app): State<Arc<App>>,
    Query(query): Query<CreateQuery>,
    request: Request,
) -> Result<Response, Problem> {
    app.refuse_when_stopping()?;
    let wait = headers::wait(request.headers())?;
    let key = headers::idempotency_key(request.headers())?;
    let limit = app.settings.max_request_bytes;
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let body = json_body(request, limit, "FEWER_LIMITS__REQUEST_BYTES (--max-request-bytes)").await?;
    let read = body.clone();
    let wanted = blocking(move || JobRequest::read(&read)).await?;
    // Whoever waits here holds no thread and no more than the body.
    let turn = app.prepare_permit().await?;
    if query.validate_only {
        let plan = blocking(move || {
            let _held = turn;
            plan(&app, &wanted)
        });
        let plan = plan.await?;
        return Ok(Json(plan).into_response());
    }
    let key = key.map(|key| IdempotencyKey { key, digest: Sha256::digest(&body).into() });
    let submitted = Arc::clone(&app);
    let job = blocking(move || {
        let _held = turn;
        submit(&submitted, wanted, key, request_id)
    });
    let job = job.await?;
    Span::current()
        .record("job.id", job.record.id.as_str())
        .record("dataset.id", job.record.dataset.as_deref());
    tracing::info!("job accepted");
    let location = format!("/v1/jobs/{}", job.record.id);
    // It is a preference: where too many wait already, the answer comes at once.
    let wait = wait.zip(app.wait_permit()).map(|(wait, permit)| (app.longest_wait(wait), permit));
    let job = match &wait {
        Some((wait, _)) => events::until_ended(&app, job, *wait).await?,
        None => job,
    };
    let ended = job.record.state.is_terminal();
    let status = if wait.is_some() && ended { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = (status, [(header::LOCATION, location)], Json(Job::from(job))).into_response();
    if status == StatusCode::ACCEPTED {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(LOOK_AGAIN_SECONDS));
    }
    if let Some((wait, _)) = wait {
        response.headers_mut().insert(headers::PREFERENCE_APPLIED, headers::applied(wait));
    }
    Ok(response)
}

fn plan(app: &App, wanted: &Wanted) -> Result<JobPlan, Problem> {
    let source = wanted.dataset.as_ref().map(|dataset| dataset.source(app)).transpose()?;
    Ok(app.jobs.plan(TENANT, &wanted.spec, source)?.into())
}

fn submit(
    app: &App,
    wanted: Wanted,
    key: Option<IdempotencyKey>,
    request_id: Option<String>,
) -> Result<JobView, Problem> {
    let place = match app.jobs.begin(TENANT, key)? {
        Begun::New(place) => place,
        Begun::Known(job) => return Ok(*job),
    };
    let (dataset, is_new) = match &wanted.dataset {
        None => (None, false),
        Some(DatasetChoice::Stored(id)) => (Some(stored(app, id)?), false),
        Some(DatasetChoice::Inline(body)) => {
            // A job that is refused leaves no dataset behind.
            app.jobs.check(TENANT, &wanted.spec, Some(inline(body)?))?;
            let mut upload = app.datasets.begin(app.settings.max_request_bytes);
            upload.write(body)?;
            let (dataset, is_new) = upload
                .finish(TENANT, None, Format::Json, &Options::default())
                .map_err(|error| Problem::from(error).below("/inline"))?;
            (Some(dataset), is_new)
        }
    };
    let job = NewJob { tenant: TENANT.into(), spec: wanted.spec, labels: wanted.labels, request_id };
    accept(app, &place, job, dataset.as_ref(), is_new)
}

/// Accepts the job. A dataset that was stored for it alone goes where it is refused after all.
fn accept(
    app: &App,
    place: &Place,
    job: NewJob,
    dataset: Option<&DatasetRecord>,
    is_new: bool,
) -> Result<JobView, Problem> {
    app.jobs.submit(place, job, dataset).map_err(|refused| {
        // Another job may have come by the same bytes since, and keeps them.
        if is_new
            && let Some(dataset) = dataset
            && let Err(error) = app.jobs.delete_dataset(TENANT, &dataset.id)
            && !matches!(error, DatasetError::InUse { .. })
        {
            tracing::warn!(%error, dataset.id = dataset.id, "the dataset of a refused job stays");
        }
        refused.into()
    })
}

fn stored(app: &App, id: &str) -> Result<DatasetRecord, Problem> {
    app.datasets.get(TENANT, id).map_err(|error| Problem::from(error).below("/dataset"))
}

fn inline(body: &[u8]) -> Result<Source, Problem> {
    Source::inline(body, &Options::default()).map_err(|error| Problem::from(error).below("/inline"))
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
        ("x-problem-codes" = json!(["invalid_path", "job_not_found", "job_not_terminal", "insufficient_storage"])),
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
        ("x-problem-codes" = json!(["invalid_path", "job_not_found", "insufficient_storage"])),
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
/// smaller budget with `k`, where `prefixes_valid`. `Accept` says how it is written. JSON, the default, has everything.
/// The others have a row for each chosen item (`Pick`; of a draw `Drawn`): ndjson a line, CSV (RFC 4180, ids quoted) a record, Arrow and
/// Parquet the same columns, and in the metadata of their schema `objective_value`, `optimizer`, `guarantee` (as JSON),
/// `dataset_digest` and `version`. `.npy` has the indices alone, as 64-bit integers that index an array as they are.
/// Experiments have JSON only, and pictures (`GET /v1/jobs/{id}/plot.svg`).
#[utoipa::path(
    get, path = "/v1/jobs/{id}/result", tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), ResultQuery),
    responses((status = 200, description = "The result", content(
        (JobOutcome = "application/json"),
        (String = "application/x-ndjson", example = json!("{\"rank\":1,\"index\":5,\"id\":\"a\",\"gain\":12.5}\n{\"rank\":2,\"index\":17,\"id\":\"b\",\"gain\":3.25}\n")),
        (String = "text/csv", example = json!("rank,index,id,gain\r\n1,5,\"a\",12.5\r\n2,17,\"b\",3.25\r\n")),
        (Binary = "application/x-npy"),
        (Binary = "application/vnd.apache.arrow.stream"),
        (Binary = "application/vnd.apache.parquet"),
    ), headers(
        ("Vary" = String, description = "Always `Accept`"),
        ("Content-Disposition" = String, description = "A name for the file: the job's id and what the format calls its files"),
        ("Fewer-Objective-Value" = f64, description = "Of a selection: `objective_value`, for the formats that have no place for it"),
        ("Fewer-Complete" = bool, description = "`complete`, likewise"),
    ))),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "invalid_query", "job_not_found", "not_acceptable",
            "job_not_finished", "no_result", "result_expired", "prefix_not_valid"])),
        ("x-codeSamples" = json!([
            {"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/jobs/$JOB/result"},
            {"lang": "Shell", "source": "curl -fsSOJ http://127.0.0.1:8080/v1/jobs/$JOB/result -H 'Accept: text/csv'"},
        ])),
    ),
)]
pub(in crate::api) async fn get_job_result(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<ResultQuery>,
    headers: HeaderMap,
) -> ([(HeaderName, &'static str); 1], Result<Response, Problem>) {
    let answer = async {
        let format = ResultFormat::wanted(&headers)?;
        // Known of every job, whatever it is at.
        if query.k == Some(0) {
            return Err(Problem::new(Code::PrefixNotValid, "k is 0: expected at least 1"));
        }
        blocking(move || {
            let result = JobOutcome::from(app.jobs.result(&JobKey::new(TENANT, &id))?);
            match query.k {
                None => result,
                Some(k) => result.prefix(k)?,
            }
            .written(&id, format)
        })
        .await
    };
    // Another `Accept` has another answer, whatever it is.
    ([(header::VARY, "Accept")], answer.await)
}
