//! Metrics: the one table of their names, and the recorder that keeps them.
//!
//! Whoever has something to count uses the macros of the `metrics` facade and knows no recorder. Counters and
//! histograms are the process's. Gauges tell the state of one service, so they are read anew for each page and kept
//! nowhere: two services of one process cannot mix theirs.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::thread::Builder;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One metric: what is described, documented and tested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Its name, with its unit; a counter's ends in `_total`.
    pub name: &'static str,
    /// What can be done with it.
    pub kind: Kind,
    /// What is counted or measured.
    pub unit: &'static str,
    /// The labels of every sample.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

/// What can be done with a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// Is what it is when it is asked for.
    Gauge,
    /// Counts values below each of these bounds, and sums them.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word of the exposition format.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

/// Bounds for answers and for writes, in seconds.
const SHORT: Kind =
    Kind::Histogram(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0]);
/// Bounds for jobs, in seconds.
const LONG: Kind = Kind::Histogram(&[
    0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0,
]);

const fn metric(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind, unit, labels, help }
}

const SEARCH: &[&str] = &["objective", "optimizer"];
const ANSWER: &[&str] = &["route", "method", "status"];

/// Every metric there is.
#[rustfmt::skip]
pub const TABLE: &[Metric] = &[
    metric("fewer_http_requests_total", Kind::Counter, "requests", ANSWER,
        "Requests by route template (`unmatched`: no route), method (`other`: not one of HTTP's own) and status (`aborted`: the client left before the answer began)"),
    metric("fewer_http_request_seconds", SHORT, "seconds", ANSWER,
        "From the head of a request to the head of its answer; the body of a request is inside, that of an event stream is not"),
    metric("fewer_http_requests_in_flight", Kind::Gauge, "requests", &[],
        "Requests whose answer has not begun, this scrape among them"),
    metric("fewer_problems_total", Kind::Counter, "answers", &["code"],
        "Refusals and failures by code, those of `openapi/errors.md`"),
    metric("fewer_jobs_submitted_total", Kind::Counter, "jobs", &[],
        "Jobs that were accepted and stored"),
    metric("fewer_jobs_ended_total", Kind::Counter, "jobs", &["state", "code"],
        "Jobs that ended, by last state and by code of the failure (`none`: without one)"),
    metric("fewer_jobs_queued", Kind::Gauge, "jobs", &[],
        "Jobs in line"),
    metric("fewer_jobs_running", Kind::Gauge, "jobs", &[],
        "Jobs that hold a worker and memory"),
    metric("fewer_job_workers", Kind::Gauge, "jobs", &[],
        "Jobs that may run at once"),
    metric("fewer_job_queue_seconds", LONG, "seconds", &[],
        "From accepting a job to its first run"),
    metric("fewer_job_run_seconds", LONG, "seconds", SEARCH,
        "Runs of jobs, loading and storing included; a job that a stop of the service cut in two has two"),
    metric("fewer_evaluations_total", Kind::Counter, "gains", SEARCH,
        "Gains computed, while the job runs"),
    metric("fewer_saves_total", Kind::Counter, "saves", &["outcome"],
        "States of running jobs written for the case of a crash: `stored` or `failed`"),
    metric("fewer_save_seconds", SHORT, "seconds", &[],
        "Encoding and committing one of them; the job waits for it"),
    metric("fewer_memory_allowed_bytes", Kind::Gauge, "bytes", &[],
        "What running jobs together may take: `jobs.memory_bytes`"),
    metric("fewer_memory_reserved_bytes", Kind::Gauge, "bytes", &[],
        "What running jobs together were estimated to take"),
    metric("fewer_memory_resident_bytes", Kind::Gauge, "bytes", &[],
        "Resident memory of the process"),
    metric("fewer_memory_peak_bytes", Kind::Gauge, "bytes", &[],
        "The most that was ever resident"),
    metric("fewer_dataset_uploads_total", Kind::Counter, "uploads", &["media_type", "outcome"],
        "Datasets that came in whole, inline ones included: `stored`, `known` (the same bytes are there already), `refused` for their content, or `failed`"),
    metric("fewer_dataset_upload_bytes_total", Kind::Counter, "bytes", &[],
        "Bytes of datasets written to disk as they come, also of those that break off"),
    metric("fewer_datasets", Kind::Gauge, "datasets", &[],
        "Datasets stored"),
    metric("fewer_dataset_bytes", Kind::Gauge, "bytes", &[],
        "Size of their files; bytes that several datasets share count once"),
    metric("fewer_disk_free_bytes", Kind::Gauge, "bytes", &[],
        "Free space where the data directory is"),
    metric("fewer_build_info", Kind::Gauge, "1", &["version", "kernel"],
        "Always 1: which fewer this is, and the vector unit it computes with"),
    metric("fewer_start_time_seconds", Kind::Gauge, "seconds", &[],
        "When the process started, since 1970"),
];

/// The table as Markdown, for `docs/operations.md`.
pub fn markdown() -> String {
    let mut table = String::from("| metric | kind | unit | labels | meaning |\n|---|---|---|---|---|\n");
    for Metric { name, kind, unit, labels, help } in TABLE {
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| `{name}` | {} | {unit} | {} | {help} |", kind.name(), labels.join(", "));
    }
    table
}

/// How often histograms that nobody reads are drained: until then each keeps every value.
const UPKEEP: Duration = Duration::from_secs(5);

/// The metrics of this process.
#[derive(Debug)]
pub struct Exporter {
    handle: PrometheusHandle,
    started: SystemTime,
}

/// Why metrics cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The process has a recorder already, or ours cannot be built.
    #[error("metrics cannot be recorded: {0}")]
    Recorder(#[from] BuildError),
    /// The thread of the upkeep could not be started.
    #[error("the thread that keeps the metrics could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// The exporter of this process, recording from the first call on.
///
/// # Errors
/// [`InstallError`], the same each time.
pub fn install() -> Result<&'static Exporter, &'static InstallError> {
    static EXPORTER: LazyLock<Result<Exporter, InstallError>> = LazyLock::new(Exporter::install);
    EXPORTER.as_ref()
}

impl Exporter {
    fn install() -> Result<Self, InstallError> {
        let mut builder = PrometheusBuilder::new();
        for metric in TABLE {
            if let Kind::Histogram(bounds) = metric.kind {
                builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.into()), bounds)?;
            }
        }
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(BuildError::from)?;
        describe();
        register();
        let upkeep = handle.clone();
        Builder::new().name("fewer-metrics".into()).spawn(move || {
            loop {
                std::thread::sleep(UPKEEP);
                upkeep.run_upkeep();
            }
        })?;
        Ok(Self { handle, started: SystemTime::now() })
    }

    /// The page in Prometheus' text format: what was counted so far, and the gauges that `read` sets.
    pub fn page(&self, read: impl FnOnce()) -> String {
        let gauges = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&gauges, || {
            describe();
            let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
            metrics::gauge!("fewer_start_time_seconds").set(started.as_secs_f64());
            read();
        });
        self.handle.render() + &gauges.handle().render()
    }
}

fn describe() {
    for Metric { name, kind, help, .. } in TABLE.iter().copied() {
        match kind {
            Kind::Counter => metrics::describe_counter!(name, help),
            Kind::Gauge => metrics::describe_gauge!(name, help),
            Kind::Histogram(_) => metrics::describe_histogram!(name, help),
        }
    }
}

/// What has no labels is there before its first event: a rate needs a 0 to begin with.
fn register() {
    for Metric { name, kind, .. } in TABLE.iter().copied().filter(|metric| metric.labels.is_empty()) {
        match kind {
            Kind::Counter => drop(metrics::counter!(name)),
            Kind::Histogram(_) => drop(metrics::histogram!(name)),
            // Read for each page.
            Kind::Gauge => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, TABLE};
    use std::collections::HashSet;

    #[test]
    fn names_carry_prefix_unit_and_kind_and_none_is_told_twice() {
        let names: HashSet<_> = TABLE.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), TABLE.len());
        for metric in TABLE {
            let name = metric.name;
            assert!(name.starts_with("fewer_"), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
            let base = name.trim_end_matches("_total");
            for unit in ["bytes", "seconds"] {
                assert_eq!(base.ends_with(&format!("_{unit}")), metric.unit == unit, "{name}");
            }
            if let Kind::Histogram(bounds) = metric.kind {
                assert!(bounds.is_sorted() && bounds.len() > 3, "{name}");
            }
        }
    }
}
