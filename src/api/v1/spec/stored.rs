//! From the wire to the stored form of a request and back.

use super::*;
use crate::jobs::spec;

/// The same value in its other form.
pub(in crate::api) trait To<T> {
    /// In its other form.
    fn to(self) -> T;
}

/// Values that have one form.
macro_rules! plain {
    ($($type:ty)*) => { $(impl To<$type> for $type { fn to(self) -> $type { self } })* };
}

plain!(f32 f64 bool u64 u8 String);

impl<A: To<B>, B> To<Option<B>> for Option<A> {
    fn to(self) -> Option<B> {
        self.map(To::to)
    }
}

impl<A: To<B>, B> To<Vec<B>> for Vec<A> {
    fn to(self) -> Vec<B> {
        self.into_iter().map(To::to).collect()
    }
}

/// Enums that differ in nothing but their use, variant by variant; a variant may carry values.
macro_rules! same {
    ($wire:ident, $stored:ident: $($variant:ident $(($value:ident))?),*) => {
        impl To<spec::$stored> for $wire {
            fn to(self) -> spec::$stored {
                match self { $($wire::$variant $(($value))? => spec::$stored::$variant $(($value.to()))?),* }
            }
        }
        impl To<$wire> for spec::$stored {
            fn to(self) -> $wire {
                match self { $(spec::$stored::$variant $(($value))? => $wire::$variant $(($value.to()))?),* }
            }
        }
    };
}

same!(Metric, MetricSpec: Cosine, CosineSigned, CosineShifted, CosineSquared, Dot, Rbf, ExpDistance, EuclideanGap, Precomputed);
same!(Distance, DistanceSpec: Euclidean, Angular, Cosine, Precomputed);
same!(Reduction, ReductionSpec: Sum, Mean);
same!(Cap, CapSpec: Fraction, Absolute);
same!(Negative, NegativeSpec: Error, Clip);
same!(Start, StartSpec: Lowest, FarthestPair);
same!(Concave, ConcaveSpec: Sqrt, Log, Ratio, Power(p));
same!(NeighborsMethod, NeighborsMethodSpec: Auto, Exact);
same!(PartsBy, PartsBySpec: Random, Kmeans, Column);
same!(SampleWeights, WeightsSpec: TaylorSoftmax, Softmax, Uniform);
same!(SampleScope, ScopeSpec: Part, Global);
same!(SampleAllocation, AllocationSpec: Exact, Ceil);
same!(OnStop, OnStop: Partial, Fail);
same!(RuleName, RuleName: Sntv, Bloc, KBorda, Geometric, Harmonic, Positional, ChamberlinCourantBorda, ChamberlinCourantApproval, Pav, HarmonicBorda, GeometricOwa, Owa);
same!(Item, ItemRef: Index(index), Id(id));
same!(Labels, LabelsSpec: Column(name), Values(labels));
same!(Preset, PresetSpec: Lima, Smdl);
same!(ConfidenceForm, ConfidenceFormSpec: Evidential, Entropy, Given);
same!(WarmStartBy, WarmStartBySpec: Knn);
same!(WarmStart, WarmStartSpec: One(start), Nearest(start));
same!(Represented, RepresentedSpec: Rows(rows), Sample(rows), Dataset(id), Vectors(vectors));
same!(Rows, RowsSpec: Rows(rows), Dataset(id), Vectors(vectors));

impl To<String> for Label {
    fn to(self) -> String {
        match self {
            Label::Number(number) => number.to_string(),
            Label::Text(text) => text,
        }
    }
}

impl To<Label> for String {
    fn to(self) -> Label {
        Label::Text(self)
    }
}

/// Structs with the same fields; a field that one side has more does not compile.
macro_rules! same_fields {
    ($wire:ident, $stored:ident: $($field:ident),*) => {
        impl To<spec::$stored> for $wire {
            fn to(self) -> spec::$stored {
                spec::$stored { $($field: self.$field.to()),* }
            }
        }
        impl To<$wire> for spec::$stored {
            fn to(self) -> $wire {
                $wire { $($field: self.$field.to()),* }
            }
        }
    };
}

same_fields!(Similarity, SimilaritySpec: metric, gamma, neighbors);
same_fields!(Neighbors, NeighborsSpec: method, m);
same_fields!(Part, PartSpec: weight, objective);
same_fields!(Vouched, VouchedSpec: monotone, submodular, nonnegative);
same_fields!(Rule, RuleSpec: rule, t, q, positions, owa);
same_fields!(ResampleSpec, ResampleSpec: job, size, seed, temperature, weights, scope, allocation);
same_fields!(Regions, RegionsSpec: count, areas, features, distance);
same_fields!(Evidence, EvidenceSpec: scale, clamp);
same_fields!(MuFidelity, MuFidelitySpec: samples, size);
same_fields!(Parts, PartsSpec: by, count, column);
same_fields!(DistanceBound, MinDistanceSpec: value, distance);
same_fields!(Constraints, ConstraintsSpec: k, groups, knapsack, min_distance, include, exclude, include_jobs, exclude_jobs, discount_jobs, stop_when_gain_at_most);
same_fields!(OneWarmStart, OneWarmStartSpec: job, tolerance);
same_fields!(NearestWarmStart, NearestWarmStartSpec: jobs, by, labels, neighbors, tolerance);

/// Unions whose alternatives have a name and the same fields.
macro_rules! same_names {
    ($wire:ident, $stored:ident: $($variant:ident $name:ident { $($field:ident),* })+) => {
        impl To<spec::$stored> for $wire {
            fn to(self) -> spec::$stored {
                match self {
                    $($wire::$variant($variant { name: _, $($field),* }) => {
                        spec::$stored::$variant { $($field: $field.to()),* }
                    })+
                }
            }
        }
        impl To<$wire> for spec::$stored {
            fn to(self) -> $wire {
                match self {
                    $(spec::$stored::$variant { $($field),* } => {
                        $wire::$variant($variant { name: $name::$variant, $($field: $field.to()),* })
                    })+
                }
            }
        }
    };
}

same_names! { Objective, ObjectiveSpec:
    FacilityLocation FacilityLocationName { similarity, represented, weights, reduction }
    GraphCut GraphCutName { similarity, lambda }
    SaturatedCoverage SaturatedCoverageName { similarity, alpha, cap }
    SumRedundancy SumRedundancyName { similarity }
    FeatureBased FeatureBasedName { concave, weights, negative }
    SetCover SetCoverName { threshold, weights, query, private }
    ProbabilisticSetCover ProbabilisticSetCoverName { weights, query, private }
    LogDet LogDetName { similarity, ridge }
    DisparitySum DisparitySumName { distance, start }
    DisparityMin DisparityMinName { distance, start }
    Modular ModularName { scores }
    Committee CommitteeName { rule, t, q, positions, owa }
    External ExternalName { n, properties, max_sets_per_round, idle_expires_seconds }
    Mixture MixtureName { parts, normalize }
    FacilityLocationMi FacilityLocationMiName { similarity, query, eta }
    FacilityLocationVmi FacilityLocationVmiName { similarity, query, eta }
    FacilityLocationCg FacilityLocationCgName { similarity, private, nu }
    FacilityLocationCmi FacilityLocationCmiName { similarity, query, private, eta, nu }
    GraphCutMi GraphCutMiName { similarity, query, lambda }
    GraphCutCg GraphCutCgName { similarity, private, lambda, nu }
    ConcaveOverModular ConcaveOverModularName { similarity, query, eta, concave }
    LogDetMi LogDetMiName { similarity, query, eta, ridge }
    LogDetCg LogDetCgName { similarity, private, nu, ridge }
    LogDetCmi LogDetCmiName { similarity, query, private, eta, nu, ridge }
}

same_names! { Optimizer, OptimizerSpec:
    Auto AutoName {}
    Greedy GreedyName {}
    LazyGreedy LazyGreedyName {}
    StochasticGreedy StochasticGreedyName { epsilon }
    ThresholdGreedy ThresholdGreedyName { epsilon }
    AdaptiveSequencing AdaptiveSequencingName { epsilon }
    BidirectionalGreedy BidirectionalGreedyName { pool, full_ranking, merge_rounds }
    DoubleGreedy DoubleGreedyName { randomised }
    RandomGreedy RandomGreedyName {}
    PartitionedGreedy PartitionedGreedyName { parts, merge, rank_all, inner }
    SieveStreaming SieveStreamingName { epsilon, top_up }
    ThreeSieves ThreeSievesName { epsilon, rejections, top_up }
    Gist GistName { lambda, epsilon, distance }
    Exact ExactName { max_evaluations }
}

impl To<spec::InnerSpec> for Inner {
    fn to(self) -> spec::InnerSpec {
        match self {
            Inner::Name(InnerName::Auto) | Inner::Optimizer(InnerOptimizer::Auto(_)) => spec::InnerSpec::Auto,
            Inner::Name(InnerName::Greedy) | Inner::Optimizer(InnerOptimizer::Greedy(_)) => {
                spec::InnerSpec::Greedy
            }
            Inner::Name(InnerName::LazyGreedy) | Inner::Optimizer(InnerOptimizer::LazyGreedy(_)) => {
                spec::InnerSpec::LazyGreedy
            }
            Inner::Name(InnerName::StochasticGreedy) => {
                spec::InnerSpec::StochasticGreedy { epsilon: spec::defaults::epsilon() }
            }
            Inner::Optimizer(InnerOptimizer::StochasticGreedy(StochasticGreedy { name: _, epsilon })) => {
                spec::InnerSpec::StochasticGreedy { epsilon }
            }
        }
    }
}

impl To<Inner> for spec::InnerSpec {
    fn to(self) -> Inner {
        match self {
            spec::InnerSpec::Auto => Inner::Name(InnerName::Auto),
            spec::InnerSpec::Greedy => Inner::Name(InnerName::Greedy),
            spec::InnerSpec::LazyGreedy => Inner::Name(InnerName::LazyGreedy),
            spec::InnerSpec::StochasticGreedy { epsilon } => {
                let name = StochasticGreedyName::StochasticGreedy;
                Inner::Optimizer(InnerOptimizer::StochasticGreedy(StochasticGreedy { name, epsilon }))
            }
        }
    }
}

impl To<spec::GroupsSpec> for Groups {
    fn to(self) -> spec::GroupsSpec {
        let Groups { column, at_least, at_most, default_at_least, default_at_most } = self;
        spec::GroupsSpec { column, at_least, at_most, default_at_least, default_at_most }
    }
}

impl To<Groups> for spec::GroupsSpec {
    fn to(self) -> Groups {
        let spec::GroupsSpec { column, at_least, at_most, default_at_least, default_at_most } = self;
        Groups { column, at_least, at_most, default_at_least, default_at_most }
    }
}

impl To<Vec<spec::GroupsSpec>> for Option<Groupings> {
    fn to(self) -> Vec<spec::GroupsSpec> {
        match self {
            None => vec![],
            Some(Groupings::One(groups)) => vec![groups.to()],
            Some(Groupings::Several(groups)) => groups.to(),
        }
    }
}

impl To<Option<Groupings>> for Vec<spec::GroupsSpec> {
    fn to(mut self) -> Option<Groupings> {
        match self.len() {
            0 => None,
            1 => self.pop().map(|groups| Groupings::One(groups.to())),
            _ => Some(Groupings::Several(self.to())),
        }
    }
}

impl To<spec::ValuesSpec> for Values {
    fn to(self) -> spec::ValuesSpec {
        match self {
            Values::Column(column) => spec::ValuesSpec::Column(spec::ColumnRef { column }),
            Values::Values(values) => spec::ValuesSpec::Values(spec::InlineValues { values }),
        }
    }
}

impl To<Values> for spec::ValuesSpec {
    fn to(self) -> Values {
        match self {
            spec::ValuesSpec::Column(spec::ColumnRef { column }) => Values::Column(column),
            spec::ValuesSpec::Values(spec::InlineValues { values }) => Values::Values(values),
        }
    }
}

impl To<spec::KnapsackSpec> for Knapsack {
    fn to(self) -> spec::KnapsackSpec {
        let Knapsack { column, values, budget, enumerate } = self;
        // The request's check sees to it that one of them is there.
        let costs = match column {
            Some(column) => spec::ValuesSpec::Column(spec::ColumnRef { column }),
            None => spec::ValuesSpec::Values(spec::InlineValues { values: values.unwrap_or_default() }),
        };
        spec::KnapsackSpec { costs, budget, enumerate }
    }
}

impl To<Knapsack> for spec::KnapsackSpec {
    fn to(self) -> Knapsack {
        let spec::KnapsackSpec { costs, budget, enumerate } = self;
        let (column, values) = match costs {
            spec::ValuesSpec::Column(spec::ColumnRef { column }) => (Some(column), None),
            spec::ValuesSpec::Values(spec::InlineValues { values }) => (None, Some(values)),
        };
        Knapsack { column, values, budget, enumerate }
    }
}

impl To<spec::MinDistanceSpec> for MinDistance {
    fn to(self) -> spec::MinDistanceSpec {
        match self {
            MinDistance::Value(value) => {
                spec::MinDistanceSpec { value, distance: spec::DistanceSpec::Euclidean }
            }
            MinDistance::Of(bound) => bound.to(),
        }
    }
}

impl To<MinDistance> for spec::MinDistanceSpec {
    fn to(self) -> MinDistance {
        MinDistance::Of(self.to())
    }
}

impl To<Option<u64>> for NeighborsCount {
    fn to(self) -> Option<u64> {
        match self {
            NeighborsCount::Auto(_) => None,
            NeighborsCount::Count(m) => Some(m),
        }
    }
}

impl To<NeighborsCount> for Option<u64> {
    fn to(self) -> NeighborsCount {
        self.map_or(NeighborsCount::default(), NeighborsCount::Count)
    }
}
