//! `fewer settings`

use crate::config;
use std::error::Error;
use std::io::Write;

#[derive(Debug, clap::Args)]
pub(super) struct SettingsArgs {
    /// Print them as a table in Markdown instead
    #[arg(long)]
    markdown: bool,
}

pub(super) fn run(args: &SettingsArgs) -> Result<(), Box<dyn Error>> {
    let text = if args.markdown { config::markdown() } else { config::example() };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
