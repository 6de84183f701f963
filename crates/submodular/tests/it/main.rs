//! The tests of the core, in one binary.

mod brute_force;
mod laws;
mod support;
