//! The body of `POST /v1/jobs` that asks for an attribution.

use super::request::{Wanted, labels};
use crate::api::codes::Code;
use crate::api::problem::Problem;
use crate::api::v1::result::AttributionKind;
use crate::api::v1::spec::{
    AttributionOptimizer, ConfidenceForm, EvaluatorChoice, Evidence, MuFidelity, OnStop, Preset, Regions,
    TermWeights, To,
};
use crate::jobs::record::JobSpec;
use crate::jobs::spec;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Which regions of one input does a model's answer rest on? The regions are put in order by what the model says of the
/// input with some of them shown and with all others: F(S) = confidence + effectiveness + consistency + collaboration,
/// each by its weight (SMDL-Attribution, LiMA). The model is the caller's own: the job asks, or is given a table.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributionRequest {
    /// What kind of work it is.
    pub kind: AttributionKind,
    /// What the input is cut into.
    pub regions: Regions,
    /// Whose values fill what is left out; LiMA's when absent.
    #[serde(default)]
    pub preset: Option<Preset>,
    /// How much each term counts.
    #[serde(default)]
    pub weights: TermWeights,
    /// Where confidence comes from; the preset's when absent.
    #[serde(default)]
    pub confidence_form: Option<ConfidenceForm>,
    /// How outputs become evidence, where confidence is evidential.
    #[serde(default)]
    pub evidence: Evidence,
    /// Effectiveness of a single region, at least 0; the preset's when absent.
    #[serde(default)]
    #[schema(minimum = 0.0)]
    pub single_effectiveness: Option<f64>,
    /// The class to explain, from 0; the likeliest on the whole input when absent.
    #[serde(default)]
    pub target: Option<u64>,
    /// Classes of the model. A table tells them itself.
    #[serde(default)]
    #[schema(minimum = 2, example = 10)]
    pub classes: Option<u64>,
    /// How regions are put in order; what the preset's system runs when absent.
    #[serde(default)]
    #[schema(value_type = Option<AttributionOptimizer>)]
    pub optimizer: Option<Value>,
    /// Regions to put in order; all when absent.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub k: Option<u64>,
    /// Who tells what the model says.
    pub evaluator: EvaluatorChoice,
    /// A test of the order on random sets of regions, in one more round; none when absent.
    #[serde(default)]
    pub mu_fidelity: Option<MuFidelity>,
    /// Measure how far from submodular F was along the order. Asks nothing.
    #[serde(default)]
    pub submodularity_ratio: bool,
    /// Seed of the random sets.
    #[serde(default)]
    pub seed: u64,
    /// Running seconds after which the job stops; none when absent.
    #[serde(default)]
    #[schema(exclusive_minimum = 0.0)]
    pub deadline_seconds: Option<f64>,
    /// What a stopped job leaves.
    #[serde(default)]
    pub on_stop: OnStop,
    /// Notes for the owner.
    #[serde(default)]
    #[schema(schema_with = labels)]
    pub labels: BTreeMap<String, String>,
}

impl AttributionRequest {
    pub(super) fn check(self) -> Result<Wanted, Problem> {
        if let EvaluatorChoice::Answers(ask) = &self.evaluator
            && !ask.answers
        {
            let detail = "true; or give a table";
            return Err(Problem::at(Code::InvalidParameter, "/evaluator/answers", detail));
        }
        let optimizer =
            self.optimizer.map(|value| AttributionOptimizer::parse(value, "/optimizer")).transpose()?;
        let preset = self.preset;
        let spec = spec::AttributionSpec {
            regions: self.regions.to(),
            preset: preset.map(To::to),
            weights: self.weights.filled(preset),
            confidence_form: self.confidence_form.map_or_else(|| Preset::form(preset), To::to),
            evidence: self.evidence.to(),
            single_effectiveness: self
                .single_effectiveness
                .unwrap_or_else(|| Preset::single_effectiveness(preset)),
            target: self.target,
            classes: self.classes,
            optimizer: optimizer.map_or_else(|| Preset::optimizer(preset), To::to),
            k: self.k,
            evaluator: self.evaluator.to(),
            mu_fidelity: self.mu_fidelity.map(To::to),
            submodularity_ratio: self.submodularity_ratio,
            run: spec::RunSpec {
                seed: self.seed,
                deadline_seconds: self.deadline_seconds,
                on_stop: self.on_stop.to(),
            },
        };
        Ok(Wanted { dataset: None, spec: JobSpec::Attribution(Box::new(spec)), labels: self.labels })
    }
}
