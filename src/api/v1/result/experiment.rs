//! What an experiment leaves, on the wire.

use super::{BiasStudyKind, SmoothnessKind};
use crate::jobs::experiment::result as stored;
use serde::Serialize;
use utoipa::ToSchema;

/// A mean over repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Estimate {
    /// The mean.
    #[schema(example = 0.98)]
    pub mean: f64,
    /// Its standard error; null from a single repetition.
    #[schema(example = 0.002)]
    pub se: Option<f64>,
}

/// How good committees are that were chosen from biased rankings.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BiasStudyResult {
    /// Always `bias_study`.
    pub kind: BiasStudyKind,
    /// What was measured.
    pub bias_study: BiasStudy,
    /// Repetitions that were made.
    pub repetitions: u64,
    /// Whether all were.
    pub complete: bool,
    /// Why it ended: `all_repetitions`, `cancelled`, `deadline`.
    #[schema(example = "all_repetitions")]
    pub termination: String,
    /// The seed of the draws.
    pub seed: u64,
    /// Digest of the dataset of the latent rankings; null where they were drawn.
    pub dataset_digest: Option<String>,
    /// Digest of a model; always null.
    pub model_digest: Option<String>,
    /// The release that computed it.
    pub version: String,
    /// Wall seconds of the run that ended it.
    pub seconds: f64,
}

/// The cells of a study.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BiasStudy {
    /// By rule, then number of rankings, then strength, each in the order of the request.
    pub cells: Vec<BiasStudyCell>,
}

/// One rule, number of rankings and strength. Every ratio is F_latent(chosen from the biased rankings) over the latent
/// optimum, both by the rule; a mean is null where no repetition has an optimum above 0.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BiasStudyCell {
    /// The rule.
    #[schema(example = "k_borda")]
    pub rule: String,
    /// Its place in the request.
    pub rule_index: u64,
    /// How many rankings.
    #[schema(example = 100)]
    pub rankings: u64,
    /// Strength of the bias.
    #[schema(example = 0.5)]
    pub strength: f64,
    /// What the latent optimum is: `exact`, or `greedy` where a search proved none and greedy's value stands for it.
    #[schema(example = "exact")]
    pub optimum: String,
    /// Repetitions that have a ratio.
    pub repetitions: u64,
    /// Without quotas.
    pub unconstrained: Option<Estimate>,
    /// With each quota of the request.
    pub by_quota: Vec<QuotaEstimate>,
    /// The quota with the best mean, the lowest of equals; null without quotas.
    pub best_quota: Option<u64>,
    /// Its mean.
    pub best_quota_mean: Option<f64>,
    /// Mean over repetitions of the best quota of each: what one would reach who knew it beforehand.
    pub oracle_mean: Option<Estimate>,
    /// `best_quota_mean` less the mean without quotas.
    pub gain: Option<f64>,
}

/// With one quota.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct QuotaEstimate {
    /// Least number of the disadvantaged.
    #[schema(example = 4)]
    pub at_least: u64,
    /// The mean.
    pub mean: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
}

/// What biased rankings still tell of the candidates.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SmoothnessResult {
    /// Always `smoothness`.
    pub kind: SmoothnessKind,
    /// By rule, in the order of the request.
    pub smoothness: Vec<Smoothness>,
    /// Repetitions that were made.
    pub repetitions: u64,
    /// Whether all were.
    pub complete: bool,
    /// Why it ended: `all_repetitions`, `cancelled`, `deadline`.
    #[schema(example = "all_repetitions")]
    pub termination: String,
    /// The seed of the draws.
    pub seed: u64,
    /// Digest of the dataset of the latent rankings; null where they were drawn.
    pub dataset_digest: Option<String>,
    /// Digest of a model; always null.
    pub model_digest: Option<String>,
    /// The release that computed it.
    pub version: String,
    /// Wall seconds of the run that ended it.
    pub seconds: f64,
}

/// Of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Smoothness {
    /// The rule.
    #[schema(example = "k_borda")]
    pub rule: String,
    /// Its place in the request.
    pub rule_index: u64,
    /// The most that one ranking gives one candidate.
    pub tau1: f64,
    /// The least mean score of a candidate, latent or biased, as a share of the largest possible; null where the rule
    /// gives nobody anything.
    pub alpha: Option<Estimate>,
    /// [beta, gamma, standard error of gamma]: of two candidates of one group, where one is at most beta times as good
    /// as the other, the worse one looks at most gamma times as good. gamma is null where no pair is so far apart, or a
    /// better candidate has no score at all in the biased rankings.
    #[schema(value_type = Vec<[Option<f64>; 3]>, example = json!([[0.5, 0.8, 0.01]]))]
    pub curve: Vec<(f64, Option<f64>, Option<f64>)>,
    /// Rankings after which every candidate's mean score is within epsilon of its expectation, with the probability 1 -
    /// delta; null where alpha is 0.
    #[schema(example = 539)]
    pub rankings_needed: Option<u64>,
    /// Where that number is from: always `hoeffding_union`, ln(2m / delta) / (2 alpha^2 epsilon^2).
    #[schema(example = "hoeffding_union")]
    pub bound: &'static str,
}

impl From<stored::EstimateRecord> for Estimate {
    fn from(stored::EstimateRecord { mean, se }: stored::EstimateRecord) -> Self {
        Self { mean, se }
    }
}

impl From<stored::CellRecord> for BiasStudyCell {
    fn from(cell: stored::CellRecord) -> Self {
        let quota = |stored::QuotaRecord { at_least, estimate }| QuotaEstimate {
            at_least,
            mean: estimate.map(|estimate| estimate.mean),
            se: estimate.and_then(|estimate| estimate.se),
        };
        Self {
            rule: cell.rule,
            rule_index: cell.rule_index,
            rankings: cell.rankings,
            strength: cell.strength,
            optimum: cell.optimum,
            repetitions: cell.repetitions,
            unconstrained: cell.unconstrained.map(Into::into),
            by_quota: cell.by_quota.into_iter().map(quota).collect(),
            best_quota: cell.best_quota,
            best_quota_mean: cell.best_quota_mean,
            oracle_mean: cell.oracle_mean.map(Into::into),
            gain: cell.gain,
        }
    }
}

impl From<stored::BiasStudyResult> for BiasStudyResult {
    fn from(stored::BiasStudyResult { cells, ran }: stored::BiasStudyResult) -> Self {
        Self {
            kind: BiasStudyKind::BiasStudy,
            bias_study: BiasStudy { cells: cells.into_iter().map(Into::into).collect() },
            repetitions: ran.repetitions,
            complete: ran.complete,
            termination: ran.termination,
            seed: ran.seed,
            dataset_digest: ran.dataset_digest,
            model_digest: None,
            version: ran.version,
            seconds: ran.seconds,
        }
    }
}

impl From<stored::CurveRecord> for Smoothness {
    fn from(of: stored::CurveRecord) -> Self {
        let stored::CurveRecord { rule, rule_index, tau1, alpha, curve, rankings_needed } = of;
        let alpha = alpha.map(Into::into);
        Self { rule, rule_index, tau1, alpha, curve, rankings_needed, bound: "hoeffding_union" }
    }
}

impl From<stored::SmoothnessResult> for SmoothnessResult {
    fn from(stored::SmoothnessResult { curves, ran }: stored::SmoothnessResult) -> Self {
        Self {
            kind: SmoothnessKind::Smoothness,
            smoothness: curves.into_iter().map(Into::into).collect(),
            repetitions: ran.repetitions,
            complete: ran.complete,
            termination: ran.termination,
            seed: ran.seed,
            dataset_digest: ran.dataset_digest,
            model_digest: None,
            version: ran.version,
            seconds: ran.seconds,
        }
    }
}
