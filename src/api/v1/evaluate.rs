//! `POST /v1/evaluate`.

use super::TENANT;
use super::datasets::DatasetBody;
use super::jobs::DatasetChoice;
use super::spec::{Item, Objective, To};
use crate::api::app::{App, blocking};
use crate::api::codes::Code;
use crate::api::extract::json_body;
use crate::api::json;
use crate::api::problem::Problem;
use crate::jobs::selection::{Evaluated, Evaluation};
use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use submodular::Ctl;
use utoipa::ToSchema;

/// What is admitted takes about two seconds by its estimate: whatever takes so long was estimated wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sets to evaluate on a stored dataset or on one that comes with them.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluateRequest {
    /// Id of a stored dataset; or give `inline`.
    #[serde(default)]
    #[schema(example = "ds_0192f0c1a2b37c4d8e5f6a7b8c9d0e1f")]
    pub dataset: Option<String>,
    /// A small dataset, which is not stored; or give `dataset`.
    #[serde(default)]
    #[schema(value_type = Option<DatasetBody>)]
    pub inline: Option<Value>,
    /// The set function. It is evaluated over all rows and pairs: a sample that it represents, a graph of neighbours
    /// and a start are for searches, and do not change a value.
    #[schema(value_type = Objective)]
    pub objective: Value,
    /// The sets. The order of a set's items means nothing.
    pub sets: Vec<Vec<Item>>,
    /// Items whose gains are wanted, of each set.
    #[serde(default)]
    pub gains_for: Option<Vec<Item>>,
    /// Also value, of each set, all other items.
    #[serde(default)]
    pub complement: bool,
    /// Also divide each value by the value of all items.
    #[serde(default)]
    pub share: bool,
}

/// The values. One that is no finite number, as that of a set over which a kernel is singular, is null.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EvaluateAnswer {
    /// f of each set.
    #[schema(example = json!([2.0, 1.9]))]
    pub values: Vec<Option<f64>>,
    /// Of each set, the gain f(S + e) - f(S) of each item e of `gains_for`, 0 for those in the set; null without
    /// `gains_for`.
    #[schema(example = json!([[0.0, 1.0], [0.1, 0.0]]))]
    pub gains: Option<Vec<Vec<Option<f64>>>>,
    /// Each value over the value of all items; null without `share`, and where that value is 0.
    #[schema(example = json!([1.0, 0.95]))]
    pub shares: Option<Vec<Option<f64>>>,
    /// Of each set, f of all other items; null without `complement`.
    #[schema(example = json!([0.0, 1.0]))]
    pub complement_values: Option<Vec<Option<f64>>>,
    /// f of the empty set.
    #[schema(example = 0.0)]
    pub empty_value: Option<f64>,
}

/// Evaluate sets
///
/// Values of given sets under a set function, and gains of items: to score what another program has chosen, or to look
/// around an answer. The answer comes at once; more than about two seconds of work is refused, with what would fit.
/// Nothing is stored.
#[utoipa::path(
    post, path = "/v1/evaluate", tag = "jobs",
    request_body(content = EvaluateRequest, example = json!({
        "inline": {"kind": "vectors", "vectors": [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], "ids": ["a", "b", "c"]},
        "objective": {"name": "facility_location"},
        "sets": [["a", "c"], [1]],
        "gains_for": ["b", "c"],
        "share": true,
    })),
    responses((status = 200, description = "The values", body = EvaluateAnswer)),
    extensions(
        ("x-problem-codes" = json!(["malformed_body", "dataset_not_found", "dataset_expired", "body_timeout",
            "payload_too_large", "unsupported_media_type", "unsupported_encoding", "invalid_parameter",
            "invalid_matrix", "invalid_ranking", "shape_mismatch", "negative_similarity", "unknown_item", "duplicate_item",
            "estimate_exceeds_limit", "too_many_requests", "shutting_down"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/evaluate -H 'Content-Type: application/json' -d '{\"inline\":{\"vectors\":[[1,0],[0.9,0.1],[0,1]]},\"objective\":{\"name\":\"facility_location\"},\"sets\":[[0,2],[1]],\"gains_for\":[1,2],\"share\":true}'"}])),
    ),
)]
pub(in crate::api) async fn evaluate(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<EvaluateAnswer>, Problem> {
    app.refuse_when_stopping()?;
    let limit = app.settings.max_request_bytes;
    let body = json_body(request, limit, "FEWER_LIMITS__REQUEST_BYTES (--max-request-bytes)").await?;
    let (dataset, wanted) = blocking(move || json::read::<EvaluateRequest>(&body)?.check()).await?;
    let _waits = app.wait_permit().ok_or_else(|| {
        let most = app.settings.max_waiting;
        let detail = format!("{most} connections wait already, and no more may (limits.waiting)");
        Problem::new(Code::TooManyRequests, detail)
    })?;
    // Whoever waits here holds no thread and no more than the request.
    let turn = app.evaluate_permit().await?;
    let caller = Caller::new();
    let (ctl, service) = (caller.ctl(), Arc::clone(&app));
    let work = blocking(move || {
        let _held = turn;
        let source = dataset.source(&service)?;
        Ok(service.jobs.evaluate(TENANT, &wanted, &source, &ctl)?)
    });
    tokio::select! {
        evaluated = work => Ok(Json(evaluated?.into())),
        () = app.stopping() => {
            Err(Problem::new(Code::ShuttingDown, "the service is stopping and finishes no evaluation"))
        }
    }
}

/// Whoever leaves takes the work along.
pub(super) struct Caller(Arc<Ctl>);

impl Caller {
    pub(super) fn new() -> Self {
        Self(Arc::new(Ctl::new(Instant::now().checked_add(PATIENCE))))
    }

    /// What stops the work.
    pub(super) fn ctl(&self) -> Arc<Ctl> {
        Arc::clone(&self.0)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl EvaluateRequest {
    /// Reads what is told apart by name, and checks what a schema cannot say.
    fn check(self) -> Result<(DatasetChoice, Evaluation), Problem> {
        let dataset = DatasetChoice::of(self.dataset, self.inline.as_ref());
        let (dataset, objective) = match (dataset, Objective::parse(self.objective, "/objective")) {
            (Ok(dataset), Ok(objective)) => (dataset, objective),
            (Err(first), objective) => return Err(objective.err().into_iter().fold(first, Problem::and)),
            (_, Err(only)) => return Err(only),
        };
        let Self { sets, gains_for, complement, share, .. } = self;
        let (sets, gains_for) = (sets.to(), gains_for.to());
        Ok((dataset, Evaluation { objective: objective.to(), sets, gains_for, complement, share }))
    }
}

impl From<Evaluated> for EvaluateAnswer {
    fn from(found: Evaluated) -> Self {
        let numbers = |values: Vec<f64>| -> Vec<Option<f64>> {
            values.into_iter().map(|value| value.is_finite().then_some(value)).collect()
        };
        Self {
            values: numbers(found.values),
            gains: found.gains.map(|gains| gains.into_iter().map(numbers).collect()),
            shares: found.shares.map(numbers),
            complement_values: found.complement_values.map(numbers),
            empty_value: found.empty_value.is_finite().then_some(found.empty_value),
        }
    }
}
