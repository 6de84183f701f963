//! From a spec to a plan: everything looked up, checked and estimated, before a vector is read.

use super::Limits;
use super::apart::{Apart, Whole};
use super::error::SelectionError;
use super::excess::{Excess, Flops};
use super::function::{Estimate, Function, Lookup, Merged, Sizes};
use super::method::Method;
use super::parts::Partition;
use super::resolve::{Resolver, Rule};
use super::result::{Guarantee, PlanReport};
use super::warm_start::WarmStart;
use crate::dataset::Source;
use crate::jobs::archive::Archive;
use crate::jobs::spec::SelectionSpec;
use std::time::Instant;
use submodular::Properties;
use submodular::constraint::Shape;
use submodular::guarantee;
use submodular::kmeans;
use submodular::objective::contraction;
use submodular::problem;

/// A job that is ready to run.
pub struct Prepared {
    pub(super) spec: SelectionSpec,
    pub(super) function: Function,
    pub(super) rule: Rule,
    pub(super) method: Method,
    pub(super) warm_start: Option<WarmStart>,
    pub(super) optimizer_reason: String,
    pub(super) warnings: Vec<String>,
    pub(super) prefixes_valid: bool,
    /// How parts are run, where they are the answer.
    pub(super) apart: Option<Apart>,
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

/// Looks everything up in `source` and estimates the run. `archive`: what else the spec names; `asks` says whether there
/// is somebody to ask for values from outside.
///
/// # Errors
/// [`SelectionError::Invalid`] with every offence, [`SelectionError::Dataset`]. A job that is too large is prepared
/// nevertheless: see [`Prepared::admit`].
pub fn prepare(
    spec: &SelectionSpec,
    source: &Source,
    archive: &dyn Archive,
    asks: bool,
    limits: &Limits,
) -> Result<Prepared, SelectionError> {
    let began = Instant::now();
    let mut spec = spec.clone();
    spec.objective.fill(source.dim());
    let mut resolver = Resolver::new(source);
    let n = source.items();
    let earlier = resolver.earlier(&spec.constraints, archive)?;
    let warm_start = match &spec.warm_start {
        Some(start) => Some(WarmStart::new(start, &mut resolver, archive)?),
        None => None,
    };
    let owned = earlier.owned.len();
    // A committee is those who are owned and those who are chosen; so is what a graph of neighbours has to cover.
    let k = spec.constraints.k.map(|k| k.saturating_add(owned as u64));
    let lookup = &mut Lookup { resolver: &mut resolver, archive, seed: spec.seed, k, asks };
    let mut function = lookup.function(&spec.objective, "/objective")?;
    let mut properties = function.properties();
    if owned > 0 {
        refuse_distances(&mut resolver, &properties);
        properties = contraction::properties(properties);
    }
    spec.optimizer.fill(n, spec.constraints.k);
    let (mut method, optimizer_reason) = Method::choose(&spec, &properties, &mut resolver, limits.kernel)?;
    if spec.deadline_seconds.is_some_and(|s| !(s.is_finite() && s > 0.0)) {
        resolver.refuse("/deadline_seconds", "invalid_parameter", "a finite number above 0");
    }
    refuse_start(&mut resolver, &spec);
    let rule = resolver.rule(&spec.constraints, earlier, method.size())?;
    let claim = match &rule {
        Some(rule) => {
            let shape = rule.shape();
            let sizes = (n - rule.exclude.len(), rule.include.len());
            method.refuse_enumeration(&mut resolver, &properties, &shape, sizes);
            method.claim(&properties, &shape)
        }
        // Without a rule its own parameters can be looked at still.
        None => method.claim(&properties, &Shape { k: Some(1), matroid: true, ..Shape::default() }),
    };
    if let (Err(SelectionError::Invalid(errors)), true) = (&claim, rule.is_none()) {
        let parameters = errors.iter().filter(|error| error.code != "optimizer_mismatch");
        resolver.errors.extend(parameters.cloned());
    }
    if owned > 0 && method.apart().is_some() {
        let detail = "parts that are not merged know nothing of what is owned elsewhere: use exclude_jobs, or merge them";
        resolver.refuse("/constraints/discount_jobs", "optimizer_mismatch", detail);
    }
    let (true, Some(rule)) = (resolver.errors.is_empty(), rule) else {
        return Err(SelectionError::Invalid(resolver.errors));
    };
    let claim = claim?;
    let shape = rule.shape();
    let allowed = n - rule.exclude.len();
    let runs = if shape.knapsack { 2 } else { 1 };
    let states = method.states(n, &shape);
    let (offers, vectors) =
        warm_start.as_ref().map_or((0, 0), |start| start.bytes(source.dim(), limits.threads));
    let beside = if owned > 0 { contraction::memory(n, owned).saturating_mul(states) } else { 0 };
    let books = runs * problem::memory(n) + source.reading_bytes() + resolver.bytes() + offers + beside;
    let sizes = Sizes {
        n,
        dim: source.dim(),
        k: shape.k.unwrap_or(n).saturating_add(owned).min(n),
        evaluations: 0.0,
        entries: source.sparse_entries(),
        states,
    };
    let whole = Whole { sizes, allowed, shape: &shape, books };
    if method.apart().is_some_and(Partition::is_open) {
        spec.optimizer.set_parts(whole.divide(&mut function, &mut method, limits));
    }
    let (most, expected) = method.evaluations(allowed, &shape);
    // Every state takes the owned items up.
    let sizes = Sizes { evaluations: expected + owned as f64 * states as f64, ..sizes };
    let distances = Function::distances_bytes(method.distances().into_iter().chain(rule.distances()), sizes);
    // Parts that are merged have distances of their own.
    let distances = if method.partition().is_some() { distances.saturating_mul(2) } else { distances };
    let choosing = warm_start.as_ref().map_or(0.0, |start| start.flops(source.dim()));
    let planned = Whole { sizes, ..whole }.plan(&mut function, &method, limits);
    let mut warnings = method.warnings(allowed, &shape);
    let (bytes, flops, plan, apart) = match planned {
        Some(planned) => (planned.bytes, planned.flops, planned.plan, Some(planned.apart)),
        None => {
            let clusters = method.clusters();
            let before = clusters.map_or(0, |clusters| kmeans::memory(n, sizes.dim, clusters));
            let estimate = match method.partition() {
                None => function.estimate(sizes, books, limits),
                Some(parts) => {
                    let own = parts.largest(n, allowed);
                    let largest = own.saturating_add(rule.include.len()).saturating_add(owned).min(n);
                    let books = books.saturating_add(distances);
                    function.estimate_merged(sizes, Merged { largest, before }, books, limits)
                }
            };
            let estimate = Estimate { preparing: estimate.preparing + choosing, ..estimate };
            let clustering = clusters.map_or(0.0, |clusters| kmeans::work(n, sizes.dim, clusters));
            let packed = clusters.map_or(0, |_| function.packed_for_clusters(sizes));
            let flops = Flops::of(&function, estimate, sizes).and(clustering);
            (estimate.bytes.saturating_add(packed), flops, function.plan_name(), None)
        }
    };
    // The vectors that choose an answer to begin with are gone before the function is made.
    let memory_bytes = bytes.saturating_add(distances).max(vectors).saturating_add(books);
    let excess = Excess::of(&function, n, memory_bytes, flops, limits);
    if apart.is_some_and(|apart| !apart.valued) {
        warnings.push(if properties.asks { NOT_ASKED } else { NOT_VALUED }.to_owned());
    }
    let guarantee = guarantee(
        &claim.guarantee,
        &function,
        spec.constraints.stop_when_gain_at_most.filter(|_| !method.minds_the_threshold()),
    );
    let report = PlanReport {
        memory_bytes,
        evaluations: most,
        rounds: spec
            .objective
            .round_size()
            .and_then(|size| method.rounds(allowed, &shape, rule.include.len(), size))
            // The value of what is owned comes first.
            .map(|rounds| rounds + u64::from(owned > 0)),
        flops: flops.total(),
        optimizer: method.name().to_owned(),
        plan,
        guarantee,
        admissible: excess.is_none(),
        reason: excess.as_ref().map(|e| e.detail.clone()).or_else(|| warnings.first().cloned()),
    };
    Ok(Prepared {
        spec,
        function,
        prefixes_valid: claim.prefixes,
        apart,
        rule,
        method,
        warm_start,
        optimizer_reason,
        warnings,
        limits: *limits,
        preparing: began.elapsed().as_secs_f64(),
        report,
        excess,
    })
}

/// Distances beside owned items are no distances of the chosen among themselves, which is all that is known of them.
fn refuse_distances(resolver: &mut Resolver<'_>, properties: &Properties) {
    if properties.dispersion.is_some() {
        let detail = "an objective of distances alone has no coverage that owned items could have: use exclude_jobs, or a \
                      mixture";
        resolver.refuse("/constraints/discount_jobs", "invalid_parameter", detail);
    }
}
/// Of parts that would take longer to value together than to search.
const NOT_VALUED: &str = "f of all parts' items together would take longer than the search of the parts: objective_value is \
                          the sum of the gains, each of the function of its part";

/// Of parts whose values are asked for.
const NOT_ASKED: &str = "nobody is asked for f of all parts' items together: objective_value is the sum of the gains, each \
                         of the function of its part";

/// A start with two items may not be one that other rules allow.
fn refuse_start(resolver: &mut Resolver<'_>, spec: &SelectionSpec) {
    let rules = &spec.constraints;
    let bounded = !rules.groups.is_empty() || rules.knapsack.is_some() || rules.min_distance.is_some();
    if spec.objective.starts_with_a_pair() && bounded {
        let detail = "the farthest pair may break the other constraints: include the items to begin with";
        resolver.refuse("/objective/start", "invalid_parameter", detail);
    }
}

fn guarantee(claim: &guarantee::Guarantee, function: &Function, stop_at: Option<f64>) -> Guarantee {
    match claim {
        // Gains of a monotone function are at least 0: a threshold of 0 or less gives nothing away.
        guarantee::Guarantee::Factor { .. } if stop_at.is_some_and(|x| x > 0.0) => {
            Guarantee::none("stop_when_gain_at_most ends the search before k items are chosen")
        }
        guarantee::Guarantee::Factor { .. } if function.is_graph() => Guarantee::none(
            "the factor holds for the graph of neighbours that is searched, not for all pairs",
        ),
        guarantee::Guarantee::Factor { factor, kind, statement } => Guarantee {
            factor: Some(*factor),
            kind: Some(kind.name().to_owned()),
            statement: Some((*statement).to_owned()),
            reason: None,
        },
        guarantee::Guarantee::None { reason } => Guarantee::none(*reason),
    }
}

/// What is left of the claim when a search has evaluated as much as it may.
pub(super) fn unproved() -> Guarantee {
    let reason = "max_evaluations was reached before the answer was proved to be the best";
    Guarantee::none(reason)
}

/// What a stopped run may still claim.
pub(super) fn stopped(shape: &Shape, prefixes_valid: bool) -> Guarantee {
    let reason = match (prefixes_valid, shape.k) {
        (true, Some(_)) => "the search was stopped: what it chose is its answer for a smaller k",
        _ => "the search was stopped before it had an answer",
    };
    Guarantee::none(reason)
}
