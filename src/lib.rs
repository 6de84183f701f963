//! fewer: a self-hosted service that picks the best small subset of a large set.

pub mod api;
pub mod auth;
pub mod cli;
pub mod config;
pub mod dataset;
pub mod fault;
pub mod jobs;
pub mod plot;
pub mod telemetry;
