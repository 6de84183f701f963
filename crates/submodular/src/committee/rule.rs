//! Multiwinner score functions: what a committee is worth to a voter.
//!
//! `f_v(S) = sum over j of w_j g_(j)`: the scores g of the positions that voter v gives the members of S, in descending
//! order, each times a weight of its rank among them (an ordered weighted average). Skowron, Faliszewski, Lang,
//! "Finding a collective set of items" (2016), and Elkind, Faliszewski, Skowron, Slinko, "Properties of multiwinner
//! voting rules" (2017), have the rules and their names.

/// A rule's parameter that has no meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {reason}")]
pub struct InvalidRule {
    /// Its name on the wire.
    pub parameter: &'static str,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl From<InvalidRule> for crate::Error {
    fn from(InvalidRule { parameter, reason }: InvalidRule) -> Self {
        Self::Parameter { name: parameter, reason }
    }
}

/// A score function for m candidates and committees of k. Position p counts from 1; approval(t) is 1 up to position t
/// and 0 after it, t being k where it is not given; Borda is m - p.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Single non-transferable vote: 1 for the first position; sum.
    Sntv,
    /// Approval(t); sum.
    Bloc {
        /// Positions that a voter approves of.
        t: Option<usize>,
    },
    /// Borda; sum.
    KBorda,
    /// q^(p-1); sum.
    Geometric {
        /// In (0, 1).
        q: f64,
    },
    /// 1/p; sum.
    Harmonic,
    /// A score for each position; sum.
    Positional {
        /// Of position 1, 2, ..; 0 beyond the last one.
        scores: Vec<f64>,
    },
    /// Borda; the best member alone (Chamberlin and Courant 1983).
    ChamberlinCourantBorda,
    /// Approval(t); the best member alone: how many voters have one that they approve of.
    ChamberlinCourantApproval {
        /// Positions that a voter approves of.
        t: Option<usize>,
    },
    /// Proportional approval voting (Thiele 1895): approval(t); weights 1, 1/2, 1/3, ..
    Pav {
        /// Positions that a voter approves of.
        t: Option<usize>,
    },
    /// Borda; weights 1, 1/2, 1/3, ..
    HarmonicBorda,
    /// Borda; weights 1, q, q^2, ..
    GeometricOwa {
        /// In (0, 1).
        q: f64,
    },
    /// A score for each position and a weight for each rank.
    Owa {
        /// Of position 1, 2, ..; 0 beyond the last one.
        positions: Vec<f64>,
        /// Of a voter's best member, second best, ..; 0 beyond the last one.
        owa: Vec<f64>,
    },
}

impl Rule {
    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Rule::Sntv => "sntv",
            Rule::Bloc { .. } => "bloc",
            Rule::KBorda => "k_borda",
            Rule::Geometric { .. } => "geometric",
            Rule::Harmonic => "harmonic",
            Rule::Positional { .. } => "positional",
            Rule::ChamberlinCourantBorda => "chamberlin_courant_borda",
            Rule::ChamberlinCourantApproval { .. } => "chamberlin_courant_approval",
            Rule::Pav { .. } => "pav",
            Rule::HarmonicBorda => "harmonic_borda",
            Rule::GeometricOwa { .. } => "geometric_owa",
            Rule::Owa { .. } => "owa",
        }
    }

    /// Whether every parameter has a meaning for so many candidates.
    ///
    /// # Errors
    /// [`InvalidRule`]: q outside of (0, 1), t below 1, vectors that are empty or longer than there are candidates,
    /// entries that are negative or not finite.
    pub fn check(&self, candidates: usize) -> Result<(), InvalidRule> {
        let refuse = |parameter, reason| Err(InvalidRule { parameter, reason });
        match self {
            Rule::Geometric { q } | Rule::GeometricOwa { q } if !(*q > 0.0 && *q < 1.0) => {
                refuse("q", format!("is {q}; expected above 0 and below 1"))
            }
            Rule::Bloc { t: Some(0) }
            | Rule::ChamberlinCourantApproval { t: Some(0) }
            | Rule::Pav { t: Some(0) } => refuse("t", "is 0; expected at least 1".into()),
            Rule::Positional { scores } => check_vector("positions", scores, candidates),
            Rule::Owa { positions, owa } => {
                check_vector("positions", positions, candidates)?;
                check_vector("owa", owa, candidates)
            }
            Rule::Sntv
            | Rule::Bloc { .. }
            | Rule::KBorda
            | Rule::Geometric { .. }
            | Rule::Harmonic
            | Rule::ChamberlinCourantBorda
            | Rule::ChamberlinCourantApproval { .. }
            | Rule::Pav { .. }
            | Rule::HarmonicBorda
            | Rule::GeometricOwa { .. } => Ok(()),
        }
    }

    /// gamma: the score of each of `candidates` positions, best position first, for committees of `k`.
    pub fn gamma(&self, candidates: usize, k: usize) -> Vec<f64> {
        let from = |score: &dyn Fn(usize) -> f64| (0..candidates).map(score).collect();
        let approval = |t: Option<usize>| from(&|p| f64::from(u8::from(p < t.unwrap_or(k))));
        match self {
            Rule::Sntv => approval(Some(1)),
            Rule::Bloc { t } | Rule::ChamberlinCourantApproval { t } | Rule::Pav { t } => approval(*t),
            Rule::KBorda | Rule::ChamberlinCourantBorda | Rule::HarmonicBorda | Rule::GeometricOwa { .. } => {
                from(&|p| (candidates - 1 - p) as f64)
            }
            Rule::Geometric { q } => powers(*q, candidates),
            Rule::Harmonic => from(&|p| 1.0 / (p + 1) as f64),
            Rule::Positional { scores } | Rule::Owa { positions: scores, .. } => filled(scores, candidates),
        }
    }

    /// w: the weight of each of a voter's `members` best members, the best one first.
    pub fn owa(&self, members: usize) -> Vec<f64> {
        match self {
            Rule::Sntv
            | Rule::Bloc { .. }
            | Rule::KBorda
            | Rule::Geometric { .. }
            | Rule::Harmonic
            | Rule::Positional { .. } => vec![1.0; members],
            Rule::ChamberlinCourantBorda | Rule::ChamberlinCourantApproval { .. } => filled(&[1.0], members),
            Rule::Pav { .. } | Rule::HarmonicBorda => (0..members).map(|j| 1.0 / (j + 1) as f64).collect(),
            Rule::GeometricOwa { q } => powers(*q, members),
            Rule::Owa { owa, .. } => filled(owa, members),
        }
    }

    /// Whether a committee is worth the sum of what its members are: the function is modular, and greedy is exact under
    /// any quotas on disjoint groups.
    pub fn separable(&self) -> bool {
        match self {
            Rule::Sntv
            | Rule::Bloc { .. }
            | Rule::KBorda
            | Rule::Geometric { .. }
            | Rule::Harmonic
            | Rule::Positional { .. } => true,
            Rule::ChamberlinCourantBorda
            | Rule::ChamberlinCourantApproval { .. }
            | Rule::Pav { .. }
            | Rule::HarmonicBorda
            | Rule::GeometricOwa { .. }
            | Rule::Owa { .. } => false,
        }
    }

    /// Whether scores depend on k, so that a prefix of an answer answers another question.
    pub fn depends_on_k(&self) -> bool {
        matches!(
            self,
            Rule::Bloc { t: None } | Rule::ChamberlinCourantApproval { t: None } | Rule::Pav { t: None }
        )
    }

    /// Whether gains never rise: no score is negative and no weight larger than the one before it.
    pub fn submodular(&self) -> bool {
        match self {
            Rule::Owa { owa, .. } => owa.is_sorted_by(|a, b| a >= b),
            Rule::Sntv
            | Rule::Bloc { .. }
            | Rule::KBorda
            | Rule::Geometric { .. }
            | Rule::Harmonic
            | Rule::Positional { .. }
            | Rule::ChamberlinCourantBorda
            | Rule::ChamberlinCourantApproval { .. }
            | Rule::Pav { .. }
            | Rule::HarmonicBorda
            | Rule::GeometricOwa { .. } => true,
        }
    }

    /// tau_1: the most that one ranking of weight 1 can give one candidate.
    pub fn largest_score(&self, candidates: usize, k: usize) -> f64 {
        let most = self.gamma(candidates, k).into_iter().fold(0.0, f64::max);
        self.owa(1).first().map_or(0.0, |w| w * most)
    }
}

fn check_vector(parameter: &'static str, numbers: &[f64], candidates: usize) -> Result<(), InvalidRule> {
    let refuse = |reason| Err(InvalidRule { parameter, reason });
    if numbers.is_empty() || numbers.len() > candidates {
        return refuse(format!("has {} entries; expected 1 to {candidates}, one a position", numbers.len()));
    }
    match numbers.iter().position(|x| !(x.is_finite() && *x >= 0.0)) {
        Some(at) => refuse(format!("entry {at} is {}; expected a finite number of at least 0", numbers[at])),
        None => Ok(()),
    }
}

/// 1, q, q^2, ..
fn powers(q: f64, count: usize) -> Vec<f64> {
    std::iter::successors(Some(1.0), |power| Some(power * q)).take(count).collect()
}

/// The first `count` numbers, zeros after the last one.
fn filled(numbers: &[f64], count: usize) -> Vec<f64> {
    numbers.iter().copied().chain(std::iter::repeat(0.0)).take(count).collect()
}
