//! Jobs: what was asked, how far it is, and what came of it.

mod admission;
mod archive;
mod error;
mod evaluation;
mod events;
mod exchange;
mod idempotency;
mod meters;
mod pace;
mod plan;
mod rankings;
mod recovery;
mod retention;
mod rule;
mod runner;
mod service;
mod submission;
mod work;
mod worker;

pub mod attribution;
pub mod comparison;
pub mod experiment;
pub mod outcome;
pub mod record;
pub mod resample;
pub mod selection;
pub mod spec;
pub mod state;
pub mod store;

pub use admission::Tracked;
pub use archive::{Archive, Nothing};
pub use error::JobError;
pub use events::{Change, Changes};
pub use exchange::Sent;
pub use idempotency::IdempotencyKey;
pub use retention::{Retention, Swept};
pub use service::{JobService, JobSettings, JobView, Occupancy, OpenError};
pub use store::{Answered, Filter, Round};
pub use submission::{Begun, NewJob, Place};
pub use worker::panic_text;
