//! What the service counts.

use crate::client::{Client, MANY, endless, npy, selection};
use axum::body::Body;
use axum::http::{Method, Request, header};
use fewer::api::codes::Code;
use fewer::dataset::Format;
use fewer::telemetry::metrics::{Kind, TABLE, markdown};
use http_body_util::BodyExt;
use std::collections::{BTreeMap, BTreeSet};
use tower::ServiceExt;

#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// A page of the text format: the kinds it declares, and its samples.
struct Page {
    kinds: BTreeMap<String, String>,
    samples: Vec<Sample>,
}

impl Page {
    async fn read(client: &Client) -> Self {
        let answer =
            client.router().oneshot(Request::get("/metrics").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        Self::parse(std::str::from_utf8(&text).unwrap())
    }

    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'));
        let mut page = Self { kinds: BTreeMap::new(), samples: vec![] };
        let mut helped = BTreeSet::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(helped.contains(name), "{line}");
                assert!(page.kinds.insert(name.into(), kind.into()).is_none(), "{name} is told twice");
            } else {
                page.samples.push(sample(line));
            }
        }
        page
    }

    /// The sum over the samples that have all these labels.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| labels.iter().all(|(key, value)| sample.labels[*key] == *value);
        self.samples.iter().filter(|sample| sample.name == name).filter(has).map(|sample| sample.value).sum()
    }
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        None => (series, ""),
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
    };
    let label = |label: &str| {
        let (key, value) = label.split_once('=').unwrap();
        let value = value.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        assert!(!value.is_empty() && !value.contains(['"', '\\']), "{line}");
        (key.to_owned(), value.to_owned())
    };
    let labels = if labels.is_empty() { BTreeMap::new() } else { labels.split(',').map(label).collect() };
    Sample { name: name.into(), labels, value: value.parse().unwrap() }
}

/// A bit of everything that is counted, and a job that still runs.
async fn traffic(client: &Client) {
    let dataset = client.upload(MANY, 4).await;
    assert_eq!(client.post("/v1/datasets", "application/x-npy", npy(MANY, 4)).await.status, 200);
    assert_eq!(client.post("/v1/datasets", "application/x-npy", "\u{93}NUMPY").await.status, 400);
    let job = client.submit(&selection(&dataset, 3)).await;
    client.wait_for_end(&job, "succeeded").await;
    let job = client.submit(&endless(&dataset)).await;
    client.wait(&job, |job| job["progress"]["done"].as_u64() > Some(50)).await;
    client.post(&format!("/v1/jobs/{job}/cancel"), "", "").await;
    client.wait_for_end(&job, "cancelled").await;
    for path in ["/nothing", "/nothing/else", "/v1/jobs/job_1", "/v1/jobs/job_2/result"] {
        assert_eq!(client.get(path).await.status, 404);
    }
    let invented = Request::builder().method(Method::from_bytes(b"JUMP").unwrap()).uri("/v1/jobs");
    assert_eq!(client.send(invented.body(Body::empty()).unwrap()).await.status, 405);
    let job = client.submit(&endless(&dataset)).await;
    client.wait(&job, |job| job["progress"]["done"].as_u64() > Some(1)).await;
}

#[tokio::test]
async fn the_page_has_the_metrics_of_the_table_and_no_others() {
    let client = Client::with(|settings| settings.checkpoint_seconds = 0.001);
    traffic(&client).await;
    let page = Page::read(&client).await;

    let declared: BTreeMap<_, _> = page.kinds.iter().map(|(name, kind)| (&**name, &**kind)).collect();
    let expected: BTreeMap<_, _> = TABLE.iter().map(|metric| (metric.name, metric.kind.name())).collect();
    assert_eq!(declared, expected);
    for sample in &page.samples {
        let metric = TABLE.iter().find(|metric| {
            let suffixes: &[&str] = if matches!(metric.kind, Kind::Histogram(_)) {
                &["_bucket", "_sum", "_count"]
            } else {
                &[""]
            };
            suffixes.iter().any(|suffix| sample.name == format!("{}{suffix}", metric.name))
        });
        let metric = metric.unwrap_or_else(|| panic!("{sample:?} is of no metric"));
        let mut labels: BTreeSet<_> = metric.labels.iter().copied().collect();
        if sample.name.ends_with("_bucket") {
            labels.insert("le");
        }
        assert_eq!(sample.labels.keys().map(|key| &**key).collect::<BTreeSet<_>>(), labels, "{sample:?}");
        assert!(sample.value.is_finite() && sample.value >= 0.0, "{sample:?}");
    }
}

#[tokio::test]
async fn labels_take_their_values_from_closed_lists() {
    let client = Client::with(|settings| settings.checkpoint_seconds = 0.001);
    traffic(&client).await;
    let page = Page::read(&client).await;

    let document: serde_json::Value = serde_json::from_str(fewer::api::openapi::json()).unwrap();
    let is_route = |route: &str| document["paths"].get(route).is_some() || route == "unmatched";
    let is_code =
        |code: &str| Code::of(code).is_some() || ["none", "deadline_exceeded", "worker_lost"].contains(&code);
    for sample in &page.samples {
        for (key, value) in &sample.labels {
            let value = value.as_str();
            assert!(
                match key.as_str() {
                    "route" => is_route(value),
                    "method" =>
                        ["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH", "other"].contains(&value),
                    "status" => value == "aborted" || (100..600).contains(&value.parse::<u16>().unwrap()),
                    "code" => is_code(value),
                    "state" => ["succeeded", "failed", "cancelled"].contains(&value),
                    "objective" => value == "facility_location",
                    "optimizer" => ["greedy", "lazy_greedy", "stochastic_greedy", "bidirectional_greedy"]
                        .contains(&value),
                    "media_type" => Format::ALL.iter().any(|format| format.media_type() == value),
                    "outcome" => ["stored", "known", "refused", "failed"].contains(&value),
                    "le" => value == "+Inf" || value.parse::<f64>().unwrap() > 0.0,
                    "version" => value == env!("CARGO_PKG_VERSION"),
                    "kernel" => ["avx512", "avx2", "portable"].contains(&value),
                    _ => false,
                },
                "{sample:?}"
            );
        }
    }
    assert!(page.value("fewer_http_requests_total", &[("route", "unmatched")]) >= 2.0);
    assert!(page.value("fewer_http_requests_total", &[("method", "other"), ("status", "405")]) >= 1.0);
}

/// Counters are the process's, and other tests may run in it: what this one did is a lower bound.
#[tokio::test]
async fn what_happened_is_what_was_counted() {
    let client = Client::with(|settings| settings.checkpoint_seconds = 0.001);
    let before = Page::read(&client).await;
    traffic(&client).await;
    let after = Page::read(&client).await;
    let grew = |name: &str, labels: &[(&str, &str)]| after.value(name, labels) - before.value(name, labels);

    assert!(grew("fewer_dataset_uploads_total", &[("outcome", "stored")]) >= 1.0);
    assert!(grew("fewer_dataset_uploads_total", &[("outcome", "known")]) >= 1.0);
    assert!(grew("fewer_dataset_uploads_total", &[("outcome", "refused")]) >= 1.0);
    assert!(grew("fewer_dataset_upload_bytes_total", &[]) >= 2.0 * npy(MANY, 4).len() as f64);
    assert!(grew("fewer_jobs_submitted_total", &[]) >= 3.0);
    assert!(grew("fewer_jobs_ended_total", &[("state", "succeeded"), ("code", "none")]) >= 1.0);
    assert!(grew("fewer_jobs_ended_total", &[("state", "cancelled")]) >= 1.0);
    assert!(grew("fewer_job_queue_seconds_count", &[]) >= 3.0);
    // Every gain of the job that ended, at the least of its first step, and 50 picks of the one that was cancelled.
    assert!(grew("fewer_evaluations_total", &[("optimizer", "lazy_greedy")]) >= MANY as f64);
    assert!(grew("fewer_evaluations_total", &[("optimizer", "greedy")]) >= 50.0 * (MANY - 50) as f64);
    assert!(grew("fewer_job_run_seconds_count", &[("optimizer", "greedy")]) >= 1.0);
    assert!(grew("fewer_saves_total", &[("outcome", "stored")]) >= 1.0);
    assert!(grew("fewer_save_seconds_count", &[]) >= 1.0);
    assert!(grew("fewer_problems_total", &[("code", "job_not_found")]) >= 2.0);
    let submits = [("route", "/v1/jobs"), ("method", "POST"), ("status", "202")];
    assert!(grew("fewer_http_requests_total", &submits) >= 3.0);
    assert!(grew("fewer_http_request_seconds_count", &submits) >= 3.0);
    assert!(after.value("fewer_http_requests_in_flight", &[]) >= 1.0, "the scrape itself");
}

#[tokio::test]
async fn gauges_are_those_of_the_service_that_is_asked() {
    let idle = Client::new();
    let client = Client::with(|settings| (settings.workers, settings.memory_bytes) = (1, 1 << 29));
    let dataset = client.upload(MANY, 4).await;
    let running = client.submit(&endless(&dataset)).await;
    client.wait(&running, |job| job["state"] == "running").await;
    client.submit(&selection(&dataset, 2)).await;
    let gauges = [
        "fewer_jobs_running",
        "fewer_jobs_queued",
        "fewer_job_workers",
        "fewer_memory_allowed_bytes",
        "fewer_datasets",
        "fewer_dataset_bytes",
    ];

    let page = Page::read(&client).await;
    let read = gauges.map(|name| page.value(name, &[]));
    assert_eq!(read, [1.0, 1.0, 1.0, f64::from(1 << 29), 1.0, npy(MANY, 4).len() as f64]);
    let reserved = page.value("fewer_memory_reserved_bytes", &[]);
    // The similarities alone are 4 bytes a pair.
    assert!(reserved > 4.0 * (MANY * MANY) as f64 && reserved < f64::from(1 << 29), "{reserved}");
    let (resident, peak) =
        (page.value("fewer_memory_resident_bytes", &[]), page.value("fewer_memory_peak_bytes", &[]));
    assert!(resident > 1e6 && peak >= resident, "{resident} {peak}");
    assert!(page.value("fewer_disk_free_bytes", &[]) > 0.0);
    assert!(page.value("fewer_start_time_seconds", &[]) > 1.7e9);

    let page = Page::read(&idle).await;
    assert_eq!(gauges.map(|name| page.value(name, &[])), [0.0, 0.0, 2.0, f64::from(1 << 30), 0.0, 0.0]);
    assert_eq!(page.value("fewer_memory_reserved_bytes", &[]), 0.0);
}

#[tokio::test]
async fn a_request_whose_client_leaves_is_counted_as_aborted() {
    let client = Client::new();
    let silent = Body::from_stream(futures_util::stream::pending::<Result<String, std::io::Error>>());
    let request = Request::post("/v1/datasets").header(header::CONTENT_TYPE, "application/x-npy");
    let answer = client.router().oneshot(request.body(silent).unwrap());
    // Dropped while it waits for the body.
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), answer).await.is_err());
    let page = Page::read(&client).await;
    let aborted = [("route", "/v1/datasets"), ("method", "POST"), ("status", "aborted")];
    assert!(page.value("fewer_http_requests_total", &aborted) >= 1.0);
}

#[test]
fn the_documented_table_is_the_services_own() {
    let page = include_str!("../../docs/operations.md");
    let (_, rest) = page.split_once("<!-- metrics: generated -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- metrics: end -->").unwrap();
    assert!(
        table == markdown(),
        "docs/operations.md is out of date: put the output of `cargo run -- openapi --metrics` between its markers"
    );
}
