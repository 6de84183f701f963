//! The command line.

mod demo;
mod healthcheck;
mod openapi;
mod select;
mod serve;
mod settings;

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
    /// Start a service on a free port, show what it does with real data
    Demo(demo::DemoArgs),
    /// Print the OpenAPI document of the service
    Openapi(openapi::OpenapiArgs),
    /// Print every setting with its default, as a file for `fewer serve --config`
    Settings(settings::SettingsArgs),
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
            Command::Demo(args) => demo::run(&args),
            Command::Openapi(args) => openapi::run(&args),
            Command::Settings(args) => settings::run(&args),
            Command::Healthcheck(args) => healthcheck::run(&args),
        }
    }
}
