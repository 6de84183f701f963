//! Jobs: what was asked, how far it is, and what came of it.

mod admission;
mod error;
mod meters;
mod recovery;
mod runner;
mod service;
mod worker;

pub mod record;
pub mod selection;
pub mod spec;
pub mod state;
pub mod store;

pub use admission::Tracked;
pub use error::JobError;
pub use service::{JobService, JobSettings, JobView, NewJob, Occupancy, OpenError};
pub use worker::panic_text;
