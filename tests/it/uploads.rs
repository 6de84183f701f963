//! What a dataset may come as: every encoding, compressed or not, or by reference; and what is refused in all of them.

use crate::client::{Answer, Client, npy, selection};
use arrow::array::{ArrayRef, Float64Array, Int32Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, UInt8Type};
use arrow::ipc::writer::StreamWriter;
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::ServiceExt;

const JSON: &str = "application/json";
const NPY: &str = "application/x-npy";
const PARQUET: &str = "application/vnd.apache.parquet";
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// Rows, null where there is none, and their ids.
#[derive(Clone)]
struct Table {
    rows: Vec<Option<Vec<f64>>>,
    ids: Option<Vec<Option<&'static str>>>,
}

impl Table {
    fn good() -> Self {
        Self { rows: vec![Some(vec![1.0, 2.0]), Some(vec![3.0, 4.0]), Some(vec![5.0, 6.0])], ids: None }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut table = Self::good();
        change(&mut table);
        table
    }

    fn batch(&self) -> RecordBatch {
        let rows = self.rows.iter().map(|row| row.as_ref().map(|row| row.iter().copied().map(Some)));
        let rows: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows));
        let ids = self.ids.clone().map(|ids| ("id", Arc::new(StringArray::from(ids)) as ArrayRef, true));
        RecordBatch::try_from_iter_with_nullable([("v", rows, true)].into_iter().chain(ids)).unwrap()
    }

    /// This table in every encoding that can hold it: media type, query and bytes.
    fn encoded(&self) -> Vec<(&'static str, &'static str, Vec<u8>)> {
        let query = if self.ids.is_some() { "?id=id" } else { "" };
        let batch = self.batch();
        let mut all = vec![(PARQUET, query, parquet(&batch)), (ARROW, query, arrow(&batch))];
        let first = self.rows[0].as_ref().map_or(0, Vec::len);
        let regular = self.rows.iter().all(|row| row.as_ref().is_some_and(|row| row.len() == first));
        if regular && self.ids.is_none() {
            let values: Vec<u8> =
                self.rows.iter().flatten().flatten().flat_map(|value| value.to_le_bytes()).collect();
            all.push((NPY, "", npy_of("<f8", self.rows.len(), first, &values)));
        }
        if self.rows.iter().flatten().flatten().all(|value| value.is_finite()) {
            let mut body = json!({"vectors": self.rows});
            if let Some(ids) = &self.ids {
                body["ids"] = json!(ids);
            }
            all.push((JSON, "", body.to_string().into_bytes()));
        }
        all
    }
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    bytes
}

fn npy_of(descr: &str, rows: usize, dim: usize, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows}, {dim}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(values);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

async fn post_encoded(
    client: &Client,
    path: &str,
    media_type: &str,
    encoding: &str,
    body: Vec<u8>,
) -> Answer {
    let request = Request::post(path).header(header::CONTENT_TYPE, media_type);
    let request = request.header(header::CONTENT_ENCODING, encoding);
    client.send(request.body(Body::from(body)).unwrap()).await
}

fn files(client: &Client) -> usize {
    ["datasets", "uploads"].map(|dir| fs::read_dir(client.dir().join(dir)).unwrap().count()).iter().sum()
}

#[tokio::test]
async fn every_encoding_refuses_the_same_offence_with_the_same_words_and_keeps_nothing() {
    let bad = |row: usize, value: f64| Table::with(|table| table.rows[row] = Some(vec![value, 4.0]));
    let ids = |ids: [Option<&'static str>; 3]| Table::with(|table| table.ids = Some(ids.to_vec()));
    let mut cases: Vec<(&str, String, Vec<_>)> = Vec::new();
    for (table, encodings, code, told) in [
        (bad(1, f64::NAN), 3, "invalid_matrix", "row 1, column 0: NaN is not a finite number"),
        (bad(2, f64::INFINITY), 3, "invalid_matrix", "row 2, column 0: inf is not a finite number"),
        (bad(0, f64::NEG_INFINITY), 3, "invalid_matrix", "row 0, column 0: -inf is not a finite number"),
        (bad(1, -1e39), 4, "invalid_matrix", "row 1, column 0: -1e39 is beyond the range of 32-bit floats"),
        (
            Table::with(|table| table.rows[2] = Some(vec![1.0])),
            3,
            "shape_mismatch",
            "row 2 has 1 values, expected 2",
        ),
        (Table::with(|table| table.rows[1] = None), 3, "invalid_matrix", "row 1 is null"),
        (ids([Some("a"), None, Some("c")]), 3, "invalid_parameter", "row 1 has no id"),
        (ids([Some("a"), Some("b"), Some("a")]), 3, "duplicate_item", "row 2 has the id \"a\" of row 0"),
    ] {
        let bodies = table.encoded();
        assert_eq!(bodies.len(), encodings);
        cases.push((code, told.into(), bodies));
    }
    let whole = Table::good().encoded();
    let changed = |change: fn(&mut Vec<u8>)| {
        let bodies = whole.iter().cloned();
        bodies.map(move |(media_type, query, mut body)| {
            change(&mut body);
            (media_type, query, body)
        })
    };
    cases.push(("malformed_body", String::new(), changed(|body| body.push(b'x')).collect()));
    cases.push(("malformed_body", String::new(), changed(|body| body.truncate(body.len() - 1)).collect()));
    cases.push(("malformed_body", "empty".into(), changed(Vec::clear).collect()));
    let text = br#"{"vectors": [[1.0, NaN]]}"#.to_vec();
    cases.push(("malformed_body", String::new(), vec![(JSON, "", text)]));
    let bytes = ListArray::from_iter_primitive::<UInt8Type, _, _>([Some(vec![Some(1), Some(2)])]);
    let bytes = RecordBatch::try_from_iter([("v", Arc::new(bytes) as ArrayRef)]).unwrap();
    cases.push((
        "invalid_matrix",
        "expected floats of 16, 32 or 64 bits; convert other numbers to floats first".into(),
        vec![
            (NPY, "", npy_of("|u1", 1, 2, &[1, 2])),
            (PARQUET, "", parquet(&bytes)),
            (ARROW, "", arrow(&bytes)),
        ],
    ));

    let client = Client::new();
    for (code, told, bodies) in cases {
        for (media_type, query, body) in bodies {
            let answer = client.post(&format!("/v1/datasets{query}"), media_type, body).await;
            assert_eq!(answer.json["code"], code, "{media_type}: {}", answer.json);
            assert!(answer.text("/detail").contains(&told), "{media_type}: {}, not {told}", answer.json);
            assert_eq!(files(&client), 0, "{media_type}: {told}");
        }
    }
    assert_eq!(client.get("/v1/datasets").await.json["items"], json!([]));
    for (media_type, query, body) in whole {
        let answer = client.post(&format!("/v1/datasets{query}"), media_type, body).await;
        assert_eq!(
            (answer.status, &answer.json["rows"]),
            (StatusCode::CREATED, &json!(3)),
            "{}",
            answer.json
        );
    }
}

#[tokio::test]
async fn a_compressed_body_is_the_dataset_that_it_becomes() {
    let client = Client::new();
    for (media_type, query, body) in
        Table::with(|t| t.ids = Some(vec![Some("a"), Some("b"), Some("c")])).encoded()
    {
        let path = format!("/v1/datasets{query}");
        let first = post_encoded(&client, &path, media_type, "gzip", gzip(&body)).await;
        assert_eq!(first.status, StatusCode::CREATED, "{}", first.json);
        assert_eq!(first.json["bytes"], body.len());
        let (cut, rest) = body.split_at(body.len() / 2);
        let frames = [zstd(cut), zstd(rest)].concat();
        for again in [
            post_encoded(&client, &path, media_type, "ZSTD", frames).await,
            post_encoded(&client, &path, media_type, "identity", body.clone()).await,
            client.post(&path, media_type, body).await,
        ] {
            assert_eq!((again.status, &again.json), (StatusCode::OK, &first.json));
        }
    }
    let job = selection(client.get("/v1/datasets").await.json["items"][0]["id"].as_str().unwrap(), 2);
    let answer = post_encoded(&client, "/v1/jobs", JSON, "gzip", gzip(job.to_string().as_bytes())).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json);
    client.wait_for_end(&answer.text("/id"), "succeeded").await;
}

#[tokio::test]
async fn a_compressed_body_has_the_limit_on_both_sides_and_must_be_whole() {
    let body = npy(40, 30);
    let limit = body.len() as u64;
    let client = Client::with(|settings| {
        settings.max_dataset_bytes = limit;
        settings.max_request_bytes = 1 << 10;
    });
    let bomb = vec![0; 1 << 20];
    let cut = |body: Vec<u8>| body[..body.len() - 3].to_vec();
    let noise: Vec<u8> = bomb.iter().zip(0_u32..).map(|(b, i)| b ^ (i.wrapping_mul(i) >> 7) as u8).collect();
    for (encoding, body, code, told) in [
        ("gzip", gzip(&bomb), "payload_too_large", "decompresses to more than the limit"),
        ("zstd", zstd(&bomb), "payload_too_large", "decompresses to more than the limit"),
        ("gzip", gzip(&noise), "payload_too_large", "the limit is"),
        ("gzip", cut(gzip(&body)), "malformed_body", "cannot be decoded as gzip"),
        ("zstd", cut(zstd(&body)), "malformed_body", "cannot be decoded as zstd"),
        ("zstd", [zstd(&body), b"more".to_vec()].concat(), "malformed_body", "cannot be decoded as zstd"),
        ("gzip", body.clone(), "malformed_body", "cannot be decoded as gzip"),
        ("br", body.clone(), "unsupported_encoding", "gzip and zstd"),
        ("gzip, zstd", body.clone(), "unsupported_encoding", "gzip and zstd"),
    ] {
        let answer = post_encoded(&client, "/v1/datasets", NPY, encoding, body).await;
        assert_eq!(answer.json["code"], code, "{encoding}: {}", answer.json);
        assert!(answer.text("/detail").contains(told), "{encoding}: {}", answer.json);
        if code == "payload_too_large" {
            assert!(answer.text("/detail").contains("FEWER_LIMITS__DATASET_BYTES"), "{}", answer.json);
        }
        let offered = answer.headers.get(header::ACCEPT_ENCODING).map(HeaderValue::as_bytes);
        assert_eq!(offered, (code == "unsupported_encoding").then_some(&b"gzip, zstd"[..]));
        assert_eq!(files(&client), 0);
    }
    let spaces = gzip(&vec![b' '; 1 << 20]);
    let answer = post_encoded(&client, "/v1/jobs", JSON, "gzip", spaces.clone()).await;
    assert_eq!(answer.json["code"], "payload_too_large", "{} of {}", answer.json, spaces.len());
    let fits = post_encoded(&client, "/v1/datasets", NPY, "zstd", zstd(&body)).await;
    assert_eq!(fits.status, StatusCode::CREATED, "{}", fits.json);
}

#[tokio::test]
async fn a_source_under_a_prefix_becomes_a_dataset_that_outlives_it() {
    let outside = tempfile::tempdir().unwrap();
    let allowed = outside.path().join("allowed");
    fs::create_dir(&allowed).unwrap();
    let base = format!("file://{}", allowed.display());
    let client = Client::with(|settings| {
        settings.source_prefixes = vec![base.clone()];
        settings.max_dataset_bytes = 10_000;
    });
    let path = allowed.join("a b.npy");
    fs::write(&path, npy(40, 30)).unwrap();
    fs::write(allowed.join("vectors"), npy(3, 2)).unwrap();
    fs::write(allowed.join("wrong.parquet"), npy(3, 2)).unwrap();
    fs::write(allowed.join("large.npy"), npy(400, 30)).unwrap();
    fs::write(outside.path().join("secret.npy"), npy(3, 2)).unwrap();

    let post =
        async |query: &str, body: Value| client.post_json(&format!("/v1/datasets{query}"), &body).await;
    let stored = post("?name=far", json!({"source": format!("{base}/a%20b.npy")})).await;
    assert_eq!((stored.status, &stored.json["rows"]), (StatusCode::CREATED, &json!(40)), "{}", stored.json);
    assert_eq!(stored.json["name"], "far");
    fs::write(&path, npy(2, 2)).unwrap();
    let same = client.post("/v1/datasets", NPY, npy(40, 30)).await;
    assert_eq!((same.status, &same.json), (StatusCode::OK, &stored.json));
    let job = client.submit(&selection(&stored.text("/id"), 3)).await;
    client.wait_for_end(&job, "succeeded").await;
    let named = post("", json!({"source": format!("{base}/vectors"), "format": NPY})).await;
    assert_eq!(named.status, StatusCode::CREATED, "{}", named.json);

    let before = files(&client);
    let secret = format!("file://{}/secret.npy", outside.path().display());
    for (body, status, code, pointer) in [
        (json!({"source": secret}), 422, "source_not_allowed", "/source"),
        (json!({"source": format!("{base}/../secret.npy")}), 422, "source_not_allowed", "/source"),
        (json!({"source": format!("{base}/none.npy")}), 502, "source_failed", "/source"),
        (json!({"source": format!("{base}/vectors")}), 422, "invalid_parameter", "/source"),
        (json!({"source": secret, "format": "text/html"}), 422, "invalid_parameter", "/format"),
        (json!({"source": secret, "colour": 1}), 422, "invalid_parameter", "/colour"),
        (json!({"source": 1}), 422, "invalid_parameter", "/source"),
        (json!({"source": format!("{base}/wrong.parquet")}), 400, "malformed_body", ""),
        (json!({"source": format!("{base}/large.npy")}), 413, "payload_too_large", ""),
        (json!({"source": "s3://bucket/a.npy"}), 422, "source_not_allowed", "/source"),
    ] {
        let answer = post("", body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json["code"].as_str()),
            (status, Some(code)),
            "{body}: {}",
            answer.json
        );
        let found = answer.json.pointer("/errors/0/pointer").and_then(Value::as_str);
        assert_eq!(found.unwrap_or_default(), pointer, "{body}");
        assert_eq!(files(&client), before);
    }
}

#[tokio::test]
async fn a_sparse_similarity_selects_as_the_dense_one_with_its_zeros() {
    let client = Client::new();
    let n = 40_usize;
    let (mut dense, mut rows, mut cols, mut values) = (vec![vec![0.0; n]; n], vec![], vec![], vec![]);
    for cell in (0..n * n).rev().filter(|cell| cell % 7 == 0 || cell % (n + 1) == 0) {
        let value = (cell * 37 % 101) as f64 / 128.0;
        dense[cell / n][cell % n] = value;
        rows.push((cell / n) as i32);
        cols.push((cell % n) as i32);
        values.push(value);
    }
    let entries = RecordBatch::try_from_iter([
        ("rows", Arc::new(Int32Array::from(rows.clone())) as ArrayRef),
        ("cols", Arc::new(Int32Array::from(cols.clone()))),
        ("values", Arc::new(Float64Array::from(values.clone()))),
    ]);
    let entries = entries.unwrap();
    let sparse = json!({"kind": "similarity", "n": n, "rows": rows, "cols": cols, "values": values});
    let whole = json!({"kind": "similarity", "similarity": dense});
    let as_vectors: Vec<u8> =
        dense.iter().flatten().flat_map(|value| (*value as f32).to_le_bytes()).collect();
    let table = Table { rows: dense.iter().cloned().map(Some).collect(), ids: None };
    let mut found = Vec::new();
    for (media_type, body) in [
        (JSON, whole.to_string().into_bytes()),
        (NPY, npy_of("<f4", n, n, &as_vectors)),
        (PARQUET, parquet(&table.batch())),
        (ARROW, arrow(&table.batch())),
        (JSON, sparse.to_string().into_bytes()),
        (PARQUET, parquet(&entries)),
        (ARROW, arrow(&entries)),
    ] {
        let stored = client.post("/v1/datasets?kind=similarity", media_type, body).await;
        assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.json);
        assert_eq!((&stored.json["rows"], &stored.json["dim"]), (&json!(n), &json!(n)));
        let mut job = selection(&stored.text("/id"), 5);
        job["objective"]["similarity"] = json!({"metric": "precomputed"});
        let job = client.submit(&job).await;
        client.wait_for_end(&job, "succeeded").await;
        let result = client.get(&format!("/v1/jobs/{job}/result")).await.json;
        found.push(json!([result["indices"], result["gains"], result["objective_value"]]));
    }
    assert!(found[0][1][4].as_f64().unwrap() > 0.0, "{}", found[0]);
    assert!(found.iter().all(|one| one == &found[0]), "{found:?}");
}

#[tokio::test]
async fn a_zero_row_is_refused_where_a_direction_is_needed_and_only_there() {
    let client = Client::new();
    let body = json!({"vectors": [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]});
    let stored = client.post_json("/v1/datasets", &body).await.text("/id");
    let other =
        client.post_json("/v1/datasets", &json!({"vectors": [[1.0, 0.0], [0.0, 1.0]]})).await.text("/id");
    let mut inline = selection(&stored, 1);
    inline["inline"] = body;
    inline["dataset"] = Value::Null;
    let mut represented = selection(&other, 1);
    represented["objective"]["represented"] = json!({"dataset": stored});
    for (job, pointer) in [
        (selection(&stored, 1), "/objective/similarity/metric"),
        (inline, "/objective/similarity/metric"),
        (represented, "/objective/represented/dataset"),
    ] {
        let refused = client.post_json("/v1/jobs", &job).await;
        assert_eq!(
            (refused.status.as_u16(), refused.text("/code").as_str()),
            (422, "invalid_matrix"),
            "{job}"
        );
        assert_eq!(refused.json["errors"][0]["pointer"], pointer);
        assert!(refused.text("/detail").contains("row 1 is the zero vector"), "{}", refused.json);
    }
    let mut job = selection(&stored, 1);
    job["objective"]["similarity"] = json!({"metric": "rbf"});
    client.wait_for_end(&client.submit(&job).await, "succeeded").await;
}

#[tokio::test]
async fn slow_uploads_leave_room_for_everything_else_and_give_it_back() {
    let client = Client::with(|settings| settings.max_uploads = 2);
    let slow = || {
        let request = Request::post("/v1/datasets").header(header::CONTENT_TYPE, NPY);
        let first = futures_util::stream::iter([Ok::<_, Infallible>(npy(3, 2))]);
        let body = Body::from_stream(first.chain(futures_util::stream::pending()));
        tokio::spawn(client.router().oneshot(request.body(body).unwrap()))
    };
    let uploads = [slow(), slow()];
    let started = Instant::now();
    while files(&client) < uploads.len() {
        assert!(started.elapsed() < Duration::from_secs(30), "the uploads never began");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = client.post("/v1/datasets", NPY, npy(3, 2)).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (429, "too_many_requests"));
    assert!(
        refused.text("/detail").contains("2 uploads") && refused.text("/detail").contains("limits.uploads")
    );
    assert_eq!(client.get("/v1/jobs").await.status, StatusCode::OK);

    uploads[0].abort();
    while client.post("/v1/datasets", NPY, npy(3, 2)).await.status == StatusCode::TOO_MANY_REQUESTS {
        assert!(started.elapsed() < Duration::from_secs(30), "a client that left keeps its permit");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(client.get("/v1/datasets").await.json["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_small_file_of_many_values_is_refused_with_its_numbers() {
    let client = Client::with(|settings| settings.max_dataset_bytes = 100_000);
    let many = Table { rows: vec![Some(vec![1.0; 4]); 20_000], ids: None };
    let body = parquet(&many.batch());
    assert!(body.len() < 50_000, "{}", body.len());
    let refused = client.post("/v1/datasets", PARQUET, body).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (413, "payload_too_large"));
    let detail = refused.text("/detail");
    assert!(detail.contains("180000 bytes") && detail.contains("100000 bytes"), "{detail}");
    assert_eq!(files(&client), 0);
}
