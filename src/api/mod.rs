//! HTTP: routes, wire types, problems. Handlers extract, call one function, convert and respond.

mod app;
pub mod codes;
pub mod connections;
mod credentials;
mod encoding;
mod extract;
mod json;
mod linger;
mod metrics;
mod middleware;
pub mod openapi;
mod ops;
mod pointer;
pub mod problem;
mod schema;
mod standalone;
pub mod v1;

pub use app::{App, OpenError};

use crate::auth::ApiKey;
use crate::config::Settings;
use axum::Router;
use connections::Bounds;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

/// A stop may take this long for jobs, and then this long for connections.
const DRAIN_PATIENCE: Duration = Duration::from_millis(3500);
const GOODBYE_PATIENCE: Duration = Duration::from_millis(500);

fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::Frame::openapi())
        .routes(routes!(v1::datasets::create_dataset, v1::datasets::list_datasets))
        .routes(routes!(v1::datasets::get_dataset, v1::datasets::delete_dataset))
        .routes(routes!(v1::jobs::create_job, v1::jobs::list_jobs))
        .routes(routes!(v1::jobs::get_job, v1::jobs::delete_job))
        .routes(routes!(v1::jobs::cancel_job))
        .routes(routes!(v1::jobs::get_job_events))
        .routes(routes!(v1::jobs::get_job_result))
        .routes(routes!(v1::exchange::get_questions))
        .routes(routes!(v1::exchange::post_answers))
        .routes(routes!(v1::jobs::get_job_plot))
        .routes(routes!(v1::compare::compare))
        .routes(routes!(v1::evaluate::evaluate))
        .routes(routes!(v1::objectives::list_objectives))
        .routes(routes!(v1::optimizers::list_optimizers))
        .routes(routes!(v1::info::get_info))
        .routes(routes!(ops::healthz))
        .routes(routes!(ops::readyz))
        .routes(routes!(ops::explain_error))
        .routes(routes!(metrics::get_metrics))
}

/// Every route of a service.
pub fn router(app: Arc<App>) -> Router {
    // By default the page has the document judged by a service on the Internet.
    let config = utoipa_swagger_ui::Config::from("/openapi.json").validator_url("none");
    let pages = Router::new()
        .merge(SwaggerUi::new("/docs").config(config))
        .route("/openapi.json", axum::routing::get(ops::openapi_json));
    let operations = Router::from(routes()).route_layer(axum::middleware::from_fn(extract::refuse_query));
    let (pause, key) = (pause(&app.settings), app.settings.api_key.clone());
    mannered(operations.merge(pages).with_state(app), pause, key)
}

/// Longer than a duration can be is for ever.
fn pause(settings: &Settings) -> Duration {
    Duration::try_from_secs_f64(settings.max_pause_seconds).unwrap_or(Duration::MAX)
}

/// Routes that show themselves to those who have the key, if there is one; whose every answer has its id and, from
/// status 400 on, its problem document, panics included; and whose requests may not stop sending for longer than
/// `pause`.
pub fn mannered(routes: Router, pause: Duration, key: Option<ApiKey>) -> Router {
    routes
        .layer(CatchPanicLayer::custom(middleware::caught))
        .layer(axum::middleware::from_fn_with_state(pause, linger::read_to_the_end))
        // Before what reads bodies: who shows no key sends for nothing.
        .layer(axum::middleware::from_fn_with_state(key, credentials::authenticate))
        .layer(axum::middleware::from_fn(middleware::identify))
        .layer(axum::middleware::from_fn(metrics::measure))
}

/// Why serving ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The service could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The listener failed.
    #[error("the server failed: {0}")]
    Listen(#[from] std::io::Error),
    /// A part of the service panicked.
    #[error("a task of the service failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Opens a service and answers on `listener` until `shutdown` is ready; then stores what runs and ends, in less than
/// five seconds.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let app = tokio::task::spawn_blocking(move || App::open(settings)).await??;
    let (goodbye, told) = oneshot::channel::<()>();
    let bounds = Bounds { open: app.settings.max_connections, head: pause(&app.settings) };
    let server = connections::serve(listener, router(Arc::clone(&app)), bounds, async {
        // Either way there is nothing more to serve.
        let _ = told.await;
    });
    let mut server = tokio::spawn(server);
    tokio::select! {
        () = shutdown => {}
        ended = &mut server => return Ok(ended?),
    }
    tracing::info!("stopping");
    // Requests are answered while the jobs are stored: a caller learns that the service is stopping.
    if !tokio::task::spawn_blocking(move || app.stop(DRAIN_PATIENCE)).await? {
        tracing::warn!("some jobs did not stop in time; they go on from their last save");
    }
    if goodbye.send(()).is_ok() && tokio::time::timeout(GOODBYE_PATIENCE, server).await.is_err() {
        tracing::info!("some connections were still busy and are closed");
    }
    tracing::info!("stopped");
    Ok(())
}
