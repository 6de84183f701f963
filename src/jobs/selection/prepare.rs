//! From a spec to a plan: everything looked up, checked and estimated, before a vector is read.

use super::Limits;
use super::error::{FieldError, SelectionError};
use super::excess::{Excess, Flops};
use super::method::Method;
use super::represented::{self, Represented};
use super::resolve::{Resolver, Rule};
use super::result::{Guarantee, PlanReport};
use crate::dataset::{DatasetError, Kind, Source};
use crate::jobs::spec::{
    MetricSpec, ObjectiveSpec, ReductionSpec, RepresentedSpec, SelectionSpec, SimilaritySpec,
};
use std::time::Instant;
use submodular::constraint::Shape;
use submodular::guarantee;
use submodular::objective::{Reduction, facility_location};
use submodular::problem;
use submodular::similarity::{Metric, plan};

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
    /// Seconds that this took: columns and ids are read here.
    pub(super) preparing: f64,
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
    let began = Instant::now();
    let spec = &resolved(spec, source.dim());
    let ObjectiveSpec::FacilityLocation { similarity, represented, weights, reduction } = &spec.objective;
    let mut resolver = Resolver::new(source);
    let n = source.rows();
    let represented_apart =
        matches!(represented, Some(RepresentedSpec::Dataset(_) | RepresentedSpec::Vectors(_)));
    let properties = facility_location::properties(represented_apart);
    let (method, optimizer_reason) = Method::choose(spec.optimizer, &properties);
    if spec.deadline_seconds.is_some_and(|s| !(s.is_finite() && s > 0.0)) {
        resolver.refuse("/deadline_seconds", "invalid_parameter", "a finite number above 0");
    }
    let metric = metric(&mut resolver, *similarity, source.kind());
    represented::refuse_zero_row(&mut resolver, source, metric, "/objective/similarity/metric");
    let represented = represented::rows(&mut resolver, represented.as_ref(), other, metric, spec.seed)?;
    let weights = represented::weights(&mut resolver, weights.as_ref(), &represented)?;
    let (represented, weights) = represented::ascending(represented, weights);
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
    let books = problem::memory(n)
        + facility_location::memory(rows, weights.is_some())
        + source.reading_bytes()
        + resolver.bytes();
    let (similarity, bytes, flops) = match metric {
        None => (SimilarityPlan::Precomputed, plan::matrix_bytes(rows, n), 0.0),
        Some(metric) => {
            let budget = limits.memory_bytes.saturating_sub(books);
            let estimate = plan::choose(rows, n, source.dim(), all, limits.threads, budget);
            let (_, expected) = method.evaluations(n - rule.exclude.len(), &shape);
            let flops = match estimate.plan {
                plan::Plan::StoredF32 => estimate.flops as f64,
                plan::Plan::Blocked => 2.0 * source.dim() as f64 * rows as f64 * expected,
            };
            (SimilarityPlan::Computed { metric, plan: estimate.plan }, estimate.bytes, flops)
        }
    };
    let memory_bytes = bytes.saturating_add(books);
    // Where only a sample is looked at, the chosen items are compared with every row once more.
    let valuing = 2.0 * source.dim() as f64 * n as f64 * shape.k.unwrap_or(n) as f64;
    let sampled = matches!(represented, Represented::Sample(_));
    let flops = Flops { searching: flops, valuing: if sampled { valuing } else { 0.0 }, sampling: valuing };
    let excess = Excess::of(n, rows, memory_bytes, flops, limits);
    let flops = flops.searching + flops.valuing;
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
        preparing: began.elapsed().as_secs_f64(),
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
