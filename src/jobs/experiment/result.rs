//! What an experiment leaves, as it is stored.

use serde::{Deserialize, Serialize};

/// How an experiment ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RanRecord {
    /// Repetitions that were made.
    pub repetitions: u64,
    /// Whether all were.
    pub complete: bool,
    /// Why it ended: `all_repetitions`, `cancelled`, `deadline`.
    pub termination: String,
    /// Seed of the draws.
    pub seed: u64,
    /// Digest of the dataset that it read, where it read one.
    pub dataset_digest: Option<String>,
    /// Version of fewer.
    pub version: String,
    /// Wall seconds of the run that ended it.
    pub seconds: f64,
}

/// A mean over repetitions, and its standard error; none from a single one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EstimateRecord {
    /// The mean.
    pub mean: f64,
    /// Its standard error.
    pub se: Option<f64>,
}

impl From<submodular::committee::Estimate> for EstimateRecord {
    fn from(estimate: submodular::committee::Estimate) -> Self {
        Self { mean: estimate.mean, se: estimate.se }
    }
}

/// How good committees are that were chosen from biased rankings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BiasStudyResult {
    /// By rule, then number of rankings, then strength.
    pub cells: Vec<CellRecord>,
    /// How it ran.
    #[serde(flatten)]
    pub ran: RanRecord,
}

/// One rule, number of rankings and strength. Ratios to the latent optimum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// The rule's name.
    pub rule: String,
    /// Its place in the request.
    pub rule_index: u64,
    /// How many rankings.
    pub rankings: u64,
    /// Strength of the bias.
    pub strength: f64,
    /// `exact`, or `greedy` where that stands for an optimum that was not proved.
    pub optimum: String,
    /// Repetitions that have a ratio.
    pub repetitions: u64,
    /// Without quotas.
    pub unconstrained: Option<EstimateRecord>,
    /// With each.
    pub by_quota: Vec<QuotaRecord>,
    /// The quota with the best mean, the lowest of equals.
    pub best_quota: Option<u64>,
    /// Its mean.
    pub best_quota_mean: Option<f64>,
    /// Mean of each repetition's best.
    pub oracle_mean: Option<EstimateRecord>,
    /// `best_quota_mean` less the mean without.
    pub gain: Option<f64>,
}

/// One level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuotaRecord {
    /// Least number of the disadvantaged.
    pub at_least: u64,
    /// The mean with it.
    pub estimate: Option<EstimateRecord>,
}

/// What biased rankings still tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SmoothnessResult {
    /// One a rule.
    pub curves: Vec<CurveRecord>,
    /// How it ran.
    #[serde(flatten)]
    pub ran: RanRecord,
}

/// Of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurveRecord {
    /// The rule's name.
    pub rule: String,
    /// Its place in the request.
    pub rule_index: u64,
    /// The most that one ranking gives one candidate.
    pub tau1: f64,
    /// Smallest mean score as a share of the largest possible.
    pub alpha: Option<EstimateRecord>,
    /// beta, gamma, and the standard error of gamma.
    pub curve: Vec<(f64, Option<f64>, Option<f64>)>,
    /// Rankings after which all mean scores are within epsilon.
    pub rankings_needed: Option<u64>,
}
