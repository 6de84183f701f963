//! What an attribution explains, and how.

use super::optimizer::{BidirectionalGreedyName, Greedy, GreedyName};
use super::{OnStop, To};
use crate::api::codes::Code;
use crate::api::json::from_value;
use crate::api::problem::Problem;
use crate::jobs::spec::{self, defaults};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use submodular::attribution::{ConfidenceForm as Form, Settings};
use utoipa::ToSchema;

/// What one input is cut into. Regions are numbered from 0; what they are, the caller knows.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Regions {
    /// How many there are.
    #[schema(minimum = 1, maximum = 1_048_576, example = 8)]
    pub count: u64,
    /// How much of the input each one is, in any unit; equal when absent.
    #[serde(default)]
    pub areas: Option<Vec<f64>>,
    /// A vector of each region, as the model sees it alone; their distance is arccos(cosine) / pi. Or give `distance`;
    /// neither is needed where effectiveness has the weight 0.
    #[serde(default)]
    pub features: Option<Vec<Vec<f64>>>,
    /// The regions' distances, row by row: symmetric, not negative, 0 on the diagonal.
    #[serde(default)]
    pub distance: Option<Vec<Vec<f64>>>,
}

/// A system whose weights, form of confidence and effectiveness of a single region fill what is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// LiMA: consistency 20, collaboration 5, confidence 0.05 from the entropy, effectiveness 0.01 and 0 of one region.
    Lima,
    /// SMDL-Attribution: all weights 1, confidence of an evidential model, effectiveness 1 of one region.
    Smdl,
}

/// How much each term counts, at least 0 and not all 0. What is left out is the preset's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermWeights {
    /// Of how sure the model is of what it says of the regions shown.
    #[serde(default)]
    #[schema(minimum = 0.0)]
    pub confidence: Option<f64>,
    /// Of how far the regions are from each other: the sum of each one's least distance.
    #[serde(default)]
    #[schema(minimum = 0.0)]
    pub effectiveness: Option<f64>,
    /// Of the target's probability when the regions are shown.
    #[serde(default)]
    #[schema(minimum = 0.0)]
    pub consistency: Option<f64>,
    /// Of one minus the target's probability when all others are shown.
    #[serde(default)]
    #[schema(minimum = 0.0)]
    pub collaboration: Option<f64>,
}

/// Where confidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfidenceForm {
    /// 1 - K / sum of (e + 1) over the K classes, e = exp(clamp(scale * output)), of the outputs of an evidential model.
    Evidential,
    /// 1 - entropy / log K of the class probabilities.
    Entropy,
    /// A number from 0 to 1 that comes with each answer.
    Given,
}

/// How the outputs of an evidential model become evidence.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What they are multiplied by, above 0.
    #[serde(default = "defaults::evidence_scale")]
    #[schema(default = 1.0, exclusive_minimum = 0.0)]
    pub scale: f64,
    /// Bound on what stands in the exponent, on both sides.
    #[serde(default = "defaults::evidence_clamp")]
    #[schema(default = 10.0, exclusive_minimum = 0.0, maximum = 700.0)]
    pub clamp: f64,
}

impl Default for Evidence {
    fn default() -> Self {
        Self { scale: defaults::evidence_scale(), clamp: defaults::evidence_clamp() }
    }
}

told_by_name! {
    /// How regions are put in order.
    AttributionOptimizer {
        /// The region that lifts F most, then the next: what SMDL-Attribution runs.
        "greedy" => Greedy,
        /// From both ends: what LiMA runs.
        "bidirectional_greedy" => BothEnds,
    }
}

/// Puts the most important regions in order from one end and the least important ones from the other: fewer calls.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BothEnds {
    /// The optimizer's name.
    pub name: BidirectionalGreedyName,
    /// Candidates looked at closely for the low end.
    #[serde(default = "defaults::pool")]
    #[schema(default = 8, minimum = 2)]
    pub pool: u64,
    /// Ask a loop's second round together with the next loop's first: fewer rounds, at most one set more a loop.
    #[serde(default)]
    #[schema(default = false)]
    pub merge_rounds: bool,
}

/// Who tells what the model says.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "an evaluator is {\"answers\": true, ..} or {\"table\"}")]
pub enum EvaluatorChoice {
    /// The caller, in rounds.
    Answers(AskTheCaller),
    /// A table of every set of regions.
    Table(GivenTable),
}

/// The caller, at `GET /v1/jobs/{id}/questions` and `POST /v1/jobs/{id}/answers`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskTheCaller {
    /// Always true.
    pub answers: bool,
    /// Sets of one round at most, each shown beside its complement.
    #[serde(default = "defaults::max_sets_per_round")]
    #[schema(default = 4096, minimum = 1)]
    pub max_sets_per_round: u64,
    /// Seconds that a round waits for its answers; then the job is stopped with the order that it has.
    #[serde(default = "defaults::idle_expires_seconds")]
    #[schema(default = 3600.0, exclusive_minimum = 0.0)]
    pub idle_expires_seconds: f64,
}

/// A table, of 16 regions at most.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenTable {
    /// What the model says of every set of regions.
    pub table: EvaluationTable,
}

/// Two to the number of regions rows: row r shows the regions whose bits are set in r, bit i for region i.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationTable {
    /// The probability of every class, which sum to 1 within 0.001.
    #[schema(example = json!([[0.5, 0.5], [0.1, 0.9]]))]
    pub probs: Vec<Vec<f64>>,
    /// The outputs of the evidential model, one a class; needed for evidential confidence only.
    #[serde(default)]
    pub evidence: Option<Vec<Vec<f64>>>,
}

/// A test of the order on random sets of regions: the rank correlation (Spearman's) between their summed weights and the
/// drop of the target's probability when they are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MuFidelity {
    /// Sets, drawn by the job's seed.
    #[serde(default = "defaults::fidelity_samples")]
    #[schema(default = 200, minimum = 2, maximum = 1_000_000)]
    pub samples: u64,
    /// Regions of each set; a fifth of all when absent.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub size: Option<u64>,
}

/// An attribution with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttributionSpec {
    /// What the input is cut into.
    pub regions: Regions,
    /// Whose values filled what was left out; LiMA's where null.
    pub preset: Option<Preset>,
    /// How much each term counts.
    pub weights: TermWeights,
    /// Where confidence comes from.
    pub confidence_form: ConfidenceForm,
    /// How outputs become evidence.
    pub evidence: Evidence,
    /// Effectiveness of a single region.
    pub single_effectiveness: f64,
    /// The class to explain; null for the likeliest on the whole input.
    pub target: Option<u64>,
    /// Classes of the model.
    pub classes: Option<u64>,
    /// How regions are put in order.
    pub optimizer: AttributionOptimizer,
    /// Regions to put in order.
    pub k: Option<u64>,
    /// Who tells what the model says.
    pub evaluator: EvaluatorChoice,
    /// How the order is tested.
    pub mu_fidelity: Option<MuFidelity>,
    /// Whether the function's distance from a submodular one is measured.
    pub submodularity_ratio: bool,
    /// Seed of every draw.
    pub seed: u64,
    /// Running seconds after which the job stops.
    pub deadline_seconds: Option<f64>,
    /// What a stopped job leaves.
    pub on_stop: OnStop,
}

impl Preset {
    fn settings(preset: Option<Self>) -> Settings {
        match preset {
            None | Some(Self::Lima) => Settings::lima(),
            Some(Self::Smdl) => Settings::smdl(),
        }
    }

    /// The optimizer that the system runs.
    pub(in crate::api) fn optimizer(preset: Option<Self>) -> spec::AttributionOptimizerSpec {
        match preset {
            None | Some(Self::Lima) => spec::AttributionOptimizerSpec::BidirectionalGreedy {
                pool: defaults::pool(),
                merge_rounds: false,
            },
            Some(Self::Smdl) => spec::AttributionOptimizerSpec::Greedy,
        }
    }

    /// The form of confidence that the system has.
    pub(in crate::api) fn form(preset: Option<Self>) -> spec::ConfidenceFormSpec {
        match Self::settings(preset).confidence {
            Form::Evidential { .. } => spec::ConfidenceFormSpec::Evidential,
            Form::Entropy => spec::ConfidenceFormSpec::Entropy,
            Form::Given => spec::ConfidenceFormSpec::Given,
        }
    }

    /// The effectiveness of a single region that the system has.
    pub(in crate::api) fn single_effectiveness(preset: Option<Self>) -> f64 {
        Self::settings(preset).single_effectiveness
    }
}

impl TermWeights {
    /// With those of the preset where there are none.
    pub(in crate::api) fn filled(self, preset: Option<Preset>) -> spec::TermWeightsSpec {
        let of = Preset::settings(preset).weights;
        spec::TermWeightsSpec {
            confidence: self.confidence.unwrap_or(of.confidence),
            effectiveness: self.effectiveness.unwrap_or(of.effectiveness),
            consistency: self.consistency.unwrap_or(of.consistency),
            collaboration: self.collaboration.unwrap_or(of.collaboration),
        }
    }
}

impl To<spec::AttributionOptimizerSpec> for AttributionOptimizer {
    fn to(self) -> spec::AttributionOptimizerSpec {
        match self {
            Self::Greedy(_) => spec::AttributionOptimizerSpec::Greedy,
            Self::BothEnds(BothEnds { pool, merge_rounds, .. }) => {
                spec::AttributionOptimizerSpec::BidirectionalGreedy { pool, merge_rounds }
            }
        }
    }
}

impl To<AttributionOptimizer> for spec::AttributionOptimizerSpec {
    fn to(self) -> AttributionOptimizer {
        match self {
            Self::Greedy => AttributionOptimizer::Greedy(Greedy { name: GreedyName::Greedy }),
            Self::BidirectionalGreedy { pool, merge_rounds } => {
                let name = BidirectionalGreedyName::BidirectionalGreedy;
                AttributionOptimizer::BothEnds(BothEnds { name, pool, merge_rounds })
            }
        }
    }
}

impl To<spec::EvaluatorSpec> for EvaluatorChoice {
    fn to(self) -> spec::EvaluatorSpec {
        match self {
            Self::Answers(AskTheCaller { max_sets_per_round, idle_expires_seconds, .. }) => {
                spec::EvaluatorSpec::Answers { max_sets_per_round, idle_expires_seconds }
            }
            Self::Table(GivenTable { table: EvaluationTable { probs, evidence } }) => {
                spec::EvaluatorSpec::Table { probs, evidence }
            }
        }
    }
}

impl To<EvaluatorChoice> for spec::EvaluatorSpec {
    fn to(self) -> EvaluatorChoice {
        match self {
            Self::Answers { max_sets_per_round, idle_expires_seconds } => {
                EvaluatorChoice::Answers(AskTheCaller {
                    answers: true,
                    max_sets_per_round,
                    idle_expires_seconds,
                })
            }
            Self::Table { probs, evidence } => {
                EvaluatorChoice::Table(GivenTable { table: EvaluationTable { probs, evidence } })
            }
        }
    }
}

impl From<spec::AttributionSpec> for AttributionSpec {
    fn from(stored: spec::AttributionSpec) -> Self {
        let spec::RunSpec { seed, deadline_seconds, on_stop } = stored.run;
        let spec::TermWeightsSpec { confidence, effectiveness, consistency, collaboration } = stored.weights;
        Self {
            regions: stored.regions.to(),
            preset: stored.preset.map(To::to),
            weights: TermWeights {
                confidence: Some(confidence),
                effectiveness: Some(effectiveness),
                consistency: Some(consistency),
                collaboration: Some(collaboration),
            },
            confidence_form: stored.confidence_form.to(),
            evidence: stored.evidence.to(),
            single_effectiveness: stored.single_effectiveness,
            target: stored.target,
            classes: stored.classes,
            optimizer: stored.optimizer.to(),
            k: stored.k,
            evaluator: stored.evaluator.to(),
            mu_fidelity: stored.mu_fidelity.map(To::to),
            submodularity_ratio: stored.submodularity_ratio,
            seed,
            deadline_seconds,
            on_stop: on_stop.to(),
        }
    }
}
