//! Following a job by server-sent events.

use crate::client::{Client, MANY, endless, npy, selection};
use axum::body::BodyDataStream;
use axum::http::header;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

/// The events of a stream, each with its arrival.
struct Events {
    body: BodyDataStream,
    buffer: String,
}

impl Events {
    async fn of(client: &Client, job: &str) -> Self {
        let response = client.open_stream(&format!("/v1/jobs/{job}/events")).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()[header::CONTENT_TYPE]),
            (200, &"text/event-stream".parse().unwrap())
        );
        Self { body: response.into_body().into_data_stream(), buffer: String::new() }
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let data =
                    event.strip_prefix("event: job\ndata: ").map(|data| serde_json::from_str(data).unwrap());
                self.buffer = rest.to_owned();
                return Some(data.unwrap());
            }
            let piece = tokio::time::timeout(Duration::from_secs(30), self.body.next()).await.unwrap()?;
            self.buffer.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn events_begin_with_the_present_come_no_faster_than_ten_a_second_and_end_with_the_job() {
    let client = Client::with(|settings| settings.workers = 1);
    let dataset = client.upload(MANY, 4).await;
    let running = client.submit(&endless(&dataset)).await;
    client.wait(&running, |job| job["state"] == "running").await;
    let waiting = client.submit(&endless(&dataset)).await;

    let mut events = Events::of(&client, &waiting).await;
    let first = events.next().await.unwrap();
    assert_eq!(
        (&first["id"], &first["state"], &first["queue_position"]),
        (&json!(waiting), &json!("queued"), &json!(0))
    );
    client.post(&format!("/v1/jobs/{running}/cancel"), "", "").await;
    let begun = Instant::now();
    let mut done = Vec::new();
    while done.len() < 6 {
        let event = events.next().await.unwrap();
        assert_eq!(event["state"], "running");
        done.push(event["progress"]["done"].as_u64().unwrap_or_default());
    }
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
    assert!(done.is_sorted() && done.first() < done.last(), "{done:?}");

    client.post(&format!("/v1/jobs/{waiting}/cancel"), "", "").await;
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event);
    }
    let ended = client.get(&format!("/v1/jobs/{waiting}")).await.json;
    assert_eq!((last.unwrap(), &ended["state"]), (ended.clone(), &json!("cancelled")));

    // Of a job that has ended there is one event.
    let mut events = Events::of(&client, &waiting).await;
    assert_eq!(events.next().await, Some(ended));
    assert_eq!(events.next().await, None);
    assert_eq!(client.get("/v1/jobs/job_0/events").await.json["code"], "job_not_found");
}

#[tokio::test]
async fn a_stream_tells_the_end_of_a_job_that_has_been_deleted_since() {
    let client = Client::with(|settings| settings.workers = 1);
    let dataset = client.upload(MANY, 4).await;
    let running = client.submit(&endless(&dataset)).await;
    client.wait(&running, |job| job["state"] == "running").await;
    let waiting = client.submit(&selection(&dataset, 1)).await;
    let mut events = Events::of(&client, &waiting).await;
    events.next().await.unwrap();
    client.post(&format!("/v1/jobs/{waiting}/cancel"), "", "").await;
    client.delete(&format!("/v1/jobs/{waiting}")).await;
    assert_eq!(events.next().await.unwrap()["state"], "cancelled");
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn more_streams_than_may_wait_are_refused_until_one_leaves() {
    let client = Client::with(|settings| settings.max_waiting = 1);
    let dataset = client.upload(MANY, 4).await;
    let job = client.submit(&endless(&dataset)).await;
    let events = Events::of(&client, &job).await;
    let refused = client.get(&format!("/v1/jobs/{job}/events")).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (429, "too_many_requests"));
    assert!(refused.text("/detail").contains("limits.waiting"), "{}", refused.json);
    // Who only prefers to wait is answered without.
    let request = axum::http::Request::post("/v1/jobs").header("Prefer", "wait=50");
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let answer = client.send(request.body(endless(&dataset).to_string().into()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.headers.contains_key("preference-applied")), (202, false));

    drop(events);
    Events::of(&client, &job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_streams_do_not_hold_up_a_stop() {
    let dir = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let settings = fewer::config::Settings::new(dir.path());
    let service = tokio::spawn(fewer::api::serve(settings, listener, async { stopped.await.unwrap() }));

    let follow = move || {
        let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().proxy(None).build());
        let post = |path: &str, media_type: &str, body: &[u8]| {
            let request = agent.post(format!("{base}{path}")).header("Content-Type", media_type);
            let text = request.send(body).unwrap().body_mut().read_to_string().unwrap();
            serde_json::from_str::<Value>(&text).unwrap()["id"].as_str().unwrap().to_owned()
        };
        let dataset = post("/datasets", "application/x-npy", &npy(MANY, 4));
        let job = post("/jobs", "application/json", endless(&dataset).to_string().as_bytes());
        let events = agent.get(format!("{base}/jobs/{job}/events")).call().unwrap();
        let mut events = BufReader::new(events.into_body().into_reader());
        let mut first = String::new();
        events.read_line(&mut first).unwrap();
        assert_eq!(first, "event: job\n");
        events
    };
    let mut events = tokio::task::spawn_blocking(follow).await.unwrap();
    let begun = Instant::now();
    stop.send(()).unwrap();
    service.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    // To its end, which a connection that was cut would not have.
    tokio::task::spawn_blocking(move || events.read_to_string(&mut String::new()).unwrap()).await.unwrap();
}
