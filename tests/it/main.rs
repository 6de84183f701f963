//! Integration tests, one module per capability.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod datasets;
mod engine;
mod golden;
mod jobs;
#[cfg(feature = "object-store")]
mod object_store;
mod openapi;
mod problems;
mod process;
mod recovery;
mod selection;
mod uploads;
