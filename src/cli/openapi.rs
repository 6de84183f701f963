//! `fewer openapi`

use crate::api::{codes, openapi};
use std::error::Error;
use std::io::Write;

#[derive(Debug, clap::Args)]
pub(super) struct OpenapiArgs {
    /// Print the table of error codes instead, as Markdown
    #[arg(long)]
    errors: bool,
}

pub(super) fn run(args: &OpenapiArgs) -> Result<(), Box<dyn Error>> {
    let text = if args.errors { codes::markdown() } else { openapi::json().to_owned() };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
