//! Every refusal is a problem document that says what and where.

use crate::client::Client;
use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A request, and the status, code and pointer of its refusal.
struct Case(Method, &'static str, &'static str, String, u16, &'static str, Option<&'static str>);

fn job(change: impl FnOnce(&mut Value)) -> String {
    let mut job = json!({
        "kind": "selection",
        "inline": {"vectors": [[1.0, 0.0], [0.0, 1.0]], "ids": ["a", "b"], "columns": {"g": ["x", "y"]}},
        "objective": {"name": "facility_location"},
        "constraints": {"k": 1},
    });
    change(&mut job);
    job.to_string()
}

const JSON: &str = "application/json";
const NPY: &str = "application/x-npy";

/// Refused by the router and by the readers of bodies, paths and queries.
fn of_the_surface() -> Vec<Case> {
    let empty = String::new;
    vec![
        Case(Method::GET, "/nothing", "", empty(), 404, "route_not_found", None),
        Case(Method::GET, "/v1/jobs/", "", empty(), 404, "route_not_found", None),
        Case(Method::PUT, "/v1/jobs", "", empty(), 405, "method_not_allowed", None),
        Case(Method::POST, "/healthz", "", empty(), 405, "method_not_allowed", None),
        Case(Method::GET, "/errors/none", "", empty(), 404, "route_not_found", None),
        Case(Method::GET, "/v1/jobs?limit=0", "", empty(), 400, "invalid_query", None),
        Case(Method::GET, "/v1/jobs?limit=201", "", empty(), 400, "invalid_query", None),
        Case(Method::GET, "/v1/jobs?limit=many", "", empty(), 400, "invalid_query", None),
        Case(Method::GET, "/v1/jobs?colour=red", "", empty(), 400, "invalid_query", None),
        Case(Method::GET, "/v1/datasets?page_token=v9.ds_1", "", empty(), 400, "invalid_query", None),
        Case(Method::GET, "/v1/jobs/%ff", "", empty(), 400, "invalid_path", None),
        Case(Method::GET, "/v1/jobs/job_1", "", empty(), 404, "job_not_found", None),
        Case(Method::GET, "/v1/jobs/job_1/result", "", empty(), 404, "job_not_found", None),
        Case(Method::GET, "/v1/jobs/job_1/result?k=-1", "", empty(), 400, "invalid_query", None),
        Case(Method::DELETE, "/v1/jobs/job_1", "", empty(), 404, "job_not_found", None),
        Case(Method::GET, "/v1/datasets/ds_1", "", empty(), 404, "dataset_not_found", None),
        Case(Method::POST, "/v1/datasets", "", empty(), 415, "unsupported_media_type", None),
        Case(Method::POST, "/v1/datasets", "text/html", "x".into(), 415, "unsupported_media_type", None),
        Case(Method::POST, "/v1/datasets?kind=songs", NPY, "x".into(), 400, "invalid_query", None),
        Case(Method::POST, "/v1/datasets", NPY, empty(), 400, "malformed_body", None),
        Case(Method::POST, "/v1/datasets", NPY, "PAR1 or not".into(), 400, "malformed_body", None),
        Case(Method::POST, "/v1/jobs", "text/plain", job(|_| {}), 415, "unsupported_media_type", None),
        Case(Method::POST, "/v1/jobs?dry=1", JSON, job(|_| {}), 400, "invalid_query", None),
        Case(Method::POST, "/v1/jobs", JSON, "{".into(), 400, "malformed_body", None),
        Case(Method::POST, "/v1/jobs", JSON, "x".repeat(5000), 413, "payload_too_large", None),
    ]
}

/// Refused for what they ask.
fn of_the_content() -> Vec<Case> {
    let refused = |change: fn(&mut Value), status, code, pointer| {
        Case(Method::POST, "/v1/jobs", JSON, job(change), status, code, Some(pointer))
    };
    let invalid = |change, pointer| refused(change, 422, "invalid_parameter", pointer);
    let dataset = |body: &str, status, code, pointer| {
        Case(Method::POST, "/v1/datasets", JSON, body.into(), status, code, pointer)
    };
    vec![
        dataset(r#"{"vectors": [[1, 2], [3]]}"#, 422, "shape_mismatch", Some("/vectors/1")),
        dataset(r#"{"vectors": [[1, null]]}"#, 422, "invalid_matrix", Some("/vectors/0/1")),
        dataset(r#"{"vectors": [[1]], "ids": ["a", "b"]}"#, 422, "shape_mismatch", Some("/ids")),
        dataset(r#"{"vectors": [[1], [2]], "ids": ["a", "a"]}"#, 422, "duplicate_item", Some("/ids/1")),
        dataset(r#"{"vectors": [[1]], "songs": 1}"#, 422, "invalid_parameter", Some("/songs")),
        dataset(r#"{"kind": "songs"}"#, 422, "invalid_parameter", Some("/kind")),
        dataset(r#"{"vectors": [["a"]]}"#, 422, "invalid_parameter", Some("/vectors/0/0")),
        dataset(r#"{"vectors": [[1]], "ids": [0.5]}"#, 422, "invalid_parameter", Some("/ids/0")),
        dataset("[[1]]", 422, "invalid_parameter", Some("")),
        dataset("{'vectors': [[1]]}", 400, "malformed_body", None),
        invalid(|job| job["inline"] = json!([]), "/inline"),
        invalid(|job| job["inline"]["songs"] = json!(1), "/inline/songs"),
        invalid(|job| job["colour"] = json!("red"), "/colour"),
        invalid(|job| job["kind"] = json!("dance"), "/kind"),
        invalid(|job| job["inline"] = Value::Null, "/dataset"),
        invalid(|job| job["dataset"] = json!("ds_1"), "/inline"),
        invalid(|job| job["objective"] = json!("facility_location"), "/objective"),
        invalid(|job| job["objective"] = json!({}), "/objective"),
        invalid(|job| job["objective"]["name"] = json!("happiness"), "/objective/name"),
        invalid(
            |job| job["objective"]["similarity"] = json!({"metric": "taxi"}),
            "/objective/similarity/metric",
        ),
        invalid(|job| job["objective"]["similarity"] = json!({"width": 1}), "/objective/similarity/width"),
        invalid(|job| job["constraints"]["include"] = json!([0, -1]), "/constraints/include/1"),
        invalid(|job| job["constraints"]["k"] = json!("one"), "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = Value::Null, "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = json!(0), "/constraints/k"),
        invalid(|job| job["optimizer"] = json!({"name": "luck"}), "/optimizer/name"),
        invalid(|job| job["optimizer"] = json!({"name": "greedy", "epsilon": 1}), "/optimizer/epsilon"),
        invalid(
            |job| job["optimizer"] = json!({"name": "stochastic_greedy", "epsilon": 2.0}),
            "/optimizer/epsilon",
        ),
        invalid(|job| job["deadline_seconds"] = json!(0), "/deadline_seconds"),
        invalid(|job| job["labels"] = json!({"a": "x".repeat(300)}), "/labels"),
        invalid(|job| job["labels"] = json!({"a": 1}), "/labels/a"),
        refused(
            |job| job["objective"]["represented"] = json!({"dataset": "ds_1"}),
            404,
            "dataset_not_found",
            "/objective/represented/dataset",
        ),
        invalid(
            |job| job["objective"]["similarity"] = json!({"neighbors": {"m": 10}}),
            "/objective/similarity/neighbors",
        ),
        refused(
            |job| job["constraints"]["include"] = json!([2]),
            422,
            "unknown_item",
            "/constraints/include/0",
        ),
        refused(
            |job| job["constraints"]["exclude"] = json!(["c"]),
            422,
            "unknown_item",
            "/constraints/exclude/0",
        ),
        refused(
            |job| job["constraints"]["include"] = json!([0, "a"]),
            422,
            "duplicate_item",
            "/constraints/include/1",
        ),
        refused(
            |job| job["constraints"]["groups"] = json!({"column": "g", "at_least": {"z": 1}}),
            422,
            "unknown_group",
            "/constraints/groups/at_least/z",
        ),
        refused(
            |job| job["constraints"]["groups"] = json!({"column": "g", "default_at_least": 1}),
            422,
            "infeasible_constraint",
            "/constraints",
        ),
        refused(|job| job["inline"]["vectors"][1] = json!([1]), 422, "shape_mismatch", "/inline/vectors/1"),
    ]
}

#[tokio::test]
async fn every_refusal_says_what_and_where() {
    let client = Client::with(|settings| settings.max_request_bytes = 4096);
    for Case(method, path, content_type, body, status, code, pointer) in
        of_the_surface().into_iter().chain(of_the_content())
    {
        let told = format!("{method} {path} {body}");
        let mut request = Request::builder().method(method).uri(path);
        if !content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let answer = client.send(request.body(Body::from(body)).unwrap()).await;
        let found = answer.json.pointer("/errors/0/pointer").and_then(Value::as_str);
        assert_eq!(
            (answer.status.as_u16(), answer.json["code"].as_str(), found),
            (status, Some(code), pointer),
            "{told}: {}",
            answer.json
        );
    }
    assert_eq!(client.get("/v1/jobs").await.json["items"], json!([]));
    assert_eq!(client.get("/v1/datasets").await.json["items"], json!([]));
}

#[tokio::test]
async fn compressed_bodies_are_refused_by_name() {
    let client = Client::new();
    let request = Request::post("/v1/datasets").header(header::CONTENT_TYPE, NPY);
    let answer =
        client.send(request.header(header::CONTENT_ENCODING, "br").body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.text("/code").as_str()), (415, "unsupported_encoding"));
}

#[tokio::test]
async fn infeasible_constraints_come_with_their_numbers() {
    let client = Client::new();
    let body = job(|job| job["constraints"]["groups"] = json!({"column": "g", "default_at_least": 1}));
    let answer = client.post("/v1/jobs", JSON, body).await;
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
async fn a_service_that_is_stopping_says_so() {
    let client = Client::new();
    assert!(client.app.stop(Duration::from_secs(5)));
    for answer in [client.get("/readyz").await, client.post("/v1/jobs", JSON, job(|_| {})).await] {
        assert_eq!((answer.status.as_u16(), answer.text("/code").as_str()), (503, "shutting_down"));
    }
    assert_eq!(client.get("/healthz").await.status, 200);
    assert_eq!(client.get("/v1/jobs").await.status, 200);
}
