//! Every refusal is a problem document that says what and where.

use crate::client::{Answer, Client, MANY, endless, npy, selection};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::get;
use fewer::api;
use fewer::api::codes::Code;
use futures_util::stream;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const JSON: &str = "application/json";

/// A job that is sound.
fn job() -> Value {
    json!({
        "kind": "selection",
        "inline": {"vectors": [[1.0, 0.0], [0.0, 1.0]], "columns": {"g": ["x", "y"]}},
        "objective": {"name": "facility_location"},
        "constraints": {"k": 1},
    })
}

/// Every refusal the service can make, once: its status, its code, and what it was.
async fn refusals() -> Vec<(u16, &'static str, Answer)> {
    let client = Client::with(|settings| {
        settings.max_request_bytes = 4096;
        settings.max_pause_seconds = 0.2;
    });
    let dataset = client.upload(MANY, 4).await;
    let running = client.submit(&endless(&dataset)).await;
    client.wait(&running, |job| job["state"] == "running").await;
    let post = async |media_type: &str, body: Body| client.post("/v1/jobs", media_type, body).await;
    let method = async |method: &str, path: &str| {
        client.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    };
    let stalled = Body::from_stream(stream::pending::<Result<Vec<u8>, Infallible>>());
    let mut refusals = vec![
        (400, "malformed_body", post(JSON, "{".into()).await),
        (400, "invalid_query", client.get("/v1/jobs?limit=0").await),
        (400, "invalid_path", client.get("/v1/jobs/%ff").await),
        (404, "route_not_found", client.get("/nothing").await),
        (404, "route_not_found", client.get("/docs/nothing").await),
        (404, "route_not_found", method("HEAD", "/nothing").await),
        (404, "job_not_found", client.get("/v1/jobs/job_1").await),
        (405, "method_not_allowed", method("PUT", "/v1/jobs").await),
        (405, "method_not_allowed", method("OPTIONS", "/v1/jobs").await),
        (405, "method_not_allowed", method("BREW", "/healthz").await),
        (405, "method_not_allowed", method("POST", "/openapi.json").await),
        (408, "body_timeout", post(JSON, stalled).await),
        (409, "dataset_in_use", client.delete(&format!("/v1/datasets/{dataset}")).await),
        (409, "job_not_finished", client.get(&format!("/v1/jobs/{running}/result")).await),
        (413, "payload_too_large", post(JSON, " ".repeat(4097).into()).await),
        (415, "unsupported_media_type", post("text/html", "x".into()).await),
        (422, "invalid_parameter", post(JSON, "{}".into()).await),
    ];
    assert!(client.app.stop(Duration::from_secs(5)));
    refusals.push((503, "shutting_down", client.get("/readyz").await));
    refusals.push((503, "shutting_down", post(JSON, job().to_string().into()).await));
    let panics = Router::new().route("/", get(async || -> () { panic!("a secret") }));
    let panics = client.around(api::mannered(panics, Duration::from_secs(1), None));
    refusals.push((500, "internal", panics.get("/").await));
    refusals.extend(of_limits().await);
    refusals.extend(of_keys_results_and_sources().await);
    refusals
}

/// Refusals of services that have no room.
async fn of_limits() -> Vec<(u16, &'static str, Answer)> {
    let full = Client::with(|settings| (settings.max_queued, settings.max_waiting) = (0, 0));
    let dataset = full.upload(3, 4).await;
    let queue = full.post_json("/v1/jobs", &selection(&dataset, 1)).await;
    let stream = full.get("/v1/jobs/job_1/events").await;
    let crammed = Client::with(|settings| settings.min_free_bytes = u64::MAX);
    let upload = crammed.post("/v1/datasets", "application/x-npy", npy(3, 4)).await;
    vec![
        (429, "queue_full", queue),
        (429, "too_many_requests", stream),
        (507, "insufficient_storage", upload),
    ]
}

async fn of_keys_results_and_sources() -> Vec<(u16, &'static str, Answer)> {
    let dir = tempfile::tempdir().unwrap();
    let base = format!("file://{}", dir.path().display());
    let client = Client::with(|settings| {
        settings.source_prefixes = vec![base.clone()];
        settings.retention.result_seconds = Some(60.0);
        settings.retention.dataset_seconds = Some(60.0);
    });
    let missing = json!({"source": format!("{base}/missing.npy")});
    let missing = client.post_json("/v1/datasets", &missing).await;
    let dataset = client.upload(3, 4).await;
    let job = client.submit(&selection(&dataset, 1)).await;
    client.wait_for_end(&job, "succeeded").await;
    let result = format!("/v1/jobs/{job}/result");
    let picture = Request::get(&result).header(header::ACCEPT, "image/png");
    let picture = client.send(picture.body(Body::empty()).unwrap()).await;
    client.app.sweep(time::OffsetDateTime::now_utc() + time::Duration::hours(1)).unwrap();
    let (result, dataset) = (client.get(&result).await, client.get(&format!("/v1/datasets/{dataset}")).await);

    let key = fewer::auth::ApiKey::new("0123456789abcdef".to_owned().into()).unwrap();
    let keyed = Client::with(|settings| settings.api_key = Some(key));
    let wrong = Request::get("/v1/jobs").header(header::AUTHORIZATION, "Bearer 0123456789abcdeF");
    vec![
        (401, "missing_credentials", keyed.get("/v1/jobs").await),
        (401, "invalid_credentials", keyed.send(wrong.body(Body::empty()).unwrap()).await),
        (406, "not_acceptable", picture),
        (410, "result_expired", result),
        (410, "dataset_expired", dataset),
        (502, "source_failed", missing),
    ]
}

#[tokio::test]
async fn every_status_from_400_on_is_a_whole_problem() {
    let mut walked = BTreeSet::new();
    for (status, code, answer) in refusals().await {
        let told = format!("{status} {code}: {}", answer.json);
        assert_eq!(answer.status, status, "{told}");
        // The client has held the rest of it to the document; an answer to HEAD has no body that it could hold.
        assert!(answer.json.is_null() || answer.json["code"] == code, "{told}");
        assert_eq!(answer.headers.contains_key(header::ALLOW), status == 405, "{told}");
        assert!(!answer.json.to_string().contains("secret"), "{told}");
        walked.insert(status);
    }
    let known = Code::ALL.iter().map(|code| code.status().as_u16());
    // A file that stands still cannot be made here; `dataset::reference` and `object_store` have theirs.
    walked.insert(504);
    assert_eq!(walked, known.collect::<BTreeSet<u16>>());
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let client = Client::new();
    for path in ["/healthz", "/v1/jobs", "/openapi.json", "/nothing"] {
        let get = client.get(path).await;
        let head = client.send(Request::head(path).body(Body::empty()).unwrap()).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.headers[header::CONTENT_TYPE], get.headers[header::CONTENT_TYPE], "{path}");
        assert_eq!(head.json, Value::Null, "{path}");
    }
}

#[tokio::test]
async fn infeasible_constraints_come_with_their_numbers() {
    let client = Client::new();
    let mut job = job();
    job["constraints"]["groups"] = json!({"column": "g", "default_at_least": 1});
    let answer = client.post_json("/v1/jobs", &job).await;
    for at in [&answer.json, &answer.json["errors"][0]] {
        assert_eq!(
            (&at["sum"], &at["needed"], &at["available"], &at["group"]),
            (&json!("at_least"), &json!(2), &json!(1), &Value::Null),
            "{at}"
        );
        assert_eq!((at["code"].as_str(), at.get("context")), (Some("infeasible_constraint"), None));
    }
}

/// Writes a head and then `bytes` of body, and only then reads: the answer's head and its problem.
fn talk(address: SocketAddr, head: &str, bytes: usize) -> (String, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(format!("{head}\r\nhost: fewer\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
    let piece = vec![b' '; 1 << 20];
    for _ in 0..bytes >> 20 {
        stream.write_all(&piece).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_still_sending_reads_its_refusal() {
    let client = Client::with(|settings| settings.max_json_bytes = 1 << 20);
    let address = client.listen().await;
    let bytes = 40 << 20;
    let answers = tokio::task::spawn_blocking(move || {
        let post =
            |path, more| format!("POST {path} HTTP/1.1\r\ncontent-length: {bytes}\r\ncontent-type: {more}");
        let sent = [
            ("413", post("/v1/datasets", JSON)),
            ("415", post("/v1/datasets", "text/html")),
            ("400", post("/v1/datasets?kind=songs", JSON)),
            ("404", post("/nothing", JSON)),
        ]
        .map(|(status, head)| (status, talk(address, &head, bytes)));
        let asks = post("/v1/datasets", "application/json\r\nexpect: 100-continue");
        sent.into_iter().chain([("413", talk(address, &asks, 0))]).collect::<Vec<_>>()
    });
    for (status, (head, problem)) in answers.await.unwrap() {
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {head}");
        assert_eq!(problem["status"].to_string(), status);
    }
}

#[tokio::test]
async fn the_callers_request_id_is_kept_where_it_is_one() {
    let client = Client::new();
    let send = async |id: &str| {
        let request = Request::get("/nothing").header("x-request-id", id).body(Body::empty()).unwrap();
        client.send(request).await.text("/request_id")
    };
    assert_eq!(send("mine-17").await, "mine-17");
    assert_ne!(send(&"x".repeat(129)).await, "x".repeat(129));
}

#[tokio::test]
async fn a_problems_type_is_a_page_about_it() {
    let client = Client::new();
    let problem = client.get("/nothing").await;
    assert_eq!(client.get(&problem.text("/type")).await.status, 200);
}

#[tokio::test]
async fn a_service_that_is_stopping_is_still_read() {
    let client = Client::new();
    assert!(client.app.stop(Duration::from_secs(5)));
    assert_eq!(client.get("/healthz").await.status, 200);
    assert_eq!(client.get("/v1/jobs").await.status, 200);
}
