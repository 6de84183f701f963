//! Submodular subset selection: pick the best k items of a large set, in order, with gains, a guarantee that holds and
//! a measured certificate.
//!
//! An [`Objective`] is a set function; a [`constraint`] says which sets are answers; an [`Optimizer`] searches, one
//! restartable step at a time; [`run`] is the one loop around it, which can be cancelled, timed, watched, saved and
//! resumed.
//!
//! ```
//! use std::sync::Arc;
//! use submodular::constraint::Groups;
//! use submodular::objective::{FacilityLocation, Reduction};
//! use submodular::optimizer::LazyGreedy;
//! use submodular::similarity::{Blocked, Metric, Points};
//! use submodular::tile::Kernel;
//! use submodular::{Ctl, Problem, run};
//!
//! // Four points in the plane: three near one axis, one on the other.
//! let rows = [1.0, 0.0, 1.0, 0.2, 1.0, 0.4, 0.0, 1.0];
//! let points = Points::from_rows(Kernel::detect(), Metric::Cosine, 4, 2, &rows)?;
//! let objective = FacilityLocation::new(Blocked::new(Arc::new(points)), None, Reduction::Sum)?;
//! let problem = Problem::new(Arc::new(objective), Arc::new(Groups::cardinality(2)), &[], &[], 0)?;
//! let chosen = run(problem, &mut LazyGreedy::default(), None, &Ctl::default(), &mut |_, _| {})?.selection;
//! assert_eq!(chosen.items, [2, 3]); // one of each
//! # Ok::<(), submodular::Error>(())
//! ```

pub mod attribution;
pub mod certificate;
mod chain;
pub mod committee;
pub mod compare;
pub mod constraint;
mod control;
mod error;
pub mod guarantee;
pub mod importance;
pub mod kmeans;
pub mod objective;
pub mod optimizer;
pub mod problem;
mod run;
pub mod sampling;
pub mod selfcheck;
pub mod similarity;
pub mod tile;

pub use chain::Chain;
pub use constraint::{Constraint, Feasible};
pub use control::{Ctl, Halt, both};
pub use error::Error;
pub use objective::{Objective, Properties, State};
pub use optimizer::Optimizer;
pub use problem::{Problem, Saved, check};
pub use run::{Ended, Outcome, Selection, run};

/// Index of an item of the ground set.
pub type Item = u32;
/// A sorted set without repeats: the key of an answer from outside.
pub type Set = Vec<Item>;
