//! Values of parameters that are left out.

use super::{MetricSpec, SimilaritySpec};

macro_rules! defaults {
    ($($(#[$about:meta])* $name:ident: $type:ty = $value:expr;)+) => {
        $($(#[$about])* pub fn $name() -> $type { $value })+
    };
}

defaults! {
    /// Weight of redundancy in a graph cut.
    lambda: f64 = 0.4;
    /// Scale of similarities to a query.
    eta: f64 = 1.0;
    /// Scale of similarities to private rows.
    nu: f64 = 1.0;
    /// What is added to a kernel's diagonal.
    ridge: f64 = 1.0;
    /// Share at which coverage is saturated.
    alpha: f64 = 0.1;
    /// Loss that is accepted.
    epsilon: f64 = 0.1;
    /// Candidates of a two-ended search.
    pool: u64 = 8;
    /// Whether parts' answers are merged.
    merge: bool = true;
    /// Whether a short answer is filled up.
    top_up: bool = true;
    /// Rejections before a threshold falls.
    rejections: u64 = 500;
    /// Weight of the smallest distance.
    gist_lambda: f64 = 1.0;
    /// Spacing of distances.
    gist_epsilon: f64 = 0.05;
    /// Evaluations of an exact search.
    max_evaluations: u64 = 10_000_000;
    /// Clipped cosines are not positive semidefinite, unclipped ones are.
    kernel: SimilaritySpec = SimilaritySpec { metric: MetricSpec::CosineSigned, gamma: None, neighbors: None };
}
