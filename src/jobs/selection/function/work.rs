//! Work of evaluating sets one after the other, from sizes alone.

use super::{Form, Function, Ground, Plan, Sizes};
use crate::jobs::selection::represented::Represented;
use crate::jobs::spec::StartSpec;
use submodular::similarity::{Measure, Metric};

/// What a pair takes beside its similarity: it is read, compared and summed.
const FLOPS_OF_A_PAIR: f64 = 4.0;
/// What a gain takes beside its pairs: a call through the layers.
const FLOPS_OF_A_GAIN: f64 = 100.0;

/// Sets that are walked through from nothing, each with the gains that are asked at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::jobs::selection) struct Walks {
    sets: f64,
    /// Items added and gains asked.
    gains: f64,
    /// Each of those times the size of its set, and times its square: a factorisation looks at all picks before.
    linear: f64,
    square: f64,
}

impl Walks {
    /// One more set.
    pub(in crate::jobs::selection) fn add(&mut self, items: usize, asked: usize) {
        let (size, gains) = (items as f64, (items + asked) as f64);
        self.sets += 1.0;
        self.gains += gains;
        self.linear += gains * size;
        self.square += gains * size * size;
    }

    pub(in crate::jobs::selection) fn one(items: usize) -> Self {
        let mut walk = Self::default();
        walk.add(items, 0);
        walk
    }
}

impl Function {
    /// The function that is meant, whatever a search would look at: no sample, no graph, no start.
    pub(in crate::jobs::selection) fn meant(mut self) -> Self {
        if let Ground::Pairs { rows, neighbors, .. } = &mut self.ground {
            *neighbors = None;
            if matches!(rows, Represented::Sample(_)) {
                *rows = Represented::All;
            }
        }
        if let Form::DisparitySum { start } | Form::DisparityMin { start } = &mut self.form {
            *start = StartSpec::Lowest;
        }
        if let Form::Mixture { parts, .. } = &mut self.form {
            let meant = std::mem::take(parts).into_iter().map(|(weight, part)| (weight, part.meant()));
            *parts = meant.collect();
        }
        self
    }

    /// Floating-point operations, about: to make the function, and of the walks. Its plan is known.
    pub(in crate::jobs::selection) fn work(&self, sizes: Sizes, walks: &Walks) -> (f64, f64) {
        if let Form::Mixture { parts, normalize } = &self.form {
            let whole = Walks::one(sizes.n);
            return parts.iter().fold((0.0, 0.0), |(making, walking), (_, part)| {
                let (made, walked) = part.work(sizes, walks);
                let whole = if *normalize { part.work(sizes, &whole).1 } else { 0.0 };
                (making + made + whole, walking + walked)
            });
        }
        let (n, similarity) = (sizes.n as f64, 2.0 * sizes.dim as f64);
        let pair = FLOPS_OF_A_PAIR + if self.plan == Plan::Blocked { similarity } else { 0.0 };
        let given: usize =
            [&self.query, &self.private].into_iter().flatten().map(|side| side.len(sizes.n)).sum();
        let given = given as f64;
        let (pairs, factors) = match &self.ground {
            Ground::Nothing => (0.0, 0.0),
            Ground::Rankings { .. } => (self.scores_of_a_gain() * walks.gains, 0.0),
            Ground::Features(_) => (sizes.dim as f64 * walks.gains, 0.0),
            Ground::Pairs { rows, .. } => match &self.form {
                Form::GraphCut { .. }
                | Form::GraphCutCg { .. }
                | Form::SumRedundancy
                | Form::DisparitySum { .. }
                | Form::DisparityMin { .. } => (n * walks.gains, 0.0),
                Form::GraphCutMi { .. }
                | Form::Modular { .. }
                | Form::Committee { .. }
                | Form::External { .. }
                | Form::Mixture { .. } => (0.0, 0.0),
                Form::LogDet { .. } | Form::LogDetCg { .. } => (walks.linear, walks.factors(given)),
                Form::LogDetMi { .. } | Form::LogDetCmi { .. } => {
                    (2.0 * walks.linear, 2.0 * walks.factors(given))
                }
                Form::FacilityLocation { .. }
                | Form::FacilityLocationMi { .. }
                | Form::FacilityLocationVmi { .. }
                | Form::FacilityLocationCg { .. }
                | Form::FacilityLocationCmi { .. }
                | Form::SaturatedCoverage { .. }
                | Form::ConcaveOverModular { .. }
                | Form::FeatureBased { .. }
                | Form::SetCover { .. }
                | Form::ProbabilisticSetCover { .. } => (rows.len(sizes.n) as f64 * walks.gains, 0.0),
            },
        };
        // Rankings are looked at once: to be held, and for the totals of separable rules.
        let rankings =
            if let Ground::Rankings { voters } = &self.ground { 2.0 * *voters as f64 * n } else { 0.0 };
        let stored = if self.plan == Plan::Stored { similarity * self.pairs_of_all(sizes) } else { 0.0 };
        let sides = given * n * (similarity + FLOPS_OF_A_PAIR + given);
        let making = stored + rankings + sides + self.looks(sizes) * pair + self.widest(sizes) * similarity;
        let walking = pairs * pair + factors + walks.gains * FLOPS_OF_A_GAIN + walks.sets * n;
        (making, walking)
    }

    /// Pairs of its ground.
    fn pairs_of_all(&self, Sizes { n, .. }: Sizes) -> f64 {
        match &self.ground {
            Ground::Pairs { rows, .. } => rows.len(n) as f64 * n as f64,
            Ground::Nothing | Ground::Features(_) | Ground::Rankings { .. } => 0.0,
        }
    }

    /// Pairs that are looked at before the first set.
    fn looks(&self, sizes: Sizes) -> f64 {
        let (before, _) = self.pairs(
            match &self.ground {
                Ground::Pairs { rows, .. } => rows.len(sizes.n),
                Ground::Nothing | Ground::Features(_) | Ground::Rankings { .. } => 0,
            },
            Sizes { k: 0, evaluations: 0.0, ..sizes },
        );
        let refuses_negative = !matches!(
            &self.ground,
            Ground::Pairs { measure: Some(measure), .. } if measure.is_nonnegative()
        );
        before + if refuses_negative { self.pairs_of_all(sizes) } else { 0.0 }
    }

    /// Pairs that are looked at for the largest distance of all.
    fn widest(&self, Sizes { n, .. }: Sizes) -> f64 {
        match &self.ground {
            Ground::Pairs { measure: Some(Measure::Similarity(Metric::EuclideanGap)), .. } => {
                n as f64 * n as f64
            }
            Ground::Pairs { .. } | Ground::Nothing | Ground::Features(_) | Ground::Rankings { .. } => 0.0,
        }
    }
}

impl Walks {
    /// Operations of the rows of a factor, which begin with so many rows that are given.
    fn factors(&self, given: f64) -> f64 {
        self.square + 2.0 * given * self.linear + given * given * self.gains
    }
}
