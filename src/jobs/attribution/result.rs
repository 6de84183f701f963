//! What an attribution leaves, as it is stored.

use crate::jobs::selection::result::Guarantee;
use serde::{Deserialize, Serialize};
use submodular::attribution::{Best, Peak, Prefix, Report};

/// Which regions the model's answer rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributionResult {
    /// The order and what it explains.
    pub explained: Explained,
    /// The class that is explained; none where the run was stopped before it was known.
    pub target: Option<u64>,
    /// Whether the search ran to its end.
    pub complete: bool,
    /// Why it ended.
    pub termination: String,
    /// The optimizer's name.
    pub optimizer: String,
    /// What is promised: nothing, and why.
    pub guarantee: Guarantee,
    /// Seed of the draws.
    pub seed: u64,
    /// Version of fewer.
    pub version: String,
    /// Wall seconds of the run that ended it.
    pub seconds: f64,
}

/// An order of regions, and the curves along it. Curves are empty where the run was stopped before anything was known.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Explained {
    /// Regions, most important first.
    pub ranking: Vec<u32>,
    /// One for each region of the order.
    pub terms: Vec<TermsRecord>,
    /// Share of the input that is shown.
    pub areas: Vec<f64>,
    /// The target's probability with the first regions shown.
    pub insertion_curve: Vec<f64>,
    /// With them hidden.
    pub deletion_curve: Vec<f64>,
    /// Area under the first.
    pub insertion_auc: Option<f64>,
    /// Area under the second.
    pub deletion_auc: Option<f64>,
    /// Within parts of the input.
    pub highest_confidence: Vec<PeakRecord>,
    /// The first regions of largest F.
    pub best_prefix: Option<BestRecord>,
    /// By region.
    pub region_weights: Vec<f64>,
    /// Inputs that the search looked at.
    pub model_calls: u64,
    /// Beside the end points.
    pub end_point_calls: u64,
    /// Rounds of questions.
    pub rounds: u64,
    /// Rank correlation of weights and drops, where it was asked for and is defined.
    pub mu_fidelity: Option<f64>,
    /// The measured one, where it was asked for and is defined.
    pub submodularity_ratio: Option<f64>,
}

/// The terms of all regions of the order up to one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TermsRecord {
    /// That one.
    pub region: u32,
    /// None where no answer told.
    pub confidence: Option<f64>,
    /// None where distances are not known.
    pub effectiveness: Option<f64>,
    /// The target's probability with them.
    pub consistency: f64,
    /// What it lacks without them.
    pub collaboration: f64,
    /// F; none where a term that counts was never told.
    pub value: Option<f64>,
}

/// The target's highest probability within a share of the input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeakRecord {
    /// The share.
    pub within: f64,
    /// The probability.
    pub p_target: f64,
    /// The share where it occurs first.
    pub area: f64,
}

/// The first regions of largest F.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestRecord {
    /// How many.
    pub length: u64,
    /// Their F.
    pub value: f64,
}

impl From<Report> for Explained {
    fn from(report: Report) -> Self {
        let terms = |Prefix { region, terms, value }: Prefix| TermsRecord {
            region,
            confidence: terms.confidence,
            effectiveness: terms.effectiveness,
            consistency: terms.consistency,
            collaboration: terms.collaboration,
            value,
        };
        let peak = |Peak { within, p_target, area }: Peak| PeakRecord { within, p_target, area };
        let best = |Best { length, value }: Best| BestRecord { length: length as u64, value };
        Self {
            ranking: report.ranking,
            terms: report.prefixes.into_iter().map(terms).collect(),
            areas: report.areas,
            insertion_curve: report.insertion_curve,
            deletion_curve: report.deletion_curve,
            insertion_auc: Some(report.insertion_auc),
            deletion_auc: Some(report.deletion_auc),
            highest_confidence: report.highest_confidence.into_iter().map(peak).collect(),
            best_prefix: report.best_prefix.map(best),
            region_weights: report.region_weights,
            model_calls: report.model_calls,
            end_point_calls: report.end_point_calls,
            rounds: report.rounds,
            mu_fidelity: None,
            submodularity_ratio: None,
        }
    }
}
