//! Datasets of rankings: what they may come as, what is refused with voter and position, and that objectives of vectors
//! do not take them.

use crate::client::{Answer, Client};
use crate::service::FEWER;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::process::Command;

const JSON: &str = "application/json";
const NPY: &str = "application/x-npy";
const PREFLIB: &str = "text/x-preflib";
const FESTIVAL: &str = include_str!("../data/preflib/festival.soi");
const MENU: &str = include_str!("../data/preflib/menu.toc");

/// Three voters of four candidates, two of whom are tied by one voter.
fn panel() -> Value {
    json!({
        "kind": "rankings",
        "candidates": ["ada", "bo", "cy", "di"],
        "rankings": [[2, 0, 1, 3], [3, ["ada", "bo"]], ["cy"]],
        "weights": [2, 1, 0.5],
        "columns": {"school": ["north", "north", "south", null]},
    })
}

fn integers(rows: usize, dim: usize, values: &[i16]) -> Vec<u8> {
    let header = format!("{{'descr': '<i2', 'fortran_order': False, 'shape': ({rows}, {dim}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    bytes
}

fn shape(answer: &Answer) -> (StatusCode, &Value, &Value, &Value) {
    (answer.status, &answer.json["kind"], &answer.json["rows"], &answer.json["dim"])
}

#[tokio::test]
async fn rankings_come_in_every_format_and_their_candidates_are_the_items() {
    let client = Client::new();
    let kind = json!("rankings");
    let stored = client.post("/v1/datasets?name=panel", JSON, panel().to_string()).await;
    assert_eq!(shape(&stored), (StatusCode::CREATED, &kind, &json!(3), &json!(4)), "{}", stored.json);
    assert_eq!(stored.json["columns"], json!([{"name": "school", "type": "string"}]));
    let got = client.get(&format!("/v1/datasets/{}", stored.text("/id"))).await;
    assert_eq!(got.json, stored.json);

    let places = [1, 0, 2, 2, -1, -1];
    let array = client.post("/v1/datasets?kind=rankings", NPY, integers(2, 3, &places)).await;
    assert_eq!(shape(&array), (StatusCode::CREATED, &kind, &json!(2), &json!(3)), "{}", array.json);

    let text = client.post("/v1/datasets", PREFLIB, FESTIVAL).await;
    assert_eq!(shape(&text), (StatusCode::CREATED, &kind, &json!(4), &json!(5)), "{}", text.json);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(FESTIVAL.as_bytes()).unwrap();
    let request = Request::post("/v1/datasets?kind=rankings")
        .header(header::CONTENT_TYPE, "text/x-preflib; charset=utf-8")
        .header(header::CONTENT_ENCODING, "gzip");
    let again = client.send(request.body(Body::from(packed.finish().unwrap())).unwrap()).await;
    assert_eq!((again.status, &again.json), (StatusCode::OK, &text.json));
    let listed = client.get("/v1/datasets").await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_source_is_told_by_its_extension() {
    let outside = tempfile::tempdir().unwrap();
    let base = format!("file://{}", outside.path().display());
    let client = Client::with(|settings| settings.source_prefixes = vec![base.clone()]);
    for (name, text, rows, dim) in [("menu.toc", MENU, 3, 4), ("festival.SOI", FESTIVAL, 4, 5)] {
        fs::write(outside.path().join(name), text).unwrap();
        let answer = client.post_json("/v1/datasets", &json!({"source": format!("{base}/{name}")})).await;
        let expected = (StatusCode::CREATED, &json!("rankings"), &json!(rows), &json!(dim));
        assert_eq!(shape(&answer), expected, "{}", answer.json);
    }
}

#[tokio::test]
async fn what_is_no_ranking_is_refused_by_its_place_and_leaves_nothing() {
    let client = Client::new();
    let body = |field: &str, value: Value| {
        let mut body = panel();
        body[field] = value;
        (JSON, body.to_string().into_bytes())
    };
    let text = |from: &str, to: &str| (PREFLIB, MENU.replacen(from, to, 1).into_bytes());
    let array = |values: &[i16]| (NPY, integers(2, 3, values));
    for ((media_type, body), status, code, pointer, told) in [
        (
            body("rankings", json!([[0], [3, 1, 3], [1]])),
            422,
            "duplicate_item",
            "/rankings/1/2",
            "voter 1, position 2: candidate 3 stands at position 0 already",
        ),
        (
            body("rankings", json!([[0, 4], [1], [1]])),
            422,
            "unknown_item",
            "/rankings/0/1",
            "voter 0, position 1: there is no candidate 4; expected 0 to 3",
        ),
        (
            body("rankings", json!([[0], ["eve"], [1]])),
            422,
            "unknown_item",
            "/rankings/1/0",
            "voter 1, position 0: there is no candidate \"eve\"",
        ),
        (
            body("rankings", json!([[0], [], [1]])),
            422,
            "invalid_ranking",
            "/rankings/1",
            "voter 1 ranks no candidate",
        ),
        (body("rankings", json!([[0.5]])), 422, "invalid_ranking", "/rankings/0/0", "0.5 is no candidate"),
        (
            (JSON, br#"{"kind": "rankings", "candidates": ["ada"], "rankings": []}"#.to_vec()),
            422,
            "shape_mismatch",
            "/rankings",
            "0 rankings of 1 candidates",
        ),
        (body("weights", json!([1, 2])), 422, "shape_mismatch", "/weights", "2 weights for 3 rankings"),
        (
            body("weights", json!([1, 2, -1])),
            422,
            "invalid_parameter",
            "/weights/2",
            "voter 2 has the weight -1",
        ),
        (body("candidates", json!(["ada"])), 422, "shape_mismatch", "/columns/school", "4 values for 1 rows"),
        (body("kind", json!("ballots")), 422, "invalid_parameter", "/kind", "unknown variant"),
        (
            array(&[0, 1, 2, 0, 1, 1]),
            422,
            "duplicate_item",
            "",
            "voter 1, position 2: candidate 1 stands at position 1",
        ),
        (array(&[0, 1, 3, 0, 1, 2]), 422, "unknown_item", "", "voter 0, position 2: there is no candidate 3"),
        (
            array(&[0, 1, 2, 0, -1, 2]),
            422,
            "invalid_ranking",
            "",
            "voter 1, position 2: candidate 2 behind -1",
        ),
        (array(&[0, 1, 2, -1, -1, -1]), 422, "invalid_ranking", "", "voter 1 ranks no candidate"),
        (
            text("VOTERS: 6", "VOTERS: 7"),
            422,
            "shape_mismatch",
            "",
            "line 15: 6 voters, but the header says 7",
        ),
        (text("ORDERS: 3", "ORDERS: 2"), 422, "shape_mismatch", "", "line 15: 3 distinct orders or more"),
        (
            text("{3,1},{2,4}", "{3,1},{3,4}"),
            422,
            "duplicate_item",
            "",
            "line 14: voter 1, position 1: candidate 3",
        ),
        (
            text("2,4,3,1", "2,4,3,9"),
            422,
            "unknown_item",
            "",
            "line 15: voter 2, position 3: there is no candidate 9",
        ),
        (
            text("2,4,3,1", "2,4,x,1"),
            422,
            "invalid_ranking",
            "",
            "line 15: voter 2, position 2: \"x\" is no candidate",
        ),
        ((PREFLIB, b"{}".to_vec()), 400, "malformed_body", "", "declared as PrefLib"),
        ((PREFLIB, Vec::new()), 400, "malformed_body", "", "empty"),
    ] {
        let query = if media_type == NPY { "?kind=rankings" } else { "" };
        let answer = client.post(&format!("/v1/datasets{query}"), media_type, body).await;
        let found = (answer.status.as_u16(), answer.json["code"].as_str());
        assert_eq!(found, (status, Some(code)), "{told}: {}", answer.json);
        let place = answer.json.pointer("/errors/0/pointer").and_then(Value::as_str);
        assert_eq!(place.unwrap_or(""), pointer, "{}", answer.json);
        assert!(answer.text("/detail").contains(told), "{}, not {told}", answer.json);
    }
    let left = ["datasets", "uploads"].map(|dir| fs::read_dir(client.dir().join(dir)).unwrap().count());
    assert_eq!((left, &client.get("/v1/datasets").await.json["items"]), ([0, 0], &json!([])));
}

#[tokio::test]
async fn objectives_of_vectors_refuse_rankings_in_jobs_evaluations_and_the_command() {
    let client = Client::new();
    let stored = client.post("/v1/datasets", PREFLIB, FESTIVAL).await.text("/id");
    let told =
        "the dataset holds rankings, and this objective looks at vectors or similarities: use committee";
    for objective in [json!({"name": "facility_location"}), json!({"name": "disparity_sum"})] {
        for (field, data) in [("dataset", json!(stored)), ("inline", panel())] {
            let mut job = json!({"kind": "selection", "objective": objective, "constraints": {"k": 2}});
            job[field] = data.clone();
            let mut evaluation = json!({"objective": objective, "sets": [[0]]});
            evaluation[field] = data;
            for (path, body) in
                [("/v1/jobs", &job), ("/v1/jobs?validate_only=true", &job), ("/v1/evaluate", &evaluation)]
            {
                let answer = client.post_json(path, body).await;
                assert_eq!((answer.status.as_u16(), answer.text("/code")), (422, "invalid_parameter".into()));
                assert_eq!(answer.text("/errors/0/pointer"), "/objective/name", "{}", answer.json);
                assert_eq!(answer.text("/errors/0/detail"), told);
            }
        }
    }
    let mut wrong = json!({"kind": "selection", "objective": {"name": "log_det"}, "constraints": {"k": 1}});
    wrong["inline"] = json!({"kind": "rankings", "rankings": [[0], [1, 1]]});
    let answer = client.post_json("/v1/jobs", &wrong).await;
    assert_eq!(answer.text("/errors/0/pointer"), "/inline/rankings/1/1", "{}", answer.json);

    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/preflib/menu.toc");
    let command = Command::new(FEWER).args(["select", file, "-k", "2"]).output().unwrap();
    assert!(!command.status.success());
    let said = String::from_utf8(command.stderr).unwrap();
    assert!(said.contains("/objective/name") && said.contains(told), "{said}");
}
