//! Experiments on rankings: the bias study and the smoothness of rules.

use super::OnStop;
use super::committee::RuleSpec;
use super::shapes::ItemRef;
use serde::{Deserialize, Serialize};

/// How good are committees that are chosen from biased rankings, with and without quotas?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BiasStudySpec {
    /// Rankings before the bias.
    pub latent: LatentSpec,
    /// What happens to them.
    pub bias: BiasSpec,
    /// Strengths of the bias.
    pub strengths: Vec<f64>,
    /// Against whom.
    pub disadvantaged: DisadvantagedSpec,
    /// Rules.
    pub rules: Vec<RuleSpec>,
    /// Numbers of rankings.
    pub rankings: Vec<u64>,
    /// Size of the committees.
    pub k: u64,
    /// Levels of "at least so many of the disadvantaged".
    pub quotas: Vec<u64>,
    /// How often all of it is drawn.
    pub repetitions: u64,
    /// What it has in common with every experiment.
    #[serde(flatten)]
    pub run: RunSpec,
}

/// What do biased rankings still tell of the candidates, by each rule?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SmoothnessSpec {
    /// Rankings before the bias.
    pub latent: LatentSpec,
    /// What happens to them, or what has.
    pub bias: SeenSpec,
    /// Strength of the bias; nothing where its result is given.
    pub strength: Option<f64>,
    /// Against whom: the two groups.
    pub disadvantaged: DisadvantagedSpec,
    /// Rules.
    pub rules: Vec<RuleSpec>,
    /// Rankings of a repetition; of given pairs as many as there are to each.
    pub rankings: Option<u64>,
    /// Size of the committees, for rules that depend on it.
    pub k: Option<u64>,
    /// How often all of it is drawn, or batches that the voters of given pairs are cut into.
    pub repetitions: u64,
    /// Points of a curve.
    pub betas: u64,
    /// Accepted probability that the rankings needed do not suffice.
    pub delta: f64,
    /// Relative error that they are needed for.
    pub epsilon: f64,
    /// What it has in common with every experiment.
    #[serde(flatten)]
    pub run: RunSpec,
}

/// How an experiment runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Seed of every draw.
    pub seed: u64,
    /// Running seconds after which it stops.
    pub deadline_seconds: Option<f64>,
    /// What a stopped one leaves.
    pub on_stop: OnStop,
}

/// Rankings before the bias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatentSpec {
    /// Drawn from a model.
    Generated {
        /// The model.
        generator: GeneratorSpec,
        /// How many candidates.
        candidates: u64,
    },
    /// Those of a dataset.
    Dataset(String),
}

/// A model of rankings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeneratorSpec {
    /// Every ranking equally likely.
    ImpartialCulture,
    /// Likely by its distance from a centre.
    Mallows(f64),
    /// Copies of those before, more or less often.
    Urn(f64),
    /// Single-peaked on an axis.
    SinglePeakedConitzer,
    /// Sorted by utilities that agree more or less.
    Utility(f64),
}

/// A model of bias.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BiasSpec {
    /// The disadvantaged are swapped down; by how much less likely far swaps are.
    Swapping(f64),
    /// Their utilities are scaled down.
    Utility,
    /// Nothing happens.
    None,
}

/// What is seen of the latent rankings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenSpec {
    /// By a model.
    Model(BiasSpec),
    /// Those of a dataset, voter by voter.
    Dataset(String),
}

/// Who is disadvantaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisadvantagedSpec {
    /// A share of the candidates, drawn.
    Share(f64),
    /// Those with this value in an attribute column.
    Column {
        /// The column.
        column: String,
        /// The value, as text.
        value: String,
    },
    /// These.
    Candidates(Vec<ItemRef>),
}

impl LatentSpec {
    /// The dataset, where it is one.
    pub fn dataset(&self) -> Option<&str> {
        if let Self::Dataset(id) = self { Some(id) } else { None }
    }
}

impl SmoothnessSpec {
    /// The datasets that it reads: the latent rankings' first.
    pub fn datasets(&self) -> impl Iterator<Item = &str> {
        let seen = if let SeenSpec::Dataset(id) = &self.bias { Some(&**id) } else { None };
        self.latent.dataset().into_iter().chain(seen)
    }
}
