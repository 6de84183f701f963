//! The set functions by name, with their parameters.

use super::committee::RuleName;
use super::shapes::{
    Cap, Concave, Distance, Negative, Reduction, Represented, Rows, Similarity, Start, Values,
};
use super::stored::To;
use crate::api::codes::Code;
use crate::api::json::from_value;
use crate::api::problem::Problem;
use crate::jobs::spec::defaults;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use utoipa::ToSchema;

name!(FacilityLocationName FacilityLocation "facility_location");
name!(GraphCutName GraphCut "graph_cut");
name!(SaturatedCoverageName SaturatedCoverage "saturated_coverage");
name!(SumRedundancyName SumRedundancy "sum_redundancy");
name!(FeatureBasedName FeatureBased "feature_based");
name!(SetCoverName SetCover "set_cover");
name!(ProbabilisticSetCoverName ProbabilisticSetCover "probabilistic_set_cover");
name!(LogDetName LogDet "log_det");
name!(DisparitySumName DisparitySum "disparity_sum");
name!(DisparityMinName DisparityMin "disparity_min");
name!(ModularName Modular "modular");
name!(CommitteeName Committee "committee");
name!(ExternalName External "external");
name!(MixtureName Mixture "mixture");
name!(FacilityLocationMiName FacilityLocationMi "facility_location_mi");
name!(FacilityLocationVmiName FacilityLocationVmi "facility_location_vmi");
name!(FacilityLocationCgName FacilityLocationCg "facility_location_cg");
name!(FacilityLocationCmiName FacilityLocationCmi "facility_location_cmi");
name!(GraphCutMiName GraphCutMi "graph_cut_mi");
name!(GraphCutCgName GraphCutCg "graph_cut_cg");
name!(ConcaveOverModularName ConcaveOverModular "concave_over_modular");
name!(LogDetMiName LogDetMi "log_det_mi");
name!(LogDetCgName LogDetCg "log_det_cg");
name!(LogDetCmiName LogDetCmi "log_det_cmi");

told_by_name! {
    /// The set function to maximise.
    Objective {
        /// How well the chosen items represent all rows.
        "facility_location" => FacilityLocation,
        /// How alike the chosen items are to all rows, less how alike they are to each other.
        "graph_cut" => GraphCut,
        /// Coverage of all rows, each up to a cap.
        "saturated_coverage" => SaturatedCoverage,
        /// How little the chosen items are alike.
        "sum_redundancy" => SumRedundancy,
        /// Coverage of features with diminishing returns.
        "feature_based" => FeatureBased,
        /// How much weight of concepts the chosen items have.
        "set_cover" => SetCover,
        /// How much weight of concepts is expected to be covered.
        "probabilistic_set_cover" => ProbabilisticSetCover,
        /// The volume that the chosen items span.
        "log_det" => LogDet,
        /// The sum of the distances of the chosen items.
        "disparity_sum" => DisparitySum,
        /// The smallest distance of two chosen items.
        "disparity_min" => DisparityMin,
        /// A number an item.
        "modular" => Modular,
        /// How good a committee of candidates is to the voters of a profile of rankings.
        "committee" => Committee,
        /// Whatever the caller answers: the job asks for the values of sets, round by round.
        "external" => External,
        /// A weighted sum of set functions.
        "mixture" => Mixture,
        /// How well the chosen items represent a query, and are like it (FLQMI).
        "facility_location_mi" => FacilityLocationMi,
        /// How well the chosen items represent the rows that are like a query (FLVMI).
        "facility_location_vmi" => FacilityLocationVmi,
        /// How well the chosen items represent what private rows do not.
        "facility_location_cg" => FacilityLocationCg,
        /// How well the chosen items represent what is like a query and what private rows do not.
        "facility_location_cmi" => FacilityLocationCmi,
        /// How alike the chosen items are to a query: pure retrieval.
        "graph_cut_mi" => GraphCutMi,
        /// A graph cut that keeps away from private rows.
        "graph_cut_cg" => GraphCutCg,
        /// How alike the chosen items are to a query, with diminishing returns.
        "concave_over_modular" => ConcaveOverModular,
        /// The volume that the chosen items share with a query.
        "log_det_mi" => LogDetMi,
        /// The volume that the chosen items span beyond private rows.
        "log_det_cg" => LogDetCg,
        /// The volume that the chosen items share with a query beyond private rows.
        "log_det_cmi" => LogDetCmi,
    }
}

/// f(S) = sum over represented rows i of w_i max over j in S of max(0, s_ij).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FacilityLocation {
    /// The objective's name.
    pub name: FacilityLocationName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// The rows that have to be represented; all rows when absent.
    #[serde(default)]
    pub represented: Option<Represented>,
    /// Weights over the represented rows; 1 when absent.
    #[serde(default)]
    pub weights: Option<Values>,
    /// Sum or mean over the represented rows.
    #[serde(default)]
    pub reduction: Reduction,
}

/// f(S) = sum over all i and j in S of s_ij - lambda * sum over ordered pairs of S of s_ij, the diagonal included.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphCut {
    /// The objective's name.
    pub name: GraphCutName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// How much likeness among the chosen counts against them, at least 0.
    #[serde(default = "defaults::lambda")]
    #[schema(default = 0.4, minimum = 0.0)]
    pub lambda: f64,
}

/// f(S) = sum over i of min(sum over j in S of s_ij, cap_i).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaturatedCoverage {
    /// The objective's name.
    pub name: SaturatedCoverageName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// The cap: a share of what all items together give a row, or a number.
    #[serde(default = "defaults::alpha")]
    #[schema(default = 0.1, minimum = 0.0)]
    pub alpha: f64,
    /// What alpha is.
    #[serde(default)]
    pub cap: Cap,
}

/// f(S) = - sum over ordered pairs of S of s_ij, the diagonal included.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SumRedundancy {
    /// The objective's name.
    pub name: SumRedundancyName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
}

/// f(S) = sum over features u of w_u g(sum over j in S of x_ju), x the vectors, at least 0.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeatureBased {
    /// The objective's name.
    pub name: FeatureBasedName,
    /// The concave function.
    #[serde(default)]
    pub concave: Concave,
    /// Weights of at least 0, one a column of the vectors; 1 when absent.
    #[serde(default)]
    pub weights: Option<Vec<f64>>,
    /// What is done with negative coordinates.
    #[serde(default)]
    pub negative: Negative,
}

/// f(S) = sum of w_u over the concepts u that some item of S has.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetCover {
    /// The objective's name.
    pub name: SetCoverName,
    /// An item has the concept of a coordinate above this.
    #[serde(default)]
    #[schema(default = 0.0)]
    pub threshold: f64,
    /// Weights of at least 0, one a column of the vectors; 1 when absent.
    #[serde(default)]
    pub weights: Option<Vec<f64>>,
    /// Which concepts count, one entry a column; all when absent.
    #[serde(default)]
    pub query: Option<Vec<bool>>,
    /// Which concepts are covered already, one entry a column; none when absent.
    #[serde(default)]
    pub private: Option<Vec<bool>>,
}

/// f(S) = sum over concepts u of w_u (1 - product over j in S of (1 - x_ju)), x the vectors, from 0 to 1.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbabilisticSetCover {
    /// The objective's name.
    pub name: ProbabilisticSetCoverName,
    /// Weights of at least 0, one a column of the vectors; 1 when absent.
    #[serde(default)]
    pub weights: Option<Vec<f64>>,
    /// Which concepts count, one entry a column; all when absent.
    #[serde(default)]
    pub query: Option<Vec<bool>>,
    /// Which concepts are covered already, one entry a column; none when absent.
    #[serde(default)]
    pub private: Option<Vec<bool>>,
}

/// f(S) = ln det(K + ridge I) over S, K the kernel.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogDet {
    /// The objective's name.
    pub name: LogDetName,
    /// How rows and items compare; `cosine_signed` when absent.
    #[serde(default = "kernel")]
    pub similarity: Similarity,
    /// What is added to the kernel's diagonal, at least 0.
    #[serde(default = "defaults::ridge")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub ridge: f64,
}

/// f(S) = sum over pairs of S of d_ij.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisparitySum {
    /// The objective's name.
    pub name: DisparitySumName,
    /// How far two rows are apart.
    #[serde(default)]
    pub distance: Distance,
    /// Where the search begins when nothing is included.
    #[serde(default)]
    pub start: Start,
}

/// f(S) = min over pairs of S of d_ij; 0 for fewer than two items.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisparityMin {
    /// The objective's name.
    pub name: DisparityMinName,
    /// How far two rows are apart.
    #[serde(default)]
    pub distance: Distance,
    /// Where the search begins when nothing is included.
    #[serde(default)]
    pub start: Start,
}

/// f(S) = sum of the scores of S.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Modular {
    /// The objective's name.
    pub name: ModularName,
    /// One number a row.
    pub scores: Values,
}

/// f(S) = sum over voters v of weight_v sum over j of w_j g_(j), where g_(1) >= g_(2) >= .. are the scores of the positions that
/// v gives the members of S. Items are the candidates of a dataset of rankings.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Committee {
    /// The objective's name.
    pub name: CommitteeName,
    /// What a committee is worth to a voter.
    pub rule: RuleName,
    /// Of `bloc`, `chamberlin_courant_approval` and `pav`: positions that a voter approves of; k when absent.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub t: Option<u64>,
    /// Of `geometric` and `geometric_owa`: between 0 and 1; 0.5 when absent.
    #[serde(default)]
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub q: Option<f64>,
    /// Of `positional` and `owa`: score of position 1, 2, ..; 0 beyond the last.
    #[serde(default)]
    pub positions: Option<Vec<f64>>,
    /// Of `owa`: weight of a voter's best member, second best, ..; 0 beyond the last.
    #[serde(default)]
    pub owa: Option<Vec<f64>>,
}

/// f(S) is what the caller answers to `GET /v1/jobs/{id}/questions`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// The objective's name.
    pub name: ExternalName,
    /// Items to choose from, where there is no dataset: they are 0 to n - 1.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 4_294_967_295_u64)]
    pub n: Option<u64>,
    /// What the caller vouches for; searches and guarantees rely on it.
    #[serde(default)]
    pub properties: Vouched,
    /// Most sets of one round of questions.
    #[serde(default = "defaults::max_sets_per_round")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub max_sets_per_round: u64,
    /// Seconds that a round waits for its answers before the job is stopped; what it has chosen is kept.
    #[serde(default = "defaults::idle_expires_seconds")]
    #[schema(exclusive_minimum = 0.0)]
    pub idle_expires_seconds: f64,
}

/// What the caller knows of a function of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Vouched {
    /// Adding an item never lowers the value.
    #[serde(default)]
    pub monotone: bool,
    /// Gains never rise as the set grows. A lazy search trusts it.
    #[serde(default)]
    pub submodular: bool,
    /// No value is negative.
    #[serde(default)]
    pub nonnegative: bool,
}

/// f(S) = sum over parts l of c_l f_l(S).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mixture {
    /// The objective's name.
    pub name: MixtureName,
    /// The functions and their weights, at most 16.
    #[schema(min_items = 1, max_items = 16)]
    pub parts: Vec<Part>,
    /// Divide each part by its value of all items.
    #[serde(default)]
    pub normalize: bool,
}

/// f(S) = sum over q of max over j in S of s_qj + eta * sum over j in S of max over q of s_jq.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FacilityLocationMi {
    /// The objective's name.
    pub name: FacilityLocationMiName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// What the chosen items shall be like.
    pub query: Rows,
    /// How much the query counts: it scales the similarities to its rows, at least 0.
    #[serde(default = "defaults::eta")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub eta: f64,
}

/// f(S) = sum over i of min(max over j in S of s_ij, eta * max over q of s_iq).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FacilityLocationVmi {
    /// The objective's name.
    pub name: FacilityLocationVmiName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// What the chosen items shall be like.
    pub query: Rows,
    /// How much the query counts: it scales the similarities to its rows, at least 0.
    #[serde(default = "defaults::eta")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub eta: f64,
}

/// f(S) = sum over i of max(0, max over j in S of s_ij - nu * max over p of s_ip).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FacilityLocationCg {
    /// The objective's name.
    pub name: FacilityLocationCgName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// What is had already, and shall not be covered again.
    pub private: Rows,
    /// How much the private rows count: it scales the similarities to them, at least 0.
    #[serde(default = "defaults::nu")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub nu: f64,
}

/// f(S) = sum over i of max(0, min(max over j in S of s_ij, eta * max over q of s_iq) - nu * max over p of s_ip).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FacilityLocationCmi {
    /// The objective's name.
    pub name: FacilityLocationCmiName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// What the chosen items shall be like.
    pub query: Rows,
    /// What is had already, and shall not be covered again.
    pub private: Rows,
    /// How much the query counts: it scales the similarities to its rows, at least 0.
    #[serde(default = "defaults::eta")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub eta: f64,
    /// How much the private rows count: it scales the similarities to them, at least 0.
    #[serde(default = "defaults::nu")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub nu: f64,
}

/// f(S) = 2 lambda * sum over j in S and q of s_jq.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphCutMi {
    /// The objective's name.
    pub name: GraphCutMiName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// What the chosen items shall be like.
    pub query: Rows,
    /// How much likeness among the chosen counts against them, at least 0.
    #[serde(default = "defaults::lambda")]
    #[schema(default = 0.4, minimum = 0.0)]
    pub lambda: f64,
}

/// f(S) = the graph cut - 2 lambda nu * sum over j in S and p of s_jp.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphCutCg {
    /// The objective's name.
    pub name: GraphCutCgName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// What is had already, and shall not be covered again.
    pub private: Rows,
    /// How much likeness among the chosen counts against them, at least 0.
    #[serde(default = "defaults::lambda")]
    #[schema(default = 0.4, minimum = 0.0)]
    pub lambda: f64,
    /// How much the private rows count: it scales the similarities to them, at least 0.
    #[serde(default = "defaults::nu")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub nu: f64,
}

/// f(S) = eta * sum over j in S of g(sum over q of s_jq) + sum over q of g(sum over j in S of s_jq).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcaveOverModular {
    /// The objective's name.
    pub name: ConcaveOverModularName,
    /// How rows and items compare.
    #[serde(default)]
    pub similarity: Similarity,
    /// What the chosen items shall be like.
    pub query: Rows,
    /// How much the query counts: it scales the similarities to its rows, at least 0.
    #[serde(default = "defaults::eta")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub eta: f64,
    /// The concave function.
    #[serde(default)]
    pub concave: Concave,
}

/// f(S) = ln det(K_SS + ridge I) - ln det(K_SS + ridge I - eta^2 K_SQ (K_QQ + ridge I)^-1 K_QS).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogDetMi {
    /// The objective's name.
    pub name: LogDetMiName,
    /// How rows and items compare; `cosine_signed` when absent.
    #[serde(default = "kernel")]
    pub similarity: Similarity,
    /// What the chosen items shall be like.
    pub query: Rows,
    /// How much the query counts: it scales the similarities to its rows, at least 0.
    #[serde(default = "defaults::eta")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub eta: f64,
    /// What is added to the kernel's diagonal, at least 0.
    #[serde(default = "defaults::ridge")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub ridge: f64,
}

/// f(S) = ln det(K_SS + ridge I - nu^2 K_SP (K_PP + ridge I)^-1 K_PS).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogDetCg {
    /// The objective's name.
    pub name: LogDetCgName,
    /// How rows and items compare; `cosine_signed` when absent.
    #[serde(default = "kernel")]
    pub similarity: Similarity,
    /// What is had already, and shall not be covered again.
    pub private: Rows,
    /// How much the private rows count: it scales the similarities to them, at least 0.
    #[serde(default = "defaults::nu")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub nu: f64,
    /// What is added to the kernel's diagonal, at least 0.
    #[serde(default = "defaults::ridge")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub ridge: f64,
}

/// f(S) = ln det of the kernel given the private rows less that given both.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogDetCmi {
    /// The objective's name.
    pub name: LogDetCmiName,
    /// How rows and items compare; `cosine_signed` when absent.
    #[serde(default = "kernel")]
    pub similarity: Similarity,
    /// What the chosen items shall be like.
    pub query: Rows,
    /// What is had already, and shall not be covered again.
    pub private: Rows,
    /// How much the query counts: it scales the similarities to its rows, at least 0.
    #[serde(default = "defaults::eta")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub eta: f64,
    /// How much the private rows count: it scales the similarities to them, at least 0.
    #[serde(default = "defaults::nu")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub nu: f64,
    /// What is added to the kernel's diagonal, at least 0.
    #[serde(default = "defaults::ridge")]
    #[schema(default = 1.0, minimum = 0.0)]
    pub ridge: f64,
}

/// A part of a mixture.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its weight, at least 0.
    #[schema(minimum = 0.0)]
    pub weight: f64,
    /// The set function.
    #[schema(no_recursion)]
    pub objective: Objective,
}

/// What a kernel's similarity is when it is left out.
fn kernel() -> Similarity {
    defaults::kernel().to()
}
