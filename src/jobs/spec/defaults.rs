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
    /// Sets of one round of questions.
    max_sets_per_round: u64 = 4096;
    /// Seconds that a round waits for its answers.
    idle_expires_seconds: f64 = 3600.0;
    /// What an evidential model's outputs are multiplied by.
    evidence_scale: f64 = 1.0;
    /// Bound on what stands in the exponent.
    evidence_clamp: f64 = 10.0;
    /// Sets of a test of fidelity.
    fidelity_samples: u64 = 200;
    /// Factor between the scores of neighbouring positions, or ranks.
    q: f64 = 0.5;
    /// How much less likely farther rankings, or swaps of farther candidates, are.
    phi: f64 = 0.5;
    /// Copies that go back into an urn.
    replacement: f64 = 1.0;
    /// How much voters' utilities have in common.
    agreement: f64 = 0.0;
    /// Share of the candidates that a bias works against.
    disadvantaged: f64 = 0.5;
    /// Repetitions of a study.
    study_repetitions: u64 = 40;
    /// Evaluations of the exact search for a latent optimum, for each rule, number of rankings and repetition.
    study_evaluations: u64 = 10_000;
    /// Repetitions of an estimate of smoothness.
    smoothness_repetitions: u64 = 500;
    /// Points of its curve.
    betas: u64 = 100;
    /// Accepted probability that the rankings needed do not suffice.
    delta: f64 = 0.05;
    /// Relative error that they are needed for.
    mean_epsilon: f64 = 0.2;
    /// How much worse than the best gain that of a kept item may be.
    tolerance: f64 = 0.1;
    /// Nearest neighbours that vote.
    neighbors: u64 = submodular::compare::transfer::NEIGHBORS as u64;
    /// What gains are divided by before they become weights.
    temperature: f64 = 1.0;
    /// Clipped cosines are not positive semidefinite, unclipped ones are.
    kernel: SimilaritySpec = SimilaritySpec { metric: MetricSpec::CosineSigned, gamma: None, neighbors: None };
}
