//! From a spec to a plan: everything looked up, checked and estimated, before a vector is read.

use super::Limits;
use super::error::{FieldError, SelectionError};
use super::method::Method;
use super::resolve::{Resolver, Rule};
use super::result::{Guarantee, PlanReport};
use crate::dataset::{DatasetError, Kind, Source};
use crate::jobs::spec::{
    MetricSpec, ObjectiveSpec, ReductionSpec, RepresentedSpec, SelectionSpec, SimilaritySpec, ValuesSpec,
};
use submodular::constraint::Shape;
use submodular::guarantee;
use submodular::objective::{Reduction, facility_location};
use submodular::similarity::{Metric, plan};
use submodular::{Item, problem, sampling};

/// A stream of draws that no step of a run uses.
const SAMPLE_STREAM: u64 = u64::MAX;
/// Bytes a reader holds while rows stream through it.
const READING: u64 = 6 << 20;

/// A job that is ready to run.
pub struct Prepared {
    pub(super) spec: SelectionSpec,
    pub(super) similarity: SimilarityPlan,
    pub(super) represented: Represented,
    pub(super) weights: Option<Vec<f64>>,
    pub(super) reduction: Reduction,
    pub(super) rule: Rule,
    pub(super) method: Method,
    pub(super) optimizer_reason: String,
    pub(super) warnings: Vec<String>,
    pub(super) prefixes_valid: bool,
    pub(super) limits: Limits,
    report: PlanReport,
    excess: Option<Excess>,
}

/// How similarities come about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum SimilarityPlan {
    Precomputed,
    Computed { metric: Metric, plan: plan::Plan },
}

impl SimilarityPlan {
    pub(super) fn name(self) -> &'static str {
        match self {
            SimilarityPlan::Precomputed => "precomputed",
            SimilarityPlan::Computed { plan, .. } => plan.name(),
        }
    }
    pub(super) fn metric_name(self) -> &'static str {
        match self {
            SimilarityPlan::Precomputed => "precomputed",
            SimilarityPlan::Computed { metric, .. } => metric.name(),
        }
    }
}

/// The rows that have to be represented.
pub(super) enum Represented {
    All,
    Rows(Vec<Item>),
    /// Rows that stand for all of them, ascending.
    Sample(Vec<Item>),
    Vectors(Vec<Vec<f32>>),
    Dataset(Source),
}

impl Represented {
    pub(super) fn len(&self, all: usize) -> usize {
        match self {
            Represented::All => all,
            Represented::Rows(rows) | Represented::Sample(rows) => rows.len(),
            Represented::Vectors(vectors) => vectors.len(),
            Represented::Dataset(source) => source.rows(),
        }
    }
}

struct Excess {
    detail: String,
    needed: f64,
    allowed: f64,
    setting: &'static str,
}

impl Prepared {
    /// The spec with every default filled that depends on the data.
    pub fn spec(&self) -> &SelectionSpec {
        &self.spec
    }

    /// What the run would take.
    pub fn report(&self) -> &PlanReport {
        &self.report
    }

    /// # Errors
    /// [`SelectionError::TooLarge`] with numbers and a way out.
    pub fn admit(&self) -> Result<(), SelectionError> {
        match &self.excess {
            None => Ok(()),
            Some(Excess { detail, needed, allowed, setting }) => Err(SelectionError::TooLarge {
                detail: detail.clone(),
                needed: *needed,
                allowed: *allowed,
                setting,
            }),
        }
    }
}

/// Looks everything up in `source` and estimates the run. `other` opens the dataset that is represented, where that is
/// not the one selected from.
///
/// # Errors
/// [`SelectionError::Invalid`] with every offence, [`SelectionError::Dataset`]. A job that is too large is prepared
/// nevertheless: see [`Prepared::admit`].
pub fn prepare(
    spec: &SelectionSpec,
    source: &Source,
    other: &dyn Fn(&str) -> Result<Source, DatasetError>,
    limits: &Limits,
) -> Result<Prepared, SelectionError> {
    let spec = &resolved(spec, source.dim());
    let ObjectiveSpec::FacilityLocation { similarity, represented, weights, reduction } = &spec.objective;
    let mut resolver = Resolver::new(source);
    let n = source.rows();
    let properties = facility_location::properties();
    let (method, optimizer_reason) = Method::choose(spec.optimizer, &properties);
    if spec.deadline_seconds.is_some_and(|s| !(s.is_finite() && s > 0.0)) {
        resolver.refuse("/deadline_seconds", "invalid_parameter", "a finite number above 0");
    }
    let metric = metric(&mut resolver, *similarity, source.kind());
    let represented = self::represented(&mut resolver, represented.as_ref(), other, metric, spec.seed)?;
    let weights = self::weights(&mut resolver, weights.as_ref(), &represented)?;
    let (represented, weights) = ascending(represented, weights);
    let optimizer = method.build().map_err(|e| {
        let parameter = if let submodular::Error::Parameter { name, .. } = &e { Some(name) } else { None };
        let pointer = parameter.map_or("/optimizer".to_owned(), |name| format!("/optimizer/{name}"));
        one(&pointer, "invalid_parameter", &e)
    });
    if let Err(SelectionError::Invalid(errors)) = &optimizer {
        resolver.errors.extend(errors.iter().cloned());
    }
    let rule = resolver.rule(&spec.constraints, method.ranks_all())?;
    let (true, Some(rule), Ok(optimizer)) = (resolver.errors.is_empty(), rule, optimizer) else {
        return Err(SelectionError::Invalid(resolver.errors));
    };
    let shape = rule.constraint.shape();
    let claim =
        (optimizer.claim(&properties, &shape)).map_err(|e| one("/optimizer", "optimizer_mismatch", &e))?;

    let rows = represented.len(n);
    let all = matches!(represented, Represented::All);
    let books = problem::memory(n) + facility_location::memory(rows, weights.is_some()) + READING;
    let labels = rule.groups.as_ref().map_or(0, |_| 8 * n as u64);
    let (similarity, bytes, flops) = match metric {
        None => (SimilarityPlan::Precomputed, plan::matrix_bytes(rows, n), 0.0),
        Some(metric) => {
            let budget = limits.memory_bytes.saturating_sub(books + labels);
            let estimate = plan::choose(rows, n, source.dim(), all, limits.threads, budget);
            let (_, expected) = method.evaluations(n - rule.exclude.len(), &shape);
            let flops = match estimate.plan {
                plan::Plan::StoredF32 => estimate.flops as f64,
                plan::Plan::Blocked => 2.0 * source.dim() as f64 * rows as f64 * expected,
            };
            // The chosen items are compared with every row once more, where only a sample was looked at.
            let k = shape.k.unwrap_or(n) as f64;
            let dense = 2.0 * source.dim() as f64 * n as f64 * k;
            let flops = flops + if matches!(represented, Represented::Sample(_)) { dense } else { 0.0 };
            (SimilarityPlan::Computed { metric, plan: estimate.plan }, estimate.bytes, flops)
        }
    };
    let memory_bytes = bytes.saturating_add(books + labels);
    let excess = excess(n, rows, memory_bytes, flops, limits);
    let warnings = method.warnings(n - rule.exclude.len(), &shape);
    let reduction = match reduction {
        ReductionSpec::Sum => Reduction::Sum,
        ReductionSpec::Mean => Reduction::Mean,
    };
    let guarantee = guarantee(&claim.guarantee, spec.constraints.stop_when_gain_at_most);
    let report = PlanReport {
        memory_bytes,
        evaluations: method.evaluations(n - rule.exclude.len(), &shape).0,
        flops,
        optimizer: method.name().to_owned(),
        plan: similarity.name().to_owned(),
        guarantee,
        admissible: excess.is_none(),
        reason: excess.as_ref().map(|e| e.detail.clone()).or_else(|| warnings.first().cloned()),
    };
    Ok(Prepared {
        spec: spec.clone(),
        similarity,
        represented,
        weights,
        reduction,
        prefixes_valid: claim.prefixes,
        rule,
        method,
        optimizer_reason,
        warnings,
        limits: *limits,
        report,
        excess,
    })
}

/// The width of rbf is 1 / dim where none is given.
fn resolved(spec: &SelectionSpec, dim: usize) -> SelectionSpec {
    let mut spec = spec.clone();
    let ObjectiveSpec::FacilityLocation { similarity, .. } = &mut spec.objective;
    if similarity.metric == MetricSpec::Rbf && similarity.gamma.is_none() {
        similarity.gamma = Some(1.0 / dim as f64);
    }
    spec
}

fn one(pointer: &str, code: &'static str, error: &dyn std::error::Error) -> SelectionError {
    SelectionError::Invalid(vec![FieldError::new(pointer, code, error.to_string())])
}

/// None: the dataset is the similarity.
fn metric(resolver: &mut Resolver<'_>, spec: SimilaritySpec, kind: Kind) -> Option<Metric> {
    let pointer = "/objective/similarity";
    let metric = match spec.metric {
        MetricSpec::Cosine => Some(Metric::Cosine),
        MetricSpec::CosineSigned => Some(Metric::CosineSigned),
        MetricSpec::CosineShifted => Some(Metric::CosineShifted),
        MetricSpec::CosineSquared => Some(Metric::CosineSquared),
        MetricSpec::Dot => Some(Metric::Dot),
        MetricSpec::Rbf => Some(Metric::Rbf { gamma: spec.gamma }),
        MetricSpec::Precomputed => None,
    };
    match (kind, metric) {
        (Kind::Vectors, None) => {
            let detail = "precomputed needs a dataset of kind similarity; this one holds vectors";
            resolver.refuse(format!("{pointer}/metric"), "invalid_parameter", detail);
        }
        (Kind::Similarity, Some(metric)) => {
            let detail = format!(
                "{} compares vectors, but this dataset holds similarities: use \"precomputed\"",
                metric.name()
            );
            resolver.refuse(format!("{pointer}/metric"), "invalid_parameter", detail);
        }
        (Kind::Vectors, Some(_)) | (Kind::Similarity, None) => {}
    }
    match spec.gamma {
        Some(_) if spec.metric != MetricSpec::Rbf => {
            resolver.refuse(
                format!("{pointer}/gamma"),
                "invalid_parameter",
                "gamma is the width of rbf only",
            );
        }
        Some(gamma) if !(gamma.is_finite() && gamma > 0.0) => {
            resolver.refuse(format!("{pointer}/gamma"), "invalid_parameter", "a finite number above 0");
        }
        _ => {}
    }
    metric
}

fn represented(
    resolver: &mut Resolver<'_>,
    spec: Option<&RepresentedSpec>,
    other: &dyn Fn(&str) -> Result<Source, DatasetError>,
    metric: Option<Metric>,
    seed: u64,
) -> Result<Represented, SelectionError> {
    let pointer = "/objective/represented";
    let (n, dim) = (resolver.source.rows(), resolver.source.dim());
    let refuse_precomputed = |resolver: &mut Resolver<'_>| {
        if metric.is_none() {
            let detail = "a precomputed similarity has rows of its own dataset only: use rows or sample";
            resolver.refuse(pointer, "invalid_parameter", detail);
        }
    };
    Ok(match spec {
        None => Represented::All,
        Some(RepresentedSpec::Rows(rows)) => {
            let rows = resolver.items(rows, &format!("{pointer}/rows"))?;
            if rows.is_empty() {
                resolver.refuse(format!("{pointer}/rows"), "invalid_parameter", "at least one row");
            }
            Represented::Rows(rows)
        }
        Some(RepresentedSpec::Sample(size)) => match usize::try_from(*size) {
            Ok(size) if size >= 1 && size <= n => {
                let all = (0..).take(n).collect();
                let mut draws = sampling::stream(seed, SAMPLE_STREAM);
                Represented::Sample(sampling::without_replacement(all, size, &mut draws))
            }
            _ => {
                let detail = format!("{size}; between 1 and {n}, the number of rows");
                resolver.refuse(format!("{pointer}/sample"), "invalid_parameter", detail);
                Represented::All
            }
        },
        Some(RepresentedSpec::Vectors(vectors)) => {
            refuse_precomputed(resolver);
            if vectors.is_empty() {
                resolver.refuse(format!("{pointer}/vectors"), "invalid_parameter", "at least one vector");
            }
            if let Some((row, v)) = vectors.iter().enumerate().find(|(_, v)| v.len() != dim) {
                let detail = format!("{} numbers, but the dataset's vectors have {dim}", v.len());
                resolver.refuse(format!("{pointer}/vectors/{row}"), "shape_mismatch", detail);
            }
            for (row, vector) in vectors.iter().enumerate() {
                if let Some(column) = vector.iter().position(|x| !x.is_finite()) {
                    let detail = "not a finite number in 32 bits";
                    resolver.refuse(format!("{pointer}/vectors/{row}/{column}"), "invalid_matrix", detail);
                } else if metric.is_some_and(Metric::is_cosine) && vector.iter().all(|&x| x == 0.0) {
                    let detail = "the zero vector has no direction for a cosine";
                    resolver.refuse(format!("{pointer}/vectors/{row}"), "invalid_matrix", detail);
                }
            }
            Represented::Vectors(vectors.clone())
        }
        Some(RepresentedSpec::Dataset(id)) => {
            refuse_precomputed(resolver);
            let source = other(id)?;
            if source.kind() != Kind::Vectors || source.dim() != dim {
                let detail = format!(
                    "it holds {} of {} numbers, but the dataset's vectors have {dim}",
                    source.kind(),
                    source.dim()
                );
                resolver.refuse(format!("{pointer}/dataset"), "shape_mismatch", detail);
            }
            Represented::Dataset(source)
        }
    })
}

/// Sum of weights with which no similarity in 32 bits makes the objective overflow.
const LARGEST_WEIGHT: f64 = 1e200;

/// A column is looked up in the dataset and narrowed to the represented rows.
fn weights(
    resolver: &mut Resolver<'_>,
    spec: Option<&ValuesSpec>,
    represented: &Represented,
) -> Result<Option<Vec<f64>>, SelectionError> {
    let pointer = "/objective/weights";
    let Some(spec) = spec else { return Ok(None) };
    let before = resolver.errors.len();
    let mut values = resolver.values(spec, pointer)?;
    if resolver.errors.len() > before {
        return Ok(None);
    }
    match (spec, represented) {
        (ValuesSpec::Column(_), Represented::Rows(rows)) => {
            values = rows.iter().map(|&e| values[e as usize]).collect();
        }
        (ValuesSpec::Column(_), Represented::Vectors(_) | Represented::Dataset(_)) => {
            let detail = "the represented rows are not of this dataset: give the weights as values";
            resolver.refuse(pointer, "invalid_parameter", detail);
        }
        (ValuesSpec::Column(_), Represented::All | Represented::Sample(_)) | (ValuesSpec::Values(_), _) => {}
    }
    // Nobody knows beforehand which rows a sample holds: weights are given for all of them.
    let expected = match represented {
        Represented::Sample(_) => resolver.source.rows(),
        Represented::All | Represented::Rows(_) | Represented::Vectors(_) | Represented::Dataset(_) => {
            represented.len(resolver.source.rows())
        }
    };
    let sum: f64 = values.iter().sum();
    if values.len() != expected {
        let detail = format!("{} weights for {expected} represented rows", values.len());
        resolver.refuse(pointer, "shape_mismatch", detail);
    } else if let Some((row, value)) = values.iter().enumerate().find(|(_, v)| **v < 0.0) {
        let detail = format!("represented row {row} has the weight {value}; weights are at least 0");
        resolver.refuse(pointer, "invalid_parameter", detail);
    } else if sum > LARGEST_WEIGHT {
        let detail = format!("the weights add up to {sum:e}, at most {LARGEST_WEIGHT:e}: scale them down");
        resolver.refuse(pointer, "invalid_parameter", detail);
    }
    Ok(Some(values))
}

/// Represented rows in the order in which they stream by, each with its weight: f is a sum over them, so their order
/// means nothing.
fn ascending(represented: Represented, weights: Option<Vec<f64>>) -> (Represented, Option<Vec<f64>>) {
    let Represented::Rows(rows) = represented else { return (represented, weights) };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_unstable_by_key(|&i| rows[i]);
    let weights = weights.map(|weights| order.iter().filter_map(|&i| weights.get(i).copied()).collect());
    (Represented::Rows(order.iter().map(|&i| rows[i]).collect()), weights)
}

/// The first limit that the job breaks, with a way out.
fn excess(n: usize, rows: usize, memory: u64, flops: f64, limits: &Limits) -> Option<Excess> {
    let allowed = limits.memory_bytes;
    if memory > allowed {
        let fits = (n as f64 * allowed as f64 / memory as f64) as u64;
        return Some(Excess {
            detail: format!(
                "this job needs {memory} bytes of memory, even without storing similarities; {allowed} are allowed. Raise \
                 jobs.memory_bytes, or select in parts of about {fits} rows each and then among what they chose"
            ),
            needed: memory as f64,
            allowed: allowed as f64,
            setting: "jobs.memory_bytes",
        });
    }
    if flops > limits.max_flops {
        // Work is proportional to the represented rows; a sample of them is unbiased.
        let fits = ((rows as f64 * limits.max_flops / flops) as u64).max(1);
        return Some(Excess {
            detail: format!(
                "this job needs about {flops:.1e} floating-point operations; {:.1e} are allowed. Represent a sample: \
                 \"represented\": {{\"sample\": {fits}}} would fit; or raise jobs.max_flops",
                limits.max_flops
            ),
            needed: flops,
            allowed: limits.max_flops,
            setting: "jobs.max_flops",
        });
    }
    None
}

fn guarantee(claim: &guarantee::Guarantee, stop_at: Option<f64>) -> Guarantee {
    let none = |reason: &str| Guarantee {
        factor: None,
        kind: None,
        statement: None,
        reason: Some(reason.to_owned()),
    };
    match claim {
        // Gains of a monotone function are at least 0: a threshold of 0 or less gives nothing away.
        guarantee::Guarantee::Factor { .. } if stop_at.is_some_and(|x| x > 0.0) => {
            none("stop_when_gain_at_most ends the search before k items are chosen")
        }
        guarantee::Guarantee::Factor { factor, kind, statement } => Guarantee {
            factor: Some(*factor),
            kind: Some(kind.name().to_owned()),
            statement: Some((*statement).to_owned()),
            reason: None,
        },
        guarantee::Guarantee::None { reason } => none(reason),
    }
}

/// What a stopped run may still claim.
pub(super) fn stopped(shape: &Shape, prefixes_valid: bool) -> Guarantee {
    let reason = match (prefixes_valid, shape.k) {
        (true, Some(_)) => "the search was stopped: what it chose is its answer for a smaller k",
        _ => "the search was stopped before it had an answer",
    };
    Guarantee { factor: None, kind: None, statement: None, reason: Some(reason.to_owned()) }
}
