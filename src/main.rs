//! The `fewer` binary.

fn main() {}
