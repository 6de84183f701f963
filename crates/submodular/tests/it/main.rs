//! The tests of the core, in one binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod brute_force;
mod compare;
mod constraints;
mod field;
mod gist;
mod guarantee_table;
mod guarantees;
mod laws;
mod one_pass;
mod parts;
mod properties;
mod searches;
mod similarity;
mod small;
mod sparse;
mod support;
mod world;
