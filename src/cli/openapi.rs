//! `fewer openapi`

use crate::api::{codes, openapi};
use crate::telemetry::metrics;
use std::error::Error;
use std::io::Write;

#[derive(Debug, clap::Args)]
pub(super) struct OpenapiArgs {
    /// Print the table of error codes instead, as Markdown
    #[arg(long, conflicts_with = "metrics")]
    errors: bool,
    /// Print the table of metrics instead, as Markdown
    #[arg(long)]
    metrics: bool,
}

pub(super) fn run(args: &OpenapiArgs) -> Result<(), Box<dyn Error>> {
    let text = match (args.errors, args.metrics) {
        (true, _) => codes::markdown(),
        (_, true) => metrics::markdown(),
        _ => openapi::json().to_owned(),
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
