//! The `fewer` binary.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match fewer::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fewer: {error}");
            ExitCode::FAILURE
        }
    }
}
