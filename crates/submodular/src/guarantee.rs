//! What an optimizer earns on an objective under a constraint, or the reason for earning nothing.

use crate::Properties;
use crate::constraint::Shape;
use crate::objective::{Dispersion, Triangle};

/// How a factor is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In every run.
    Always,
    /// On average over the draws.
    Expected,
    /// With a probability that the statement names.
    Probability,
}

impl Kind {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Always => "always",
            Kind::Expected => "expected",
            Kind::Probability => "probability",
        }
    }
}

/// `f(S) >= factor * OPT`, or the reason why nothing is promised. OPT is over the feasible sets that hold every
/// included item.
#[derive(Debug, Clone, PartialEq)]
pub enum Guarantee {
    /// A promise.
    Factor {
        /// The share of the optimum.
        factor: f64,
        /// How it is meant.
        kind: Kind,
        /// The promise and its source.
        statement: &'static str,
    },
    /// None, and why.
    None {
        /// The missing condition.
        reason: &'static str,
    },
}

/// What an optimizer claims before it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The promise.
    pub guarantee: Guarantee,
    /// Whether the first k' picks are what the same search would choose for k = k'.
    pub prefixes: bool,
}

/// An optimizer that has no meaning for this objective or constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(pub &'static str);

/// 1 - 1/e.
pub const ONE_MINUS_INVERSE_E: f64 = 1.0 - 0.367_879_441_171_442_33;

/// The reason why no greedy search earns anything here, if there is one.
pub(crate) fn disqualified(objective: &Properties) -> Option<&'static str> {
    if !objective.submodular {
        return Some("the objective is not submodular");
    }
    if !objective.monotone {
        return Some("the objective is not monotone");
    }
    // Gains are those of f - f(empty): where f(empty) is at least 0, a factor of that is a factor of f.
    if !objective.normalised && !objective.nonnegative {
        return Some("the objective may be negative on the empty set");
    }
    None
}

/// The rules under which no greedy search is known to earn anything.
fn unearned(constraint: &Shape) -> Option<&'static str> {
    if constraint.min_distance {
        return Some("sets of items with a least distance are not a matroid");
    }
    if constraint.knapsack && constraint.k.is_some() {
        return Some("no factor is known for k and a budget together");
    }
    if constraint.knapsack && constraint.groups {
        return Some("no factor is known for groups and a budget together");
    }
    None
}

/// Greedy in every form that picks the best gain each step.
pub(crate) fn greedy(objective: &Properties, constraint: &Shape) -> Guarantee {
    if let Some(dispersion) = objective.dispersion {
        return disperse(dispersion, constraint);
    }
    if let Some(reason) = disqualified(objective) {
        return Guarantee::None { reason };
    }
    if let Some(reason) = unearned(constraint) {
        return Guarantee::None { reason };
    }
    if constraint.knapsack {
        return Guarantee::None {
            reason: "one greedy run under a budget may miss the one item that is worth all",
        };
    }
    if constraint.k.is_none() {
        return Guarantee::None { reason: "a ranking of every item has no optimum to compare with" };
    }
    // A partition's upper bounds together with |S| <= k are one matroid still, so k counts only where it stands alone.
    // Against independent sets of any size, which are no worse than those of size k: greedy may end with fewer.
    if constraint.partitions > 1 {
        return Guarantee::Factor {
            factor: 1.0 / (constraint.partitions + 1) as f64,
            kind: Kind::Always,
            statement: "f(S) >= OPT / (p + 1) for p partitions: greedy over an intersection of p matroids, also where \
                        it ends with fewer than k items (Fisher, Nemhauser, Wolsey 1978)",
        };
    }
    if !constraint.matroid {
        return Guarantee::None { reason: "the constraint is not a matroid" };
    }
    if constraint.groups {
        return Guarantee::Factor {
            factor: 0.5,
            kind: Kind::Always,
            statement: "f(S) >= 1/2 OPT: greedy over the sets that extend to a feasible answer, which form a matroid \
                        (Fisher, Nemhauser, Wolsey 1978; Celis, Huang, Vishnoi 2018)",
        };
    }
    Guarantee::Factor {
        factor: ONE_MINUS_INVERSE_E,
        kind: Kind::Always,
        statement: "f(S) >= (1 - 1/e) OPT (Nemhauser, Wolsey, Fisher 1978)",
    }
}

/// The best of ratio greedy, plain greedy and the best single item; with `enumerate` also of ratio greedy from each
/// single item.
///
/// Let v be the first item of the optimum that has the best ratio and does not fit. Up to then ratio greedy has looked
/// at every pick of the optimum in its order, so with v its set S is worth (1 - 1/e) OPT (Khuller, Moss, Naor 1999), and
/// one of f(S) and f(v) is worth half of that.
///
/// From a start that holds the optimum's most valuable item o, worth t: the same for f - t with the budget that o leaves
/// gives f(S) + f(v) >= t + (1 - 1/e) (OPT - t), and f(v) <= t. So f(S) >= (1 - 1/e) (OPT - t), while also f(S) >= t: the
/// larger of the two is smallest at t = (1 - 1/e) / (2 - 1/e) OPT.
pub(crate) fn knapsack(objective: &Properties, constraint: &Shape, enumerate: bool) -> Guarantee {
    if let Some(reason) = disqualified(objective).or(unearned(constraint)) {
        return Guarantee::None { reason };
    }
    if enumerate {
        return Guarantee::Factor {
            factor: ONE_MINUS_INVERSE_E / (1.0 + ONE_MINUS_INVERSE_E),
            kind: Kind::Always,
            statement: "f(S) >= (1 - 1/e) / (2 - 1/e) OPT: ratio greedy from every single item (after Khuller, Moss, \
                        Naor 1999)",
        };
    }
    Guarantee::Factor {
        factor: ONE_MINUS_INVERSE_E / 2.0,
        kind: Kind::Always,
        statement: "f(S) >= (1 - 1/e)/2 OPT: the best of ratio greedy, plain greedy and the best single item \
                    (Khuller, Moss, Naor 1999; Leskovec et al. 2007)",
    }
}

/// Greedy on distances, which are not submodular (their minimum not even monotone).
fn disperse(dispersion: Dispersion, constraint: &Shape) -> Guarantee {
    let none = |reason| Guarantee::None { reason };
    if constraint.k.is_none() || constraint.groups || constraint.knapsack || !constraint.matroid {
        return none("greedy on distances earns its factor for k items and no other rule");
    }
    match dispersion {
        Dispersion::Min(Triangle::Metric) => Guarantee::Factor {
            factor: 0.5,
            kind: Kind::Always,
            statement: "f(S) >= 1/2 OPT: farthest-first for a metric (Ravi, Rosenkrantz, Tayi 1994)",
        },
        // While fewer than k items are chosen, balls around them whose radius is a quarter of OPT hold at most one item
        // of the optimum each: two in one ball would be closer than 2 (1/4 + 1/4) OPT. So the next pick is OPT / 4 away.
        Dispersion::Min(Triangle::Squared) => Guarantee::Factor {
            factor: 0.25,
            kind: Kind::Always,
            statement: "f(S) >= 1/4 OPT: farthest-first for the square of a metric, d(a,c) <= 2 (d(a,b) + d(b,c))",
        },
        Dispersion::Sum(Triangle::Metric) => Guarantee::Factor {
            factor: 0.5,
            kind: Kind::Always,
            statement: "f(S) >= 1/2 OPT for a metric (Borodin, Lee, Ye 2012)",
        },
        Dispersion::Sum(_) | Dispersion::Min(Triangle::Unknown) => {
            none("the distance is not known to be a metric")
        }
    }
}

/// What a search claims that makes greedy's picks, however it finds them.
pub(crate) fn greedy_claim(objective: &Properties, constraint: &Shape) -> Claim {
    let one_matroid = constraint.matroid && constraint.partitions <= 1;
    Claim {
        guarantee: match greedy(objective, constraint) {
            Guarantee::Factor { .. } if objective.modular && one_matroid => Guarantee::Factor {
                factor: 1.0,
                kind: Kind::Always,
                statement: "f(S) = OPT: greedy on a modular function over the bases of a matroid (Rado 1957)",
            },
            earned @ (Guarantee::Factor { .. } | Guarantee::None { .. }) => earned,
        },
        prefixes: !objective.depends_on_k && !constraint.lower && !constraint.knapsack,
    }
}

/// Greedy over a sample of `(n/k) ln(1/epsilon)` items a step.
pub(crate) fn stochastic(objective: &Properties, constraint: &Shape, epsilon: f64) -> Guarantee {
    match greedy(objective, constraint) {
        Guarantee::Factor { .. } if objective.dispersion.is_some() => Guarantee::None {
            reason: "sampling may miss the one item that is far from all others: only submodular objectives earn its factor",
        },
        Guarantee::Factor { .. } if constraint.groups => Guarantee::None {
            reason: "sampling earns its factor for plain cardinality only, not under quotas",
        },
        Guarantee::Factor { factor, .. } => Guarantee::Factor {
            factor: (factor - epsilon).max(0.0),
            kind: Kind::Expected,
            statement: "E f(S) >= (1 - 1/e - epsilon) OPT (Mirzasoleiman et al. 2015)",
        },
        none @ Guarantee::None { .. } => none,
    }
}
