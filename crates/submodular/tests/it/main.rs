//! The tests of the core, in one binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attribution;
mod attribution_exchange;
mod bias_study;
mod brute_force;
mod committees;
mod compare;
mod constraints;
mod field;
mod gist;
mod guarantee_table;
mod guarantees;
mod importance;
mod kmeans;
mod latent_rankings;
mod laws;
mod one_pass;
mod owned;
mod parts;
mod per_part;
mod profiles;
mod properties;
mod searches;
mod similarity;
mod small;
mod smoothness;
mod sparse;
mod stability;
mod support;
mod transfer;
mod warm;
mod world;
