//! The bodies of `POST /v1/jobs` that ask for experiments.

use super::request::{Wanted, labels};
use crate::api::codes::Code;
use crate::api::problem::Problem;
use crate::api::v1::result::{BiasStudyKind, SmoothnessKind};
use crate::api::v1::spec::{Bias, Disadvantaged, Latent, Misplaced, OnStop, Rule, Seen, To};
use crate::jobs::record::JobSpec;
use crate::jobs::spec::{self, defaults};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How good are committees that are chosen from biased rankings, with and without quotas? Each repetition draws latent
/// rankings, biases them, chooses by each rule from what is seen, and measures the choice on the latent rankings.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BiasStudyRequest {
    /// What kind of work it is.
    pub kind: BiasStudyKind,
    /// Rankings before the bias.
    pub latent: Latent,
    /// What happens to them.
    pub bias: Bias,
    /// Strengths of the bias: the share of all possible swaps, or theta.
    #[schema(min_items = 1, example = json!([0.0, 0.5, 1.0]))]
    pub strengths: Vec<f64>,
    /// Against whom; half of the candidates when absent.
    #[serde(default)]
    pub disadvantaged: Disadvantaged,
    /// Rules to compare.
    #[schema(min_items = 1)]
    pub rules: Vec<Rule>,
    /// Numbers of rankings to compare.
    #[schema(min_items = 1, example = json!([25, 100]))]
    pub rankings: Vec<u64>,
    /// Size of the committees.
    #[schema(minimum = 1, example = 10)]
    pub k: u64,
    /// Least numbers of the disadvantaged to compare; none when absent.
    #[serde(default)]
    #[schema(example = json!([0, 2, 4]))]
    pub quotas: Vec<u64>,
    /// How often all of it is drawn.
    #[serde(default = "defaults::study_repetitions")]
    #[schema(minimum = 1)]
    pub repetitions: u64,
    /// Seed of every draw.
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

/// What do biased rankings still tell of the candidates, by each rule: alpha, how much every candidate scores, and
/// gamma(beta), how much worse a clearly worse candidate still looks.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmoothnessRequest {
    /// What kind of work it is.
    pub kind: SmoothnessKind,
    /// Rankings before the bias.
    pub latent: Latent,
    /// What is seen of them.
    pub bias: Seen,
    /// Strength of a model of bias.
    #[serde(default)]
    pub strength: Option<f64>,
    /// Against whom; half of the candidates when absent.
    #[serde(default)]
    pub disadvantaged: Disadvantaged,
    /// Rules to compare.
    #[schema(min_items = 1)]
    pub rules: Vec<Rule>,
    /// Rankings of a repetition; left out where what is seen is a dataset.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub rankings: Option<u64>,
    /// Size of the committees, for rules that depend on it.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub k: Option<u64>,
    /// How often all of it is drawn; where what is seen is a dataset, batches that its rankings are cut into.
    #[serde(default = "defaults::smoothness_repetitions")]
    #[schema(minimum = 1)]
    pub repetitions: u64,
    /// Points of a curve.
    #[serde(default = "defaults::betas")]
    #[schema(minimum = 2, maximum = 10_000)]
    pub betas: u64,
    /// Accepted probability that the rankings needed do not suffice.
    #[serde(default = "defaults::delta")]
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub delta: f64,
    /// Relative error of mean scores that they are needed for.
    #[serde(default = "defaults::mean_epsilon")]
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub epsilon: f64,
    /// Seed of every draw.
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

impl BiasStudyRequest {
    pub(super) fn check(self) -> Result<Wanted, Problem> {
        refuse(self.latent.misplaced().into_iter().chain(self.bias.misplaced()))?;
        let spec = JobSpec::BiasStudy(spec::BiasStudySpec {
            latent: self.latent.to(),
            bias: self.bias.to(),
            strengths: self.strengths,
            disadvantaged: self.disadvantaged.to(),
            rules: self.rules.to(),
            rankings: self.rankings,
            k: self.k,
            quotas: self.quotas,
            repetitions: self.repetitions,
            run: spec::RunSpec {
                seed: self.seed,
                deadline_seconds: self.deadline_seconds,
                on_stop: self.on_stop.to(),
            },
        });
        Ok(Wanted { dataset: None, spec, labels: self.labels })
    }
}

impl SmoothnessRequest {
    pub(super) fn check(self) -> Result<Wanted, Problem> {
        let bias = if let Seen::Model(bias) = &self.bias { bias.misplaced() } else { None };
        refuse(self.latent.misplaced().into_iter().chain(bias))?;
        let spec = JobSpec::Smoothness(spec::SmoothnessSpec {
            latent: self.latent.to(),
            bias: self.bias.to(),
            strength: self.strength,
            disadvantaged: self.disadvantaged.to(),
            rules: self.rules.to(),
            rankings: self.rankings,
            k: self.k,
            repetitions: self.repetitions,
            betas: self.betas,
            delta: self.delta,
            epsilon: self.epsilon,
            run: spec::RunSpec {
                seed: self.seed,
                deadline_seconds: self.deadline_seconds,
                on_stop: self.on_stop.to(),
            },
        });
        Ok(Wanted { dataset: None, spec, labels: self.labels })
    }
}

fn refuse(misplaced: impl Iterator<Item = Misplaced>) -> Result<(), Problem> {
    let problem = |Misplaced { pointer, detail }| Problem::at(Code::InvalidParameter, pointer, detail);
    misplaced.map(problem).reduce(Problem::and).map_or(Ok(()), Err)
}
