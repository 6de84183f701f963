//! What an attribution leaves, on the wire.

use super::{AttributionKind, Guarantee};
use crate::jobs::attribution::result as stored;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Which regions of an input a model's answer rests on.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttributionResult {
    /// Always `attribution`.
    pub kind: AttributionKind,
    /// The order, and what it explains.
    pub attribution: Attribution,
    /// The class that is explained; null where the run was stopped before it was known.
    #[schema(example = 1)]
    pub target: Option<u64>,
    /// Whether the search ran to its end.
    pub complete: bool,
    /// Why it ended: `all_ranked`, `budget_reached`, `cancelled`, `deadline`, `awaiting_answers`.
    #[schema(example = "all_ranked")]
    pub termination: String,
    /// The optimizer.
    #[schema(example = "bidirectional_greedy")]
    pub optimizer: String,
    /// What is promised: nothing, and why.
    pub guarantee: Guarantee,
    /// The seed of the draws.
    pub seed: u64,
    /// Digest of a dataset; always null.
    pub dataset_digest: Option<String>,
    /// Digest of a model; always null: the caller holds it.
    pub model_digest: Option<String>,
    /// The release that computed it.
    pub version: String,
    /// Wall seconds of the run that ended it.
    pub seconds: f64,
}

/// An order of regions, and what is known along it. Curves have one point more than there are regions in the order:
/// nothing shown comes first. They are empty where the run was stopped before the first answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Attribution {
    /// Regions, most important first.
    #[schema(example = json!([1, 4, 5]))]
    pub ranking: Vec<u32>,
    /// The terms, unweighted, and F of all regions of the order up to each one.
    pub terms: Vec<PrefixTerms>,
    /// Share of the input that is shown.
    #[schema(example = json!([0.0, 0.15, 0.25]))]
    pub areas: Vec<f64>,
    /// Area under the insertion curve by trapezoids over `areas`; higher is better.
    #[schema(example = 0.894)]
    pub insertion_auc: Option<f64>,
    /// The same under the deletion curve; lower is better.
    #[schema(example = 0.104)]
    pub deletion_auc: Option<f64>,
    /// The target's probability with the first regions shown.
    pub insertion_curve: Vec<f64>,
    /// The target's probability with the first regions hidden.
    pub deletion_curve: Vec<f64>,
    /// By share of the input (0.25, 0.5, 0.75, 1.0): the target's highest probability with no more of it shown.
    pub highest_confidence: BTreeMap<String, HighestConfidence>,
    /// The first regions of largest F; null where no F is known.
    pub best_prefix: Option<BestPrefix>,
    /// By region, for heat maps: the number of regions less the region's rank from 0; 0 outside the order.
    pub region_weights: Vec<f64>,
    /// Inputs that the search looked at, two a set, as the papers count: one that an earlier answer told counts again.
    #[schema(example = 58)]
    pub model_calls: u64,
    /// Nothing shown and everything shown, which are not among them.
    #[schema(example = 2)]
    pub end_point_calls: u64,
    /// Rounds of questions; 0 with a table.
    pub rounds: u64,
    /// The rank correlation between the weights of random sets and what hiding them costs; null where it was not asked
    /// for, or all are equal.
    pub mu_fidelity: Option<f64>,
    /// The least sum of single gains over the gain of all together, along the order and over the sets that the model was
    /// asked about (with a table, all); at least 1 where F was submodular. Null where it was not asked for, or no gain is
    /// known. Measured, and no bound.
    pub submodularity_ratio: Option<f64>,
}

/// The terms of all regions of an order up to one.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PrefixTerms {
    /// That one.
    pub region: u32,
    /// How sure the model is; null where no answer told.
    pub confidence: Option<f64>,
    /// How far the regions are from each other; null where distances are not known.
    pub effectiveness: Option<f64>,
    /// The target's probability with them shown.
    pub consistency: f64,
    /// One minus the target's probability with all others shown.
    pub collaboration: f64,
    /// F; null where a term that counts was never told.
    pub value: Option<f64>,
}

/// The target's highest probability among the first regions that fit into a share of the input.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HighestConfidence {
    /// The probability.
    pub p_target: f64,
    /// The share shown where it occurs first.
    pub area: f64,
}

/// The first regions of largest F.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BestPrefix {
    /// How many they are; the fewest of equals.
    pub length: u64,
    /// Their F.
    pub value: f64,
}

impl From<stored::Explained> for Attribution {
    fn from(explained: stored::Explained) -> Self {
        let terms = |of: stored::TermsRecord| {
            let stored::TermsRecord { region, confidence, effectiveness, consistency, collaboration, value } =
                of;
            PrefixTerms { region, confidence, effectiveness, consistency, collaboration, value }
        };
        let peak = |stored::PeakRecord { within, p_target, area }: stored::PeakRecord| {
            (format!("{within:?}"), HighestConfidence { p_target, area })
        };
        let best = |stored::BestRecord { length, value }: stored::BestRecord| BestPrefix { length, value };
        Self {
            ranking: explained.ranking,
            terms: explained.terms.into_iter().map(terms).collect(),
            areas: explained.areas,
            insertion_auc: explained.insertion_auc,
            deletion_auc: explained.deletion_auc,
            insertion_curve: explained.insertion_curve,
            deletion_curve: explained.deletion_curve,
            highest_confidence: explained.highest_confidence.into_iter().map(peak).collect(),
            best_prefix: explained.best_prefix.map(best),
            region_weights: explained.region_weights,
            model_calls: explained.model_calls,
            end_point_calls: explained.end_point_calls,
            rounds: explained.rounds,
            mu_fidelity: explained.mu_fidelity,
            submodularity_ratio: explained.submodularity_ratio,
        }
    }
}

impl From<stored::AttributionResult> for AttributionResult {
    fn from(result: stored::AttributionResult) -> Self {
        Self {
            kind: AttributionKind::Attribution,
            attribution: result.explained.into(),
            target: result.target,
            complete: result.complete,
            termination: result.termination,
            optimizer: result.optimizer,
            guarantee: result.guarantee.into(),
            seed: result.seed,
            dataset_digest: None,
            model_digest: None,
            version: result.version,
            seconds: result.seconds,
        }
    }
}
