//! `GET /v1/jobs/{id}/events`: the job, each time it has changed; and the wait of `Prefer: wait`.

use super::job::Job;
use crate::api::app::{App, blocking};
use crate::api::codes::Code;
use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::api::v1::TENANT;
use crate::jobs::record::{JobKey, PhaseRecord};
use crate::jobs::state::State;
use crate::jobs::{Change, Changes, JobView};
use axum::extract;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout_at};
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// Between two events, and between two looks at a job's progress.
const INTERVAL: Duration = Duration::from_millis(100);

/// Bytes of an event for each [`INTERVAL`]: a job with much in its request is told of less often.
const BYTES_AN_INTERVAL: u32 = 64 << 10;

/// Proxies close connections on which nothing moves.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Follow a job
///
/// Server-sent events, each named `job` with the whole job as its data: the first is the job as it is now, so a client
/// that comes back has missed nothing it needs; then one each time its state or progress has changed, at most ten a
/// second; the last is the job in its terminal state, and ends the stream. It also ends when the job is deleted or the
/// service stops.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/events", tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses((status = 200, description = "The job, each time it has changed", body = JobEvent,
        content_type = "text/event-stream", example = "event: job\ndata: {\"id\": \"job_0192f0c1a2b37c4d8e5f6a7b8c9d0e1f\", …}\n\n")),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "job_not_found", "too_many_requests", "shutting_down"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsSN http://127.0.0.1:8080/v1/jobs/$JOB/events"}])),
    ),
)]
pub(in crate::api) async fn get_job_events(
    extract::State(app): extract::State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, serde_json::Error>>>, Problem> {
    app.refuse_when_stopping()?;
    let permit = app.wait_permit().ok_or_else(|| {
        let most = app.settings.max_waiting;
        let detail = format!("{most} connections wait for jobs, and no more may (limits.waiting)");
        Problem::new(Code::TooManyRequests, detail)
    })?;
    let follower = Follower::new(app, JobKey::new(TENANT, &id), permit).await?;
    let events = stream::unfold(Some(follower), async |follower| {
        let mut follower = follower?;
        let event = follower.next().await?.map(|data| Event::default().event("job").data(data));
        let more = !follower.view.record.state.is_terminal();
        Some((event, more.then_some(follower)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// One event of the stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used: events are written as they come")]
pub(in crate::api) struct JobEvent {
    /// Always `job`.
    #[schema(pattern = "^job$", example = "job")]
    event: String,
    /// The job, as JSON.
    #[schema(schema_with = job_as_json)]
    data: String,
}

fn job_as_json() -> Object {
    let text = ObjectBuilder::new().schema_type(Type::String).content_media_type("application/json");
    text.content_schema(Some(Ref::from_schema_name("Job"))).description(Some("The job, as JSON.")).build()
}

/// What makes an event new. The estimate of the time left changes by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    state: State,
    queue_position: Option<usize>,
    progress: Option<(PhaseRecord, u64, u64)>,
}

impl Seen {
    fn of(view: &JobView) -> Self {
        let progress = view.tracked.as_ref().map(|tracked| &tracked.progress);
        Self {
            state: view.record.state,
            queue_position: view.queue_position,
            progress: progress.map(|progress| (progress.phase, progress.done, progress.evaluations)),
        }
    }
}

/// One connection that follows one job.
struct Follower {
    app: Arc<App>,
    changes: Changes,
    view: JobView,
    /// What was sent last, and when the next may be.
    sent: Option<(Seen, Instant)>,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    async fn new(app: Arc<App>, key: JobKey, permit: OwnedSemaphorePermit) -> Result<Self, Problem> {
        let changes = app.jobs.changes(&key);
        let view = look(&app, &key).await?;
        Ok(Self { app, changes, view, sent: None, _permit: permit })
    }

    /// The job as JSON, once it is another than was sent last; none where the job or the service has gone.
    async fn next(&mut self) -> Option<Result<String, serde_json::Error>> {
        let Some((_, mut due)) = self.sent else { return Some(self.send()) };
        loop {
            let app = Arc::clone(&self.app);
            tokio::select! {
                () = app.stopping() => return None,
                // Until the next event may go out, changes add up.
                () = sleep_until(due) => {}
            }
            match timeout_at(Instant::now(), self.changes.next()).await {
                Ok(Change { record: Some(record), .. }) => self.view.record = Arc::unwrap_or_clone(record),
                Ok(Change { record: None, gone: true }) => return None,
                Ok(Change { record: None, gone: false }) | Err(_) => {}
            }
            self.app.jobs.refresh(&mut self.view);
            if self.sent.is_none_or(|(seen, _)| seen != Seen::of(&self.view)) {
                return Some(self.send());
            }
            due = Instant::now() + INTERVAL;
        }
    }

    fn send(&mut self) -> Result<String, serde_json::Error> {
        let data = serde_json::to_string(&Job::from(self.view.clone()))?;
        let intervals = 1 + u32::try_from(data.len()).unwrap_or(u32::MAX) / BYTES_AN_INTERVAL;
        self.sent = Some((Seen::of(&self.view), Instant::now() + INTERVAL * intervals));
        Ok(data)
    }
}

async fn look(app: &Arc<App>, key: &JobKey) -> Result<JobView, Problem> {
    let (app, key) = (Arc::clone(app), key.clone());
    blocking(move || Ok(app.jobs.get(&key)?)).await
}

/// The job when it has ended, or as it is when the time is over or the service stops.
pub(super) async fn until_ended(app: &Arc<App>, job: JobView, wait: Duration) -> Result<JobView, Problem> {
    let Some(until) = Instant::now().checked_add(wait) else { return Ok(job) };
    let key = job.record.key();
    let mut changes = app.jobs.changes(&key);
    // It was accepted, whatever becomes of it.
    let Ok(mut view) = look(app, &key).await else { return Ok(job) };
    while !view.record.state.is_terminal() {
        let change = tokio::select! {
            change = timeout_at(until, changes.next()) => change.ok(),
            () = app.stopping() => None,
        };
        // One that is gone has ended before, and that was told.
        let Some(record) = change.and_then(|change| change.record) else { break };
        view.record = Arc::unwrap_or_clone(record);
    }
    app.jobs.refresh(&mut view);
    Ok(view)
}
