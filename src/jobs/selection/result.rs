//! What a selection leaves, as it is stored.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use submodular::Item;
use submodular::committee::{Profile, Rule, voter_satisfaction};
use submodular::optimizer::Ranked;

/// The chosen items, in order, with all that is known of them. The lists of an item each are stored beside the rest: see
/// [`JobResult::encode`](crate::jobs::outcome::JobResult::encode).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectionResult {
    /// Row indices in the order of choice.
    #[serde(default, skip_serializing)]
    pub indices: Vec<u32>,
    /// Their ids, where the dataset has ids.
    #[serde(default, skip_serializing)]
    pub ids: Option<Vec<String>>,
    /// Gain of each at its turn.
    #[serde(default, skip_serializing)]
    pub gains: Vec<f64>,
    /// f of the items over every row: `empty_value` plus the sum of gains, unless `optimized_value` is that.
    pub objective_value: f64,
    /// Value of the function that was optimised, where it looked at a sample of the rows only.
    #[serde(default)]
    pub optimized_value: Option<f64>,
    /// How many of the first items were included by request.
    #[serde(default)]
    pub included: u64,
    /// f of the empty set.
    pub empty_value: f64,
    /// Whether the search ran to its end.
    pub complete: bool,
    /// Why it ended: `budget_reached`, `no_candidate_left`, `gain_at_most`, `all_ranked`,
    /// `numerical_rank`, `evaluation_limit`, `cancelled`, `deadline`.
    pub termination: String,
    /// The optimizer that ran.
    pub optimizer: String,
    /// Why that one.
    pub optimizer_reason: String,
    /// What the caller should know about this run.
    pub warnings: Vec<String>,
    /// The metric's name.
    pub similarity: String,
    /// `exact`, `screened` or `fast`.
    pub exactness: String,
    /// Memory plan: `stored_f32`, `blocked_f32`, `precomputed`.
    pub plan: String,
    /// Kernel: `avx512`, `avx2`, `portable`.
    pub kernel: String,
    /// Seed of the draws.
    pub seed: u64,
    /// Gains computed.
    pub evaluations: u64,
    /// What is promised, or why nothing is.
    pub guarantee: Guarantee,
    /// The measured bound; none where the objective earns none.
    pub certificate: Option<Certificate>,
    /// Whether each shorter prefix is the answer for its own k.
    pub prefixes_valid: bool,
    /// Chosen items per group, groups with none left out; none without groups.
    pub groups: Option<BTreeMap<String, u64>>,
    /// What the chosen items cost together; none without a budget.
    #[serde(default)]
    pub cost: Option<f64>,
    /// Every item in order, where the optimizer ranked them all.
    pub ranking: Option<Vec<u32>>,
    /// What a committee is to the voters; none for other objectives.
    #[serde(default)]
    pub committee: Option<Committee>,
    /// What was owned, where coverage was discounted.
    #[serde(default)]
    pub owned: Option<Owned>,
    /// What became of the answer that it began with; none without.
    #[serde(default)]
    pub warm_start: Option<WarmStart>,
    /// What each part chose, where parts are the answer.
    #[serde(default, skip_serializing)]
    pub parts: Option<Vec<PartRecord>>,
    /// Digest of the dataset.
    pub dataset_digest: String,
    /// Version of fewer.
    pub version: String,
    /// Wall seconds by phase.
    pub timings_seconds: Timings,
}

/// Items that were owned already: what was maximised is f of them and the chosen, less f of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Owned {
    /// How many.
    pub items: u64,
    /// f of them; none where the run was stopped before that was known.
    pub value: Option<f64>,
}

/// An earlier answer that a search began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WarmStart {
    /// Whose; none where, of several, no one told more than chance.
    pub job: Option<String>,
    /// Items of it that could be chosen.
    pub offered: u64,
    /// Those that were.
    pub kept: u64,
    /// How much worse than the best a gain might be.
    pub tolerance: f64,
    /// How well each of several told the labels.
    pub accuracies: Option<Vec<TransferAccuracy>>,
    /// 1 over the number of labels, where there were several.
    pub chance: Option<f64>,
}

/// How well an earlier answer tells labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransferAccuracy {
    /// Whose.
    pub job: String,
    /// Share of the labels.
    pub accuracy: f64,
}

/// What one part chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartRecord {
    /// Its number: of a draw, of a value of the column in order, or of a cluster.
    pub part: u64,
    /// Items that it could choose from.
    pub size: u64,
    /// What it chose, in order.
    pub indices: Vec<u32>,
    /// Gain of each at its turn, of the function of the part.
    pub gains: Vec<f64>,
}

impl From<&Ranked> for PartRecord {
    fn from(ranked: &Ranked) -> Self {
        Self {
            part: ranked.part,
            size: ranked.size as u64,
            indices: ranked.items.clone(),
            gains: ranked.gains.clone(),
        }
    }
}

/// What a committee is to the voters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Committee {
    /// The rule's name.
    pub rule: String,
    /// Whether the rule is separable.
    pub separable: bool,
    /// Mean satisfaction by weight.
    pub mean: f64,
    /// Of the least satisfied voter.
    pub least: f64,
    /// Quartiles by weight.
    pub quartiles: [f64; 3],
    /// The most satisfied voter.
    pub happiest: u64,
    /// The least satisfied voter.
    pub least_happy: u64,
}

impl Committee {
    /// What `items` are to the voters of the profile, by a rule for committees of `k`.
    ///
    /// # Errors
    /// As [`voter_satisfaction`].
    pub(super) fn of(
        profile: &Profile,
        rule: &Rule,
        k: usize,
        items: &[Item],
    ) -> Result<Self, submodular::Error> {
        let found = voter_satisfaction(profile, rule, k, items)?;
        Ok(Self {
            rule: rule.name().to_owned(),
            separable: rule.separable(),
            mean: found.mean,
            least: found.least,
            quartiles: found.quartiles,
            happiest: found.happiest as u64,
            least_happy: found.least_happy as u64,
        })
    }
}

/// What objective, constraint and optimizer together earn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guarantee {
    /// f(S) is at least this share of the optimum.
    pub factor: Option<f64>,
    /// `always`, `expected` or `probability`; none without a factor.
    pub kind: Option<String>,
    /// The promise in a sentence; none without a factor.
    pub statement: Option<String>,
    /// Why there is none.
    pub reason: Option<String>,
}

impl Guarantee {
    /// Nothing is promised, and why.
    pub fn none(reason: impl Into<String>) -> Self {
        Self { factor: None, kind: None, statement: None, reason: Some(reason.into()) }
    }
}

/// An upper bound on the optimum, measured on this run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// No feasible set has a larger value.
    pub upper_bound: f64,
    /// `objective_value / upper_bound`.
    pub ratio: f64,
    /// `stale_prefixes`, `fresh_sweep` or `proved`.
    pub basis: String,
    /// Whose optimum: `dense`, or `sample` or `graph` where a sample of the rows or a graph of neighbours was optimised.
    pub of: String,
}

/// Wall seconds by phase.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Reading the dataset: attributes and ids, and the vectors, which are packed.
    pub loading: f64,
    /// Computing stored similarities.
    pub similarity: f64,
    /// Searching.
    pub selecting: f64,
}

/// What a job would take, before it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    /// Peak bytes.
    pub memory_bytes: u64,
    /// Gains computed at most.
    pub evaluations: u64,
    /// Rounds of questions at most, where values come from outside and that is known beforehand.
    #[serde(default)]
    pub rounds: Option<u64>,
    /// Floating-point operations of the similarities, about.
    pub flops: f64,
    /// The optimizer that would run.
    pub optimizer: String,
    /// Memory plan.
    pub plan: String,
    /// What would be promised.
    pub guarantee: Guarantee,
    /// Whether limits allow it.
    pub admissible: bool,
    /// Why not, or a warning.
    pub reason: Option<String>,
}
