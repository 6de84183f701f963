//! What makes no sense is refused by its status, its code and its places, and leaves nothing behind.

use crate::client::{Client, npy, selection};
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

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
        get("/v1/datasets?page_token=v9.ds_1", query("?page_token")),
        get("/v1/datasets?page_token=v1.", query("?page_token")),
        get("/v1/jobs?page_token=v1.%F0%9F%A6%80", query("?page_token")),
        get("/v1/jobs/job_1/result?k=-1", query("?k")),
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

/// A job that is sound, changed.
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

/// Bodies of jobs that are no JSON, or no JSON that means one thing.
fn of_the_syntax() -> Vec<Case> {
    let malformed = |body: &[u8]| case(Method::POST, "/v1/jobs", JSON, body, (400, "malformed_body", ""));
    let sound = job(|_| {});
    let twice = |field: &str, again: &str, places| {
        let body = sound.replacen(field, again, 1);
        assert_ne!(body, sound);
        case(Method::POST, "/v1/jobs", JSON, body, (422, "invalid_parameter", places))
    };
    vec![
        malformed(b""),
        malformed(b"   "),
        malformed(b"{"),
        malformed(sound[..sound.len() - 1].as_bytes()),
        malformed(format!("{sound}{sound}").as_bytes()),
        malformed(sound.replace(":1}", ":NaN}").as_bytes()),
        malformed(sound.replace(":1}", ":Infinity}").as_bytes()),
        malformed(sound.replace(":1}", ":1e999}").as_bytes()),
        malformed(sound.replace(":1}", ":01}").as_bytes()),
        malformed(sound.replace(":1}", ":1,}").as_bytes()),
        malformed(sound.replace('"', "'").as_bytes()),
        malformed(sound.replace("selection", "selec\\ud800tion").as_bytes()),
        malformed(sound.replace("selection", "selec\ntion").as_bytes()),
        malformed(&[sound.as_bytes(), b"\0"].concat()),
        malformed(&[b"\xef\xbb\xbf", sound.as_bytes()].concat()),
        malformed(&[b"{\"kind\":\"\xff\"}".as_slice()].concat()),
        malformed("[".repeat(4000).as_bytes()),
        malformed(sound.replace(":1}", &format!(":{}1{}}}", "[".repeat(1500), "]".repeat(1500))).as_bytes()),
        twice("\"kind\":\"selection\"", "\"kind\":\"selection\",\"kind\":\"selection\"", "/kind"),
        twice("\"k\":1", "\"k\":1,\"k\":2", "/constraints/k"),
        twice("\"ids\":", "\"ids\":[\"c\",\"d\"],\"ids\":", "/inline/ids"),
    ]
}

/// Jobs whose fields are of the wrong type, out of range, unknown or missing, at every level.
fn of_the_fields() -> Vec<Case> {
    let invalid = |change: fn(&mut Value), places| {
        case(Method::POST, "/v1/jobs", JSON, job(change), (422, "invalid_parameter", places))
    };
    let whole =
        |body: &str, places| case(Method::POST, "/v1/jobs", JSON, body, (422, "invalid_parameter", places));
    vec![
        whole("null", ""),
        whole("[]", ""),
        whole("7", ""),
        whole("{}", "/constraints /kind /objective"),
        whole(r#"{"kind":null,"objective":{},"constraints":[]}"#, "/constraints /kind /objective/name"),
        invalid(|job| job["colour"] = json!("red"), "/colour"),
        invalid(|job| job["a/b~"] = json!(1), "/a~1b~0"),
        invalid(|job| job["kind"] = json!("dance"), "/kind"),
        invalid(|job| job["kind"] = json!("Selection"), "/kind"),
        invalid(|job| job["inline"] = Value::Null, "/dataset"),
        invalid(|job| job["dataset"] = json!("ds_1"), "/inline"),
        invalid(|job| job["dataset"] = json!(7), "/dataset"),
        invalid(|job| job["seed"] = json!(-1), "/seed"),
        invalid(|job| job["seed"] = json!(1.5), "/seed"),
        invalid(|job| job["seed"] = json!("7"), "/seed"),
        invalid(|job| job["seed"] = json!(1e20), "/seed"),
        invalid(|job| job["deadline_seconds"] = json!(0), "/deadline_seconds"),
        invalid(|job| job["deadline_seconds"] = json!(-1e300), "/deadline_seconds"),
        invalid(|job| job["on_stop"] = json!("explode"), "/on_stop"),
        invalid(|job| job["labels"] = json!({"a": "x".repeat(257)}), "/labels/a"),
        invalid(|job| job["labels"] = json!({"a": 1, "b": null}), "/labels/a /labels/b"),
        invalid(|job| job["labels"] = json!(["a"]), "/labels"),
        invalid(|job| (0..33).for_each(|i| job["labels"][i.to_string()] = json!("")), "/labels"),
        invalid(|job| job["objective"] = json!("facility_location"), "/objective"),
        invalid(|job| job["objective"] = json!({}), "/objective/name"),
        invalid(|job| job["objective"]["name"] = json!("happiness"), "/objective/name"),
        invalid(|job| job["objective"]["name"] = json!(["facility_location"]), "/objective/name"),
        invalid(|job| job["objective"]["lambda"] = json!(1), "/objective/lambda"),
        invalid(|job| job["objective"]["reduction"] = json!("max"), "/objective/reduction"),
        invalid(
            |job| job["objective"]["similarity"] = json!({"metric": "taxi", "width": 1}),
            "/objective/similarity/metric /objective/similarity/width",
        ),
        invalid(
            |job| job["objective"]["similarity"] = json!({"metric": "rbf", "gamma": 0}),
            "/objective/similarity/gamma",
        ),
        invalid(|job| job["objective"]["similarity"] = json!({"gamma": 1}), "/objective/similarity/gamma"),
        invalid(
            |job| job["objective"]["similarity"] = json!({"metric": "precomputed"}),
            "/objective/similarity/metric",
        ),
        invalid(|job| job["objective"]["represented"] = json!({}), "/objective/represented"),
        invalid(
            |job| job["objective"]["represented"] = json!({"rows": [0], "sample": 1}),
            "/objective/represented",
        ),
        invalid(
            |job| job["objective"]["represented"] = json!({"sample": 0}),
            "/objective/represented/sample",
        ),
        invalid(
            |job| job["objective"]["represented"] = json!({"vectors": [[1, 2], [3, "4"], [5, 1e39]]}),
            "/objective/represented/vectors/1/1 /objective/represented/vectors/2/1",
        ),
        invalid(|job| job["objective"]["weights"] = json!([1, 1]), "/objective/weights"),
        invalid(|job| job["objective"]["weights"] = json!({"values": [1, -1]}), "/objective/weights"),
        invalid(|job| job["objective"]["weights"] = json!({"column": "g"}), "/objective/weights/column"),
        invalid(|job| job["objective"]["weights"] = json!({"column": "h"}), "/objective/weights/column"),
        invalid(|job| job["constraints"] = json!(null), "/constraints"),
        invalid(|job| job["constraints"]["k"] = json!("one"), "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = Value::Null, "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = json!(0), "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = json!(3), "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = json!(1.5), "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = json!(u64::MAX), "/constraints/k"),
        invalid(|job| job["constraints"]["budget"] = json!(1), "/constraints/budget"),
        invalid(|job| job["constraints"]["include"] = json!([0, -1]), "/constraints/include/1"),
        invalid(|job| job["constraints"]["include"] = json!({"0": 1}), "/constraints/include"),
        invalid(
            |job| job["constraints"]["exclude"] = json!([null, 0.5]),
            "/constraints/exclude/0 /constraints/exclude/1",
        ),
        invalid(|job| job["constraints"]["groups"] = json!({}), "/constraints/groups/column"),
        invalid(
            |job| job["constraints"]["groups"] = json!({"column": "g", "at_most": {"x": -1, "a/b": "2"}}),
            "/constraints/groups/at_most/a~1b /constraints/groups/at_most/x",
        ),
        invalid(|job| job["constraints"]["groups"] = json!({"column": "h"}), "/constraints/groups/column"),
        invalid(|job| job["optimizer"] = json!("greedy"), "/optimizer"),
        invalid(|job| job["optimizer"] = json!({"name": "luck"}), "/optimizer/name"),
        invalid(|job| job["optimizer"] = json!({"name": "greedy", "epsilon": 1}), "/optimizer/epsilon"),
        invalid(
            |job| job["optimizer"] = json!({"name": "stochastic_greedy", "epsilon": 1.0}),
            "/optimizer/epsilon",
        ),
        invalid(
            |job| job["optimizer"] = json!({"name": "bidirectional_greedy", "pool": 1}),
            "/optimizer/pool",
        ),
        invalid(
            |job| {
                job["optimizer"] = json!({"name": "bidirectional_greedy", "pool": 2.0, "full_ranking": "yes"})
            },
            "/optimizer/full_ranking",
        ),
        invalid(
            |job| {
                job["objective"] =
                    json!({"name": "facility_location", "reduction": 1, "similarity": {"x": 1}});
                job["constraints"] = json!({"k": -1, "groups": {"column": 1, "row": 2}});
                (job["optimizer"], job["seed"]) = (json!({"name": "greedy", "pool": 2}), json!([]));
            },
            "/constraints/groups/column /constraints/groups/row /constraints/k /objective/reduction \
             /objective/similarity/x /optimizer/pool /seed",
        ),
    ]
}

/// Jobs that contradict their dataset.
fn of_the_dataset() -> Vec<Case> {
    let refused = |change: fn(&mut Value), status, code, places| {
        case(Method::POST, "/v1/jobs", JSON, job(change), (status, code, places))
    };
    vec![
        refused(
            |job| {
                job["inline"] = Value::Null;
                job["dataset"] = json!("ds_1");
            },
            404,
            "dataset_not_found",
            "/dataset",
        ),
        refused(
            |job| job["objective"]["represented"] = json!({"dataset": "ds_1"}),
            404,
            "dataset_not_found",
            "/objective/represented/dataset",
        ),
        refused(|job| job["inline"] = json!([]), 422, "invalid_parameter", "/inline"),
        refused(|job| job["inline"]["songs"] = json!(1), 422, "invalid_parameter", "/inline/songs"),
        refused(|job| job["inline"]["vectors"][1] = json!([1]), 422, "shape_mismatch", "/inline/vectors/1"),
        refused(
            |job| job["inline"]["vectors"][1][0] = Value::Null,
            422,
            "invalid_matrix",
            "/inline/vectors/1/0",
        ),
        refused(
            |job| {
                job["constraints"]["include"] = json!([2, "c"]);
                job["constraints"]["k"] = json!(9);
            },
            422,
            "unknown_item",
            "/constraints/include/0 /constraints/include/1 /constraints/k",
        ),
        refused(
            |job| job["constraints"]["include"] = json!([0, "a"]),
            422,
            "duplicate_item",
            "/constraints/include/1",
        ),
        refused(
            |job| {
                job["constraints"]["include"] = json!([0]);
                job["constraints"]["exclude"] = json!(["a"]);
            },
            422,
            "duplicate_item",
            "/constraints/exclude",
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
        refused(
            |job| job["objective"]["weights"] = json!({"values": [1]}),
            422,
            "shape_mismatch",
            "/objective/weights",
        ),
        refused(
            |job| job["optimizer"] = json!({"name": "bidirectional_greedy", "full_ranking": true}),
            422,
            "optimizer_mismatch",
            "/constraints",
        ),
    ]
}

/// Datasets that are not what they say.
fn of_the_bytes() -> Vec<Case> {
    let upload = |media_type: &str, body: &[u8], status, code| {
        case(Method::POST, "/v1/datasets", media_type, body, (status, code, ""))
    };
    let dataset = |body: &str, code, places| {
        let status = if code == "malformed_body" { 400 } else { 422 };
        case(Method::POST, "/v1/datasets", JSON, body, (status, code, places))
    };
    let good = npy(4, 3);
    let header = |from: &str, to: &str| {
        let (at, bytes) = (find(&good, from), [from.as_bytes(), to.as_bytes()].concat());
        let to = &bytes[from.len()..];
        let mut lying = good.clone();
        lying[at..at + to.len()].copy_from_slice(to);
        lying
    };
    let mut not_finite = good.clone();
    let last = not_finite.len() - 4;
    not_finite[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    let parquet = include_bytes!("../data/debian_2k.parquet").as_slice();
    let mut damaged = parquet.to_vec();
    damaged[parquet.len() / 2..parquet.len() / 2 + 64].fill(0xff);
    let mut lying_footer = parquet.to_vec();
    let length = parquet.len() - 8;
    lying_footer[length..length + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    vec![
        upload(NPY, b"", 400, "malformed_body"),
        upload(NPY, b"PAR1 or not", 400, "malformed_body"),
        upload(NPY, &good[..8], 400, "malformed_body"),
        upload(NPY, &good[..good.len() - 1], 400, "malformed_body"),
        upload(NPY, &[&good[..], b"\0"].concat(), 400, "malformed_body"),
        upload(NPY, &header("(4, 3), }", "(9, 9), }"), 400, "malformed_body"),
        upload(NPY, &header("'descr'", "'decor'"), 400, "malformed_body"),
        upload(NPY, &header("\x01\x00", "\x09\x00"), 400, "malformed_body"),
        upload(NPY, &header("<f4", "<i4"), 422, "invalid_matrix"),
        upload(NPY, &header("(4, 3), }", "(12,), } "), 422, "shape_mismatch"),
        upload(NPY, &header("(4, 3), }", "(0, 3), }"), 422, "shape_mismatch"),
        upload(NPY, &not_finite, 422, "invalid_matrix"),
        case(Method::POST, "/v1/datasets?kind=similarity", NPY, good.clone(), (422, "shape_mismatch", "")),
        case(Method::POST, "/v1/datasets?id=name", NPY, good.clone(), (422, "invalid_parameter", "")),
        upload(PARQUET, &good, 400, "malformed_body"),
        upload(PARQUET, b"PAR1PAR1", 400, "malformed_body"),
        upload(PARQUET, &parquet[..parquet.len() / 2], 400, "malformed_body"),
        upload(PARQUET, &damaged, 400, "malformed_body"),
        upload(PARQUET, &lying_footer, 400, "malformed_body"),
        case(Method::POST, "/v1/datasets?id=nothing", PARQUET, parquet, (422, "invalid_parameter", "")),
        case(Method::POST, "/v1/datasets?vectors=name", PARQUET, parquet, (422, "invalid_parameter", "")),
        dataset("", "malformed_body", ""),
        dataset("{'vectors': [[1]]}", "malformed_body", ""),
        dataset(r#"{"vectors": [[1]"#, "malformed_body", "/vectors/1"),
        dataset(r#"{"vectors": [[1, NaN]]}"#, "malformed_body", "/vectors/0/1"),
        dataset("[[1]]", "invalid_parameter", ""),
        dataset(r#"{"kind": "songs"}"#, "invalid_parameter", "/kind"),
        dataset(r#"{"vectors": [[1]], "songs": 1}"#, "invalid_parameter", "/songs"),
        dataset(r#"{"vectors": [[1]], "vectors": [[1]]}"#, "invalid_parameter", "/vectors"),
        dataset(r#"{"vectors": [["a"]]}"#, "invalid_parameter", "/vectors/0/0"),
        dataset(r#"{"vectors": [[1, 2], [3]]}"#, "shape_mismatch", "/vectors/1"),
        dataset(r#"{"vectors": []}"#, "shape_mismatch", "/vectors"),
        dataset(r#"{"vectors": [[1, null]]}"#, "invalid_matrix", "/vectors/0/1"),
        dataset(r#"{"vectors": [[1, 1e39]]}"#, "invalid_matrix", "/vectors/0/1"),
        dataset(r#"{"vectors": [[1]], "ids": ["a", "b"]}"#, "shape_mismatch", "/ids"),
        dataset(r#"{"vectors": [[1]], "ids": [0.5]}"#, "invalid_parameter", "/ids/0"),
        dataset(r#"{"vectors": [[1], [2]], "ids": ["a", "a"]}"#, "duplicate_item", "/ids/1"),
        dataset(
            r#"{"vectors": [[1], [2]], "columns": {"c": [1, "a"]}}"#,
            "invalid_parameter",
            "/columns/c/1",
        ),
    ]
}

fn find(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap()
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
async fn of_a_great_many_bad_places_a_hundred_are_told() {
    let client = Client::new();
    for (item, code) in [("-1", "invalid_parameter"), ("7", "unknown_item")] {
        let items = vec![item; 50_000].join(",");
        let body = job(|_| {}).replace("\"k\":1", &format!("\"k\":1,\"include\":[{items}]"));
        let answer = client.post("/v1/jobs", JSON, body).await;
        assert_eq!((answer.status.as_u16(), answer.text("/code").as_str()), (422, code));
        assert_eq!(answer.json["errors"].as_array().map(Vec::len), Some(100));
        assert!(answer.text("/detail").ends_with("; and more"));
    }
    let last = format!("{}-1", "0,".repeat(50_000));
    let body = job(|_| {}).replace("\"k\":1", &format!("\"k\":1,\"include\":[{last}]"));
    let answer = client.post("/v1/jobs", JSON, body).await;
    assert_eq!(answer.text("/errors/0/pointer"), "/constraints/include/50000");
}

#[tokio::test]
async fn whatever_makes_no_sense_is_refused_by_its_place_and_changes_nothing() {
    let (client, dataset) = settled().await;
    let before = files(client.dir());
    let cases = [of_the_surface(), of_the_syntax(), of_the_fields(), of_the_dataset(), of_the_bytes()]
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

/// Sends what may be no HTTP, then says that no more follows where the service waits for it; gives the status and,
/// where the answer has a body, its code.
fn talk(address: SocketAddr, bytes: &[u8], waits: bool) -> (u16, Option<String>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes).unwrap();
    if waits {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    read.unwrap_or_else(|error| panic!("{error}: {:.80}", String::from_utf8_lossy(bytes)));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let code = serde_json::from_str::<Value>(body).ok();
    (status, code.and_then(|problem| problem["code"].as_str().map(str::to_owned)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused_and_changes_nothing() {
    let (client, dataset) = settled().await;
    let before = files(client.dir());
    let address = client.listen().await;
    let post = |head: &str, body: &str| {
        format!(
            "POST /v1/jobs HTTP/1.1\r\nhost: fewer\r\ncontent-type: application/json\r\n{head}\r\n\r\n{body}"
        )
    };
    let chunked = |body: &str| post("transfer-encoding: chunked\r\nconnection: close", body);
    // The HTTP library answers what it cannot read itself: without a body, and closes.
    let by_the_library = [
        (400, "no http at all\r\n\r\n".to_owned()),
        (400, "GET / HTTP/9.9\r\n\r\n".into()),
        (400, "GET /\0 HTTP/1.1\r\nhost: fewer\r\n\r\n".into()),
        (400, "G(T / HTTP/1.1\r\nhost: fewer\r\n\r\n".into()),
        (400, "GET / HTTP/1.1\r\nno colon here\r\n\r\n".into()),
        (431, format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200))),
        (414, format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(65_600))),
        (400, post("content-length: 99999999999999999999999", "{}")),
        (400, post("content-length: -1", "{}")),
        (400, post("content-length: 2\r\ncontent-length: 3", "{}")),
        (400, post("transfer-encoding: gzip", "{}")),
    ];
    let by_the_service = [
        (400, "malformed_body", chunked("zz\r\n{}\r\n0\r\n\r\n")),
        (400, "malformed_body", chunked("ffffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
        (400, "malformed_body", chunked("5\r\n{}\r\n0\r\n\r\n")),
        (400, "malformed_body", chunked("2\r\n{}")),
        (400, "malformed_body", post("content-length: 100", "{}")),
        (413, "payload_too_large", post("content-length: 9223372036854775807", "")),
        (413, "payload_too_large", post("content-length: 5000\r\nexpect: 100-continue", "")),
    ];
    let wanted = by_the_library.into_iter().map(|(status, bytes)| (status, None, bytes)).chain(
        by_the_service.into_iter().map(|(status, code, bytes)| (status, Some(code.to_owned()), bytes)),
    );
    let answers = tokio::task::spawn_blocking(move || {
        let asked = wanted.map(|(status, code, bytes)| {
            let found = talk(address, bytes.as_bytes(), code.is_some());
            ((status, code), found, bytes)
        });
        asked.collect::<Vec<_>>()
    });
    for (wanted, found, bytes) in answers.await.unwrap() {
        assert_eq!(found, wanted, "{bytes:.200}");
    }
    assert!(files(client.dir()) == before, "a refused request has left something");
    is_well(&client, &dataset).await;
}
