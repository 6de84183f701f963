//! Logs (one line an event on standard error, as text or JSON), metrics, and what the system tells of the process.

pub mod metrics;
pub mod process;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// The flags of the logs.
#[derive(Debug, Clone, clap::Args)]
pub struct LogArgs {
    /// Form of a log line
    #[arg(long, env = "FEWER_LOG__FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Which events are logged: a level, or directives such as `info,fewer::jobs=debug`
    #[arg(long, env = "FEWER_LOG__FILTER", default_value = "info")]
    pub log_filter: EnvFilter,
}

/// Starts logging for the whole process.
///
/// # Errors
/// When the process logs already.
pub fn init(args: LogArgs) -> Result<(), TryInitError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let lines = tracing_subscriber::fmt()
        .with_env_filter(args.log_filter)
        .with_writer(std::io::stderr)
        .with_target(true);
    match args.log_format {
        LogFormat::Text => lines.finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
    }
}
