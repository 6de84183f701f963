//! From a spec to a plan: everything looked up, checked and estimated, before a vector is read.

use super::Limits;
use super::error::{FieldError, SelectionError};
use super::excess::{Excess, Flops};
use super::function::{Function, Lookup, Sizes};
use super::method::Method;
use super::resolve::{Resolver, Rule};
use super::result::{Guarantee, PlanReport};
use crate::dataset::{DatasetError, Source};
use crate::jobs::spec::SelectionSpec;
use std::time::Instant;
use submodular::constraint::Shape;
use submodular::guarantee;
use submodular::problem;

/// A job that is ready to run.
pub struct Prepared {
    pub(super) spec: SelectionSpec,
    pub(super) function: Function,
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
    let mut spec = spec.clone();
    spec.objective.fill(source.dim());
    let spec = &spec;
    let mut resolver = Resolver::new(source);
    let n = source.rows();
    let lookup = &mut Lookup { resolver: &mut resolver, other, seed: spec.seed, k: spec.constraints.k };
    let mut function = lookup.function(&spec.objective, "/objective")?;
    let properties = function.properties();
    let (method, optimizer_reason) = Method::choose(&spec.optimizer, &properties);
    if spec.deadline_seconds.is_some_and(|s| !(s.is_finite() && s > 0.0)) {
        resolver.refuse("/deadline_seconds", "invalid_parameter", "a finite number above 0");
    }
    let optimizer = method.build().map_err(|e| {
        let parameter = if let submodular::Error::Parameter { name, .. } = &e { Some(name) } else { None };
        let pointer = parameter.map_or("/optimizer".to_owned(), |name| format!("/optimizer/{name}"));
        one(&pointer, "invalid_parameter", &e)
    });
    if let Err(SelectionError::Invalid(errors)) = &optimizer {
        resolver.errors.extend(errors.iter().cloned());
    }
    let rule = resolver.rule(&spec.constraints, method.size())?;
    let (true, Some(rule), Ok(optimizer)) = (resolver.errors.is_empty(), rule, optimizer) else {
        return Err(SelectionError::Invalid(resolver.errors));
    };
    let shape = rule.constraint.shape();
    let claim =
        (optimizer.claim(&properties, &shape)).map_err(|e| one("/optimizer", "optimizer_mismatch", &e))?;

    let allowed = n - rule.exclude.len();
    let (most, expected) = method.evaluations(allowed, &shape);
    let books = problem::memory(n) + source.reading_bytes() + resolver.bytes();
    let sizes = Sizes {
        n,
        dim: source.dim(),
        k: shape.k.unwrap_or(n).min(n),
        evaluations: expected,
        entries: source.sparse_entries(),
    };
    let estimate = function.estimate(sizes, books, limits);
    let memory_bytes = estimate.bytes.saturating_add(books);
    let flops = Flops::of(&function, estimate, sizes);
    let excess = Excess::of(&function, n, memory_bytes, flops, limits);
    let warnings = method.warnings(allowed, &shape);
    let guarantee = guarantee(&claim.guarantee, spec.constraints.stop_when_gain_at_most);
    let report = PlanReport {
        memory_bytes,
        evaluations: most,
        flops: flops.total(),
        optimizer: method.name().to_owned(),
        plan: function.plan_name(),
        guarantee,
        admissible: excess.is_none(),
        reason: excess.as_ref().map(|e| e.detail.clone()).or_else(|| warnings.first().cloned()),
    };
    Ok(Prepared {
        spec: spec.clone(),
        function,
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

fn one(pointer: &str, code: &'static str, error: &dyn std::error::Error) -> SelectionError {
    SelectionError::Invalid(vec![FieldError::new(pointer, code, error.to_string())])
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
