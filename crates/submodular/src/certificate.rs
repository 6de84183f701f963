//! Upper bounds on the optimum, measured on the run itself.
//!
//! For a monotone submodular f and any S that holds the included items, `OPT <= f(S) + bound(gains at S)`, where the
//! bound is the largest sum of gains that the constraint allows. Gains seen at a smaller set are upper bounds for
//! those at S, so a lazy search certifies its prefixes for nothing. An exact search needs neither property: it has
//! looked at every set.

/// Which gains gave the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The last gains the search saw, at one of its prefixes.
    StalePrefixes,
    /// Every gain computed once more at the answer.
    FreshSweep,
    /// A search over every feasible set, whatever the function: the bound is the optimum.
    Proved,
}

impl Basis {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Basis::StalePrefixes => "stale_prefixes",
            Basis::FreshSweep => "fresh_sweep",
            Basis::Proved => "proved",
        }
    }
}

/// No feasible set that holds the included items has a value above `upper_bound`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certificate {
    /// The bound.
    pub upper_bound: f64,
    /// Where it comes from.
    pub basis: Basis,
}

impl Certificate {
    /// Keeps the smaller bound.
    pub(crate) fn tighten(known: Option<Self>, found: Self) -> Option<Self> {
        match known {
            Some(known) if known.upper_bound <= found.upper_bound => Some(known),
            _ => Some(found),
        }
    }
}
