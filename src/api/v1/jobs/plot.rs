//! `GET /v1/jobs/{id}/plot.svg`

use crate::api::app::{App, blocking};
use crate::api::codes::Code;
use crate::api::extract::{Path, Query};
use crate::api::problem::{FieldProblem, Problem};
use crate::api::v1::TENANT;
use crate::api::v1::result::accepts;
use crate::jobs::outcome::JobResult;
use crate::jobs::record::{JobKey, JobSpec};
use crate::plot;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

const SVG: &str = "image/svg+xml";

/// A picture may bring its own style and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A picture of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum What {
    /// Of a bias study.
    Quality,
    /// Of an estimate of smoothness.
    Smoothness,
    /// Of an attribution.
    Curves,
}

/// Which picture.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct PlotQuery {
    /// `quality` of a `bias_study`, `smoothness` of a `smoothness`, `curves` of an `attribution`; the one that the job has when absent.
    #[param(inline)]
    what: Option<What>,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Quality => "quality",
            Self::Smoothness => "smoothness",
            Self::Curves => "curves",
        }
    }

    /// The picture that a job has.
    fn of(spec: &JobSpec) -> Option<Self> {
        match spec {
            JobSpec::Selection(_) | JobSpec::Resample(_) => None,
            JobSpec::BiasStudy(_) => Some(Self::Quality),
            JobSpec::Smoothness(_) => Some(Self::Smoothness),
            JobSpec::Attribution(_) => Some(Self::Curves),
        }
    }

    /// Refuses a picture that a job of this spec will never have.
    fn check(asked: Option<Self>, spec: &JobSpec) -> Result<(), Problem> {
        let detail = match (Self::of(spec), asked) {
            (None, _) => format!("a {} has no picture", spec.kind()),
            (Some(its), Some(other)) if its != other => {
                format!("a {} has the picture {}, not {}", spec.kind(), its.name(), other.name())
            }
            (Some(_), _) => return Ok(()),
        };
        Err(match asked {
            None => Problem::new(Code::NoPlot, detail),
            Some(_) => {
                let place = FieldProblem::parameter("what", detail);
                Problem::of_places(vec![FieldProblem { code: Code::NoPlot, ..place }])
            }
        })
    }
}

/// Get a picture of an experiment or attribution
///
/// `quality`: the mean share of the latent optimum against the number of rankings, one panel for each strength of the
/// bias and one colour for each rule, solid with the quota of the best mean and dashed without quotas; against the
/// strength where there is one number of rankings. `smoothness`: gamma against beta for each rule, with alpha and the
/// rankings needed. `curves`: the target's probability against the share of the input shown or hidden, in the order of
/// the regions. Bars and bands are one standard error; what has no value is a gap. The same result gives the same
/// bytes. The picture is readable on light pages and on dark ones.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/plot.svg", tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), PlotQuery),
    responses((status = 200, description = "The picture", content(
        (String = "image/svg+xml", example = json!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760.0\" height=\"512.0\" viewBox=\"0 0 760.0 512.0\" role=\"img\"><title>Quality of committees chosen from biased rankings</title></svg>")),
    ), headers(
        ("Vary" = String, description = "Always `Accept`"),
        ("Content-Disposition" = String, description = "Shown, and saved as the job's id and `.svg`"),
        ("Content-Security-Policy" = String, description = "Nothing but its own style"),
    ))),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "invalid_query", "job_not_found", "not_acceptable",
            "job_not_finished", "no_result", "result_expired", "no_plot"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsSOJ http://127.0.0.1:8080/v1/jobs/$JOB/plot.svg"}])),
    ),
)]
pub(in crate::api) async fn get_job_plot(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<PlotQuery>,
    headers: HeaderMap,
) -> ([(HeaderName, &'static str); 1], Result<Response, Problem>) {
    let answer = async {
        accepts(&headers, SVG)?;
        blocking(move || picture(&app, &id, query.what)).await
    };
    // Another `Accept` may be refused.
    ([(header::VARY, "Accept")], answer.await)
}

/// O(bytes of the result), and computes: not for a thread that answers.
fn picture(app: &App, id: &str, asked: Option<What>) -> Result<Response, Problem> {
    let key = JobKey::new(TENANT, id);
    // Known before the job has ended.
    let spec = app.jobs.get(&key)?.record.spec;
    What::check(asked, &spec)?;
    let svg = match app.jobs.result(&key)? {
        JobResult::BiasStudy(result) => plot::quality(&result),
        JobResult::Smoothness(result) => plot::smoothness(&result),
        JobResult::Attribution(result) => plot::curves(&result),
        JobResult::Selection(_) | JobResult::Resample(_) => {
            return Err(Problem::new(Code::NoPlot, "it has no picture"));
        }
    };
    let file = format!("inline; filename=\"{id}.svg\"");
    let file = HeaderValue::try_from(file).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(SVG)),
        (header::CONTENT_DISPOSITION, file),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    Ok((headers, svg).into_response())
}
