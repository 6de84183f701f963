//! From the wire to the stored form of a request and back.

use super::{
    Auto, AutoName, BidirectionalGreedy, BidirectionalGreedyName, Constraints, FacilityLocation,
    FacilityLocationName, Greedy, GreedyName, Groups, Item, LazyGreedy, LazyGreedyName, Metric, Objective,
    OnStop, Optimizer, Reduction, Represented, Similarity, StochasticGreedy, StochasticGreedyName, Values,
};
use crate::jobs::spec;

/// From the wire to the stored form and back, variant by variant, for enums that differ in nothing but their use.
macro_rules! same {
    ($wire:ty, $stored:ty: $($variant:ident),*) => {
        impl From<$wire> for $stored {
            fn from(wire: $wire) -> Self {
                match wire { $(<$wire>::$variant => Self::$variant),* }
            }
        }
        impl From<$stored> for $wire {
            fn from(stored: $stored) -> Self {
                match stored { $(<$stored>::$variant => Self::$variant),* }
            }
        }
    };
}

same!(Metric, spec::MetricSpec: Cosine, CosineSigned, CosineShifted, CosineSquared, Dot, Rbf, Precomputed);
same!(Reduction, spec::ReductionSpec: Sum, Mean);
same!(OnStop, spec::OnStop: Partial, Fail);

impl From<Item> for spec::ItemRef {
    fn from(item: Item) -> Self {
        match item {
            Item::Index(index) => Self::Index(index),
            Item::Id(id) => Self::Id(id),
        }
    }
}

impl From<spec::ItemRef> for Item {
    fn from(item: spec::ItemRef) -> Self {
        match item {
            spec::ItemRef::Index(index) => Self::Index(index),
            spec::ItemRef::Id(id) => Self::Id(id),
        }
    }
}

fn convert<A, B: From<A>>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(B::from).collect()
}

impl From<Values> for spec::ValuesSpec {
    fn from(values: Values) -> Self {
        match values {
            Values::Column(column) => Self::Column(spec::ColumnRef { column }),
            Values::Values(values) => Self::Values(spec::InlineValues { values }),
        }
    }
}

impl From<spec::ValuesSpec> for Values {
    fn from(values: spec::ValuesSpec) -> Self {
        match values {
            spec::ValuesSpec::Column(spec::ColumnRef { column }) => Self::Column(column),
            spec::ValuesSpec::Values(spec::InlineValues { values }) => Self::Values(values),
        }
    }
}

impl From<Represented> for spec::RepresentedSpec {
    fn from(represented: Represented) -> Self {
        match represented {
            Represented::Rows(rows) => Self::Rows(convert(rows)),
            Represented::Sample(rows) => Self::Sample(rows),
            Represented::Dataset(id) => Self::Dataset(id),
            Represented::Vectors(vectors) => Self::Vectors(vectors),
        }
    }
}

impl From<spec::RepresentedSpec> for Represented {
    fn from(represented: spec::RepresentedSpec) -> Self {
        match represented {
            spec::RepresentedSpec::Rows(rows) => Self::Rows(convert(rows)),
            spec::RepresentedSpec::Sample(rows) => Self::Sample(rows),
            spec::RepresentedSpec::Dataset(id) => Self::Dataset(id),
            spec::RepresentedSpec::Vectors(vectors) => Self::Vectors(vectors),
        }
    }
}

impl From<Objective> for spec::ObjectiveSpec {
    fn from(objective: Objective) -> Self {
        match objective {
            Objective::FacilityLocation(FacilityLocation {
                name: _,
                similarity: Similarity { metric, gamma, neighbors: None },
                represented,
                weights,
                reduction,
            }) => Self::FacilityLocation {
                similarity: spec::SimilaritySpec { metric: metric.into(), gamma },
                represented: represented.map(Into::into),
                weights: weights.map(Into::into),
                reduction: reduction.into(),
            },
        }
    }
}

impl From<spec::ObjectiveSpec> for Objective {
    fn from(objective: spec::ObjectiveSpec) -> Self {
        match objective {
            spec::ObjectiveSpec::FacilityLocation {
                similarity: spec::SimilaritySpec { metric, gamma },
                represented,
                weights,
                reduction,
            } => Self::FacilityLocation(FacilityLocation {
                name: FacilityLocationName::FacilityLocation,
                similarity: Similarity { metric: metric.into(), gamma, neighbors: None },
                represented: represented.map(Into::into),
                weights: weights.map(Into::into),
                reduction: reduction.into(),
            }),
        }
    }
}

impl From<Constraints> for spec::ConstraintsSpec {
    fn from(constraints: Constraints) -> Self {
        let Constraints { k, groups, include, exclude, stop_when_gain_at_most } = constraints;
        let groups = groups.map(|Groups { column, at_least, at_most, default_at_least, default_at_most }| {
            spec::GroupsSpec { column, at_least, at_most, default_at_least, default_at_most }
        });
        Self { k, groups, include: convert(include), exclude: convert(exclude), stop_when_gain_at_most }
    }
}

impl From<spec::ConstraintsSpec> for Constraints {
    fn from(constraints: spec::ConstraintsSpec) -> Self {
        let spec::ConstraintsSpec { k, groups, include, exclude, stop_when_gain_at_most } = constraints;
        let groups = groups.map(
            |spec::GroupsSpec { column, at_least, at_most, default_at_least, default_at_most }| Groups {
                column,
                at_least,
                at_most,
                default_at_least,
                default_at_most,
            },
        );
        Self { k, groups, include: convert(include), exclude: convert(exclude), stop_when_gain_at_most }
    }
}

impl From<Optimizer> for spec::OptimizerSpec {
    fn from(optimizer: Optimizer) -> Self {
        match optimizer {
            Optimizer::Auto(_) => Self::Auto,
            Optimizer::Greedy(_) => Self::Greedy {},
            Optimizer::LazyGreedy(_) => Self::LazyGreedy {},
            Optimizer::StochasticGreedy(StochasticGreedy { name: _, epsilon }) => {
                Self::StochasticGreedy { epsilon }
            }
            Optimizer::BidirectionalGreedy(BidirectionalGreedy {
                name: _,
                pool,
                full_ranking,
                merge_rounds,
            }) => Self::BidirectionalGreedy { pool, full_ranking, merge_rounds },
        }
    }
}

impl From<spec::OptimizerSpec> for Optimizer {
    fn from(optimizer: spec::OptimizerSpec) -> Self {
        match optimizer {
            spec::OptimizerSpec::Auto => Self::Auto(Auto { name: AutoName::Auto }),
            spec::OptimizerSpec::Greedy {} => Self::Greedy(Greedy { name: GreedyName::Greedy }),
            spec::OptimizerSpec::LazyGreedy {} => {
                Self::LazyGreedy(LazyGreedy { name: LazyGreedyName::LazyGreedy })
            }
            spec::OptimizerSpec::StochasticGreedy { epsilon } => Self::StochasticGreedy(StochasticGreedy {
                name: StochasticGreedyName::StochasticGreedy,
                epsilon,
            }),
            spec::OptimizerSpec::BidirectionalGreedy { pool, full_ranking, merge_rounds } => {
                Self::BidirectionalGreedy(BidirectionalGreedy {
                    name: BidirectionalGreedyName::BidirectionalGreedy,
                    pool,
                    full_ranking,
                    merge_rounds,
                })
            }
        }
    }
}
