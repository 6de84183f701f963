//! A service in this process and a client that holds it to its own OpenAPI document.

use crate::spec;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use fewer::api::connections::{self, Bounds};
use fewer::api::{self, App};
use fewer::config::Settings;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tower::ServiceExt;

/// Longer than any wait of these tests needs.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Client {
    pub(crate) app: Arc<App>,
    router: Router,
    dir: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) json: Value,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A service with other settings than the tests' own.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::open(tempfile::tempdir().unwrap(), change)
    }

    fn open(dir: TempDir, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(dir.path());
        settings.threads = 2;
        settings.memory_bytes = 1 << 30;
        change(&mut settings);
        let app = App::open(settings).unwrap();
        Self { router: api::router(Arc::clone(&app)), app, dir }
    }

    /// Stops the service, lets `between` do what it likes with its directory, and starts another on it.
    pub(crate) fn restart(self, between: impl FnOnce(&Path)) -> Self {
        self.restart_with(|_| {}, between)
    }

    /// Likewise, with other settings than the tests' own.
    pub(crate) fn restart_with(
        self,
        change: impl FnOnce(&mut Settings),
        between: impl FnOnce(&Path),
    ) -> Self {
        assert!(self.app.stop(PATIENCE));
        let Self { app, router, dir } = self;
        drop(router);
        assert_eq!(Arc::strong_count(&app), 1, "somebody still holds the service");
        drop(app);
        between(dir.path());
        Self::open(dir, change)
    }

    /// The same service behind other routes.
    pub(crate) fn around(self, router: Router) -> Self {
        Self { router, ..self }
    }

    /// Also answers on a socket, and gives its address.
    pub(crate) async fn listen(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bounds = Bounds { open: 100, head: PATIENCE };
        tokio::spawn(connections::serve(listener, self.router.clone(), bounds, pending()));
        address
    }

    /// For answers that are no JSON, and requests that are never answered.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Request::delete(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, content_type);
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post(path, "application/json", body.to_string()).await
    }

    /// An answer whose body is still to come.
    pub(crate) async fn open_stream(&self, path: &str) -> axum::response::Response {
        self.router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        spec::hold(&method, &path, status, &headers, &body);
        let answer = Answer { status, headers, body, json };
        if status.as_u16() >= 400 && method != Method::HEAD {
            answer.is_a_problem(&path);
        }
        answer
    }

    /// Uploads vectors and gives the dataset's id.
    pub(crate) async fn upload(&self, rows: usize, dim: usize) -> String {
        let answer = self.post("/v1/datasets", "application/x-npy", npy(rows, dim)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
        answer.text("/id")
    }

    /// Submits a job and gives its id.
    pub(crate) async fn submit(&self, body: &Value) -> String {
        let answer = self.post_json("/v1/jobs", body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json);
        answer.text("/id")
    }

    /// Polls until the job is as wanted.
    pub(crate) async fn wait(&self, job: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let answer = self.get(&format!("/v1/jobs/{job}")).await;
            if wanted(&answer.json) {
                return answer.json;
            }
            assert!(answer.json["finished_at"].is_null(), "{}", answer.json);
            assert!(started.elapsed() < PATIENCE, "still {}", answer.json);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Polls until the job has ended, in this state.
    pub(crate) async fn wait_for_end(&self, job: &str, state: &str) -> Value {
        let job = self.wait(job, |job| !job["finished_at"].is_null()).await;
        assert_eq!(job["state"], state, "{job}");
        job
    }

    /// Runs a job to its end and gives its result.
    pub(crate) async fn selected(&self, body: &Value) -> Value {
        let id = self.submit(body).await;
        self.wait_for_end(&id, "succeeded").await;
        self.get(&format!("/v1/jobs/{id}/result")).await.json
    }
}

impl Answer {
    pub(crate) fn text(&self, pointer: &str) -> String {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
    }

    fn is_a_problem(&self, path: &str) {
        let json = &self.json;
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{json}");
        assert_eq!(json["status"], self.status.as_u16(), "{json}");
        assert_eq!(json["instance"], path, "{json}");
        assert_eq!(json["request_id"].as_str(), self.headers["x-request-id"].to_str().ok(), "{json}");
        assert_eq!(json["type"], format!("/errors/{}", json["code"].as_str().unwrap()), "{json}");
        assert!(
            json["title"].is_string() && json["detail"].is_string() && json["errors"].is_array(),
            "{json}"
        );
        let retried = matches!(self.status.as_u16(), 429 | 503);
        assert_eq!(self.headers.contains_key(header::RETRY_AFTER), retried, "{json}");
    }
}

/// `rows` different directions as an `.npy` file of f32.
pub(crate) fn npy(rows: usize, dim: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}");
    while (10 + header.len()) % 64 != 63 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    for cell in 0..rows * dim {
        let value = (cell as f64 * 0.754_877_666_246_692_7).fract() as f32 + 0.01;
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// A selection of `k` rows of a dataset.
pub(crate) fn selection(dataset: &str, k: usize) -> Value {
    json!({
        "kind": "selection",
        "dataset": dataset,
        "objective": {"name": "facility_location"},
        "constraints": {"k": k},
    })
}

/// Rows of a dataset on which [`endless`] takes longer than any test.
pub(crate) const MANY: usize = 3000;

/// A job that would take far longer than a test, step by step.
pub(crate) fn endless(dataset: &str) -> Value {
    let mut job = selection(dataset, MANY);
    job["optimizer"] = json!({"name": "greedy"});
    job
}
