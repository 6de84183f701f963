//! The tests of the core, in one binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod brute_force;
mod compare;
mod constraints;
mod field;
mod gist;
mod laws;
mod one_pass;
mod parts;
mod searches;
mod similarity;
mod sparse;
mod support;
