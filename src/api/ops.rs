//! What machines ask: is it alive, is it ready; and the pages about errors and operations.

use super::app::App;
use super::codes::Code;
use super::extract::Path;
use super::openapi;
use super::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The service is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: String,
}

impl Health {
    fn ok() -> Json<Self> {
        Json(Self { status: "ok".into() })
    }
}

/// Liveness
///
/// Answers as long as the process can; touches neither the store nor the workers.
#[utoipa::path(
    get, path = "/healthz", tag = "operations",
    responses((status = 200, description = "The process is alive", body = Health)),
    extensions(
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/healthz"}])),
    ),
)]
pub(super) async fn healthz() -> Json<Health> {
    Health::ok()
}

/// Readiness
///
/// The store is open, the arithmetic of this processor has been checked, and the service is not stopping.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "The service can work", body = Health)),
    extensions(
        ("x-problem-codes" = json!(["not_ready", "shutting_down"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/readyz"}])),
    ),
)]
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<Json<Health>, Problem> {
    app.readiness()?;
    Ok(Health::ok())
}

/// Explain an error code
///
/// The page that a problem's `type` names.
#[utoipa::path(
    get, path = "/errors/{code}", tag = "operations",
    params(("code" = String, Path, description = "The code", example = "dataset_in_use")),
    responses((status = 200, description = "What the code means and what to do", body = String, content_type = "text/plain")),
    extensions(
        ("x-problem-codes" = json!(["invalid_path", "route_not_found"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/errors/dataset_in_use"}])),
    ),
)]
pub(super) async fn explain_error(Path(code): Path<String>) -> Result<String, Problem> {
    let known = Code::of(&code)
        .ok_or_else(|| Problem::new(Code::RouteNotFound, format!("there is no code {code:?}")))?;
    Ok(format!(
        "{} {}\n\n{}.\n\n{}\n",
        known.status().as_u16(),
        known.as_str(),
        known.title(),
        known.remedy()
    ))
}

/// The OpenAPI document itself is no operation of it.
pub(super) async fn openapi_json() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi::json())
}
