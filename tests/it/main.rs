//! Integration tests, one module per capability.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod datasets;
mod engine;
mod faults;
mod golden;
mod image;
mod jobs;
mod layers;
mod openapi;
mod problems;
mod process;
mod readme;
mod recovery;
mod selection;
mod service;
