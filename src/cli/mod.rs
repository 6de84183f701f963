//! The command line.

mod healthcheck;
mod openapi;
mod select;
mod serve;

use clap::{Parser, Subcommand};
use std::error::Error;

/// Picks the best small subset of a large set
#[derive(Debug, Parser)]
#[command(name = "fewer", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve(Box<serve::ServeArgs>),
    /// Choose from a file, without a service
    Select(Box<select::SelectArgs>),
    /// Print the OpenAPI document of the service
    Openapi(openapi::OpenapiArgs),
    /// Ask a running service whether it is alive; the exit code is the answer
    Healthcheck(healthcheck::HealthcheckArgs),
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// What a person at the terminal has to know.
    pub fn run(self) -> Result<(), Box<dyn Error>> {
        match self.command {
            Command::Serve(args) => serve::run(*args),
            Command::Select(args) => select::run_on(&args),
            Command::Openapi(args) => openapi::run(&args),
            Command::Healthcheck(args) => healthcheck::run(&args),
        }
    }
}
