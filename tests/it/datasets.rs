//! Datasets over HTTP.

use crate::client::{Client, MANY, endless, npy};
use axum::body::Body;
use axum::http::{StatusCode, header};
use futures_util::stream;
use serde_json::json;
use std::convert::Infallible;

/// A body in pieces, without a length.
fn pieces(bytes: &[u8]) -> Body {
    let pieces: Vec<_> = bytes.chunks(1000).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
    Body::from_stream(stream::iter(pieces))
}

fn uploads_left(client: &Client) -> usize {
    std::fs::read_dir(client.dir().join("uploads")).unwrap().count()
}

#[tokio::test]
async fn the_same_bytes_are_stored_once_and_gone_when_deleted() {
    let client = Client::new();
    let bytes = npy(40, 30);
    let first = client.post("/v1/datasets?name=numbers", "application/x-npy", pieces(&bytes)).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let path = format!("/v1/datasets/{}", first.text("/id"));
    assert_eq!(first.headers[header::LOCATION], path);
    assert_eq!(first.json["name"], "numbers");
    assert_eq!((&first.json["rows"], &first.json["dim"]), (&json!(40), &json!(30)));
    assert_eq!(first.json["bytes"], bytes.len());

    let again = client.post("/v1/datasets", "application/x-npy", bytes).await;
    assert_eq!((again.status, &again.json), (StatusCode::OK, &first.json));
    assert_eq!(client.get(&path).await.json, first.json);
    assert_eq!(
        client.get("/v1/datasets").await.json,
        json!({"items": [first.json], "next_page_token": null})
    );

    assert_eq!(client.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.get(&path).await.json["code"], "dataset_not_found");
    assert_eq!(client.delete(&path).await.json["code"], "dataset_not_found");
    assert_eq!(client.get("/v1/datasets").await.json["items"], json!([]));
}

#[tokio::test]
async fn parquet_brings_its_attributes() {
    let client = Client::new();
    let bytes = include_bytes!("../data/debian_2k.parquet").as_slice();
    let answer = client.post("/v1/datasets?id=name", "application/vnd.apache.parquet", bytes).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
    assert_eq!((&answer.json["rows"], &answer.json["dim"]), (&json!(2000), &json!(384)));
    let columns = answer.json["columns"].as_array().unwrap();
    assert!(columns.contains(&json!({"name": "installed_size", "type": "integer"})), "{columns:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let client = Client::new();
    let bytes = npy(40, 30);
    let broken = vec![Ok(bytes[..2000].to_vec()), Err(std::io::Error::other("the cable was cut"))];
    let answer =
        client.post("/v1/datasets", "application/x-npy", Body::from_stream(stream::iter(broken))).await;
    assert_eq!((answer.status, answer.text("/code").as_str()), (StatusCode::BAD_REQUEST, "malformed_body"));
    let cut = client.post("/v1/datasets", "application/x-npy", pieces(&bytes[..2000])).await;
    assert_eq!(cut.status, StatusCode::BAD_REQUEST, "{}", cut.json);
    assert_eq!(client.get("/v1/datasets").await.json["items"], json!([]));
    assert_eq!(uploads_left(&client), 0);
}

#[tokio::test]
async fn a_limit_lets_its_own_size_through_and_not_one_byte_more() {
    let bytes = npy(40, 30);
    let size = bytes.len() as u64;
    for (limit, code) in [(size, None), (size - 1, Some("payload_too_large"))] {
        let client = Client::with(|settings| settings.max_dataset_bytes = limit);
        for body in [pieces(&bytes), Body::from(bytes.clone())] {
            let answer = client.post("/v1/datasets", "application/x-npy", body).await;
            assert_eq!(answer.json["code"].as_str(), code, "{}", answer.json);
            if code.is_some() {
                assert!(answer.text("/detail").contains(&format!("{limit} bytes")));
                assert!(answer.text("/detail").contains("FEWER_LIMITS__DATASET_BYTES"));
                assert_eq!(uploads_left(&client), 0);
            }
        }
    }
}

#[tokio::test]
async fn pages_hold_each_dataset_once_newest_first() {
    let client = Client::new();
    let mut ids = Vec::new();
    for rows in 1..=5 {
        ids.push(client.upload(rows, 2).await);
    }
    ids.reverse();
    let (mut seen, mut path) = (Vec::new(), "/v1/datasets?limit=2".to_owned());
    loop {
        let page = client.get(&path).await.json;
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(token) = page["next_page_token"].as_str() else { break };
        assert_eq!(items.len(), 2);
        path = format!("/v1/datasets?limit=2&page_token={token}");
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn a_dataset_stays_while_a_live_job_needs_it() {
    let client = Client::with(|settings| settings.workers = 1);
    let (first, second) = (client.upload(MANY, 4).await, client.upload(30, 4).await);
    let running = client.submit(&endless(&first)).await;
    let mut other = endless(&first);
    other["objective"]["represented"] = json!({"dataset": second});
    let queued = client.submit(&other).await;

    for dataset in [&first, &second] {
        let refused = client.delete(&format!("/v1/datasets/{dataset}")).await;
        assert_eq!(
            (refused.status, refused.text("/code").as_str()),
            (StatusCode::CONFLICT, "dataset_in_use")
        );
    }
    for job in [&running, &queued] {
        client.post(&format!("/v1/jobs/{job}/cancel"), "", "").await;
        client.wait_for_end(job, "cancelled").await;
    }
    for dataset in [&first, &second] {
        assert_eq!(client.delete(&format!("/v1/datasets/{dataset}")).await.status, StatusCode::NO_CONTENT);
    }
    let refused = client.post_json("/v1/jobs", &endless(&first)).await;
    assert_eq!(
        (refused.status, refused.text("/code").as_str()),
        (StatusCode::NOT_FOUND, "dataset_not_found")
    );
    assert_eq!(refused.json["errors"][0]["pointer"], "/dataset");
}
