//! A result in every format it can be written in.

use crate::client::{Answer, Client, selection};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, UInt32Type};
use arrow::ipc::reader::StreamReader;
use axum::body::Body;
use axum::http::{Request, header};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

const FORMATS: [(&str, &str); 6] = [
    ("application/json", "json"),
    ("application/x-ndjson", "ndjson"),
    ("text/csv", "csv"),
    ("application/x-npy", "npy"),
    ("application/vnd.apache.arrow.stream", "arrows"),
    ("application/vnd.apache.parquet", "parquet"),
];

/// Ids that are hard to write: separators, quotes, lines, formulas, none at all.
const IDS: [&str; 5] = ["a,b", "say \"x\"\r\nthen y", "=1+1", "", "plain"];

async fn job(client: &Client, with_ids: bool) -> String {
    let mut body = json!({
        "kind": "selection",
        "inline": {"vectors": [[1.0, 0.0, 0.0], [0.9, 0.4, 0.0], [0.0, 1.0, 0.0], [0.0, 0.9, 0.4], [0.0, 0.0, 1.0]]},
        "objective": {"name": "facility_location"},
        "constraints": {"k": 5},
    });
    if with_ids {
        body["inline"]["ids"] = json!(IDS);
    }
    let job = client.submit(&body).await;
    client.wait_for_end(&job, "succeeded").await;
    job
}

async fn read(client: &Client, job: &str, query: &str, accept: &str) -> Answer {
    let path = format!("/v1/jobs/{job}/result{query}");
    client.send(Request::get(path).header(header::ACCEPT, accept).body(Body::empty()).unwrap()).await
}

/// The rows of a result by its JSON.
fn rows(json: &Value) -> Vec<(u32, u32, Option<String>, f64)> {
    let list = |field: &str| json[field].as_array().cloned().unwrap_or_default();
    let (indices, ids, gains) = (list("indices"), list("ids"), list("gains"));
    (0..indices.len())
        .map(|at| {
            let id = ids.get(at).map(|id| id.as_str().unwrap().to_owned());
            (at as u32 + 1, indices[at].as_u64().unwrap() as u32, id, gains[at].as_f64().unwrap())
        })
        .collect()
}

fn rows_of(batch: &RecordBatch) -> Vec<(u32, u32, Option<String>, f64)> {
    let types: Vec<_> = batch.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(types, [DataType::UInt32, DataType::UInt32, DataType::Utf8, DataType::Float64]);
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let (rank, index) =
        (column("rank").as_primitive::<UInt32Type>(), column("index").as_primitive::<UInt32Type>());
    let (ids, gain) = (column("id").as_string::<i32>(), column("gain").as_primitive::<Float64Type>());
    (0..batch.num_rows())
        .map(|at| {
            (rank.value(at), index.value(at), ids.iter().nth(at).unwrap().map(str::to_owned), gain.value(at))
        })
        .collect()
}

#[tokio::test]
async fn every_format_has_the_picks_of_the_json() {
    let client = Client::new();
    for (job, query) in
        [(job(&client, true).await, ""), (job(&client, false).await, ""), (job(&client, true).await, "?k=3")]
    {
        let whole = read(&client, &job, query, "application/json").await.json;
        let expected = rows(&whole);
        assert_eq!(expected.len(), if query.is_empty() { 5 } else { 3 }, "{whole}");

        let ndjson = read(&client, &job, query, "application/x-ndjson").await.body;
        let lines: Vec<Value> =
            std::str::from_utf8(&ndjson).unwrap().lines().map(|line| line.parse().unwrap()).collect();
        let picks: Vec<Value> = expected
            .iter()
            .map(|(rank, index, id, gain)| json!({"rank": rank, "index": index, "id": id, "gain": gain}))
            .collect();
        assert_eq!(lines, picks);

        let csv = read(&client, &job, query, "text/csv").await.body;
        let mut text = "rank,index,id,gain\r\n".to_owned();
        for (rank, index, id, gain) in &expected {
            let id = id.as_ref().map_or(String::new(), |id| format!("\"{}\"", id.replace('"', "\"\"")));
            text.push_str(&format!("{rank},{index},{id},{gain:?}\r\n"));
        }
        assert_eq!(std::str::from_utf8(&csv).unwrap(), text);

        let npy = read(&client, &job, query, "application/x-npy").await.body;
        let file = npyz::NpyFile::new(&npy[..]).unwrap();
        assert_eq!((file.shape(), file.dtype().descr().as_str()), (&[expected.len() as u64][..], "'<i8'"));
        let indices: Vec<u32> = file.into_vec::<i64>().unwrap().into_iter().map(|i| i as u32).collect();
        assert_eq!(indices, expected.iter().map(|row| row.1).collect::<Vec<_>>());

        let arrow = read(&client, &job, query, "application/vnd.apache.arrow.stream").await.body;
        let arrow = StreamReader::try_new(&arrow[..], None).unwrap();
        let arrow = (arrow.schema(), arrow.map(Result::unwrap).collect::<Vec<_>>());
        let parquet = read(&client, &job, query, "application/vnd.apache.parquet").await.body;
        let parquet = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
        let plain = parquet.metadata().file_metadata().key_value_metadata().unwrap().clone();
        let schema = parquet.schema().clone();
        let parquet = (schema, parquet.build().unwrap().map(Result::unwrap).collect());
        for (schema, batches) in [arrow, parquet] {
            assert_eq!(batches.len(), 1);
            assert_eq!(rows_of(&batches[0]), expected);
            let metadata = |key: &str| {
                let text = schema.metadata().get(key).unwrap();
                assert!(plain.iter().any(|pair| pair.key == key && pair.value.as_ref() == Some(text)));
                text.clone()
            };
            for key in ["optimizer", "dataset_digest", "version"] {
                assert_eq!(metadata(key), whole[key].as_str().unwrap());
            }
            assert_eq!(metadata("objective_value").parse().ok(), whole["objective_value"].as_f64());
            assert_eq!(metadata("guarantee").parse::<Value>().unwrap(), whole["guarantee"]);
        }
    }
}

#[tokio::test]
async fn an_answer_tells_its_type_its_name_and_what_the_type_has_no_place_for() {
    let client = Client::new();
    let job = job(&client, true).await;
    let value = read(&client, &job, "", "*/*").await.json["objective_value"].as_f64().unwrap();
    for (media_type, extension) in FORMATS {
        let answer = read(&client, &job, "", media_type).await;
        let header = |name: &str| answer.headers[name].to_str().unwrap();
        assert_eq!(header("content-type").split(';').next(), Some(media_type));
        assert!(header("content-disposition").ends_with(&format!("filename=\"{job}.{extension}\"")));
        assert_eq!((header("vary"), header("fewer-complete")), ("Accept", "true"));
        assert_eq!(header("fewer-objective-value").parse(), Ok(value));
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_with_what_can() {
    let client = Client::new();
    let job = job(&client, true).await;
    assert_eq!(client.get(&format!("/v1/jobs/{job}/result")).await.json["kind"], "selection");
    let refused = read(&client, &job, "", "image/png, text/csv;q=0").await;
    assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (406, "not_acceptable"));
    assert_eq!(refused.headers[header::VARY], "Accept");
    for (media_type, _) in FORMATS {
        assert!(refused.text("/detail").contains(media_type), "{}", refused.json);
    }
    let refused = read(&client, &job, "?k=6", "text/csv").await;
    assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (422, "prefix_not_valid"));
    let none = read(&client, "job_none", "", "text/csv").await;
    assert_eq!((none.status.as_u16(), none.text("/code").as_str()), (404, "job_not_found"));
}

#[tokio::test]
async fn an_answer_without_picks_is_a_table_without_rows() {
    let client = Client::new();
    let mut body = selection(&client.upload(20, 3).await, 5);
    body["constraints"]["stop_when_gain_at_most"] = json!(1e9);
    let job = client.submit(&body).await;
    client.wait_for_end(&job, "succeeded").await;
    assert_eq!(read(&client, &job, "", "application/json").await.json["indices"], json!([]));
    assert_eq!(read(&client, &job, "", "text/csv").await.body, "rank,index,id,gain\r\n");
    let npy = read(&client, &job, "", "application/x-npy").await.body;
    assert_eq!(npyz::NpyFile::new(&npy[..]).unwrap().shape(), [0]);
    let parquet = read(&client, &job, "", "application/vnd.apache.parquet").await.body;
    let parquet = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
    assert_eq!(parquet.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 0);
}
