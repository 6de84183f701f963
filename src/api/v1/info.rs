//! `/v1/info`: what this service is, what it reads, and how much of it.

use crate::api::app::App;
use crate::config::Settings;
use crate::dataset::Format;
use crate::telemetry::process;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Number;
use std::sync::Arc;
use submodular::tile::Kernel;
use utoipa::ToSchema;

/// Encodings of bodies that are read.
const CONTENT_ENCODINGS: [&str; 3] = ["identity", "gzip", "zstd"];

/// What this service is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Info {
    /// Of fewer.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// Cargo features beyond the default that were compiled in.
    #[schema(example = json!(["object-store"]))]
    pub features: Vec<String>,
    /// The vector unit that computes: `avx512`, `avx2` or `portable`.
    #[schema(example = "avx2")]
    pub kernel: String,
    /// The linear algebra library.
    pub blas: Blas,
    /// What the numerical self-check of the start has found.
    pub self_check: SelfCheck,
    /// Threads that compute, for each job.
    #[schema(example = 8)]
    pub threads: u64,
    /// Jobs that run at once.
    #[schema(example = 2)]
    pub workers: u64,
    /// What bodies of datasets may be.
    pub codecs: Codecs,
    /// What is allowed.
    pub limits: Limits,
}

/// The linear algebra library. It checks and factorises; similarities have kernels of their own.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Blas {
    /// Directory and name of the file that was loaded, which tell the version; null where it cannot be told.
    #[schema(example = "openblas-serial/libopenblas-r0.3.29.so")]
    pub library: Option<String>,
    /// `OPENBLAS_NUM_THREADS` as the process found it. A build with threads starts one for each core unless it is 1.
    #[schema(example = "1")]
    pub openblas_num_threads: Option<String>,
}

/// Kernels, BLAS and LAPACK compared with plain loops.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SelfCheck {
    /// Whether everything is right; else the service is not ready.
    pub passed: bool,
    /// What is not.
    pub fault: Option<String>,
}

/// What bodies of datasets may be.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Codecs {
    /// Values of `Content-Type`.
    pub media_types: Vec<String>,
    /// Values of `Content-Encoding`.
    pub content_encodings: Vec<String>,
}

/// A limit, and what changes it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Limit {
    /// The limit; null where there is none.
    #[schema(value_type = Option<f64>, example = 1048576)]
    pub value: Option<Number>,
    /// The setting in the configuration.
    #[schema(example = "limits.request_bytes")]
    pub setting: String,
    /// The same as an environment variable.
    #[schema(example = "FEWER_LIMITS__REQUEST_BYTES")]
    pub env: String,
}

/// What is allowed. Units are in the names.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Limits {
    /// Body of a dataset.
    pub dataset_bytes: Limit,
    /// Body of a dataset in JSON.
    pub json_bytes: Limit,
    /// Body of any other request.
    pub request_bytes: Limit,
    /// Body of answers to a job's questions.
    pub answers_bytes: Limit,
    /// Memory that running jobs together may take.
    pub memory_bytes: Limit,
    /// Floating-point operations of one job.
    pub flops: Limit,
    /// Jobs in line.
    pub queued: Limit,
    /// Connections that are open at once.
    pub connections: Limit,
    /// Uploads of datasets that are under way.
    pub uploads: Limit,
    /// Connections that wait for a job.
    pub waiting: Limit,
    /// Longest `Prefer: wait`.
    pub wait_seconds: Limit,
    /// Free space below which no new work is taken.
    pub min_free_bytes: Limit,
    /// How long a result is kept.
    pub retained_result_seconds: Limit,
    /// How much of all results is kept.
    pub retained_result_bytes: Limit,
    /// How long a dataset that nobody needs is kept.
    pub retained_dataset_seconds: Limit,
    /// How much of all datasets is kept.
    pub retained_dataset_bytes: Limit,
}

/// What this service is
///
/// Version, limits with the settings that change them, what bodies are read, and what it computes with.
#[utoipa::path(
    get, path = "/v1/info", tag = "operations",
    responses((status = 200, description = "The service", body = Info)),
    extensions(
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/info"}])),
    ),
)]
pub(in crate::api) async fn get_info(State(app): State<Arc<App>>) -> Json<Info> {
    let fault = app.selfcheck.as_ref().err();
    Json(Info {
        version: env!("CARGO_PKG_VERSION").into(),
        features: cfg!(feature = "object-store").then(|| "object-store".into()).into_iter().collect(),
        kernel: Kernel::detect().name().into(),
        blas: Blas {
            library: process::blas_library().map(str::to_owned),
            openblas_num_threads: std::env::var("OPENBLAS_NUM_THREADS").ok(),
        },
        self_check: SelfCheck { passed: fault.is_none(), fault: fault.map(ToString::to_string) },
        threads: app.settings.threads as u64,
        workers: app.settings.workers as u64,
        codecs: Codecs {
            media_types: Format::ALL.map(|format| format.media_type().into()).into(),
            content_encodings: CONTENT_ENCODINGS.map(str::to_owned).into(),
        },
        limits: Limits::from(&app.settings),
    })
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Self {
        let limit = |setting: &str, value: Option<Number>| Limit {
            value,
            setting: setting.into(),
            env: format!("FEWER_{}", setting.replace('.', "__").to_uppercase()),
        };
        let whole = |setting: &str, value: u64| limit(setting, Some(value.into()));
        let real = |setting: &str, value: f64| limit(setting, Number::from_f64(value));
        let kept = &settings.retention;
        Self {
            dataset_bytes: whole("limits.dataset_bytes", settings.max_dataset_bytes),
            json_bytes: whole("limits.json_bytes", settings.max_json_bytes),
            request_bytes: whole("limits.request_bytes", settings.max_request_bytes),
            answers_bytes: whole("limits.answers_bytes", settings.max_answers_bytes),
            memory_bytes: whole("jobs.memory_bytes", settings.memory_bytes),
            flops: real("jobs.max_flops", settings.max_flops),
            queued: whole("jobs.max_queued", settings.max_queued as u64),
            connections: whole("limits.connections", settings.max_connections as u64),
            uploads: whole("limits.uploads", settings.max_uploads as u64),
            waiting: whole("limits.waiting", settings.max_waiting as u64),
            wait_seconds: real("limits.wait_seconds", settings.max_wait_seconds),
            min_free_bytes: whole("storage.min_free_bytes", settings.min_free_bytes),
            retained_result_seconds: limit(
                "retention.result_seconds",
                kept.result_seconds.and_then(Number::from_f64),
            ),
            retained_result_bytes: limit("retention.result_bytes", kept.result_bytes.map(Number::from)),
            retained_dataset_seconds: limit(
                "retention.dataset_seconds",
                kept.dataset_seconds.and_then(Number::from_f64),
            ),
            retained_dataset_bytes: limit("retention.dataset_bytes", kept.dataset_bytes.map(Number::from)),
        }
    }
}
