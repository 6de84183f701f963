//! What the service says of itself.

use crate::client::Client;
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

#[tokio::test]
async fn every_limit_is_told_with_its_setting() {
    let client = Client::with(|settings| {
        settings.max_request_bytes = 12_345;
        settings.retention.result_seconds = Some(0.5);
    });
    let info = client.get("/v1/info").await.json;
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&info["threads"], &info["workers"]), (&json!(2), &json!(2)));
    assert_eq!(info["self_check"], json!({"passed": true, "fault": null}));
    assert!(["avx512", "avx2", "portable"].contains(&info["kernel"].as_str().unwrap()), "{info}");
    let request =
        json!({"value": 12_345, "setting": "limits.request_bytes", "env": "FEWER_LIMITS__REQUEST_BYTES"});
    assert_eq!(info["limits"]["request_bytes"], request);
    assert_eq!(info["limits"]["retained_result_seconds"]["value"], 0.5);
    assert_eq!(info["limits"]["retained_result_bytes"]["value"], Value::Null);

    // The settings are those that the program reads.
    let read = fewer::config::markdown();
    for (name, limit) in info["limits"].as_object().unwrap() {
        let env = limit["env"].as_str().unwrap();
        assert!(read.contains(&format!("`{env}`")), "{name}: nothing reads {env}");
    }
}

#[tokio::test]
async fn the_codecs_it_tells_are_the_codecs_it_reads() {
    let client = Client::new();
    let codecs = client.get("/v1/info").await.json["codecs"].clone();
    let told = |list: &str, value: &str| codecs[list].as_array().unwrap().contains(&json!(value));
    for media_type in [
        "application/json",
        "application/x-npy",
        "application/vnd.apache.parquet",
        "application/vnd.apache.arrow.stream",
        "text/x-preflib",
        "text/csv",
    ] {
        let answer = client.post("/v1/datasets", media_type, "").await;
        assert_eq!(told("media_types", media_type), answer.status != 415, "{media_type}");
    }
    for encoding in ["identity", "gzip", "zstd", "br", "deflate"] {
        let request = Request::post("/v1/datasets")
            .header(header::CONTENT_TYPE, "application/x-npy")
            .header(header::CONTENT_ENCODING, encoding);
        let answer = client.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(told("content_encodings", encoding), answer.status != 415, "{encoding}");
    }
}
