//! Settings: defaults, then the environment, then flags.

mod byte_size;
mod memory;

pub use byte_size::ByteSize;

use std::net::SocketAddr;
use std::path::PathBuf;

/// What the service runs with. Other layers read this plain struct and never the environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Whether a non-loopback address may be served without credentials.
    pub allow_anonymous: bool,
    /// Directory of the database and of the dataset files.
    pub data_dir: PathBuf,
    /// Largest body of `POST /v1/datasets`, in bytes.
    pub max_dataset_bytes: u64,
    /// Largest JSON body of a dataset, in bytes: JSON is parsed in memory.
    pub max_json_bytes: u64,
    /// Largest body of any other request, in bytes.
    pub max_request_bytes: u64,
    /// Longest pause that a body may make, in seconds.
    pub max_pause_seconds: f64,
    /// Connections that may wait for a job at once: event streams and `Prefer: wait`.
    pub max_waiting: usize,
    /// Longest `Prefer: wait`, in seconds.
    pub max_wait_seconds: f64,
    /// Free bytes of the disk below which no new work is taken.
    pub min_free_bytes: u64,
    /// What datasets may be read from by reference: each begins with one of these.
    pub source_prefixes: Vec<String>,
    /// Seconds after which a source that sends nothing has failed.
    pub source_timeout_seconds: f64,
    /// What is removed without being asked for.
    pub retention: Retention,
    /// Jobs that may wait in line.
    pub max_queued: usize,
    /// Bytes all running jobs together may take.
    pub memory_bytes: u64,
    /// Largest number of floating-point operations one job may need.
    pub max_flops: f64,
    /// Threads that compute.
    pub threads: usize,
    /// Jobs that run at once.
    pub workers: usize,
    /// Seconds between two saves of a running job.
    pub checkpoint_seconds: f64,
}

/// How long, and how much, is kept of what nobody needs any more; none: for ever, and all of it. What a live job needs
/// is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Retention {
    /// Seconds that a result is kept after its job has ended.
    pub result_seconds: Option<f64>,
    /// Bytes of all results together; the oldest go first.
    pub result_bytes: Option<u64>,
    /// Seconds that a dataset is kept after it was stored or a job last needed it.
    pub dataset_seconds: Option<f64>,
    /// Bytes of all dataset files together; the longest unused go first.
    pub dataset_bytes: Option<u64>,
}

/// The flags of [`Settings`]; each is also an environment variable.
#[derive(Debug, Clone, clap::Args)]
pub struct SettingsArgs {
    /// Address to listen on
    #[arg(long, env = "FEWER_SERVER__LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Serve a non-loopback address without credentials
    #[arg(long, env = "FEWER_SERVER__ALLOW_ANONYMOUS")]
    pub allow_anonymous: bool,
    /// Directory of the database and of the dataset files; created when missing
    #[arg(long, env = "FEWER_STORAGE__DATA_DIR", default_value = "./fewer-data")]
    pub data_dir: PathBuf,
    /// Largest dataset body
    #[arg(long, env = "FEWER_LIMITS__DATASET_BYTES", default_value = "16GiB")]
    pub max_dataset_bytes: ByteSize,
    /// Largest dataset body in JSON, which is parsed in memory
    #[arg(long, env = "FEWER_LIMITS__JSON_BYTES", default_value = "32MiB")]
    pub max_json_bytes: ByteSize,
    /// Largest body of any other request, inline datasets included
    #[arg(long, env = "FEWER_LIMITS__REQUEST_BYTES", default_value = "1MiB")]
    pub max_request_bytes: ByteSize,
    /// Longest pause that a body may make, in seconds
    #[arg(long, env = "FEWER_LIMITS__PAUSE_SECONDS", default_value_t = 30.0)]
    pub max_pause_seconds: f64,
    /// Connections that may wait for a job at once: event streams and `Prefer: wait`
    #[arg(long, env = "FEWER_LIMITS__WAITING", default_value_t = 512)]
    pub max_waiting: usize,
    /// Longest `Prefer: wait`, in seconds
    #[arg(long, env = "FEWER_LIMITS__WAIT_SECONDS", default_value_t = 60.0)]
    pub max_wait_seconds: f64,
    /// Free space of the disk below which no new work is taken
    #[arg(long, env = "FEWER_STORAGE__MIN_FREE_BYTES", default_value = "512MiB")]
    pub min_free_bytes: ByteSize,
    /// What datasets may be read from by reference, such as `file:///mnt/embeddings/` [default: nothing]
    #[arg(long = "source-prefix", env = "FEWER_SOURCES__PREFIXES", value_delimiter = ',')]
    pub source_prefixes: Vec<String>,
    /// Seconds after which a source that sends nothing has failed
    #[arg(long, env = "FEWER_SOURCES__TIMEOUT_SECONDS", default_value_t = 30.0)]
    pub source_timeout_seconds: f64,
    /// Seconds that a result is kept after its job has ended [default: for ever]
    #[arg(long, env = "FEWER_RETENTION__RESULT_SECONDS")]
    pub retain_result_seconds: Option<f64>,
    /// Bytes of all results together; the oldest go first [default: no limit]
    #[arg(long, env = "FEWER_RETENTION__RESULT_BYTES")]
    pub retain_result_bytes: Option<ByteSize>,
    /// Seconds that a dataset is kept after it was stored or a job last needed it [default: for ever]
    #[arg(long, env = "FEWER_RETENTION__DATASET_SECONDS")]
    pub retain_dataset_seconds: Option<f64>,
    /// Bytes of all dataset files together; the longest unused go first [default: no limit]
    #[arg(long, env = "FEWER_RETENTION__DATASET_BYTES")]
    pub retain_dataset_bytes: Option<ByteSize>,
    /// Jobs that may wait in line
    #[arg(long, env = "FEWER_JOBS__MAX_QUEUED", default_value_t = 1000)]
    pub max_queued: usize,
    /// Memory all running jobs together may take [default: 3/4 of what the control group or the machine allows]
    #[arg(long, env = "FEWER_JOBS__MEMORY_BYTES")]
    pub memory_bytes: Option<ByteSize>,
    /// Most floating-point operations one job may need
    #[arg(long, env = "FEWER_JOBS__MAX_FLOPS", default_value_t = 2e16)]
    pub max_flops: f64,
    /// Threads that compute [default: all cores]
    #[arg(long, env = "FEWER_JOBS__THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Jobs that run at once
    #[arg(long, env = "FEWER_JOBS__WORKERS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: u16,
    /// Seconds between two saves of a running job
    #[arg(long, env = "FEWER_JOBS__CHECKPOINT_SECONDS", default_value_t = 2.0)]
    pub checkpoint_seconds: f64,
}

/// Settings that contradict each other or mean nothing.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Anyone who reaches the address could use the service.
    #[error(
        "{0} is reachable from other machines and no credentials are asked for: listen on a loopback address, or say --allow-anonymous"
    )]
    Anonymous(SocketAddr),
    /// A number outside its range.
    #[error("{flag} is {value}: expected a finite number above 0")]
    Range {
        /// The flag.
        flag: &'static str,
        /// What was given.
        value: f64,
    },
}

impl TryFrom<SettingsArgs> for Settings {
    type Error = SettingsError;

    fn try_from(args: SettingsArgs) -> Result<Self, SettingsError> {
        let given = |flag, value: Option<f64>| value.map(|value| (flag, value));
        let numbers = [
            ("--max-flops", args.max_flops),
            ("--checkpoint-seconds", args.checkpoint_seconds),
            ("--max-wait-seconds", args.max_wait_seconds),
            ("--max-pause-seconds", args.max_pause_seconds),
            ("--source-timeout-seconds", args.source_timeout_seconds),
        ];
        let retained = [
            given("--retain-result-seconds", args.retain_result_seconds),
            given("--retain-dataset-seconds", args.retain_dataset_seconds),
        ];
        for (flag, value) in numbers.into_iter().chain(retained.into_iter().flatten()) {
            if !(value.is_finite() && value > 0.0) {
                return Err(SettingsError::Range { flag, value });
            }
        }
        if !args.listen.ip().is_loopback() && !args.allow_anonymous {
            return Err(SettingsError::Anonymous(args.listen));
        }
        Ok(Self {
            listen: args.listen,
            allow_anonymous: args.allow_anonymous,
            data_dir: args.data_dir,
            max_dataset_bytes: args.max_dataset_bytes.0,
            max_json_bytes: args.max_json_bytes.0,
            max_request_bytes: args.max_request_bytes.0,
            max_pause_seconds: args.max_pause_seconds,
            max_waiting: args.max_waiting,
            max_wait_seconds: args.max_wait_seconds,
            min_free_bytes: args.min_free_bytes.0,
            source_prefixes: args.source_prefixes,
            source_timeout_seconds: args.source_timeout_seconds,
            retention: Retention {
                result_seconds: args.retain_result_seconds,
                result_bytes: args.retain_result_bytes.map(|size| size.0),
                dataset_seconds: args.retain_dataset_seconds,
                dataset_bytes: args.retain_dataset_bytes.map(|size| size.0),
            },
            max_queued: args.max_queued,
            memory_bytes: args.memory_bytes.map_or_else(|| memory::allowed_bytes() / 4 * 3, |size| size.0),
            max_flops: args.max_flops,
            threads: args.threads.map_or_else(all_cores, usize::from),
            workers: usize::from(args.workers),
            checkpoint_seconds: args.checkpoint_seconds,
        })
    }
}

impl Settings {
    /// The defaults, with this directory: what `fewer demo` and the tests start from.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            allow_anonymous: false,
            data_dir: data_dir.into(),
            max_dataset_bytes: 16 << 30,
            max_json_bytes: 32 << 20,
            max_request_bytes: 1 << 20,
            max_pause_seconds: 30.0,
            max_waiting: 512,
            max_wait_seconds: 60.0,
            min_free_bytes: 512 << 20,
            source_prefixes: Vec::new(),
            source_timeout_seconds: 30.0,
            retention: Retention::default(),
            max_queued: 1000,
            memory_bytes: memory::allowed_bytes() / 4 * 3,
            max_flops: 2e16,
            threads: all_cores(),
            workers: 2,
            checkpoint_seconds: 2.0,
        }
    }
}

fn all_cores() -> usize {
    // Where the number of cores cannot be learned, one thread is always right.
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        settings: SettingsArgs,
    }

    fn parse(flags: &[&str]) -> Result<Settings, SettingsError> {
        Flags::parse_from([&["fewer"], flags].concat()).settings.try_into()
    }

    #[test]
    fn without_flags_the_settings_are_the_defaults() {
        assert_eq!(parse(&[]).unwrap(), Settings::new("./fewer-data"));
    }

    #[test]
    fn an_address_others_can_reach_needs_consent() {
        assert!(matches!(parse(&["--listen", "0.0.0.0:80"]), Err(SettingsError::Anonymous(_))));
        assert!(parse(&["--listen", "0.0.0.0:80", "--allow-anonymous"]).is_ok());
        assert!(parse(&["--listen", "[::1]:80"]).is_ok());
    }

    #[test]
    fn numbers_without_meaning_are_refused() {
        assert!(matches!(parse(&["--max-flops", "NaN"]), Err(SettingsError::Range { .. })));
        assert!(matches!(parse(&["--checkpoint-seconds", "0"]), Err(SettingsError::Range { .. })));
    }
}
