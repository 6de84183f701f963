//! From the spec of an objective to a function: parameters checked, rows, weights and scores looked up. Every offence is
//! collected at its place.

use super::{Feature, Form, Function, Ground, Plan};
use crate::dataset::Kind;
use crate::jobs::archive::Archive;
use crate::jobs::rule::rule;
use crate::jobs::selection::error::{FieldError, SelectionError};
use crate::jobs::selection::represented::{self, Represented};
use crate::jobs::selection::resolve::Resolver;
use crate::jobs::spec::{
    ConcaveSpec, DistanceSpec, MetricSpec, NegativeSpec, ObjectiveSpec, ReductionSpec, RowsSpec, RuleSpec,
    SimilaritySpec, VouchedSpec,
};
use submodular::Properties;
use submodular::committee::Rule;
use submodular::objective::Reduction;
use submodular::objective::concave_over_sums::Concave;
use submodular::similarity::{Distance, Measure, Metric};

/// Largest number that a parameter may be: sums of squares stay finite.
const LARGEST: f64 = 1e100;
/// Parts of a mixture, however deep.
const MOST_PARTS: usize = 16;
/// Neighbours of a row, where they are counted by the service: three times n / k, and not less than these.
const FEWEST_NEIGHBORS: usize = 64;

/// Looks an objective up.
pub(in crate::jobs::selection) struct Lookup<'a, 'b> {
    pub(in crate::jobs::selection) resolver: &'a mut Resolver<'b>,
    /// What else it may name.
    pub(in crate::jobs::selection) archive: &'a dyn Archive,
    pub(in crate::jobs::selection) seed: u64,
    /// Items to choose, where that is known.
    pub(in crate::jobs::selection) k: Option<u64>,
    /// Whether there is somebody to ask for values from outside.
    pub(in crate::jobs::selection) asks: bool,
}

impl Lookup<'_, '_> {
    /// The function of the spec that stood at `pointer`.
    ///
    /// # Errors
    /// [`SelectionError`] where a dataset cannot be read; offences are collected.
    pub(in crate::jobs::selection) fn function(
        &mut self,
        spec: &ObjectiveSpec,
        pointer: &str,
    ) -> Result<Function, SelectionError> {
        self.fits_dataset(spec, pointer)?;
        let mut form = self.form(spec, pointer)?;
        let mut ground = self.ground(spec, pointer)?;
        if let (
            ObjectiveSpec::FacilityLocation { weights: of_rows, .. },
            Form::FacilityLocation { weights, .. },
            Ground::Pairs { rows, .. },
        ) = (spec, &mut form, &mut ground)
        {
            let found =
                represented::weights(self.resolver, of_rows.as_ref(), rows, &format!("{pointer}/weights"))?;
            (*rows, *weights) = represented::ascending(std::mem::replace(rows, Represented::All), found);
        }
        let (query, private) = match spec {
            ObjectiveSpec::FacilityLocationVmi { query, similarity, .. }
            | ObjectiveSpec::LogDetMi { query, similarity, .. } => (Some((query, similarity)), None),
            ObjectiveSpec::FacilityLocationCg { private, similarity, .. }
            | ObjectiveSpec::GraphCutCg { private, similarity, .. }
            | ObjectiveSpec::LogDetCg { private, similarity, .. } => (None, Some((private, similarity))),
            ObjectiveSpec::FacilityLocationCmi { query, private, similarity, .. }
            | ObjectiveSpec::LogDetCmi { query, private, similarity, .. } => {
                (Some((query, similarity)), Some((private, similarity)))
            }
            ObjectiveSpec::FacilityLocation { .. }
            | ObjectiveSpec::FacilityLocationMi { .. }
            | ObjectiveSpec::GraphCut { .. }
            | ObjectiveSpec::GraphCutMi { .. }
            | ObjectiveSpec::SaturatedCoverage { .. }
            | ObjectiveSpec::SumRedundancy { .. }
            | ObjectiveSpec::FeatureBased { .. }
            | ObjectiveSpec::SetCover { .. }
            | ObjectiveSpec::ProbabilisticSetCover { .. }
            | ObjectiveSpec::ConcaveOverModular { .. }
            | ObjectiveSpec::LogDet { .. }
            | ObjectiveSpec::DisparitySum { .. }
            | ObjectiveSpec::DisparityMin { .. }
            | ObjectiveSpec::Modular { .. }
            | ObjectiveSpec::Committee { .. }
            | ObjectiveSpec::External { .. }
            | ObjectiveSpec::Mixture { .. } => (None, None),
        };
        let query = query
            .map(|(rows, similarity)| self.side(rows, *similarity, &format!("{pointer}/query")))
            .transpose()?;
        let private = private
            .map(|(rows, similarity)| self.side(rows, *similarity, &format!("{pointer}/private")))
            .transpose()?;
        Ok(Function { form, ground, query, private, plan: Plan::default() })
    }

    /// Rankings are for committees, and for what looks at no data but numbers of its own.
    fn fits_dataset(&self, spec: &ObjectiveSpec, pointer: &str) -> Result<(), SelectionError> {
        let detail = match (spec, self.resolver.source.kind()) {
            (ObjectiveSpec::External { .. }, _) => return Ok(()),
            (ObjectiveSpec::Modular { .. }, _) if self.resolver.source.is_bare() => return Ok(()),
            _ if self.resolver.source.is_bare() => {
                "this objective looks at a dataset: name one, or send it inline"
            }
            (ObjectiveSpec::Committee { .. }, Kind::Vectors | Kind::Similarity) => {
                "a committee is chosen from a dataset of rankings"
            }
            (
                ObjectiveSpec::Committee { .. }
                | ObjectiveSpec::Modular { .. }
                | ObjectiveSpec::Mixture { .. },
                Kind::Rankings,
            )
            | (_, Kind::Vectors | Kind::Similarity) => return Ok(()),
            (_, Kind::Rankings) => {
                "the dataset holds rankings, and this objective looks at vectors or similarities: use committee"
            }
        };
        let refused = FieldError::new(format!("{pointer}/name"), "invalid_parameter", detail);
        Err(SelectionError::Invalid(vec![refused]))
    }

    /// Values from outside.
    fn external(&mut self, n: Option<u64>, (sets, seconds): (u64, f64), pointer: &str) {
        let items = self.resolver.source.items();
        let asks = self.asks;
        let mut refuse = |name: &str, code: &'static str, detail: String| {
            self.resolver.refuse(format!("{pointer}/{name}"), code, detail);
        };
        if !asks {
            let detail = "its values come from the caller of a job: submit one, and answer its questions";
            refuse("name", "invalid_parameter", detail.to_owned());
        }
        if pointer != "/objective" {
            let detail = "answers are of the whole objective: mix before answering";
            refuse("name", "invalid_parameter", detail.to_owned());
        }
        if sets == 0 {
            refuse("max_sets_per_round", "invalid_parameter", "at least 1".to_owned());
        }
        if !(seconds.is_finite() && seconds > 0.0) {
            refuse("idle_expires_seconds", "invalid_parameter", "a finite number above 0".to_owned());
        }
        if let Some(n) = n.filter(|&n| n != items as u64) {
            let detail = format!("{n}, but the dataset has {items} items: leave it out");
            refuse("n", "shape_mismatch", detail);
        }
    }

    /// What a committee is worth.
    fn committee(&mut self, spec: &RuleSpec, pointer: &str) -> Form {
        let m = self.resolver.source.items();
        let k = self.k.and_then(|k| usize::try_from(k).ok());
        let rule = match rule(spec, m) {
            Ok(rule) => rule,
            Err(wrong) => {
                for (name, detail) in wrong {
                    self.resolver.refuse(format!("{pointer}/{name}"), "invalid_parameter", detail);
                }
                Rule::Sntv
            }
        };
        if rule.depends_on_k() && k.is_none() {
            let detail = format!("{} approves of the first k, and there is no k: give t", rule.name());
            self.resolver.refuse(format!("{pointer}/t"), "invalid_parameter", detail);
        }
        Form::Committee { rule, k: k.unwrap_or(m) }
    }

    fn form(&mut self, spec: &ObjectiveSpec, pointer: &str) -> Result<Form, SelectionError> {
        Ok(match spec {
            // Weights are of the rows, which the ground looks up: they come after it.
            ObjectiveSpec::FacilityLocation { reduction, .. } => Form::FacilityLocation {
                weights: None,
                reduction: match reduction {
                    ReductionSpec::Sum => Reduction::Sum,
                    ReductionSpec::Mean => Reduction::Mean,
                },
            },
            ObjectiveSpec::FacilityLocationMi { eta, .. } => {
                Form::FacilityLocationMi { eta: self.number(*eta, pointer, "eta") }
            }
            ObjectiveSpec::FacilityLocationVmi { eta, .. } => {
                Form::FacilityLocationVmi { eta: self.number(*eta, pointer, "eta") }
            }
            ObjectiveSpec::FacilityLocationCg { nu, .. } => {
                Form::FacilityLocationCg { nu: self.number(*nu, pointer, "nu") }
            }
            ObjectiveSpec::FacilityLocationCmi { eta, nu, .. } => Form::FacilityLocationCmi {
                eta: self.number(*eta, pointer, "eta"),
                nu: self.number(*nu, pointer, "nu"),
            },
            ObjectiveSpec::GraphCut { lambda, .. } => {
                Form::GraphCut { lambda: self.number(*lambda, pointer, "lambda") }
            }
            ObjectiveSpec::GraphCutMi { lambda, .. } => {
                Form::GraphCutMi { lambda: self.number(*lambda, pointer, "lambda") }
            }
            ObjectiveSpec::GraphCutCg { lambda, nu, .. } => Form::GraphCutCg {
                lambda: self.number(*lambda, pointer, "lambda"),
                nu: self.number(*nu, pointer, "nu"),
            },
            ObjectiveSpec::SaturatedCoverage { alpha, cap, .. } => {
                Form::SaturatedCoverage { alpha: self.number(*alpha, pointer, "alpha"), cap: *cap }
            }
            ObjectiveSpec::SumRedundancy { .. } => Form::SumRedundancy,
            ObjectiveSpec::FeatureBased { concave, weights, .. } => Form::FeatureBased {
                concave: self.concave(*concave, pointer),
                weights: weights.as_ref().map(|weights| self.of_features(Some(weights), pointer)),
            },
            ObjectiveSpec::SetCover { weights, query, private, .. } => Form::SetCover {
                weights: self.masked(weights.as_ref(), query.as_ref(), private.as_ref(), pointer),
            },
            ObjectiveSpec::ProbabilisticSetCover { weights, query, private } => Form::ProbabilisticSetCover {
                weights: self.masked(weights.as_ref(), query.as_ref(), private.as_ref(), pointer),
            },
            ObjectiveSpec::ConcaveOverModular { eta, concave, .. } => Form::ConcaveOverModular {
                eta: self.number(*eta, pointer, "eta"),
                concave: self.concave(*concave, pointer),
            },
            ObjectiveSpec::LogDet { ridge, .. } => {
                Form::LogDet { ridge: self.number(*ridge, pointer, "ridge") }
            }
            ObjectiveSpec::LogDetMi { eta, ridge, .. } => Form::LogDetMi {
                eta: self.number(*eta, pointer, "eta"),
                ridge: self.number(*ridge, pointer, "ridge"),
            },
            ObjectiveSpec::LogDetCg { nu, ridge, .. } => Form::LogDetCg {
                nu: self.number(*nu, pointer, "nu"),
                ridge: self.number(*ridge, pointer, "ridge"),
            },
            ObjectiveSpec::LogDetCmi { eta, nu, ridge, .. } => Form::LogDetCmi {
                eta: self.number(*eta, pointer, "eta"),
                nu: self.number(*nu, pointer, "nu"),
                ridge: self.number(*ridge, pointer, "ridge"),
            },
            ObjectiveSpec::DisparitySum { start, .. } => Form::DisparitySum { start: *start },
            ObjectiveSpec::DisparityMin { start, .. } => Form::DisparityMin { start: *start },
            ObjectiveSpec::Modular { scores } => {
                let before = self.resolver.errors.len();
                let values = self.resolver.values(scores, &format!("{pointer}/scores"))?;
                let (n, found) = (self.resolver.source.items(), values.len());
                if found != n && self.resolver.errors.len() == before {
                    let detail = format!("{found} scores for {n} rows");
                    self.resolver.refuse(format!("{pointer}/scores"), "shape_mismatch", detail);
                }
                Form::Modular { scores: values }
            }
            ObjectiveSpec::External { n, properties, max_sets_per_round, idle_expires_seconds } => {
                self.external(*n, (*max_sets_per_round, *idle_expires_seconds), pointer);
                let VouchedSpec { monotone, submodular, nonnegative } = *properties;
                // f(empty) is asked for, and may be anything.
                let known = Properties { monotone, submodular, nonnegative, ..Properties::default() };
                Form::External { properties: Properties { asks: true, ..known } }
            }
            ObjectiveSpec::Committee { rule, t, q, positions, owa } => {
                let (positions, owa) = (positions.clone(), owa.clone());
                self.committee(&RuleSpec { rule: *rule, t: *t, q: *q, positions, owa }, pointer)
            }
            ObjectiveSpec::Mixture { parts, normalize } => {
                if parts.is_empty() || count(spec) > MOST_PARTS {
                    let detail = format!("{} parts; 1 to {MOST_PARTS}", count(spec));
                    self.resolver.refuse(format!("{pointer}/parts"), "invalid_parameter", detail);
                    return Ok(Form::Mixture { parts: vec![], normalize: *normalize });
                }
                let mut functions = vec![];
                for (index, part) in parts.iter().enumerate() {
                    let at = format!("{pointer}/parts/{index}");
                    let weight = self.number(part.weight, &at, "weight");
                    if part.objective.starts_with_a_pair() {
                        let detail =
                            "a part of a mixture cannot say where the search begins: leave start out";
                        self.resolver.refuse(format!("{at}/objective/start"), "invalid_parameter", detail);
                    }
                    functions.push((weight, self.function(&part.objective, &format!("{at}/objective"))?));
                }
                if *normalize && functions.iter().any(|(_, part)| part.is_sampled() || part.is_graph()) {
                    let detail = "a part over a sample or a graph has no value of all items to divide by";
                    self.resolver.refuse(format!("{pointer}/normalize"), "invalid_parameter", detail);
                }
                Form::Mixture { parts: functions, normalize: *normalize }
            }
        })
    }

    fn ground(&mut self, spec: &ObjectiveSpec, pointer: &str) -> Result<Ground, SelectionError> {
        Ok(match spec {
            ObjectiveSpec::Modular { .. }
            | ObjectiveSpec::External { .. }
            | ObjectiveSpec::Mixture { .. } => Ground::Nothing,
            ObjectiveSpec::Committee { .. } => Ground::Rankings { voters: self.resolver.source.rows() },
            ObjectiveSpec::FeatureBased { negative, .. } => self.features(
                match negative {
                    NegativeSpec::Error => Feature::Nonnegative,
                    NegativeSpec::Clip => Feature::Clipped,
                },
                pointer,
            ),
            ObjectiveSpec::SetCover { threshold, .. } => {
                if !threshold.is_finite() {
                    self.resolver.refuse(
                        format!("{pointer}/threshold"),
                        "invalid_parameter",
                        "a finite number",
                    );
                }
                self.features(Feature::Above(*threshold as f32), pointer)
            }
            ObjectiveSpec::ProbabilisticSetCover { .. } => self.features(Feature::Probability, pointer),
            ObjectiveSpec::DisparitySum { distance, .. } | ObjectiveSpec::DisparityMin { distance, .. } => {
                self.resolver.distances(*distance, &format!("{pointer}/distance"))
            }
            ObjectiveSpec::FacilityLocation { similarity, represented, .. } => {
                let measure = self.measure(*similarity, pointer);
                let at = format!("{pointer}/represented");
                let rows = represented::rows(
                    self.resolver,
                    represented.as_ref(),
                    self.archive,
                    measure,
                    self.seed,
                    &at,
                )?;
                let neighbors = self.neighbors(*similarity, matches!(rows, Represented::All), pointer);
                Ground::Pairs { measure, rows, neighbors }
            }
            ObjectiveSpec::FacilityLocationMi { similarity, query, .. }
            | ObjectiveSpec::GraphCutMi { similarity, query, .. }
            | ObjectiveSpec::ConcaveOverModular { similarity, query, .. } => {
                let measure = self.measure(*similarity, pointer);
                let rows = self.side(query, *similarity, &format!("{pointer}/query"))?;
                let neighbors = self.neighbors(*similarity, false, pointer);
                Ground::Pairs { measure, rows, neighbors }
            }
            ObjectiveSpec::GraphCut { similarity, .. }
            | ObjectiveSpec::SaturatedCoverage { similarity, .. }
            | ObjectiveSpec::FacilityLocationCg { similarity, .. } => {
                let measure = self.measure(*similarity, pointer);
                let neighbors = self.neighbors(*similarity, true, pointer);
                Ground::Pairs { measure, rows: Represented::All, neighbors }
            }
            ObjectiveSpec::GraphCutCg { similarity, .. }
            | ObjectiveSpec::SumRedundancy { similarity }
            | ObjectiveSpec::FacilityLocationVmi { similarity, .. }
            | ObjectiveSpec::FacilityLocationCmi { similarity, .. }
            | ObjectiveSpec::LogDet { similarity, .. }
            | ObjectiveSpec::LogDetMi { similarity, .. }
            | ObjectiveSpec::LogDetCg { similarity, .. }
            | ObjectiveSpec::LogDetCmi { similarity, .. } => {
                let measure = self.measure(*similarity, pointer);
                let neighbors = self.neighbors(*similarity, false, pointer);
                Ground::Pairs { measure, rows: Represented::All, neighbors }
            }
        })
    }

    /// Rows of a query or private rows.
    fn side(
        &mut self,
        rows: &RowsSpec,
        similarity: SimilaritySpec,
        pointer: &str,
    ) -> Result<Represented, SelectionError> {
        represented::side(self.resolver, rows, self.archive, measure(similarity), pointer)
    }

    /// A finite number of at least 0.
    fn number(&mut self, value: f64, pointer: &str, name: &str) -> f64 {
        if !(0.0..=LARGEST).contains(&value) {
            let detail = format!("{value}; a number from 0 to {LARGEST:e}");
            self.resolver.refuse(format!("{pointer}/{name}"), "invalid_parameter", detail);
        }
        value
    }

    fn concave(&mut self, spec: ConcaveSpec, pointer: &str) -> Concave {
        match spec {
            ConcaveSpec::Sqrt => Concave::Sqrt,
            ConcaveSpec::Log => Concave::Log,
            ConcaveSpec::Ratio => Concave::Ratio,
            ConcaveSpec::Power(p) => {
                if !(p > 0.0 && p <= 1.0) {
                    let detail = format!("{p}; above 0 and at most 1, or the function is not concave");
                    self.resolver.refuse(format!("{pointer}/concave/power"), "invalid_parameter", detail);
                }
                Concave::Power(p)
            }
        }
    }

    /// One weight of at least 0 a feature; 1 where there are none.
    fn of_features(&mut self, weights: Option<&Vec<f64>>, pointer: &str) -> Vec<f64> {
        let dim = self.resolver.source.dim();
        let Some(weights) = weights else { return vec![1.0; dim] };
        let at = format!("{pointer}/weights");
        if weights.len() != dim {
            let detail = format!("{} weights for vectors of {dim} numbers", weights.len());
            self.resolver.refuse(&at, "shape_mismatch", detail);
        }
        if let Some((index, weight)) = weights.iter().enumerate().find(|(_, w)| !(0.0..=LARGEST).contains(*w))
        {
            let detail = format!("{weight}; a number from 0 to {LARGEST:e}");
            self.resolver.refuse(format!("{at}/{index}"), "invalid_parameter", detail);
        }
        weights.clone()
    }

    /// Weights of concepts, 0 outside the query and within what is private: with those the plain cover is the mutual
    /// information, and the gain given the private concepts.
    fn masked(
        &mut self,
        weights: Option<&Vec<f64>>,
        query: Option<&Vec<bool>>,
        private: Option<&Vec<bool>>,
        pointer: &str,
    ) -> Vec<f64> {
        let dim = self.resolver.source.dim();
        for (name, mask) in [("query", query), ("private", private)] {
            if let Some(mask) = mask.filter(|mask| mask.len() != dim) {
                let detail = format!("{} entries for vectors of {dim} numbers", mask.len());
                self.resolver.refuse(format!("{pointer}/{name}"), "shape_mismatch", detail);
            }
        }
        let mut weights = self.of_features(weights, pointer);
        for (concept, weight) in weights.iter_mut().enumerate() {
            let wanted = query.is_none_or(|query| query.get(concept).copied().unwrap_or(false));
            let had = private.is_some_and(|private| private.get(concept).copied().unwrap_or(false));
            if !wanted || had {
                *weight = 0.0;
            }
        }
        weights
    }

    fn features(&mut self, feature: Feature, pointer: &str) -> Ground {
        if self.resolver.source.kind() != Kind::Vectors {
            let detail = "this objective looks at vectors; the dataset holds similarities";
            self.resolver.refuse(format!("{pointer}/name"), "invalid_parameter", detail);
        }
        Ground::Features(feature)
    }

    /// The similarity of a spec, named under `pointer`; none: the dataset is it.
    fn measure(&mut self, spec: SimilaritySpec, pointer: &str) -> Option<Measure> {
        let measure = measure(spec);
        self.resolver.fits(measure, &format!("{pointer}/similarity/metric"));
        let at = format!("{pointer}/similarity/gamma");
        match spec.gamma {
            Some(_) if spec.metric != MetricSpec::Rbf => {
                self.resolver.refuse(at, "invalid_parameter", "gamma is the width of rbf only");
            }
            Some(gamma) if !(gamma.is_finite() && gamma > 0.0) => {
                self.resolver.refuse(at, "invalid_parameter", "a finite number above 0");
            }
            _ => {}
        }
        measure
    }

    /// How many neighbours a row has besides itself.
    fn neighbors(&mut self, spec: SimilaritySpec, offered: bool, pointer: &str) -> Option<usize> {
        let neighbors = spec.neighbors?;
        let at = format!("{pointer}/similarity/neighbors");
        let n = self.resolver.source.rows();
        if !offered {
            let detail = "a graph of neighbours is for facility_location over all rows, facility_location_cg, \
                          saturated_coverage and graph_cut";
            self.resolver.refuse(at, "invalid_parameter", detail);
            return None;
        }
        if self.resolver.source.kind() == Kind::Similarity {
            let detail = "neighbours are found among vectors: give the graph itself as a sparse similarity";
            self.resolver.refuse(at, "invalid_parameter", detail);
            return None;
        }
        let most = n.saturating_sub(1).max(1);
        match neighbors.m {
            Some(m) if m == 0 || m > most as u64 => {
                let detail = format!("{m}; 1 to {most}, the other rows");
                self.resolver.refuse(format!("{at}/m"), "invalid_parameter", detail);
                None
            }
            Some(m) => Some(m as usize),
            None => {
                let k = self.k.unwrap_or(1).max(1) as usize;
                Some((3 * n.div_ceil(k)).max(FEWEST_NEIGHBORS).min(most))
            }
        }
    }
}

impl Resolver<'_> {
    /// The pairs of a distance, named at `pointer`.
    pub(in crate::jobs::selection) fn distances(&mut self, spec: DistanceSpec, pointer: &str) -> Ground {
        let measure = match spec {
            DistanceSpec::Euclidean => Some(Distance::Euclidean.into()),
            DistanceSpec::Angular => Some(Distance::Angular.into()),
            DistanceSpec::Cosine => Some(Distance::Cosine.into()),
            DistanceSpec::Precomputed => None,
        };
        self.fits(measure, pointer);
        Ground::Pairs { measure, rows: Represented::All, neighbors: None }
    }

    /// Whether the dataset holds what the measure compares.
    fn fits(&mut self, measure: Option<Measure>, pointer: &str) {
        if self.source.is_bare() {
            let detail = "pairs are of the items of a dataset: name one, or send it inline";
            return self.refuse(pointer, "invalid_parameter", detail);
        }
        match (self.source.kind(), measure) {
            (Kind::Vectors, None) => {
                let detail = "precomputed needs a dataset of kind similarity; this one holds vectors";
                self.refuse(pointer, "invalid_parameter", detail);
            }
            (Kind::Similarity, Some(measure)) => {
                let detail = format!(
                    "{} compares vectors, but this dataset holds similarities: use \"precomputed\"",
                    measure.name()
                );
                self.refuse(pointer, "invalid_parameter", detail);
            }
            (Kind::Rankings, _) => {
                let detail = "pairs are of vectors or similarities; this dataset holds rankings";
                self.refuse(pointer, "invalid_parameter", detail);
            }
            (Kind::Vectors, Some(_)) | (Kind::Similarity, None) => {}
        }
        let source = self.source;
        represented::refuse_zero_row(self, source, measure, pointer);
    }
}

fn measure(spec: SimilaritySpec) -> Option<Measure> {
    Some(Measure::Similarity(match spec.metric {
        MetricSpec::Cosine => Metric::Cosine,
        MetricSpec::CosineSigned => Metric::CosineSigned,
        MetricSpec::CosineShifted => Metric::CosineShifted,
        MetricSpec::CosineSquared => Metric::CosineSquared,
        MetricSpec::Dot => Metric::Dot,
        MetricSpec::Rbf => Metric::Rbf { gamma: spec.gamma },
        MetricSpec::ExpDistance => Metric::ExpDistance,
        MetricSpec::EuclideanGap => Metric::EuclideanGap,
        MetricSpec::Precomputed => return None,
    }))
}

/// Functions of a spec that are no mixtures.
fn count(spec: &ObjectiveSpec) -> usize {
    let ObjectiveSpec::Mixture { parts, .. } = spec else { return 1 };
    parts.iter().map(|part| count(&part.objective)).sum()
}
