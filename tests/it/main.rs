//! Integration tests, one module per capability.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod golden;
