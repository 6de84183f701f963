//! Integration tests, one module per capability.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auth;
mod client;
mod config;
mod datasets;
mod engine;
mod events;
mod golden;
mod info;
mod jobs;
mod logs;
mod malformed;
mod metrics;
mod openapi;
mod problems;
mod process;
mod recovery;
mod results;
mod retention;
mod selection;
mod spec;
mod submission;
