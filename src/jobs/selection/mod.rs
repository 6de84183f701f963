//! A selection from spec to result: the same engine for the service and for `fewer select`.
//!
//! [`prepare`] is cheap: it reads headers and attribute columns, never the vectors, and says what the run would take.
//! [`run`] does the work, blocking, in the rayon pool it is called in.

mod apart;
mod describe;
mod earlier;
mod error;
mod evaluate;
mod excess;
mod function;
mod method;
mod parts;
mod prepare;
mod represented;
mod resolve;
pub mod result;
mod run;
pub(super) mod saved;
mod value;
mod warm_start;

pub(super) use error::infeasible;
pub use error::{FieldError, SelectionError};
pub use evaluate::{Evaluated, Evaluation, PreparedEvaluation};
pub use prepare::{Prepared, prepare};
pub(super) use resolve::{Resolver, labels};
pub(super) use run::Stop;
pub use run::{Ending, Phase, Progress, Ran, Watch, run};

use submodular::tile::Kernel;

/// What one job may take, and what it computes with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Peak bytes of a job; similarities are stored while they fit.
    pub memory_bytes: u64,
    /// Floating-point operations of a job.
    pub max_flops: f64,
    /// Threads of the pool it runs in.
    pub threads: usize,
    /// The kernel of every job.
    pub kernel: Kernel,
}
