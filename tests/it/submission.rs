//! How a job is handed in: waiting for it, sending it again, and finding the queue full.

use crate::client::{Answer, Client, MANY, endless, selection};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn submit(client: &Client, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::post("/v1/jobs").header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_caller_who_prefers_to_wait_gets_the_job_when_it_has_ended() {
    let client = Client::new();
    let dataset = client.upload(60, 4).await;
    let ended = submit(&client, &selection(&dataset, 5), &[("Prefer", "respond-async, wait=50")]).await;
    assert_eq!((ended.status, &ended.json["state"]), (StatusCode::OK, &json!("succeeded")));
    assert_eq!(ended.headers["preference-applied"], "wait=50");
    assert_eq!(ended.headers[header::LOCATION], format!("/v1/jobs/{}", ended.text("/id")));
    assert_eq!(ended.json, client.get(&format!("/v1/jobs/{}", ended.text("/id"))).await.json);

    // One that fails has ended too.
    let dataset = client.upload(MANY, 4).await;
    let mut late = endless(&dataset);
    (late["deadline_seconds"], late["on_stop"]) = (json!(0.001), json!("fail"));
    let failed = submit(&client, &late, &[("Prefer", "wait=50")]).await;
    assert_eq!((failed.status, &failed.json["state"]), (StatusCode::OK, &json!("failed")), "{}", failed.json);
}

#[tokio::test]
async fn a_job_that_takes_longer_than_the_wait_goes_on() {
    let client = Client::with(|settings| settings.max_wait_seconds = 0.2);
    let dataset = client.upload(MANY, 4).await;
    let begun = Instant::now();
    let live = submit(&client, &endless(&dataset), &[("Prefer", "wait=3600")]).await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!((live.status, &live.json["state"]), (StatusCode::ACCEPTED, &json!("running")));
    assert_eq!(
        (&live.headers["preference-applied"], &live.headers[header::RETRY_AFTER]),
        (&"wait=0".parse().unwrap(), &"1".parse().unwrap())
    );
    client.wait(&live.text("/id"), |job| job["progress"]["done"].as_u64() > Some(0)).await;

    let misread = submit(&client, &endless(&dataset), &[("Prefer", "wait=soon")]).await;
    assert_eq!((misread.status.as_u16(), misread.text("/code").as_str()), (400, "invalid_header"));
    let at_once = submit(&client, &selection(&dataset, 1), &[("Prefer", "handling=strict")]).await;
    assert_eq!(at_once.status, StatusCode::ACCEPTED);
    assert!(!at_once.headers.contains_key("preference-applied"));
}

#[tokio::test]
async fn a_request_that_is_sent_again_makes_no_second_job() {
    let client = Client::new();
    let dataset = client.upload(60, 4).await;
    let key = [("Idempotency-Key", "run-1")];
    let first = submit(&client, &selection(&dataset, 5), &key).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    client.wait_for_end(&first.text("/id"), "succeeded").await;
    let other = submit(&client, &selection(&dataset, 6), &key).await;
    assert_eq!((other.status.as_u16(), other.text("/code").as_str()), (422, "idempotency_mismatch"));

    // Also after a restart, and with the wish to wait.
    let client = client.restart(|_| {});
    let again = submit(&client, &selection(&dataset, 5), &key).await;
    assert_eq!((again.status, again.text("/id")), (StatusCode::ACCEPTED, first.text("/id")));
    assert_eq!(again.headers[header::LOCATION], first.headers[header::LOCATION]);
    let waited = submit(&client, &selection(&dataset, 5), &[key[0], ("Prefer", "wait=9")]).await;
    assert_eq!((waited.status, waited.text("/id")), (StatusCode::OK, first.text("/id")));
    assert_eq!(client.get("/v1/jobs").await.json["items"].as_array().unwrap().len(), 1);

    // A late copy does not bring back what its owner has deleted.
    client.delete(first.headers[header::LOCATION].to_str().unwrap()).await;
    let late = submit(&client, &selection(&dataset, 5), &key).await;
    assert_eq!((late.status.as_u16(), late.text("/code").as_str()), (404, "job_not_found"));
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let client = Client::new();
    let dataset = client.upload(60, 4).await;
    let key = [("Idempotency-Key", "\"run-2\"")];
    assert_eq!(submit(&client, &selection(&dataset, 61), &key).await.status, 422);
    assert_eq!(submit(&client, &selection(&dataset, 6), &key).await.status, 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_requests_with_one_key_at_one_time_one_makes_a_job() {
    let client = std::sync::Arc::new(Client::new());
    let dataset = client.upload(60, 4).await;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (client, body) = (std::sync::Arc::clone(&client), selection(&dataset, 5));
        requests.spawn(async move {
            let answer = submit(&client, &body, &[("Idempotency-Key", "k")]).await;
            match answer.status.as_u16() {
                202 => Some(answer.text("/id")),
                409 => {
                    assert_eq!(answer.text("/code"), "idempotency_in_progress");
                    None
                }
                other => panic!("{other}: {}", answer.json),
            }
        });
    }
    let made: std::collections::BTreeSet<_> = requests.join_all().await.into_iter().flatten().collect();
    assert_eq!(made.len(), 1);
    assert_eq!(client.get("/v1/jobs").await.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_queue_refuses_new_jobs_and_still_lets_old_ones_go() {
    let client = Client::with(|settings| (settings.workers, settings.max_queued) = (1, 2));
    let dataset = client.upload(MANY, 4).await;
    let key = [("Idempotency-Key", "first")];
    let running = submit(&client, &endless(&dataset), &key).await.text("/id");
    client.wait(&running, |job| job["state"] == "running").await;
    let waiting = [client.submit(&endless(&dataset)).await, client.submit(&endless(&dataset)).await];

    let mut inline = selection(&dataset, 1);
    inline.as_object_mut().unwrap().remove("dataset");
    inline["inline"] = json!({"vectors": [[1.0]]});
    for body in [selection(&dataset, 1), inline] {
        let refused = submit(&client, &body, &[]).await;
        assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (429, "queue_full"));
        assert!(refused.text("/detail").contains("jobs.max_queued"), "{}", refused.json);
    }
    assert_eq!(client.get("/v1/datasets").await.json["items"].as_array().unwrap().len(), 1);
    // Its place was given long ago.
    assert_eq!(submit(&client, &endless(&dataset), &key).await.text("/id"), running);

    for job in [&waiting[1], &waiting[0], &running] {
        let told = client.post(&format!("/v1/jobs/{job}/cancel"), "", "").await;
        assert!(told.status.is_success(), "{}", told.json);
    }
    client.submit(&selection(&dataset, 1)).await;
}
