//! The set functions, with their parameters.

use super::committee::RuleName;
use super::defaults;
use super::shapes::{
    CapSpec, ConcaveSpec, DistanceSpec, MetricSpec, NegativeSpec, ReductionSpec, RepresentedSpec, RowsSpec,
    SimilaritySpec, StartSpec, ValuesSpec,
};
use serde::{Deserialize, Serialize};

/// The set function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum ObjectiveSpec {
    /// f(S) = sum over represented rows i of w_i max over j in S of max(0, s_ij).
    FacilityLocation {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// The rows that have to be represented; all rows when absent.
        #[serde(default)]
        represented: Option<RepresentedSpec>,
        /// Weights over the represented rows; 1 when absent.
        #[serde(default)]
        weights: Option<ValuesSpec>,
        /// Sum or mean over the represented rows.
        #[serde(default)]
        reduction: ReductionSpec,
    },
    /// f(S) = sum over all i and j in S of s_ij - lambda * sum over ordered pairs of S of s_ij, the diagonal included.
    GraphCut {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// How much likeness among the chosen counts against them, at least 0.
        #[serde(default = "defaults::lambda")]
        lambda: f64,
    },
    /// f(S) = sum over i of min(sum over j in S of s_ij, cap_i).
    SaturatedCoverage {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// The cap: a share of what all items together give a row, or a number.
        #[serde(default = "defaults::alpha")]
        alpha: f64,
        /// What alpha is.
        #[serde(default)]
        cap: CapSpec,
    },
    /// f(S) = - sum over ordered pairs of S of s_ij, the diagonal included.
    SumRedundancy {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
    },
    /// f(S) = sum over features u of w_u g(sum over j in S of x_ju), x the vectors, at least 0.
    FeatureBased {
        /// The concave function.
        #[serde(default)]
        concave: ConcaveSpec,
        /// Weights of at least 0, one a column of the vectors; 1 when absent.
        #[serde(default)]
        weights: Option<Vec<f64>>,
        /// What is done with negative coordinates.
        #[serde(default)]
        negative: NegativeSpec,
    },
    /// f(S) = sum of w_u over the concepts u that some item of S has.
    SetCover {
        /// An item has the concept of a coordinate above this.
        #[serde(default)]
        threshold: f64,
        /// Weights of at least 0, one a column of the vectors; 1 when absent.
        #[serde(default)]
        weights: Option<Vec<f64>>,
        /// Which concepts count, one entry a column; all when absent.
        #[serde(default)]
        query: Option<Vec<bool>>,
        /// Which concepts are covered already, one entry a column; none when absent.
        #[serde(default)]
        private: Option<Vec<bool>>,
    },
    /// f(S) = sum over concepts u of w_u (1 - product over j in S of (1 - x_ju)), x the vectors, from 0 to 1.
    ProbabilisticSetCover {
        /// Weights of at least 0, one a column of the vectors; 1 when absent.
        #[serde(default)]
        weights: Option<Vec<f64>>,
        /// Which concepts count, one entry a column; all when absent.
        #[serde(default)]
        query: Option<Vec<bool>>,
        /// Which concepts are covered already, one entry a column; none when absent.
        #[serde(default)]
        private: Option<Vec<bool>>,
    },
    /// f(S) = ln det(K + ridge I) over S, K the kernel.
    LogDet {
        /// How rows and items compare; `cosine_signed` when absent.
        #[serde(default = "defaults::kernel")]
        similarity: SimilaritySpec,
        /// What is added to the kernel's diagonal, at least 0.
        #[serde(default = "defaults::ridge")]
        ridge: f64,
    },
    /// f(S) = sum over pairs of S of d_ij.
    DisparitySum {
        /// How far two rows are apart.
        #[serde(default)]
        distance: DistanceSpec,
        /// Where the search begins when nothing is included.
        #[serde(default)]
        start: StartSpec,
    },
    /// f(S) = min over pairs of S of d_ij; 0 for fewer than two items.
    DisparityMin {
        /// How far two rows are apart.
        #[serde(default)]
        distance: DistanceSpec,
        /// Where the search begins when nothing is included.
        #[serde(default)]
        start: StartSpec,
    },
    /// f(S) = sum of the scores of S.
    Modular {
        /// One number a row.
        scores: ValuesSpec,
    },
    /// f(S) = sum over voters v of weight_v sum over j of w_j g_(j), g the scores of the positions that v gives S, sorted.
    Committee {
        /// Which rule.
        rule: RuleName,
        /// Positions that a voter approves of; k when absent.
        #[serde(default)]
        t: Option<u64>,
        /// Of the geometric rules; 0.5 when absent.
        #[serde(default)]
        q: Option<f64>,
        /// Score of position 1, 2, ..
        #[serde(default)]
        positions: Option<Vec<f64>>,
        /// Weight of a voter's best member, second best, ..
        #[serde(default)]
        owa: Option<Vec<f64>>,
    },
    /// f(S) is what the owner of the job answers.
    External {
        /// Items to choose from, where there is no dataset.
        #[serde(default)]
        n: Option<u64>,
        /// What the owner vouches for.
        #[serde(default)]
        properties: VouchedSpec,
        /// Sets of one round of questions.
        #[serde(default = "defaults::max_sets_per_round")]
        max_sets_per_round: u64,
        /// Seconds that a round waits for its answers.
        #[serde(default = "defaults::idle_expires_seconds")]
        idle_expires_seconds: f64,
    },
    /// f(S) = sum over parts l of c_l f_l(S).
    Mixture {
        /// The functions and their weights, at most 16.
        parts: Vec<PartSpec>,
        /// Divide each part by its value of all items.
        #[serde(default)]
        normalize: bool,
    },
    /// f(S) = sum over q of max over j in S of s_qj + eta * sum over j in S of max over q of s_jq.
    FacilityLocationMi {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// What the chosen items shall be like.
        query: RowsSpec,
        /// How much the query counts: it scales the similarities to its rows, at least 0.
        #[serde(default = "defaults::eta")]
        eta: f64,
    },
    /// f(S) = sum over i of min(max over j in S of s_ij, eta * max over q of s_iq).
    FacilityLocationVmi {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// What the chosen items shall be like.
        query: RowsSpec,
        /// How much the query counts: it scales the similarities to its rows, at least 0.
        #[serde(default = "defaults::eta")]
        eta: f64,
    },
    /// f(S) = sum over i of max(0, max over j in S of s_ij - nu * max over p of s_ip).
    FacilityLocationCg {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// What is had already, and shall not be covered again.
        private: RowsSpec,
        /// How much the private rows count: it scales the similarities to them, at least 0.
        #[serde(default = "defaults::nu")]
        nu: f64,
    },
    /// f(S) = sum over i of max(0, min(max over j in S of s_ij, eta * max over q of s_iq) - nu * max over p of s_ip).
    FacilityLocationCmi {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// What the chosen items shall be like.
        query: RowsSpec,
        /// What is had already, and shall not be covered again.
        private: RowsSpec,
        /// How much the query counts: it scales the similarities to its rows, at least 0.
        #[serde(default = "defaults::eta")]
        eta: f64,
        /// How much the private rows count: it scales the similarities to them, at least 0.
        #[serde(default = "defaults::nu")]
        nu: f64,
    },
    /// f(S) = 2 lambda * sum over j in S and q of s_jq.
    GraphCutMi {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// What the chosen items shall be like.
        query: RowsSpec,
        /// How much likeness among the chosen counts against them, at least 0.
        #[serde(default = "defaults::lambda")]
        lambda: f64,
    },
    /// f(S) = the graph cut - 2 lambda nu * sum over j in S and p of s_jp.
    GraphCutCg {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// What is had already, and shall not be covered again.
        private: RowsSpec,
        /// How much likeness among the chosen counts against them, at least 0.
        #[serde(default = "defaults::lambda")]
        lambda: f64,
        /// How much the private rows count: it scales the similarities to them, at least 0.
        #[serde(default = "defaults::nu")]
        nu: f64,
    },
    /// f(S) = eta * sum over j in S of g(sum over q of s_jq) + sum over q of g(sum over j in S of s_jq).
    ConcaveOverModular {
        /// How rows and items compare.
        #[serde(default)]
        similarity: SimilaritySpec,
        /// What the chosen items shall be like.
        query: RowsSpec,
        /// How much the query counts: it scales the similarities to its rows, at least 0.
        #[serde(default = "defaults::eta")]
        eta: f64,
        /// The concave function.
        #[serde(default)]
        concave: ConcaveSpec,
    },
    /// f(S) = ln det(K_SS + ridge I) - ln det(K_SS + ridge I - eta^2 K_SQ (K_QQ + ridge I)^-1 K_QS).
    LogDetMi {
        /// How rows and items compare; `cosine_signed` when absent.
        #[serde(default = "defaults::kernel")]
        similarity: SimilaritySpec,
        /// What the chosen items shall be like.
        query: RowsSpec,
        /// How much the query counts: it scales the similarities to its rows, at least 0.
        #[serde(default = "defaults::eta")]
        eta: f64,
        /// What is added to the kernel's diagonal, at least 0.
        #[serde(default = "defaults::ridge")]
        ridge: f64,
    },
    /// f(S) = ln det(K_SS + ridge I - nu^2 K_SP (K_PP + ridge I)^-1 K_PS).
    LogDetCg {
        /// How rows and items compare; `cosine_signed` when absent.
        #[serde(default = "defaults::kernel")]
        similarity: SimilaritySpec,
        /// What is had already, and shall not be covered again.
        private: RowsSpec,
        /// How much the private rows count: it scales the similarities to them, at least 0.
        #[serde(default = "defaults::nu")]
        nu: f64,
        /// What is added to the kernel's diagonal, at least 0.
        #[serde(default = "defaults::ridge")]
        ridge: f64,
    },
    /// f(S) = ln det of the kernel given the private rows less that given both.
    LogDetCmi {
        /// How rows and items compare; `cosine_signed` when absent.
        #[serde(default = "defaults::kernel")]
        similarity: SimilaritySpec,
        /// What the chosen items shall be like.
        query: RowsSpec,
        /// What is had already, and shall not be covered again.
        private: RowsSpec,
        /// How much the query counts: it scales the similarities to its rows, at least 0.
        #[serde(default = "defaults::eta")]
        eta: f64,
        /// How much the private rows count: it scales the similarities to them, at least 0.
        #[serde(default = "defaults::nu")]
        nu: f64,
        /// What is added to the kernel's diagonal, at least 0.
        #[serde(default = "defaults::ridge")]
        ridge: f64,
    },
}

/// What the owner of a function knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VouchedSpec {
    /// Adding an item never lowers the value.
    #[serde(default)]
    pub monotone: bool,
    /// Gains never rise as the set grows.
    #[serde(default)]
    pub submodular: bool,
    /// No value is negative.
    #[serde(default)]
    pub nonnegative: bool,
}

/// A part of a mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartSpec {
    /// Its weight.
    pub weight: f64,
    /// The set function.
    pub objective: ObjectiveSpec,
}

impl ObjectiveSpec {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            ObjectiveSpec::FacilityLocation { .. } => "facility_location",
            ObjectiveSpec::GraphCut { .. } => "graph_cut",
            ObjectiveSpec::SaturatedCoverage { .. } => "saturated_coverage",
            ObjectiveSpec::SumRedundancy { .. } => "sum_redundancy",
            ObjectiveSpec::FeatureBased { .. } => "feature_based",
            ObjectiveSpec::SetCover { .. } => "set_cover",
            ObjectiveSpec::ProbabilisticSetCover { .. } => "probabilistic_set_cover",
            ObjectiveSpec::LogDet { .. } => "log_det",
            ObjectiveSpec::DisparitySum { .. } => "disparity_sum",
            ObjectiveSpec::DisparityMin { .. } => "disparity_min",
            ObjectiveSpec::Modular { .. } => "modular",
            ObjectiveSpec::Committee { .. } => "committee",
            ObjectiveSpec::External { .. } => "external",
            ObjectiveSpec::Mixture { .. } => "mixture",
            ObjectiveSpec::FacilityLocationMi { .. } => "facility_location_mi",
            ObjectiveSpec::FacilityLocationVmi { .. } => "facility_location_vmi",
            ObjectiveSpec::FacilityLocationCg { .. } => "facility_location_cg",
            ObjectiveSpec::FacilityLocationCmi { .. } => "facility_location_cmi",
            ObjectiveSpec::GraphCutMi { .. } => "graph_cut_mi",
            ObjectiveSpec::GraphCutCg { .. } => "graph_cut_cg",
            ObjectiveSpec::ConcaveOverModular { .. } => "concave_over_modular",
            ObjectiveSpec::LogDetMi { .. } => "log_det_mi",
            ObjectiveSpec::LogDetCg { .. } => "log_det_cg",
            ObjectiveSpec::LogDetCmi { .. } => "log_det_cmi",
        }
    }
}

impl ObjectiveSpec {
    /// Fills the defaults that depend on the data: the width of rbf is 1 / dim.
    pub fn fill(&mut self, dim: usize) {
        if let Self::Mixture { parts, .. } = self {
            parts.iter_mut().for_each(|part| part.objective.fill(dim));
        }
        if let Some(similarity) = self.similarity_mut()
            && similarity.metric == MetricSpec::Rbf
            && similarity.gamma.is_none()
        {
            similarity.gamma = Some(1.0 / dim as f64);
        }
    }

    /// Fills what a committee of k says: how many positions a voter approves of, in rules where voters do. A function that
    /// is looked up for k items does that by itself, and knows that it would be another one for fewer.
    pub fn fill_committee(&mut self, k: u64) {
        let approving = [RuleName::Bloc, RuleName::ChamberlinCourantApproval, RuleName::Pav];
        if let Self::Mixture { parts, .. } = self {
            parts.iter_mut().for_each(|part| part.objective.fill_committee(k));
        }
        if let Self::Committee { rule, t: t @ None, .. } = self
            && approving.contains(rule)
        {
            *t = Some(k);
        }
    }

    /// How it compares rows, where it does.
    pub fn similarity_mut(&mut self) -> Option<&mut SimilaritySpec> {
        match self {
            Self::FacilityLocation { similarity, .. }
            | Self::GraphCut { similarity, .. }
            | Self::SaturatedCoverage { similarity, .. }
            | Self::SumRedundancy { similarity, .. }
            | Self::LogDet { similarity, .. }
            | Self::FacilityLocationMi { similarity, .. }
            | Self::FacilityLocationVmi { similarity, .. }
            | Self::FacilityLocationCg { similarity, .. }
            | Self::FacilityLocationCmi { similarity, .. }
            | Self::GraphCutMi { similarity, .. }
            | Self::GraphCutCg { similarity, .. }
            | Self::ConcaveOverModular { similarity, .. }
            | Self::LogDetMi { similarity, .. }
            | Self::LogDetCg { similarity, .. }
            | Self::LogDetCmi { similarity, .. } => Some(similarity),
            Self::FeatureBased { .. }
            | Self::SetCover { .. }
            | Self::ProbabilisticSetCover { .. }
            | Self::DisparitySum { .. }
            | Self::DisparityMin { .. }
            | Self::Modular { .. }
            | Self::Committee { .. }
            | Self::External { .. }
            | Self::Mixture { .. } => None,
        }
    }

    /// Ids of the datasets it names beside the one that is selected from.
    pub fn datasets(&self) -> Vec<&str> {
        fn of(rows: &RowsSpec) -> Option<&str> {
            if let RowsSpec::Dataset(id) = rows { Some(id) } else { None }
        }
        match self {
            Self::FacilityLocation { represented: Some(RepresentedSpec::Dataset(id)), .. } => vec![id],
            Self::FacilityLocationMi { query, .. }
            | Self::FacilityLocationVmi { query, .. }
            | Self::GraphCutMi { query, .. }
            | Self::ConcaveOverModular { query, .. }
            | Self::LogDetMi { query, .. } => of(query).into_iter().collect(),
            Self::FacilityLocationCg { private, .. }
            | Self::GraphCutCg { private, .. }
            | Self::LogDetCg { private, .. } => of(private).into_iter().collect(),
            Self::FacilityLocationCmi { query, private, .. } | Self::LogDetCmi { query, private, .. } => {
                of(query).into_iter().chain(of(private)).collect()
            }
            Self::Mixture { parts, .. } => parts.iter().flat_map(|part| part.objective.datasets()).collect(),
            Self::FacilityLocation { .. }
            | Self::GraphCut { .. }
            | Self::SaturatedCoverage { .. }
            | Self::SumRedundancy { .. }
            | Self::FeatureBased { .. }
            | Self::SetCover { .. }
            | Self::ProbabilisticSetCover { .. }
            | Self::LogDet { .. }
            | Self::DisparitySum { .. }
            | Self::DisparityMin { .. }
            | Self::Modular { .. }
            | Self::Committee { .. }
            | Self::External { .. } => vec![],
        }
    }

    /// Most sets of a round of questions, where its values come from outside.
    pub fn round_size(&self) -> Option<usize> {
        let Self::External { max_sets_per_round, .. } = self else { return None };
        Some(usize::try_from(*max_sets_per_round).unwrap_or(usize::MAX))
    }

    /// Whether the search is to begin with the farthest pair.
    pub fn starts_with_a_pair(&self) -> bool {
        matches!(
            self,
            Self::DisparitySum { start: StartSpec::FarthestPair, .. }
                | Self::DisparityMin { start: StartSpec::FarthestPair, .. }
        )
    }
}
