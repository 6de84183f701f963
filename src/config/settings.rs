//! Every setting, once: its name, flag, field, type, default and what it does. The flags, the reading of files and of the
//! environment, what is printed and what is documented are made from this.

use super::memory;
use super::value::{Given, Shape, Value};
use crate::auth::ApiKey;
use crate::telemetry::{LogFilter, LogFormat};
use std::net::SocketAddr;
use std::path::PathBuf;

/// One setting, whatever its type is.
pub(super) struct Setting {
    /// The table that it stands in.
    pub(super) section: &'static str,
    /// Its key in that table.
    pub(super) key: &'static str,
    /// Its flag without the dashes; none for what process lists must not show.
    pub(super) flag: Option<&'static str>,
    /// Its documentation.
    about: &'static str,
    /// What the default is, where it depends on the machine.
    pub(super) computed: Option<&'static str>,
    /// How it is written.
    pub(super) shape: Shape,
    pub(super) read: fn(&mut Settings, &Given) -> Result<(), String>,
    pub(super) show: fn(&Settings) -> toml::Value,
}

impl Setting {
    /// `section.key`
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// Its environment variable.
    pub(super) fn variable(&self) -> String {
        format!("FEWER_{}__{}", self.section, self.key).to_ascii_uppercase()
    }

    /// What it does, without the full stop at the end.
    pub(super) fn help(&self) -> &'static str {
        self.about.trim().trim_end_matches('.')
    }
}

/// The word for a default that depends on the machine.
pub(super) const AUTO: &str = "auto";

macro_rules! settings {
    (
        $(#[$about:meta])* $settings:ident {
            $($(#[doc = $help:literal])+ $section:ident.$key:ident $($flag:literal)?
                => $field:ident: $type:ty = $default:expr $(, $computed:literal)?;)*
        }
        $(#[$part_about:meta])* $part:ident: $part_type:ident {
            $($(#[doc = $part_help:literal])+ $part_section:ident.$part_key:ident $($part_flag:literal)?
                => $part_field:ident: $part_field_type:ty = $part_default:expr;)*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $settings {
            $($(#[doc = $help])+ pub $field: $type,)*
            /// What is removed without being asked for.
            pub $part: $part_type,
        }

        $(#[$part_about])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $part_type {
            $($(#[doc = $part_help])+ pub $part_field: $part_field_type,)*
        }

        impl Default for $settings {
            fn default() -> Self {
                Self { $($field: $default,)* $part: $part_type::default() }
            }
        }

        impl Default for $part_type {
            fn default() -> Self {
                Self { $($part_field: $part_default,)* }
            }
        }

        /// Those of a section stand together.
        pub(super) static ALL: &[Setting] = &[
            $(settings!(@row $section $key [$($flag)?] [$($help)+] [$($computed)?] $type, $field),)*
            $(settings!(
                @row $part_section $part_key [$($part_flag)?] [$($part_help)+] [] $part_field_type, $part.$part_field
            ),)*
        ];
    };
    (@row $section:ident $key:ident [$($flag:literal)?] [$($help:literal)+] [$($computed:literal)?]
        $type:ty, $($place:ident).+) => {
        Setting {
            section: stringify!($section),
            key: stringify!($key),
            flag: settings!(@option $($flag)?),
            about: concat!($($help),+),
            computed: settings!(@option $($computed)?),
            shape: <$type as Value>::SHAPE,
            read: |settings, given| {
                settings.$($place).+ = Value::read(given)?;
                Ok(())
            },
            show: |settings| settings.$($place).+.to_toml(),
        }
    };
    (@option) => { None };
    (@option $value:literal) => { Some($value) };
}

settings! {
    /// What the service runs with. Other layers read this plain struct and never the environment.
    Settings {
        /// Address to listen on.
        server.listen "listen" => listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080));
        /// Serve other machines without asking them for a key.
        server.allow_anonymous "allow-anonymous" => allow_anonymous: bool = false;

        /// Key that callers show, `Authorization: Bearer KEY`; it has no flag, as process lists show those.
        auth.api_key => api_key: Option<ApiKey> = None;
        /// File that holds the key; a line feed at its end is no part of it.
        auth.api_key_file "api-key-file" => api_key_file: Option<PathBuf> = None;

        /// Directory of the database and of the dataset files; created when missing.
        storage.data_dir "data-dir" => data_dir: PathBuf = PathBuf::from("./fewer-data");
        /// Free bytes of the disk below which no new work is taken.
        storage.min_free_bytes "min-free-bytes" => min_free_bytes: u64 = 512 << 20;

        /// Largest body of `POST /v1/datasets`.
        limits.dataset_bytes "max-dataset-bytes" => max_dataset_bytes: u64 = 16 << 30;
        /// Largest dataset body in JSON, which is parsed in memory.
        limits.json_bytes "max-json-bytes" => max_json_bytes: u64 = 32 << 20;
        /// Largest body of any other request, inline datasets included.
        limits.request_bytes "max-request-bytes" => max_request_bytes: u64 = 1 << 20;
        /// Largest body of answers to a job's questions.
        limits.answers_bytes "max-answers-bytes" => max_answers_bytes: u64 = 32 << 20;
        /// Connections that are open at once; more wait until one ends.
        limits.connections "max-connections" => max_connections: usize = 1024;
        /// Longest pause that a body may make, and longest wait for the head of a request, in seconds.
        limits.pause_seconds "max-pause-seconds" => max_pause_seconds: f64 = 30.0;
        /// Uploads of datasets, copies of those given by reference, and answers, that may be under way at once.
        limits.uploads "max-uploads" => max_uploads: usize = 32;
        /// Connections that may wait for a job at once: event streams and `Prefer: wait`.
        limits.waiting "max-waiting" => max_waiting: usize = 512;
        /// Longest `Prefer: wait`, in seconds.
        limits.wait_seconds "max-wait-seconds" => max_wait_seconds: f64 = 60.0;

        /// What datasets may be read from by reference: each begins with one of these, such as
        /// `file:///mnt/embeddings/`.
        sources.prefixes "source-prefix" => source_prefixes: Vec<String> = Vec::new();
        /// Seconds after which a source that sends nothing has failed.
        sources.timeout_seconds "source-timeout-seconds" => source_timeout_seconds: f64 = 30.0;

        /// Jobs that may wait in line.
        jobs.max_queued "max-queued" => max_queued: usize = 1000;
        /// Bytes all running jobs together may take.
        jobs.memory_bytes "memory-bytes" => memory_bytes: u64 = memory::allowed_bytes() / 4 * 3,
            "3/4 of what the control group or the machine allows";
        /// Most floating-point operations one job may need.
        jobs.max_flops "max-flops" => max_flops: f64 = 2e16;
        /// Threads that compute.
        jobs.threads "threads" => threads: usize = all_cores(), "all cores";
        /// Jobs that run at once.
        jobs.workers "workers" => workers: usize = 2;
        /// Seconds between two saves of a running job.
        jobs.checkpoint_seconds "checkpoint-seconds" => checkpoint_seconds: f64 = 2.0;

        /// Form of a log line: `text` or `json`.
        log.format "log-format" => log_format: LogFormat = LogFormat::Text;
        /// Which events are logged: a level, or directives such as `info,fewer=debug`.
        log.filter "log-filter" => log_filter: LogFilter = LogFilter::info();
    }
    /// How long, and how much, is kept of what nobody needs any more; none: for ever, and all of it. What a live job needs
    /// is always kept.
    retention: Retention {
        /// Seconds that a result is kept after its job has ended.
        retention.result_seconds "retain-result-seconds" => result_seconds: Option<f64> = None;
        /// Bytes of all results together; the oldest go first.
        retention.result_bytes "retain-result-bytes" => result_bytes: Option<u64> = None;
        /// Seconds that a dataset is kept after it was stored or a job last needed it.
        retention.dataset_seconds "retain-dataset-seconds" => dataset_seconds: Option<f64> = None;
        /// Bytes of all dataset files together; the longest unused go first.
        retention.dataset_bytes "retain-dataset-bytes" => dataset_bytes: Option<u64> = None;
    }
}

impl Settings {
    /// The defaults, with this directory: what `fewer demo` and the tests start from.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), ..Self::default() }
    }
}

fn all_cores() -> usize {
    // Where the number of cores cannot be learned, one thread is always right.
    std::thread::available_parallelism().map_or(1, usize::from)
}
