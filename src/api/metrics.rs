//! `/metrics`, and what of it only the surface sees: requests.

use super::app::{App, blocking};
use super::codes::Code;
use super::problem::Problem;
use crate::telemetry::process;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{counter, gauge, histogram};
use std::sync::Arc;
use std::time::Instant;
use submodular::tile::Kernel;

/// Metrics
///
/// Counters, gauges and histograms in Prometheus' text format. `docs/operations.md` has the table of their names. A
/// gauge that cannot be read is left out, and the log says why.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "What was counted so far, and how things are now", body = String, content_type = "text/plain")),
    extensions(
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/metrics"}])),
    ),
)]
pub(super) async fn get_metrics(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    let page = blocking(move || Ok(app.exporter.page(|| read_gauges(&app)))).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page))
}

/// Every code is there before its first answer: a rate needs a 0 to begin with.
pub(super) fn register() {
    for code in Code::ALL {
        drop(counter!("fewer_problems_total", "code" => code.as_str()));
    }
}

/// Takes no lock that is held for longer than a few lines.
fn read_gauges(app: &App) {
    let (version, kernel) = (env!("CARGO_PKG_VERSION"), Kernel::detect().name());
    gauge!("fewer_build_info", "version" => version, "kernel" => kernel).set(1.0);
    let jobs = app.jobs.occupancy();
    gauge!("fewer_jobs_queued").set(jobs.queued as f64);
    gauge!("fewer_jobs_running").set(jobs.running as f64);
    gauge!("fewer_job_workers").set(app.settings.workers as f64);
    gauge!("fewer_memory_allowed_bytes").set(app.settings.memory_bytes as f64);
    gauge!("fewer_memory_reserved_bytes").set(jobs.reserved_bytes as f64);
    if let Some(memory) = process::memory() {
        gauge!("fewer_memory_resident_bytes").set(memory.resident_bytes as f64);
        gauge!("fewer_memory_peak_bytes").set(memory.peak_bytes as f64);
    }
    match app.datasets.usage() {
        Ok(usage) => {
            gauge!("fewer_datasets").set(usage.datasets as f64);
            gauge!("fewer_dataset_bytes").set(usage.bytes as f64);
        }
        Err(error) => tracing::warn!(%error, "the datasets could not be counted"),
    }
    match app.datasets.disk().free_bytes() {
        Ok(Some(bytes)) => gauge!("fewer_disk_free_bytes").set(bytes as f64),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the free space of the disk could not be read"),
    }
}

/// Counts every request and its answer.
pub(super) async fn measure(request: Request, next: Next) -> Response {
    let mut flight = Flight::begin(&request);
    let response = next.run(request).await;
    flight.status = Some(response.status());
    response
}

/// A request until its answer begins, or until its client leaves: then it is dropped without a status.
struct Flight {
    route: Option<MatchedPath>,
    method: &'static str,
    began: Instant,
    status: Option<StatusCode>,
}

impl Flight {
    fn begin(request: &Request) -> Self {
        gauge!("fewer_http_requests_in_flight").increment(1.0);
        Self {
            route: request.extensions().get().cloned(),
            method: method(request.method()),
            began: Instant::now(),
            status: None,
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        gauge!("fewer_http_requests_in_flight").decrement(1.0);
        let status = self.status.map_or("aborted".to_owned(), |status| status.as_str().to_owned());
        // The path itself is the client's to choose, and would be a label without bound.
        let route = self.route.as_ref().map_or("unmatched", MatchedPath::as_str).to_owned();
        let labels = [("route", route), ("method", self.method.to_owned()), ("status", status)];
        counter!("fewer_http_requests_total", &labels).increment(1);
        histogram!("fewer_http_request_seconds", &labels).record(self.began.elapsed());
    }
}

/// Methods too are the client's to invent.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| method.as_str() == *known).unwrap_or("other")
}
