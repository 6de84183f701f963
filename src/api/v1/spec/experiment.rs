//! What experiments on rankings draw, and what is done to it.

use super::committee::Rule;
use super::shapes::Item;
use super::{OnStop, To};
use crate::jobs::spec::{self, defaults};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Rankings before the bias: drawn by a model, or those of a dataset.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "latent rankings are {\"generator\", \"candidates\", ..} or {\"dataset\"}")]
pub enum Latent {
    /// Drawn.
    Generated(GeneratedRankings),
    /// Supplied: each repetition draws some of them without replacement, or takes all.
    Dataset(RankingsDataset),
}

/// A model of rankings, with those parameters that it has.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneratedRankings {
    /// The model.
    pub generator: Generator,
    /// How many candidates are ranked.
    #[schema(minimum = 2, maximum = 1_048_576, example = 50)]
    pub candidates: u64,
    /// Of `mallows`: 0 is agreement, 1 impartial culture; 0.5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub phi: Option<f64>,
    /// Of `urn`: copies that go back, as a multiple of all rankings; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.0)]
    pub replacement: Option<f64>,
    /// Of `utility`: 0 lets every voter have utilities of its own, 1 all the same; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub agreement: Option<f64>,
}

/// A model of rankings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Generator {
    /// Every ranking equally likely.
    ImpartialCulture,
    /// phi^d times as likely at swap distance d from a centre, which is drawn for each repetition.
    Mallows,
    /// Copies of the rankings before, more or less often.
    Urn,
    /// Single-peaked on an axis, which is drawn, and grown from a uniform peak.
    SinglePeakedConitzer,
    /// Sorted by utilities, a common part and one of the voter's own.
    Utility,
}

/// A dataset of rankings.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RankingsDataset {
    /// Its id.
    #[schema(example = "ds_0192f0c1a2b37c4d8e5f6a7b8c9d0e1f")]
    pub dataset: String,
}

/// A model of bias.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bias {
    /// Which.
    pub model: BiasModel,
    /// Of `swapping`: by how much less likely a swap is with each place further apart, above 0 and below 1; 0.5 when
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub phi: Option<f64>,
}

/// What happens to the disadvantaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BiasModel {
    /// They change places with worse candidates of the other group; strength: the share of all such pairs.
    Swapping,
    /// Their utilities are multiplied by the strength, above 0 and at most 1.
    Utility,
    /// Nothing.
    None,
}

/// What is seen of latent rankings: by a model, or those of a dataset, voter by voter.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "what is seen is {\"model\", ..} or {\"dataset\"}")]
pub enum Seen {
    /// By a model.
    Model(Bias),
    /// Supplied.
    Dataset(RankingsDataset),
}

/// Who is disadvantaged.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(
    untagged,
    expecting = "the disadvantaged are {\"share\"}, {\"column\", \"value\"} or {\"candidates\"}"
)]
pub enum Disadvantaged {
    /// Drawn.
    Share(DisadvantagedShare),
    /// By an attribute.
    Column(DisadvantagedColumn),
    /// Listed.
    Candidates(DisadvantagedCandidates),
}

/// A share of the candidates, drawn.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisadvantagedShare {
    /// Between 0 and 1; each group gets at least one candidate.
    #[schema(minimum = 0.0, maximum = 1.0, example = 0.5)]
    pub share: f64,
}

/// The candidates of a value.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisadvantagedColumn {
    /// Attribute of the dataset's candidates.
    pub column: String,
    /// Its value, as text.
    pub value: String,
}

/// These candidates.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisadvantagedCandidates {
    /// By index or name.
    pub candidates: Vec<Item>,
}

impl Default for Disadvantaged {
    fn default() -> Self {
        Self::Share(DisadvantagedShare { share: defaults::disadvantaged() })
    }
}

/// A parameter that only one of several models has.
pub(in crate::api) struct Misplaced {
    /// Where it stands.
    pub(in crate::api) pointer: String,
    /// Whose it is.
    pub(in crate::api) detail: String,
}

fn misplaced(pointer: &str, name: &str, given: bool, of: &str, has: bool) -> Option<Misplaced> {
    (given && !has).then(|| Misplaced {
        pointer: format!("{pointer}/{name}"),
        detail: format!("a parameter of {of} only"),
    })
}

impl Latent {
    /// Parameters that the model does not have.
    pub(in crate::api) fn misplaced(&self) -> Vec<Misplaced> {
        let Self::Generated(of) = self else { return vec![] };
        let known = [
            ("phi", of.phi.is_some(), "mallows", Generator::Mallows),
            ("replacement", of.replacement.is_some(), "urn", Generator::Urn),
            ("agreement", of.agreement.is_some(), "utility", Generator::Utility),
        ];
        let wrong = known.into_iter();
        wrong
            .filter_map(|(n, given, of_, g)| misplaced("/latent", n, given, of_, of.generator == g))
            .collect()
    }
}

impl Bias {
    /// Parameters that the model does not have.
    pub(in crate::api) fn misplaced(&self) -> Option<Misplaced> {
        misplaced("/bias", "phi", self.phi.is_some(), "swapping", self.model == BiasModel::Swapping)
    }
}

impl To<spec::LatentSpec> for Latent {
    fn to(self) -> spec::LatentSpec {
        use spec::GeneratorSpec as Model;

        match self {
            Self::Dataset(RankingsDataset { dataset }) => spec::LatentSpec::Dataset(dataset),
            Self::Generated(GeneratedRankings { generator, candidates, phi, replacement, agreement }) => {
                let generator = match generator {
                    Generator::ImpartialCulture => Model::ImpartialCulture,
                    Generator::Mallows => Model::Mallows(phi.unwrap_or(defaults::phi())),
                    Generator::Urn => Model::Urn(replacement.unwrap_or(defaults::replacement())),
                    Generator::SinglePeakedConitzer => Model::SinglePeakedConitzer,
                    Generator::Utility => Model::Utility(agreement.unwrap_or(defaults::agreement())),
                };
                spec::LatentSpec::Generated { generator, candidates }
            }
        }
    }
}

impl To<Latent> for spec::LatentSpec {
    fn to(self) -> Latent {
        use spec::GeneratorSpec as Model;

        match self {
            Self::Dataset(dataset) => Latent::Dataset(RankingsDataset { dataset }),
            Self::Generated { generator, candidates } => {
                let (generator, phi, replacement, agreement) = match generator {
                    Model::ImpartialCulture => (Generator::ImpartialCulture, None, None, None),
                    Model::Mallows(phi) => (Generator::Mallows, Some(phi), None, None),
                    Model::Urn(replacement) => (Generator::Urn, None, Some(replacement), None),
                    Model::SinglePeakedConitzer => (Generator::SinglePeakedConitzer, None, None, None),
                    Model::Utility(agreement) => (Generator::Utility, None, None, Some(agreement)),
                };
                Latent::Generated(GeneratedRankings { generator, candidates, phi, replacement, agreement })
            }
        }
    }
}

impl To<spec::BiasSpec> for Bias {
    fn to(self) -> spec::BiasSpec {
        match self.model {
            BiasModel::Swapping => spec::BiasSpec::Swapping(self.phi.unwrap_or(defaults::phi())),
            BiasModel::Utility => spec::BiasSpec::Utility,
            BiasModel::None => spec::BiasSpec::None,
        }
    }
}

impl To<Bias> for spec::BiasSpec {
    fn to(self) -> Bias {
        match self {
            Self::Swapping(phi) => Bias { model: BiasModel::Swapping, phi: Some(phi) },
            Self::Utility => Bias { model: BiasModel::Utility, phi: None },
            Self::None => Bias { model: BiasModel::None, phi: None },
        }
    }
}

impl To<spec::SeenSpec> for Seen {
    fn to(self) -> spec::SeenSpec {
        match self {
            Self::Model(bias) => spec::SeenSpec::Model(bias.to()),
            Self::Dataset(RankingsDataset { dataset }) => spec::SeenSpec::Dataset(dataset),
        }
    }
}

impl To<Seen> for spec::SeenSpec {
    fn to(self) -> Seen {
        match self {
            Self::Model(bias) => Seen::Model(bias.to()),
            Self::Dataset(dataset) => Seen::Dataset(RankingsDataset { dataset }),
        }
    }
}

impl To<spec::DisadvantagedSpec> for Disadvantaged {
    fn to(self) -> spec::DisadvantagedSpec {
        match self {
            Self::Share(DisadvantagedShare { share }) => spec::DisadvantagedSpec::Share(share),
            Self::Column(DisadvantagedColumn { column, value }) => {
                spec::DisadvantagedSpec::Column { column, value }
            }
            Self::Candidates(DisadvantagedCandidates { candidates }) => {
                spec::DisadvantagedSpec::Candidates(candidates.to())
            }
        }
    }
}

impl To<Disadvantaged> for spec::DisadvantagedSpec {
    fn to(self) -> Disadvantaged {
        match self {
            Self::Share(share) => Disadvantaged::Share(DisadvantagedShare { share }),
            Self::Column { column, value } => Disadvantaged::Column(DisadvantagedColumn { column, value }),
            Self::Candidates(candidates) => {
                Disadvantaged::Candidates(DisadvantagedCandidates { candidates: candidates.to() })
            }
        }
    }
}

/// A bias study with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BiasStudySpec {
    /// Rankings before the bias.
    pub latent: Latent,
    /// What happens to them.
    pub bias: Bias,
    /// Strengths of the bias.
    pub strengths: Vec<f64>,
    /// Against whom.
    pub disadvantaged: Disadvantaged,
    /// Rules.
    pub rules: Vec<Rule>,
    /// Numbers of rankings.
    pub rankings: Vec<u64>,
    /// Size of the committees.
    pub k: u64,
    /// Least numbers of the disadvantaged.
    pub quotas: Vec<u64>,
    /// How often all of it is drawn.
    pub repetitions: u64,
    /// Seed of every draw.
    pub seed: u64,
    /// Running seconds after which the job stops.
    pub deadline_seconds: Option<f64>,
    /// What a stopped job leaves.
    pub on_stop: OnStop,
}

/// An estimate of smoothness with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SmoothnessSpec {
    /// Rankings before the bias.
    pub latent: Latent,
    /// What is seen of them.
    pub bias: Seen,
    /// Strength of the bias; null where what is seen was given.
    pub strength: Option<f64>,
    /// Against whom.
    pub disadvantaged: Disadvantaged,
    /// Rules.
    pub rules: Vec<Rule>,
    /// Rankings of a repetition; null where what is seen was given.
    pub rankings: Option<u64>,
    /// Size of the committees, for rules that depend on it.
    pub k: Option<u64>,
    /// How often all of it is drawn.
    pub repetitions: u64,
    /// Points of a curve.
    pub betas: u64,
    /// Accepted probability that the rankings needed do not suffice.
    pub delta: f64,
    /// Relative error that they are needed for.
    pub epsilon: f64,
    /// Seed of every draw.
    pub seed: u64,
    /// Running seconds after which the job stops.
    pub deadline_seconds: Option<f64>,
    /// What a stopped job leaves.
    pub on_stop: OnStop,
}

impl From<spec::BiasStudySpec> for BiasStudySpec {
    fn from(stored: spec::BiasStudySpec) -> Self {
        let spec::RunSpec { seed, deadline_seconds, on_stop } = stored.run;
        Self {
            latent: stored.latent.to(),
            bias: stored.bias.to(),
            strengths: stored.strengths,
            disadvantaged: stored.disadvantaged.to(),
            rules: stored.rules.to(),
            rankings: stored.rankings,
            k: stored.k,
            quotas: stored.quotas,
            repetitions: stored.repetitions,
            seed,
            deadline_seconds,
            on_stop: on_stop.to(),
        }
    }
}

impl From<spec::SmoothnessSpec> for SmoothnessSpec {
    fn from(stored: spec::SmoothnessSpec) -> Self {
        let spec::RunSpec { seed, deadline_seconds, on_stop } = stored.run;
        Self {
            latent: stored.latent.to(),
            bias: stored.bias.to(),
            strength: stored.strength,
            disadvantaged: stored.disadvantaged.to(),
            rules: stored.rules.to(),
            rankings: stored.rankings,
            k: stored.k,
            repetitions: stored.repetitions,
            betas: stored.betas,
            delta: stored.delta,
            epsilon: stored.epsilon,
            seed,
            deadline_seconds,
            on_stop: on_stop.to(),
        }
    }
}
