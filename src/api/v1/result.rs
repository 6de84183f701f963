//! What a job leaves, on the wire.

mod accept;
mod attribution;
mod experiment;
mod resample;
mod rounds;
mod table;

pub(super) use accept::{ResultFormat, accepts};
pub use attribution::{Attribution, AttributionResult, BestPrefix, HighestConfidence, PrefixTerms};
pub use experiment::{
    BiasStudy, BiasStudyCell, BiasStudyResult, Estimate, QuotaEstimate, Smoothness, SmoothnessResult,
};
pub use resample::{Drawn, DrawnPart, ResampleResult};
pub use rounds::{Owned, TransferAccuracy, WarmStarted};
pub use table::Pick;

use crate::api::codes::Code;
use crate::api::problem::Problem;
use crate::jobs::outcome;
use crate::jobs::selection::result as stored;
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What kind of work a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Choose items.
    Selection,
    /// Compare committees chosen from biased rankings.
    BiasStudy,
    /// Estimate what biased rankings still tell.
    Smoothness,
    /// Explain a model's answer.
    Attribution,
    /// Draw from what a selection kept.
    Resample,
}

/// A kind that is part of a type: a one-word enum in the schema.
macro_rules! kind {
    ($type:ident $word:ident $text:tt) => {
        #[doc = concat!("`", $text, "`")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, Serialize, ToSchema)]
        pub enum $type {
            #[doc = concat!("`", $text, "`")]
            #[serde(rename = $text)]
            $word,
        }
    };
}

kind!(SelectionKind Selection "selection");
kind!(BiasStudyKind BiasStudy "bias_study");
kind!(SmoothnessKind Smoothness "smoothness");
kind!(AttributionKind Attribution "attribution");
kind!(ResampleKind Resample "resample");

/// What a job has left, by its kind.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum JobOutcome {
    /// Of a selection.
    Selection(Box<SelectionResult>),
    /// Of a bias study.
    BiasStudy(BiasStudyResult),
    /// Of an estimate of smoothness.
    Smoothness(SmoothnessResult),
    /// Of an attribution.
    Attribution(Box<AttributionResult>),
    /// Of a draw.
    Resample(Box<ResampleResult>),
}

impl From<outcome::JobResult> for JobOutcome {
    fn from(result: outcome::JobResult) -> Self {
        match result {
            outcome::JobResult::Selection(result) => Self::Selection(Box::new((*result).into())),
            outcome::JobResult::BiasStudy(result) => Self::BiasStudy(result.into()),
            outcome::JobResult::Smoothness(result) => Self::Smoothness(result.into()),
            outcome::JobResult::Attribution(result) => Self::Attribution(Box::new((*result).into())),
            outcome::JobResult::Resample(result) => Self::Resample(Box::new((*result).into())),
        }
    }
}

impl JobOutcome {
    /// The answer for the smaller budget `k`.
    pub(super) fn prefix(self, k: u64) -> Result<Self, Problem> {
        match self {
            Self::Selection(result) => Ok(Self::Selection(Box::new(result.prefix(k)?))),
            Self::BiasStudy(_) | Self::Smoothness(_) => {
                Err(Problem::new(Code::PrefixNotValid, "an experiment has no answers for smaller k"))
            }
            Self::Attribution(_) => {
                let detail = "an attribution has no answers for smaller k: the first regions of its ranking are its own";
                Err(Problem::new(Code::PrefixNotValid, detail))
            }
            Self::Resample(_) => {
                let detail = "a prefix of a draw is no draw of that size: ask for another size";
                Err(Problem::new(Code::PrefixNotValid, detail))
            }
        }
    }

    /// The answer to a request for the result of `job`. O(bytes), and computes: not for a thread that answers.
    pub(super) fn written(&self, job: &str, format: ResultFormat) -> Result<Response, Problem> {
        match self {
            Self::Selection(result) => table::written(&**result, job, format),
            Self::Resample(result) => table::written(&**result, job, format),
            Self::BiasStudy(_) | Self::Smoothness(_) | Self::Attribution(_)
                if format != ResultFormat::Json =>
            {
                let detail =
                    "only what was selected or drawn is a table: this result is written as application/json";
                Err(Problem::new(Code::NotAcceptable, detail))
            }
            Self::BiasStudy(result) => Ok(Json(result).into_response()),
            Self::Smoothness(result) => Ok(Json(result).into_response()),
            Self::Attribution(result) => Ok(Json(result).into_response()),
        }
    }
}

/// The chosen items in order, with all that is known of them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SelectionResult {
    /// Always `selection`.
    pub kind: SelectionKind,
    /// Row indices in the order of choice.
    #[schema(example = json!([5, 17]))]
    pub indices: Vec<u32>,
    /// Their ids; null where the dataset has none.
    #[schema(example = json!(["a", "b"]))]
    pub ids: Option<Vec<String>>,
    /// The gain of each at its turn.
    #[schema(example = json!([12.5, 3.25]))]
    pub gains: Vec<f64>,
    /// f of the chosen items over all rows: `empty_value` and the gains, unless `optimized_value` is that. Where a warning
    /// says that it is not known, the same as `optimized_value`.
    #[schema(example = 15.75)]
    pub objective_value: f64,
    /// `empty_value` and the gains where another function than f was optimised, such as f over a sample of the rows or a graph,
    /// or f over each part; null elsewhere.
    pub optimized_value: Option<f64>,
    /// How many of the first items were included by request: no prefix is shorter.
    #[serde(skip)]
    pub included: u64,
    /// f of no items.
    pub empty_value: f64,
    /// Whether the search ran to its end.
    pub complete: bool,
    /// Why it ended: `budget_reached`, `no_candidate_left`, `gain_at_most`, `all_ranked`, `numerical_rank`,
    /// `evaluation_limit`, `cancelled`, `deadline`.
    #[schema(example = "budget_reached")]
    pub termination: String,
    /// The optimizer that ran.
    #[schema(example = "lazy_greedy")]
    pub optimizer: String,
    /// Why that one.
    pub optimizer_reason: String,
    /// What the reader should know about this run.
    pub warnings: Vec<String>,
    /// The metric.
    #[schema(example = "cosine")]
    pub similarity: String,
    /// `exact`, `screened` or `fast`: whether low precision decided anything.
    #[schema(example = "exact")]
    pub exactness: String,
    /// How the similarities were held.
    #[schema(example = "stored_f32")]
    pub plan: String,
    /// Which processor instructions computed them.
    #[schema(example = "avx512")]
    pub kernel: String,
    /// The seed of the draws.
    pub seed: u64,
    /// Gains computed.
    pub evaluations: u64,
    /// What is promised.
    pub guarantee: Guarantee,
    /// What was measured; null where the objective earns none, and for a prefix.
    pub certificate: Option<Certificate>,
    /// Whether each shorter prefix is the answer for its own k.
    pub prefixes_valid: bool,
    /// Chosen items per group; null without groups, and for a prefix.
    pub groups: Option<BTreeMap<String, u64>>,
    /// What the chosen items cost together; null without a budget.
    #[schema(example = 499000.0)]
    pub cost: Option<f64>,
    /// Every item in order, where the optimizer ranked them all; null elsewhere.
    pub ranking: Option<Vec<u32>>,
    /// Of the objective `committee`: what the chosen are to the voters; null for others, and for a prefix.
    pub committee: Option<CommitteeReport>,
    /// What was owned, where `discount_jobs` are given: `objective_value` is f of it and the chosen, less f of it. Null
    /// where nothing is.
    pub owned: Option<Owned>,
    /// What became of the earlier answer that the search began with; null without, and for a prefix.
    pub warm_start: Option<WarmStarted>,
    /// Of `partitioned_greedy` without a merge: what each part chose; null elsewhere.
    pub parts: Option<Vec<PartSelection>>,
    /// Digest of the dataset.
    pub dataset_digest: String,
    /// The release that computed it.
    pub version: String,
    /// Wall seconds by phase.
    pub timings_seconds: Timings,
}

/// What objective, constraints and optimizer together earn, or why nothing is promised.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Guarantee {
    /// f(S) is at least this share of the best possible.
    #[schema(example = 0.632)]
    pub factor: Option<f64>,
    /// `always`, `expected` or `probability`.
    #[schema(example = "always")]
    pub kind: Option<String>,
    /// The promise in a sentence.
    pub statement: Option<String>,
    /// Why there is none.
    pub reason: Option<String>,
}

/// An upper bound on the best possible value, measured on this run.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Certificate {
    /// No allowed set has a larger value.
    #[schema(example = 16.1)]
    pub upper_bound: f64,
    /// `objective_value` over `upper_bound`.
    #[schema(example = 0.978)]
    pub ratio: f64,
    /// Where the bound is from: `stale_prefixes`, `fresh_sweep`, or `proved` by an exact search.
    #[schema(example = "stale_prefixes")]
    pub basis: String,
    /// Whose optimum it bounds: `dense` for f, `sample` for f over the sampled rows, `graph` for f over the neighbours.
    #[schema(example = "dense")]
    pub of: String,
}

/// What a committee is to the voters.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CommitteeReport {
    /// The rule.
    #[schema(example = "k_borda")]
    pub rule: String,
    /// Whether the rule's value is the sum of what each member is.
    pub separable: bool,
    /// What the committee is worth to a voter, by the rule and before the voter's weight.
    pub voter_satisfaction: VoterSatisfaction,
    /// The voter to whom it is worth most, the first of equals.
    pub happiest: u64,
    /// The voter to whom it is worth least, the first of equals.
    pub least_happy: u64,
}

/// How satisfied the voters are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct VoterSatisfaction {
    /// The mean, by the voters' weights.
    pub mean: f64,
    /// That of the least satisfied voter: the committee's value under the rule's egalitarian sister, which is not
    /// submodular.
    pub least: f64,
    /// A quarter, half and three quarters of the voters, by weight, are satisfied at most so much.
    pub quartiles: [f64; 3],
}

/// What one part chose, where parts are not merged.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PartSelection {
    /// Its number: of the draw, of the column's value in order, or of the cluster.
    pub part: u64,
    /// Items that it could choose from.
    #[schema(example = 8)]
    pub size: u64,
    /// Row indices in the order of choice.
    #[schema(example = json!([14, 0]))]
    pub indices: Vec<u32>,
    /// The gain of each at its turn, of the objective over the part alone.
    #[schema(example = json!([3.125, 1.728]))]
    pub gains: Vec<f64>,
}

/// Wall seconds by phase.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Timings {
    /// Reading the dataset, its attributes and ids included.
    pub loading: f64,
    /// Computing stored similarities.
    pub similarity: f64,
    /// Choosing.
    pub selecting: f64,
}

impl From<stored::Guarantee> for Guarantee {
    fn from(guarantee: stored::Guarantee) -> Self {
        let stored::Guarantee { factor, kind, statement, reason } = guarantee;
        Self { factor, kind, statement, reason }
    }
}

impl From<stored::Committee> for CommitteeReport {
    fn from(committee: stored::Committee) -> Self {
        let stored::Committee { rule, separable, mean, least, quartiles, happiest, least_happy } = committee;
        let voter_satisfaction = VoterSatisfaction { mean, least, quartiles };
        Self { rule, separable, voter_satisfaction, happiest, least_happy }
    }
}

impl From<stored::PartRecord> for PartSelection {
    fn from(part: stored::PartRecord) -> Self {
        let stored::PartRecord { part, size, indices, gains } = part;
        Self { part, size, indices, gains }
    }
}

impl From<stored::SelectionResult> for SelectionResult {
    fn from(result: stored::SelectionResult) -> Self {
        let certificate = result.certificate.map(|stored::Certificate { upper_bound, ratio, basis, of }| {
            Certificate { upper_bound, ratio, basis, of }
        });
        let stored::Timings { loading, similarity, selecting } = result.timings_seconds;
        Self {
            kind: SelectionKind::Selection,
            indices: result.indices,
            ids: result.ids,
            gains: result.gains,
            objective_value: result.objective_value,
            optimized_value: result.optimized_value,
            included: result.included,
            empty_value: result.empty_value,
            complete: result.complete,
            termination: result.termination,
            optimizer: result.optimizer,
            optimizer_reason: result.optimizer_reason,
            warnings: result.warnings,
            similarity: result.similarity,
            exactness: result.exactness,
            plan: result.plan,
            kernel: result.kernel,
            seed: result.seed,
            evaluations: result.evaluations,
            guarantee: result.guarantee.into(),
            certificate,
            prefixes_valid: result.prefixes_valid,
            groups: result.groups,
            cost: result.cost,
            ranking: result.ranking,
            committee: result.committee.map(CommitteeReport::from),
            owned: result.owned.map(Owned::from),
            warm_start: result.warm_start.map(WarmStarted::from),
            parts: result.parts.map(|parts| parts.into_iter().map(PartSelection::from).collect()),
            dataset_digest: result.dataset_digest,
            version: result.version,
            timings_seconds: Timings { loading, similarity, selecting },
        }
    }
}

impl SelectionResult {
    /// The answer for the smaller budget `k`. What was measured for the whole does not hold for a part, and is left
    /// out; evaluations and timings stay those of the run that found it.
    pub(super) fn prefix(self, k: u64) -> Result<Self, Problem> {
        let refuse = |detail| Problem::new(Code::PrefixNotValid, detail);
        let chosen = self.indices.len();
        if k == chosen as u64 {
            return Ok(self);
        }
        if !self.prefixes_valid {
            let detail = format!(
                "with these constraints and {}, a prefix is not the answer for its k",
                self.optimizer
            );
            return Err(refuse(detail));
        }
        if self.optimized_value.is_some() {
            let detail = "a sample was optimised: the value over all rows is known for the whole answer only";
            return Err(refuse(detail.into()));
        }
        // Its included items belong to every answer.
        let least = usize::try_from(self.included).unwrap_or(usize::MAX).max(1);
        let length = usize::try_from(k).ok().filter(|length| (least..=chosen).contains(length));
        let Some(length) = length else {
            let detail = format!(
                "k is {k}; {chosen} items were chosen, {} of them included: expected {least} to {chosen}",
                self.included
            );
            return Err(refuse(detail));
        };
        let gains = self.gains.get(..length).unwrap_or(&self.gains).to_vec();
        Ok(Self {
            indices: self.indices.get(..length).unwrap_or(&self.indices).to_vec(),
            ids: self.ids.map(|ids| ids.into_iter().take(length).collect()),
            objective_value: gains.iter().fold(self.empty_value, |value, gain| value + gain),
            gains,
            complete: true,
            termination: "budget_reached".into(),
            certificate: None,
            groups: None,
            cost: None,
            ranking: None,
            committee: None,
            warm_start: None,
            parts: None,
            ..self
        })
    }
}
