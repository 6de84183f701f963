//! What a job asks for, as it is stored: every default filled, every name checked by serde, nothing looked up yet.

mod attribution;
mod committee;
mod constraints;
pub mod defaults;
mod experiment;
mod objective;
mod optimizer;
mod resample;
mod shapes;
mod warm_start;

pub use attribution::*;
pub use committee::*;
pub use constraints::*;
pub use experiment::*;
pub use objective::*;
pub use optimizer::*;
pub use resample::*;
pub use shapes::*;
pub use warm_start::*;

use serde::{Deserialize, Serialize};

/// A selection job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionSpec {
    /// The function to maximise.
    pub objective: ObjectiveSpec,
    /// What an answer must keep to.
    pub constraints: ConstraintsSpec,
    /// How to search.
    #[serde(default)]
    pub optimizer: OptimizerSpec,
    /// An earlier answer to begin with.
    #[serde(default)]
    pub warm_start: Option<WarmStartSpec>,
    /// Seed of every draw.
    #[serde(default)]
    pub seed: u64,
    /// Running seconds after which the job stops.
    #[serde(default)]
    pub deadline_seconds: Option<f64>,
    /// What a stopped job leaves.
    #[serde(default)]
    pub on_stop: OnStop,
}

/// Whether a job stopped by its deadline or by cancel keeps what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnStop {
    /// The prefix chosen so far is the result.
    #[default]
    Partial,
    /// There is no result.
    Fail,
}
