//! Rules that score committees.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rule, with those parameters that it has.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which.
    #[schema(example = "k_borda")]
    pub rule: RuleName,
    /// Of `bloc`, `chamberlin_courant_approval` and `pav`: positions that a voter approves of; k when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub t: Option<u64>,
    /// Of `geometric` and `geometric_owa`: between 0 and 1; 0.5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub q: Option<f64>,
    /// Of `positional` and `owa`: score of position 1, 2, ..; 0 beyond the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<Vec<f64>>,
    /// Of `owa`: weight of a voter's best member, second best, ..; 0 beyond the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owa: Option<Vec<f64>>,
}

/// What a committee is worth to a voter: the scores of its members' positions, each times the weight of its rank. m: the
/// number of candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleName {
    /// 1 for the first position; sum.
    Sntv,
    /// 1 up to position t; sum.
    Bloc,
    /// m - position; sum.
    KBorda,
    /// q^(position - 1); sum.
    Geometric,
    /// 1 / position; sum.
    Harmonic,
    /// A score for each position; sum.
    Positional,
    /// m - position; the best member alone.
    ChamberlinCourantBorda,
    /// 1 up to position t; the best member alone.
    ChamberlinCourantApproval,
    /// 1 up to position t; weights 1, 1/2, 1/3, ..
    Pav,
    /// m - position; weights 1, 1/2, 1/3, ..
    HarmonicBorda,
    /// m - position; weights 1, q, q^2, ..
    GeometricOwa,
    /// A score for each position and a weight for each rank.
    Owa,
}
