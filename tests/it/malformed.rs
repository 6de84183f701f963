//! What makes no sense is refused by its status, its code and its places, and leaves nothing behind.

mod datasets;
mod http;
mod jobs;

use crate::client::{Client, selection};
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, header};
use jobs::job;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const JSON: &str = "application/json";
const NPY: &str = "application/x-npy";
const PARQUET: &str = "application/vnd.apache.parquet";

/// A request, and the status, code and places of its refusal: JSON pointers, and `?name` for a query parameter.
struct Case {
    request: Request<Body>,
    told: String,
    status: u16,
    code: &'static str,
    places: &'static str,
}

fn case(
    method: Method,
    path: &str,
    media_type: &str,
    body: impl Into<Vec<u8>>,
    (status, code, places): (u16, &'static str, &'static str),
) -> Case {
    let body = body.into();
    let text = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
    let mut request = Request::builder().method(&method).uri(path);
    if !media_type.is_empty() {
        request = request.header(header::CONTENT_TYPE, media_type);
    }
    let told = format!("{method} {path} {media_type} {text}");
    Case { request: request.body(Body::from(body)).unwrap(), told, status, code, places }
}

impl Case {
    fn with(mut self, name: header::HeaderName, value: &[u8]) -> Self {
        self.request.headers_mut().insert(name, HeaderValue::from_bytes(value).unwrap());
        self
    }
}

/// Paths, methods, queries and headers.
fn of_the_surface() -> Vec<Case> {
    let get = |path, wanted| case(Method::GET, path, "", "", wanted);
    let nothing = (404, "route_not_found", "");
    let query = |places| (400, "invalid_query", places);
    vec![
        get("/nothing", nothing),
        get("/v1/jobs/", nothing),
        get("/v1/jobs/a/b/c", nothing),
        get("/v2/jobs", nothing),
        get("/errors/none", nothing),
        case(Method::PUT, "/v1/jobs", "", "", (405, "method_not_allowed", "")),
        case(Method::PATCH, "/v1/datasets/ds_1", JSON, "{}", (405, "method_not_allowed", "")),
        case(Method::POST, "/healthz", "", "", (405, "method_not_allowed", "")),
        case(Method::from_bytes(b"BREW").unwrap(), "/v1/jobs", "", "", (405, "method_not_allowed", "")),
        get("/v1/jobs/%ff", (400, "invalid_path", "")),
        get("/v1/datasets/%c3%28", (400, "invalid_path", "")),
        get("/v1/jobs/job_1", (404, "job_not_found", "")),
        get("/v1/jobs/%00", (404, "job_not_found", "")),
        get("/v1/jobs/..%2f..%2fetc%2fpasswd", (404, "job_not_found", "")),
        get("/v1/jobs/job_1/result", (404, "job_not_found", "")),
        case(Method::POST, "/v1/jobs/job_1/cancel", "", "", (404, "job_not_found", "")),
        case(Method::DELETE, "/v1/jobs/job_1", "", "", (404, "job_not_found", "")),
        get("/v1/datasets/ds_1", (404, "dataset_not_found", "")),
        case(Method::DELETE, "/v1/datasets/ds_1", "", "", (404, "dataset_not_found", "")),
        get("/v1/jobs?limit=0", query("?limit")),
        get("/v1/jobs?limit=201", query("?limit")),
        get("/v1/jobs?limit=-1", query("?limit")),
        get("/v1/jobs?limit=1.0", query("?limit")),
        get("/v1/jobs?limit=99999999999999999999", query("?limit")),
        get("/v1/jobs?limit=", query("?limit")),
        get("/v1/jobs?limit=1&limit=2", query("")),
        get("/v1/jobs?colour=red&limit=many", query("?colour ?limit")),
        get("/v1/jobs?Limit=1", query("?Limit")),
        get("/v1/jobs?state=queued,asleep", query("?state")),
        get("/v1/jobs?state=", query("?state")),
        get("/v1/datasets?page_token=v9.ds_1", query("?page_token")),
        get("/v1/datasets?page_token=v1.", query("?page_token")),
        get("/v1/jobs?page_token=v1.%F0%9F%A6%80", query("?page_token")),
        get("/v1/jobs/job_1/result?k=-1", query("?k")),
        get("/v1/jobs/job_1/result?k=0", (422, "prefix_not_valid", "")),
        case(Method::POST, "/v1/jobs?validate_only=perhaps", JSON, job(|_| {}), query("?validate_only")),
        case(Method::POST, "/v1/datasets?kind=songs&songs=1", NPY, "x", query("?kind ?songs")),
        case(Method::POST, &format!("/v1/datasets?name={}", "n".repeat(257)), NPY, "x", query("?name")),
        case(Method::POST, "/v1/datasets", "", "", (415, "unsupported_media_type", "")),
        case(Method::POST, "/v1/datasets", "text/html", "x", (415, "unsupported_media_type", "")),
        case(Method::POST, "/v1/datasets", "application/x-npyz", "x", (415, "unsupported_media_type", "")),
        case(Method::POST, "/v1/jobs", "text/plain", job(|_| {}), (415, "unsupported_media_type", "")),
        case(Method::POST, "/v1/jobs", "json", job(|_| {}), (415, "unsupported_media_type", "")),
        case(Method::POST, "/v1/jobs", "", job(|_| {}), (415, "unsupported_media_type", "")),
        case(Method::POST, "/v1/jobs", "", job(|_| {}), (400, "invalid_header", ""))
            .with(header::CONTENT_TYPE, b"application/json; charset=\xff"),
        case(Method::POST, "/v1/datasets", NPY, "x", (415, "unsupported_encoding", ""))
            .with(header::CONTENT_ENCODING, b"br"),
        case(Method::POST, "/v1/jobs", JSON, job(|_| {}), (415, "unsupported_encoding", ""))
            .with(header::CONTENT_ENCODING, b"zip, zip"),
        case(Method::POST, "/v1/jobs", JSON, job(|_| {}), (413, "payload_too_large", ""))
            .with(header::CONTENT_LENGTH, b"9223372036854775807"),
        case(Method::POST, "/v1/jobs", JSON, "x".repeat(5000), (413, "payload_too_large", "")),
    ]
}

/// Every file with its bytes: the database too, which therefore has not been written to.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    files
}

/// A service that has a dataset and a job, and is at rest.
async fn settled() -> (Client, String) {
    let client = Client::with(|settings| settings.max_request_bytes = 4096);
    let dataset = client.upload(20, 3).await;
    let job = client.submit(&selection(&dataset, 2)).await;
    client.wait_for_end(&job, "succeeded").await;
    (client, dataset)
}

async fn is_well(client: &Client, dataset: &str) {
    for path in ["/healthz", "/readyz"] {
        assert_eq!(client.get(path).await.status, 200);
    }
    let job = client.submit(&selection(dataset, 3)).await;
    client.wait_for_end(&job, "succeeded").await;
}

#[tokio::test]
async fn whatever_makes_no_sense_is_refused_by_its_place_and_changes_nothing() {
    let (client, dataset) = settled().await;
    let before = files(client.dir());
    let cases = [
        of_the_surface(),
        jobs::of_the_syntax(),
        jobs::of_the_fields(),
        jobs::of_the_dataset(),
        datasets::of_the_bytes(),
    ]
    .map(Vec::into_iter);
    let mut refused = 0;
    for Case { request, told, status, code, places } in cases.into_iter().flatten() {
        let answer = client.send(request).await;
        let errors = answer.json["errors"].as_array().unwrap();
        let place = |error: &Value| match error["parameter"].as_str() {
            Some(name) => format!("?{name}"),
            None => error["pointer"].as_str().unwrap().to_owned(),
        };
        let mut found: Vec<_> = errors.iter().map(place).collect();
        found.sort();
        let found = found.join(" ");
        assert_eq!(
            (answer.status.as_u16(), answer.json["code"].as_str(), found.as_str()),
            (status, Some(code), places),
            "{told}: {}",
            answer.json
        );
        refused += 1;
    }
    assert!(refused >= 60, "{refused}");
    assert!(files(client.dir()) == before, "a refused request has left something");
    is_well(&client, &dataset).await;
}
