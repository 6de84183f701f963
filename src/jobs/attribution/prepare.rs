//! From a spec to a plan: regions, terms and model checked, calls and rounds counted.

use crate::jobs::plan::{Estimated, Plan};
use crate::jobs::selection::{FieldError, Limits, SelectionError};
use crate::jobs::spec::{
    AttributionOptimizerSpec, AttributionSpec, ConfidenceFormSpec, EvaluatorSpec, RegionsSpec,
    TermWeightsSpec,
};
use std::sync::Arc;
use submodular::attribution::{
    ConfidenceForm, Evaluations, Geometry, InvalidRegions, InvalidTable, Model, MuFidelity, Regions, Search,
    Settings, Table, Weights,
};

/// Why nothing is promised of an order.
const HEURISTIC: &str =
    "a heuristic objective, neither monotone nor submodular in general: no search over it has a guarantee";
/// Regions are numbered in 32 bits, and their sets are masks: far fewer can be searched.
const MOST_REGIONS: u64 = 1 << 20;
/// Bytes of an answer in the book, its set's bits apart.
const ANSWER_BYTES: u64 = 128;
/// Bytes of a region in a random set: in the set, in copies of it that are asked for, and as text in a round.
const BYTES_OF_A_DRAWN_REGION: u64 = 32;

/// An attribution that is ready to run.
pub(in crate::jobs) struct Prepared {
    pub(super) spec: AttributionSpec,
    pub(super) settings: Settings,
    pub(super) table: Option<Arc<Table>>,
    pub(super) search: Search,
    pub(super) k: usize,
    pub(super) fidelity: Option<MuFidelity>,
    /// What the run would take.
    pub(in crate::jobs) plan: Plan,
}

impl Prepared {
    /// The spec with every default filled that depends on the regions or the table.
    pub(in crate::jobs) fn spec(&self) -> &AttributionSpec {
        &self.spec
    }

    /// The regions with their distances. O(count^2 d) for features of d coordinates.
    ///
    /// # Errors
    /// None: they have been checked.
    pub(super) fn regions(&self) -> Result<Regions, SelectionError> {
        let RegionsSpec { areas, .. } = &self.spec.regions;
        let count = usize::try_from(self.spec.regions.count).unwrap_or(usize::MAX);
        let regions = Regions::new(count, areas.as_deref(), geometry(&self.spec.regions));
        regions.map_err(|error| SelectionError::Invalid(vec![told(&error)]))
    }
}

/// Checks everything and counts what the run would take. O(bytes of the spec).
///
/// # Errors
/// [`SelectionError::Invalid`] with every offence. One that is too large is prepared nevertheless: see
/// [`Plan::admit`].
pub(in crate::jobs) fn prepare(spec: &AttributionSpec, limits: &Limits) -> Result<Prepared, SelectionError> {
    let mut spec = spec.clone();
    let mut errors = vec![];
    let mut refuse =
        |pointer: String, code, detail: String| errors.push(FieldError::new(pointer, code, detail));
    if spec.run.deadline_seconds.is_some_and(|s| !(s.is_finite() && s > 0.0)) {
        refuse("/deadline_seconds".into(), "invalid_parameter", "a finite number above 0".into());
    }
    patience(&spec.evaluator, &mut refuse);
    let settings = settings(&spec);
    if let Err(error) = settings.check() {
        parameter(&error, "", &mut refuse);
    }
    let count = usize::try_from(spec.regions.count.min(MOST_REGIONS)).unwrap_or(usize::MAX);
    if spec.regions.count > MOST_REGIONS {
        let detail = format!("{} regions; at most {MOST_REGIONS}", spec.regions.count);
        refuse("/regions/count".into(), "invalid_parameter", detail);
    }
    let apart = spec.regions.features.is_some() || spec.regions.distance.is_some();
    if let Err(error) = settings.check_distances(apart) {
        parameter(&error, "", &mut refuse);
    }
    regions(&spec.regions, count, &mut refuse);
    spec.classes = classes(&spec, &mut refuse);
    let model = spec.classes.and_then(|classes| {
        let target = spec.target.map(|target| usize::try_from(target).unwrap_or(usize::MAX));
        let model = Model::new(usize::try_from(classes).unwrap_or(usize::MAX), target, &settings);
        model.map_err(|error| parameter(&error, "", &mut refuse)).ok()
    });
    let table = model.as_ref().and_then(|model| table(&spec, count, model, &mut refuse));
    let k = spec.k.get_or_insert(spec.regions.count);
    let k = usize::try_from(*k).unwrap_or(usize::MAX);
    let search = match spec.optimizer {
        AttributionOptimizerSpec::Greedy => Search::Greedy,
        AttributionOptimizerSpec::BidirectionalGreedy { pool, merge_rounds } => {
            Search::BidirectionalGreedy { pool: usize::try_from(pool).unwrap_or(usize::MAX), merge_rounds }
        }
    };
    let fidelity = spec.mu_fidelity.as_mut().and_then(|wanted| {
        let size = *wanted.size.get_or_insert(((count + 2) / 5).max(1) as u64);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let samples = usize::try_from(wanted.samples).unwrap_or(usize::MAX);
        let fidelity = MuFidelity::new(count, samples, size, spec.run.seed);
        fidelity.map_err(|error| parameter(&error, "/mu_fidelity", &mut refuse)).ok()
    });
    if let Err(error) = search.check(count, k) {
        parameter(&error, "", &mut refuse);
    }
    if !errors.is_empty() {
        return Err(SelectionError::Invalid(errors));
    }
    let plan = plan(&spec, search, (count, k), limits);
    Ok(Prepared { spec, settings, table, search, k, fidelity, plan })
}

/// The book of what the owner of the model tells about an input of this spec.
///
/// # Errors
/// Where the spec is not one that was accepted.
pub(in crate::jobs) fn evaluations(
    spec: &AttributionSpec,
    target: Option<u64>,
) -> Result<Evaluations, submodular::Error> {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let model = Model::new(number(spec.classes.unwrap_or(0)), spec.target.map(number), &settings(spec))?;
    let book = Evaluations::new(number(spec.regions.count), model);
    if let Some(target) = target {
        book.insert(number(target), []);
    }
    Ok(book)
}

fn settings(spec: &AttributionSpec) -> Settings {
    let TermWeightsSpec { confidence, effectiveness, consistency, collaboration } = spec.weights;
    Settings {
        weights: Weights { confidence, effectiveness, consistency, collaboration },
        confidence: match spec.confidence_form {
            ConfidenceFormSpec::Evidential => {
                ConfidenceForm::Evidential { scale: spec.evidence.scale, clamp: spec.evidence.clamp }
            }
            ConfidenceFormSpec::Entropy => ConfidenceForm::Entropy,
            ConfidenceFormSpec::Given => ConfidenceForm::Given,
        },
        single_effectiveness: spec.single_effectiveness,
    }
}

type Refuse<'a> = dyn FnMut(String, &'static str, String) + 'a;

/// A parameter that the core refuses, by its name in the request.
fn parameter(error: &submodular::Error, below: &str, refuse: &mut Refuse<'_>) {
    let submodular::Error::Parameter { name, reason } = error else {
        return refuse(below.to_owned(), "invalid_parameter", error.to_string());
    };
    let below = if *name == "pool" { "/optimizer" } else { below };
    refuse(format!("{below}/{}", name.replace('.', "/")), "invalid_parameter", reason.clone());
}

fn patience(evaluator: &EvaluatorSpec, refuse: &mut Refuse<'_>) {
    let EvaluatorSpec::Answers { max_sets_per_round, idle_expires_seconds } = evaluator else { return };
    if *max_sets_per_round == 0 {
        refuse("/evaluator/max_sets_per_round".into(), "invalid_parameter", "at least 1".into());
    }
    if !(idle_expires_seconds.is_finite() && *idle_expires_seconds > 0.0) {
        let detail = "a finite number above 0".into();
        refuse("/evaluator/idle_expires_seconds".into(), "invalid_parameter", detail);
    }
}

fn regions(spec: &RegionsSpec, count: usize, refuse: &mut Refuse<'_>) {
    if spec.features.is_some() && spec.distance.is_some() {
        let detail = "give features or distance, not both".into();
        refuse("/regions/distance".into(), "invalid_parameter", detail);
    }
    if let Err(error) = Regions::check(count, spec.areas.as_deref(), geometry(spec)) {
        let FieldError { pointer, code, detail, .. } = told(&error);
        refuse(pointer, code, detail);
    }
}

fn geometry(spec: &RegionsSpec) -> Geometry<'_> {
    match (&spec.features, &spec.distance) {
        (None, None) => Geometry::Unknown,
        (Some(features), None) => Geometry::Features(features),
        (_, Some(distance)) => Geometry::Distance(distance),
    }
}

fn told(error: &InvalidRegions) -> FieldError {
    let of_size = matches!(error, InvalidRegions::Length { .. });
    let code = if of_size { "shape_mismatch" } else { "invalid_parameter" };
    FieldError::new(format!("/regions{}", error.pointer()), code, error.to_string())
}

/// How many classes the model has.
fn classes(spec: &AttributionSpec, refuse: &mut Refuse<'_>) -> Option<u64> {
    let EvaluatorSpec::Table { probs, .. } = &spec.evaluator else {
        if spec.classes.is_none() {
            let detail = "how many classes the model has: its answers are checked by it";
            refuse("/classes".into(), "invalid_parameter", detail.into());
        }
        return spec.classes;
    };
    let Some(first) = probs.first() else {
        refuse(
            "/evaluator/table/probs".into(),
            "shape_mismatch",
            "no rows; expected one a set of regions".into(),
        );
        return None;
    };
    let found = first.len() as u64;
    if let Some(classes) = spec.classes.filter(|&classes| classes != found) {
        let detail = format!("the table's first row has {found} classes, not {classes}");
        refuse("/classes".into(), "shape_mismatch", detail);
    }
    Some(found)
}

fn table(spec: &AttributionSpec, count: usize, model: &Model, refuse: &mut Refuse<'_>) -> Option<Arc<Table>> {
    let EvaluatorSpec::Table { probs, evidence } = &spec.evaluator else { return None };
    if spec.confidence_form == ConfidenceFormSpec::Given && spec.weights.confidence != 0.0 {
        let detail = "a table gives no confidence with its rows: use entropy or evidential, or the weight 0";
        refuse("/confidence_form".into(), "invalid_parameter", detail.into());
        return None;
    }
    let told = |error: InvalidTable| {
        let of_size = matches!(error, InvalidTable::Rows { .. });
        let code = if of_size { "shape_mismatch" } else { "invalid_parameter" };
        refuse(format!("/evaluator/table{}", error.pointer()), code, error.to_string());
    };
    Table::new(count, model, probs, evidence.as_deref()).map_err(told).ok().map(Arc::new)
}

/// What the run would take.
fn plan(spec: &AttributionSpec, search: Search, (count, k): (usize, usize), limits: &Limits) -> Plan {
    let (samples, size) = spec.mu_fidelity.map_or((0, 0), |of| (of.samples, of.size.unwrap_or(0)));
    let evaluations = search.model_calls(count, k) / 2;
    let m = count as u64;
    let answers = match &spec.evaluator {
        EvaluatorSpec::Answers { .. } => (evaluations + samples).saturating_mul(ANSWER_BYTES + m / 4),
        EvaluatorSpec::Table { probs, .. } => probs.len() as u64 * 32,
    };
    let dim = match (&spec.regions.features, &spec.regions.distance) {
        (Some(features), _) => Some(features.first().map_or(0, Vec::len)),
        (None, Some(_)) => Some(0),
        (None, None) => None,
    };
    let distances = if dim.is_some() { m.saturating_mul(8 * (m + 1)) } else { 0 };
    let drawn = samples.saturating_mul(size).saturating_mul(BYTES_OF_A_DRAWN_REGION);
    // Beside them, the sets of one round and the curves.
    let memory_bytes = [answers, drawn, m.saturating_mul(4 * (k as u64 + 64))];
    let memory_bytes = memory_bytes.into_iter().fold(distances, u64::saturating_add);
    // Distances, then of each set with one region more the distances to all in it, and the draws of random sets.
    let m = count as f64;
    let flops = m * m * dim.unwrap_or(0) as f64 + evaluations as f64 * k as f64 + samples as f64 * m;
    let (plan, rounds) = match spec.evaluator {
        EvaluatorSpec::Table { .. } => ("table", None),
        EvaluatorSpec::Answers { max_sets_per_round, .. } => {
            let size = usize::try_from(max_sets_per_round).unwrap_or(usize::MAX);
            let first = u64::from(spec.target.is_none());
            let rounds = first + search.rounds(count, k, size) + samples.div_ceil(max_sets_per_round.max(1));
            ("answers", Some(rounds))
        }
    };
    let estimated = Estimated {
        what: "attribution",
        memory_bytes,
        flops,
        evaluations,
        rounds,
        optimizer: match spec.optimizer {
            AttributionOptimizerSpec::Greedy => "greedy",
            AttributionOptimizerSpec::BidirectionalGreedy { .. } => "bidirectional_greedy",
        },
        plan,
        unpromised: HEURISTIC,
        way_out: "Fewer regions, or a smaller k, take less",
    };
    Plan::of(&estimated, limits)
}
