//! Attribution: which regions of one input a model's answer rests on.

use super::experiment::RunSpec;
use serde::{Deserialize, Serialize};

/// Which regions of one input does a model's answer rest on?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributionSpec {
    /// What the input is cut into.
    pub regions: RegionsSpec,
    /// Whose values fill what the request leaves out; LiMA's where there is none.
    pub preset: Option<PresetSpec>,
    /// How much each term counts.
    pub weights: TermWeightsSpec,
    /// Where confidence comes from.
    pub confidence_form: ConfidenceFormSpec,
    /// Of evidential confidence.
    pub evidence: EvidenceSpec,
    /// Effectiveness of a single region.
    pub single_effectiveness: f64,
    /// The class to explain; the likeliest on the whole input where there is none.
    pub target: Option<u64>,
    /// Classes of the model; those of the table where there is none.
    pub classes: Option<u64>,
    /// How to search.
    pub optimizer: AttributionOptimizerSpec,
    /// Regions to put in order; all where there is none.
    pub k: Option<u64>,
    /// Who tells what the model says.
    pub evaluator: EvaluatorSpec,
    /// How the order is tested on random sets of regions, where it is.
    pub mu_fidelity: Option<MuFidelitySpec>,
    /// Whether the function's distance from a submodular one is measured.
    pub submodularity_ratio: bool,
    /// What it has in common with every kind that draws.
    #[serde(flatten)]
    pub run: RunSpec,
}

/// What an input is cut into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegionsSpec {
    /// How many there are.
    pub count: u64,
    /// How much of the input each one is; equal where not given.
    pub areas: Option<Vec<f64>>,
    /// One vector a region.
    pub features: Option<Vec<Vec<f64>>>,
    /// Their distances, row by row.
    pub distance: Option<Vec<Vec<f64>>>,
}

/// The systems whose values are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresetSpec {
    /// LiMA.
    Lima,
    /// SMDL-Attribution.
    Smdl,
}

/// How much each term counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TermWeightsSpec {
    /// How sure the model is.
    pub confidence: f64,
    /// How far the regions are apart.
    pub effectiveness: f64,
    /// The target's probability with them.
    pub consistency: f64,
    /// What it lacks without them.
    pub collaboration: f64,
}

/// Where confidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfidenceFormSpec {
    /// An evidential model's outputs.
    Evidential,
    /// The entropy of the class probabilities.
    Entropy,
    /// A number with each answer.
    Given,
}

/// How outputs become evidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EvidenceSpec {
    /// What they are multiplied by.
    pub scale: f64,
    /// Bound on what stands in the exponent.
    pub clamp: f64,
}

/// How regions are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributionOptimizerSpec {
    /// From the top.
    Greedy,
    /// From both ends.
    BidirectionalGreedy {
        /// Candidates looked at closely for the low end.
        pool: u64,
        /// Whether a loop's rounds are joined.
        merge_rounds: bool,
    },
}

/// Who tells what the model says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluatorSpec {
    /// The caller, in rounds.
    Answers {
        /// Sets of one round at most.
        max_sets_per_round: u64,
        /// Seconds that a round waits.
        idle_expires_seconds: f64,
    },
    /// A table of all sets of regions; row r shows the regions whose bits are set in r.
    Table {
        /// Class probabilities.
        probs: Vec<Vec<f64>>,
        /// Outputs of an evidential model.
        evidence: Option<Vec<Vec<f64>>>,
    },
}

/// Random sets of regions that are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuFidelitySpec {
    /// How many.
    pub samples: u64,
    /// Regions of each; a fifth of all where not given.
    pub size: Option<u64>,
}
