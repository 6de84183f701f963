//! Attribution: which regions of one input a model's answer rests on (SMDL-Attribution, ICLR 2024; LiMA, 2025).
//!
//! The input is cut into [`Regions`]. A model, somebody else's as a rule, is shown the input with some regions only;
//! what it says of a set S and of the rest of the input makes four [`Terms`] and, weighted by [`Settings`], F(S). The
//! set function is [`Attribution`](crate::objective::attribution::Attribution): a heuristic objective, neither
//! monotone nor submodular, so no search over it has a guarantee.
//!
//! One question shows the model S and its complement. [`Evaluations`] holds what was answered and halts with what was
//! not; a [`Table`] knows all. [`Search`] orders the regions, [`Report`] makes curves of what the search has seen,
//! and [`MuFidelity`] tests the order on random sets.

mod effectiveness;
mod evaluations;
mod fidelity;
mod model;
mod ratio;
mod regions;
mod report;
mod search;
mod table;
mod terms;

pub(crate) use effectiveness::Effectiveness;
pub use evaluations::{Evaluations, Evaluator, InvalidAnswers};
pub use fidelity::MuFidelity;
pub use model::{Evaluation, Fault, InvalidOutput, Model, Output, Pair, Reading, SUM_TOLERANCE, Scores};
pub use ratio::submodularity_ratio;
pub use regions::{Geometry, InvalidRegions, Regions};
pub use report::{Best, Peak, Prefix, Report, Spent};
pub use search::Search;
pub use table::{InvalidTable, MOST_TABLE_REGIONS, Table};
pub use terms::{ConfidenceForm, Settings, Terms, Weights};
