//! Submodular subset selection. (Crate docs are completed with the first optimizers.)

mod control;
mod error;
pub mod objective;
pub mod similarity;
pub mod tile;

pub use control::{Ctl, Halt, both};
pub use error::Error;
pub use objective::{Objective, Properties, State};

/// Index of an item of the ground set.
pub type Item = u32;
/// A sorted set without repeats: the key of an answer from outside.
pub type Set = Vec<Item>;
