//! Version 1 of the resources.

pub mod compare;
pub mod datasets;
pub mod evaluate;
pub mod exchange;
pub mod info;
pub mod jobs;
pub mod objectives;
pub mod optimizers;
mod page;
pub mod result;
pub mod spec;

/// Whose datasets and jobs these are: as long as nobody has to say who they are, everyone is this tenant.
const TENANT: &str = "default";
