//! Rules that score committees, with their parameters.

use serde::{Deserialize, Serialize};

/// A rule by name. Parameters that it does not have are refused when it is looked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Which.
    pub rule: RuleName,
    /// Positions that a voter approves of; k when absent.
    #[serde(default)]
    pub t: Option<u64>,
    /// Of the geometric rules; 0.5 when absent.
    #[serde(default)]
    pub q: Option<f64>,
    /// Score of position 1, 2, ..
    #[serde(default)]
    pub positions: Option<Vec<f64>>,
    /// Weight of a voter's best member, second best, ..
    #[serde(default)]
    pub owa: Option<Vec<f64>>,
}

/// The names of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// m - position; the best member.
    ChamberlinCourantBorda,
    /// 1 up to position t; the best member.
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
