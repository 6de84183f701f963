//! Every refusal is a problem document that says what and where.

use crate::client::{Answer, Client, MANY, endless, npy, selection};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, header};
use axum::routing::get;
use fewer::api;
use fewer::api::codes::Code;
use futures_util::stream;
use serde_json::{Value, json};
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

type Refusals = Vec<(Code, Answer)>;

/// Codes that nothing can be made to answer here, and why.
const UNWALKED: [(Code, &str); 4] = [
    (Code::NegativeSimilarity, "a run finds them, and its job tells: `objectives` has such jobs"),
    (Code::IdempotencyInProgress, "takes two requests at the same instant: `submission` has a crowd of them"),
    (
        Code::SourceTimeout,
        "a file does not stand still: `dataset::reference` and `object_store` have their own",
    ),
    (Code::NotReady, "takes a processor that computes what is wrong"),
];

/// Refusals of a service that is at work, and of one that stops.
async fn of_the_surface() -> Refusals {
    let client = Client::with(|settings| {
        settings.workers = 1;
        settings.max_request_bytes = 4096;
        settings.max_pause_seconds = 0.2;
    });
    let dataset = client.upload(MANY, 4).await;
    let running = client.submit(&endless(&dataset)).await;
    client.wait(&running, |job| job["state"] == "running").await;
    let waiting = client.submit(&endless(&dataset)).await;
    client.post(&format!("/v1/jobs/{waiting}/cancel"), "", "").await;
    let post = async |media_type: &str, body: Body| client.post("/v1/jobs", media_type, body).await;
    let method = async |method: &str, path: &str| {
        client.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    };
    let with = async |name: header::HeaderName, value: &[u8]| {
        let value = HeaderValue::from_bytes(value).unwrap();
        let request = Request::post("/v1/jobs").header(header::CONTENT_TYPE, JSON).header(name, value);
        client.send(request.body(job().to_string().into()).unwrap()).await
    };
    let stalled = Body::from_stream(stream::pending::<Result<Vec<u8>, Infallible>>());
    let mut refusals = vec![
        (Code::MalformedBody, post(JSON, "{".into()).await),
        (Code::InvalidQuery, client.get("/v1/jobs?limit=0").await),
        (Code::InvalidPath, client.get("/v1/jobs/%ff").await),
        (Code::InvalidHeader, with(HeaderName::from_static("idempotency-key"), b"\xff").await),
        (Code::RouteNotFound, client.get("/nothing").await),
        (Code::RouteNotFound, client.get("/docs/nothing").await),
        (Code::RouteNotFound, method("HEAD", "/nothing").await),
        (Code::DatasetNotFound, client.get("/v1/datasets/ds_1").await),
        (Code::JobNotFound, client.get("/v1/jobs/job_1").await),
        (Code::MethodNotAllowed, method("PUT", "/v1/jobs").await),
        (Code::MethodNotAllowed, method("OPTIONS", "/v1/jobs").await),
        (Code::MethodNotAllowed, method("BREW", "/healthz").await),
        (Code::MethodNotAllowed, method("POST", "/openapi.json").await),
        (Code::BodyTimeout, post(JSON, stalled).await),
        (Code::DatasetInUse, client.delete(&format!("/v1/datasets/{dataset}")).await),
        (Code::JobNotFinished, client.get(&format!("/v1/jobs/{running}/result")).await),
        (Code::JobNotTerminal, client.delete(&format!("/v1/jobs/{running}")).await),
        (Code::NoResult, client.get(&format!("/v1/jobs/{waiting}/result")).await),
        (Code::PayloadTooLarge, post(JSON, " ".repeat(4097).into()).await),
        (Code::UnsupportedMediaType, post("text/html", "x".into()).await),
        (Code::UnsupportedEncoding, with(header::CONTENT_ENCODING, b"br").await),
        (Code::InvalidParameter, post(JSON, "{}".into()).await),
    ];
    assert!(client.app.stop(Duration::from_secs(5)));
    refusals.push((Code::ShuttingDown, client.get("/readyz").await));
    refusals.push((Code::ShuttingDown, post(JSON, job().to_string().into()).await));
    let panics = Router::new().route("/", get(async || -> () { panic!("a secret") }));
    let panics = client.around(api::mannered(panics, Duration::from_secs(1), None));
    refusals.push((Code::Internal, panics.get("/").await));
    refusals
}

fn group(job: &mut Value, bounds: Value) {
    job["constraints"]["groups"] = bounds;
    job["constraints"]["groups"]["column"] = json!("g");
}

/// Refusals of jobs that are whole and make no sense.
async fn of_jobs() -> Refusals {
    let client = Client::new();
    let post = async |change: fn(&mut Value)| {
        let mut job = job();
        change(&mut job);
        client.post_json("/v1/jobs", &job).await
    };
    let keyed = async |k: usize| {
        let mut job = job();
        job["constraints"]["k"] = json!(k);
        let request =
            Request::post("/v1/jobs").header(header::CONTENT_TYPE, JSON).header("idempotency-key", "a");
        client.send(request.body(job.to_string().into()).unwrap()).await
    };
    let done = keyed(1).await.text("/id");
    client.wait_for_end(&done, "succeeded").await;
    let large = Client::with(|settings| settings.max_flops = 1.0);
    let asking =
        json!({"kind": "selection", "objective": {"name": "external", "n": 3}, "constraints": {"k": 2}});
    let asking = client.post_json("/v1/jobs", &asking).await.text("/id");
    client.wait(&asking, |job| job["state"] == "awaiting_answers").await;
    let round = client.get(&format!("/v1/jobs/{asking}/questions")).await.json;
    let answered = async |round: u64, value: f64| {
        let answers = vec![value; 4];
        let path = format!("/v1/jobs/{asking}/answers");
        client.post_json(&path, &json!({"round": round, "answers": answers})).await
    };
    // A second round follows: the job lives on when the first has been answered.
    assert_eq!(round["sets"], json!([[], [0], [1], [2]]));
    let wrong = answered(2, 0.0).await;
    answered(1, 0.0).await;
    vec![
        (Code::WrongRound, wrong),
        (Code::AnswersDiffer, answered(1, 1.0).await),
        (Code::NotAwaitingAnswers, client.get(&format!("/v1/jobs/{done}/questions")).await),
        (Code::InvalidMatrix, post(|job| job["inline"]["vectors"][0][1] = json!(1e39)).await),
        (
            Code::InvalidRanking,
            post(|job| job["inline"] = json!({"kind": "rankings", "rankings": [[0], []]})).await,
        ),
        (Code::ShapeMismatch, post(|job| job["inline"]["vectors"][1] = json!([1])).await),
        (Code::UnknownItem, post(|job| job["constraints"]["include"] = json!([9])).await),
        (Code::DuplicateItem, post(|job| job["constraints"]["exclude"] = json!([1, 1])).await),
        (Code::UnknownGroup, post(|job| group(job, json!({"at_least": {"z": 1}}))).await),
        (Code::InfeasibleConstraint, post(|job| group(job, json!({"default_at_least": 1}))).await),
        (
            Code::OptimizerMismatch,
            post(|job| job["optimizer"] = json!({"name": "bidirectional_greedy", "full_ranking": true}))
                .await,
        ),
        (Code::EstimateExceedsLimit, large.post_json("/v1/jobs", &job()).await),
        (Code::PrefixNotValid, client.get(&format!("/v1/jobs/{done}/result?k=2")).await),
        (Code::NoPlot, client.get(&format!("/v1/jobs/{done}/plot.svg")).await),
        (Code::IdempotencyMismatch, keyed(2).await),
        (
            Code::SourceNotAllowed,
            client.post_json("/v1/datasets", &json!({"source": "file:///etc/a.npy"})).await,
        ),
    ]
}

/// Refusals of services that have no room.
async fn of_limits() -> Refusals {
    let full = Client::with(|settings| (settings.max_queued, settings.max_waiting) = (0, 0));
    let dataset = full.upload(3, 4).await;
    let queue = full.post_json("/v1/jobs", &selection(&dataset, 1)).await;
    let stream = full.get("/v1/jobs/job_1/events").await;
    let crammed = Client::with(|settings| settings.min_free_bytes = u64::MAX);
    let upload = crammed.post("/v1/datasets", "application/x-npy", npy(3, 4)).await;
    vec![(Code::QueueFull, queue), (Code::TooManyRequests, stream), (Code::InsufficientStorage, upload)]
}

async fn of_keys_results_and_sources() -> Refusals {
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
        (Code::MissingCredentials, keyed.get("/v1/jobs").await),
        (Code::InvalidCredentials, keyed.send(wrong.body(Body::empty()).unwrap()).await),
        (Code::NotAcceptable, picture),
        (Code::ResultExpired, result),
        (Code::DatasetExpired, dataset),
        (Code::SourceFailed, missing),
    ]
}

#[tokio::test]
async fn every_code_is_a_whole_problem() {
    let mut walked = UNWALKED.map(|(code, _)| code.as_str()).to_vec();
    let refusals =
        [of_the_surface().await, of_jobs().await, of_limits().await, of_keys_results_and_sources().await];
    for (code, answer) in refusals.into_iter().flatten() {
        let told = format!("{}: {} {}", code.as_str(), answer.status, answer.json);
        assert_eq!(answer.status, code.status(), "{told}");
        // The client has held the rest of it to the document; an answer to HEAD has no body that it could hold.
        assert!(answer.json.is_null() || answer.json["code"] == code.as_str(), "{told}");
        assert_eq!(answer.headers.contains_key(header::ALLOW), answer.status == 405, "{told}");
        assert!(!answer.json.to_string().contains("secret"), "{told}");
        if !walked.ends_with(&[code.as_str()]) {
            walked.push(code.as_str());
        }
    }
    walked.sort_unstable();
    let mut known: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    known.sort_unstable();
    // Each of them, and none that is excused has been walked.
    assert_eq!(walked, known);
}

#[tokio::test]
async fn however_many_and_however_long_the_faults_are_the_answer_is_short() {
    let client = Client::with(|settings| settings.max_request_bytes = 1 << 20);
    let long = "k".repeat(300_000);
    let twice = r#""a":1,"#.repeat(4000);
    let many = |name: &str| (0..20_000).map(|i| format!(r#""{name}{i}":"#)).collect::<Vec<_>>().join("1,");
    let at_least = |bounds: &str| {
        let groups = format!(r#""k":1,"groups":{{"column":"g","at_least":{{{bounds}}}}}"#);
        job().to_string().replace(r#""k":1"#, &groups)
    };
    let bodies = [
        (422, format!(r#"{{"{long}":{{{twice}"a":1}}}}"#)),
        (422, format!(r#"{{{}1}}"#, many("a"))),
        (422, format!(r#"{{"{long}":1}}"#)),
        (422, format!(r#"{{"kind":"{long}"}}"#)),
        (422, job().to_string().replace(r#""kind""#, &format!(r#""labels":{{"{long}":1}},"kind""#))),
        (422, job().to_string().replace("facility_location", &long)),
        (422, at_least(&format!("{}1", many("z")))),
        (422, at_least(&format!(r#""{long}":1"#))),
        (422, at_least(&format!(r#""{long}":-1"#))),
        (422, job().to_string().replace(r#""g""#, &format!(r#""{long}""#)).replace("[\"x\"", "[1")),
    ];
    let mut answers = Vec::new();
    for (status, body) in bodies {
        assert!(body.len() < 1 << 20);
        answers.push((status, client.post("/v1/jobs", JSON, body).await));
    }
    let kilobytes = "x".repeat(60_000);
    for query in
        ["a&".repeat(30_000), format!("{kilobytes}=1"), format!("limit={kilobytes}"), "a&".repeat(100)]
    {
        answers.push((400, client.get(&format!("/v1/jobs?{query}")).await));
        answers.push((400, client.get(&format!("/v1/info?{query}")).await));
    }
    for (status, answer) in answers {
        let told = String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)]).into_owned();
        assert_eq!(answer.status, status, "{told}");
        assert!(answer.body.len() < 100_000, "{} bytes: {told}", answer.body.len());
        assert!(answer.json["errors"].as_array().unwrap().len() <= 100, "{told}");
    }
}

#[tokio::test]
async fn operations_without_parameters_refuse_them() {
    let client = Client::new();
    let document: Value = serde_json::from_str(api::openapi::json()).unwrap();
    let mut refused = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let path = path.replace("{id}", "job_1").replace("{code}", "internal");
            for query in ["x=1", "&x"] {
                let request = Request::builder().method(method.to_uppercase().as_str());
                let request = request.uri(format!("{path}?{query}")).body(Body::empty()).unwrap();
                let answer = client.send(request).await;
                let found = (answer.status.as_u16(), answer.json["errors"][0]["parameter"].as_str());
                assert_eq!(found, (400, Some("x")), "{method} {path}?{query}: {}", answer.json);
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "{refused}");
    for path in ["/healthz?", "/healthz?&", "/docs/?x=1", "/openapi.json?x=1"] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
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
