//! The tests of the core, in one binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod brute_force;
mod field;
mod gist;
mod laws;
mod one_pass;
mod parts;
mod similarity;
mod support;
