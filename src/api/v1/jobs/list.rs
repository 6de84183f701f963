//! `GET /v1/jobs`

use super::job::{Job, JobState};
use crate::api::app::{App, blocking};
use crate::api::extract::Query;
use crate::api::problem::Problem;
use crate::api::v1::TENANT;
use crate::api::v1::page::{self, PageQuery};
use crate::jobs::Filter;
use crate::jobs::state::State as StoredState;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A page of jobs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobPage {
    /// The jobs, newest first.
    pub items: Vec<Job>,
    /// Where the next page begins; null on the last. A page may hold fewer jobs than `limit`, even none, and not be the
    /// last: of a list that few pass, or of jobs with large requests.
    pub next_page_token: Option<String>,
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct FilterQuery {
    /// Only jobs in this state, or in one of these, separated by commas.
    #[param(
        example = "queued,running",
        pattern = "^(queued|running|awaiting_answers|cancelling|succeeded|failed|cancelled)(,(queued|running|awaiting_answers|cancelling|succeeded|failed|cancelled))*$"
    )]
    state: Option<String>,
    /// Only jobs with this label (`name`), or with this value of it (`name=value`).
    #[param(example = "run=first")]
    label: Option<String>,
    /// Most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
    /// `next_page_token` of the page before; the first page when absent.
    #[param(pattern = "^v1\\.[A-Za-z0-9_]+$")]
    page_token: Option<String>,
}

impl FilterQuery {
    fn read(self) -> Result<(PageQuery, Filter), Problem> {
        let Self { state, label, limit, page_token } = self;
        let states = state.iter().flat_map(|states| states.split(',')).map(read_state);
        let label = label.map(|label| match label.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (label, None),
        });
        let filter = Filter { states: states.collect::<Result<_, _>>()?, label };
        Ok((PageQuery { limit, page_token }, filter))
    }
}

fn read_state(name: &str) -> Result<StoredState, Problem> {
    let name: StrDeserializer<'_, ValueError> = name.into_deserializer();
    let state = JobState::deserialize(name)
        .map_err(|error| Problem::parameter("state", format!("state: {error}")))?;
    Ok(state.into())
}

/// List jobs
///
/// Newest first, all of them or those in a state or with a label.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs", params(FilterQuery),
    responses((status = 200, description = "A page of jobs", body = JobPage)),
    extensions(
        ("x-problem-codes" = json!(["invalid_query"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS 'http://127.0.0.1:8080/v1/jobs?limit=10&state=queued,running'"}])),
    ),
)]
pub(in crate::api) async fn list_jobs(
    State(app): State<Arc<App>>,
    Query(query): Query<FilterQuery>,
) -> Result<Response, Problem> {
    let (page, filter) = query.read()?;
    let limit = page.limit()?;
    page.after()?;
    // A page can be megabytes: it is written where it holds up no connection.
    blocking(move || {
        let (jobs, next) = app.jobs.list(TENANT, limit, page.after()?, &filter)?;
        let next_page_token = next.as_deref().map(page::token);
        let items = jobs.into_iter().map(Job::from).collect();
        Ok(Json(JobPage { items, next_page_token }).into_response())
    })
    .await
}
