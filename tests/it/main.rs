//! Integration tests, one module per capability.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auth;
mod client;
mod committees;
mod compare;
mod config;
mod connections;
mod constraints;
mod datasets;
mod engine;
mod evaluate;
mod events;
mod exchange;
mod experiments;
mod faults;
mod field_golden;
mod golden;
mod image;
mod info;
mod jobs;
mod layers;
mod lists;
mod logs;
mod malformed;
mod metrics;
#[cfg(feature = "object-store")]
mod object_store;
mod objectives;
mod openapi;
mod pages;
mod plots;
mod problems;
mod process;
mod rankings;
mod readme;
mod recovery;
mod reference;
mod results;
mod retention;
mod selection;
mod service;
mod sparse;
mod spec;
mod submission;
mod uploads;
mod worked;
