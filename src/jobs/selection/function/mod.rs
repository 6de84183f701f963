//! A set function between its spec and its data: names are looked up, nothing of the vectors is read.
//!
//! Whatever the formula, it is made of a ground (the matrix it looks at) and perhaps a query's and private rows, so
//! reading, estimating and checking are written once.

mod build;
mod estimate;
mod loader;
mod parts;
mod properties;
mod resolve;
mod work;

pub(super) use build::{Built, Stage};
pub(super) use estimate::{Estimate, Plan, Sizes};
pub(super) use loader::Loader;
pub(super) use parts::{Merged, PartSizes, PartsEstimate};
pub(super) use resolve::Lookup;
pub(super) use work::Walks;

use super::represented::Represented;
use crate::jobs::spec::{CapSpec, StartSpec};
use submodular::Properties;
use submodular::committee::Rule;
use submodular::objective::concave_over_sums::Concave;
use submodular::objective::{Reduction, Triangle};
use submodular::similarity::Measure;

/// A set function whose names are looked up.
pub(super) struct Function {
    pub(super) form: Form,
    pub(super) ground: Ground,
    /// Rows the chosen items shall be like.
    pub(super) query: Option<Represented>,
    /// Rows that are had already.
    pub(super) private: Option<Represented>,
    /// How the ground is held; known once it is estimated.
    pub(super) plan: Plan,
}

/// The formula and its numbers.
pub(super) enum Form {
    FacilityLocation {
        weights: Option<Vec<f64>>,
        reduction: Reduction,
    },
    FacilityLocationMi {
        eta: f64,
    },
    FacilityLocationVmi {
        eta: f64,
    },
    FacilityLocationCg {
        nu: f64,
    },
    FacilityLocationCmi {
        eta: f64,
        nu: f64,
    },
    GraphCut {
        lambda: f64,
    },
    GraphCutMi {
        lambda: f64,
    },
    GraphCutCg {
        lambda: f64,
        nu: f64,
    },
    SaturatedCoverage {
        alpha: f64,
        cap: CapSpec,
    },
    SumRedundancy,
    FeatureBased {
        concave: Concave,
        weights: Option<Vec<f64>>,
    },
    SetCover {
        weights: Vec<f64>,
    },
    ProbabilisticSetCover {
        weights: Vec<f64>,
    },
    ConcaveOverModular {
        eta: f64,
        concave: Concave,
    },
    LogDet {
        ridge: f64,
    },
    LogDetMi {
        eta: f64,
        ridge: f64,
    },
    LogDetCg {
        nu: f64,
        ridge: f64,
    },
    LogDetCmi {
        eta: f64,
        nu: f64,
        ridge: f64,
    },
    DisparitySum {
        start: StartSpec,
    },
    DisparityMin {
        start: StartSpec,
    },
    Modular {
        scores: Vec<f64>,
    },
    /// What the owner vouches for.
    External {
        properties: Properties,
    },
    /// `k`: the committee's size, which some rules look at.
    Committee {
        rule: Rule,
        k: usize,
    },
    Mixture {
        parts: Vec<(f64, Function)>,
        normalize: bool,
    },
}

/// What a function looks at.
pub(super) enum Ground {
    /// Nothing but numbers of the request, or other functions.
    Nothing,
    /// The vectors' coordinates, each made one of features by this.
    Features(Feature),
    /// So many rankings of the items.
    Rankings { voters: usize },
    /// Pairs of rows and items. `measure`: none where the dataset is the matrix.
    Pairs { measure: Option<Measure>, rows: Represented, neighbors: Option<usize> },
}

/// What a coordinate counts for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Feature {
    /// Itself, which must be at least 0.
    Nonnegative,
    /// Itself, or 0 where it is negative.
    Clipped,
    /// Itself, which must be from 0 to 1.
    Probability,
    /// 1 above a threshold, else 0.
    Above(f32),
}

impl Ground {
    /// Whether the rows are the items.
    pub(super) fn is_square(&self) -> bool {
        matches!(self, Ground::Pairs { rows: Represented::All, .. })
    }

    /// What is known of three points.
    pub(super) fn triangle(&self) -> Triangle {
        match self {
            Ground::Pairs { measure: Some(Measure::Distance(distance)), .. } => distance.triangle(),
            Ground::Pairs { .. } | Ground::Features(_) | Ground::Rankings { .. } | Ground::Nothing => {
                Triangle::Unknown
            }
        }
    }
}

impl Function {
    /// Names of the similarities or distances it looks at; `none` where there are none.
    pub(super) fn measure_name(&self) -> String {
        match (&self.form, &self.ground) {
            (Form::Mixture { parts, .. }, _) => distinct(parts.iter().map(|(_, part)| part.measure_name())),
            (_, Ground::Pairs { measure: None, .. }) => "precomputed".to_owned(),
            (_, Ground::Pairs { measure: Some(measure), .. }) => measure.name().to_owned(),
            (_, Ground::Nothing | Ground::Features(_) | Ground::Rankings { .. }) => "none".to_owned(),
        }
    }

    /// Names of its memory plans.
    pub(super) fn plan_name(&self) -> String {
        let Form::Mixture { parts, .. } = &self.form else { return self.plan.name().to_owned() };
        distinct(parts.iter().map(|(_, part)| part.plan_name()))
    }

    /// How many rows are represented, where a sample of them may be.
    pub(super) fn represented_rows(&self, n: usize) -> Option<usize> {
        match (&self.form, &self.ground) {
            (Form::FacilityLocation { .. }, Ground::Pairs { rows, neighbors: None, .. }) => Some(rows.len(n)),
            _ => None,
        }
    }

    /// The sample that stands for all rows, where the search looks at one.
    pub(super) fn is_sampled(&self) -> bool {
        match (&self.form, &self.ground) {
            (Form::Mixture { parts, .. }, _) => parts.iter().any(|(_, part)| part.is_sampled()),
            (_, Ground::Pairs { rows: Represented::Sample(_), .. }) => true,
            _ => false,
        }
    }

    /// Whether another function is searched than the one that is meant: over a sample of its rows, or over a graph.
    pub(super) fn is_another(&self) -> bool {
        self.is_sampled() || self.is_graph()
    }

    /// Whether the search looks at a graph of neighbours instead of all pairs.
    pub(super) fn is_graph(&self) -> bool {
        match (&self.form, &self.ground) {
            (Form::Mixture { parts, .. }, _) => parts.iter().any(|(_, part)| part.is_graph()),
            (_, Ground::Pairs { neighbors: Some(_), .. }) => true,
            _ => false,
        }
    }
}

fn distinct(names: impl Iterator<Item = String>) -> String {
    let mut seen: Vec<String> = vec![];
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen.join(", ")
}
