//! What can be wrong with what the caller gave. Why work *stopped* is [`Halt`](crate::Halt), not an error.

use crate::Item;
use crate::constraint::Infeasible;

/// Bad data, bad parameters, or a combination that has no meaning.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A coordinate, weight or similarity is NaN or infinite.
    #[error("row {row}, column {column}: {value} is not a finite number")]
    NotFinite {
        /// Row of the first offence.
        row: usize,
        /// Column of the first offence.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// A zero vector where the metric needs a direction.
    #[error("row {row} is the zero vector, which has no direction for a cosine")]
    ZeroRow {
        /// The first such row.
        row: usize,
    },
    /// A negative similarity where the objective has no meaning for one.
    #[error(
        "row {row} and item {item} have the similarity {value}, but this objective needs similarities of at least 0"
    )]
    NegativeSimilarity {
        /// The represented row.
        row: usize,
        /// The item.
        item: Item,
        /// What stands there.
        value: f32,
    },
    /// A similarity that differs from its mirror image where the objective needs a symmetric one.
    #[error(
        "the similarity of rows {row} and {item} is not that of {item} and {row}, but this objective needs a symmetric one"
    )]
    NotSymmetric {
        /// The first such row.
        row: usize,
        /// The item.
        item: Item,
    },
    /// A row, vector or matrix of the wrong size.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// What was measured.
        what: &'static str,
        /// The size it should have.
        expected: usize,
        /// The size it has.
        found: usize,
    },
    /// A parameter outside its range.
    #[error("{name}: {reason}")]
    Parameter {
        /// The parameter's name on the wire.
        name: &'static str,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// An item that the ground set does not have.
    #[error("item {item} is not one of the {len} items")]
    UnknownItem {
        /// The item.
        item: Item,
        /// Size of the ground set.
        len: usize,
    },
    /// No answer exists.
    #[error(transparent)]
    Infeasible(#[from] Infeasible),
    /// An operation that this objective does not offer.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A model outside this library failed.
    #[error("the objective could not be evaluated: {0}")]
    Oracle(String),
}
