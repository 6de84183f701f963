//! Logs (one line an event on standard error, as text or JSON), metrics, and what the system tells of the process.

pub mod metrics;
pub mod process;

use std::fmt;
use std::io::{self, IsTerminal};
use std::str::FromStr;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("unknown form"),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Which events are logged, as `tracing_subscriber` writes it: a level, or directives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl FromStr for LogFilter {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        EnvFilter::try_new(text).map(|_| Self(text.to_owned()))
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl LogFilter {
    /// `info` and above.
    pub fn info() -> Self {
        Self("info".into())
    }
}

/// Starts logging for the whole process.
///
/// # Errors
/// When the process logs already.
pub fn init(format: LogFormat, filter: &LogFilter) -> Result<(), TryInitError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&filter.0))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(true);
    match format {
        LogFormat::Text => lines.finish().try_init(),
        // The list has every span with its ids, the innermost too.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).finish().try_init(),
    }
}
