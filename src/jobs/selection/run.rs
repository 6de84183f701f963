//! The run itself: load, compute similarities, select, describe.

use super::error::SelectionError;
use super::function::{Built, Form, Loader, Stage};
use super::prepare::{Prepared, stopped, unproved};
use super::resolve::Grouping;
use super::result::{Certificate, Committee, Owned, SelectionResult, Timings};
use super::saved::{decode, encode};
use super::value::{Valued, is_another, value_of_all, value_of_owned};
use super::warm_start::{Begun, WarmStart};
use crate::dataset::{DatasetError, Ids, Source};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use submodular::constraint::MinDistance;
use submodular::objective::{Contraction, Oracle};
use submodular::optimizer::Termination;
use submodular::{Ctl, Ended, Halt, Item, Outcome, Problem, Saved, Selection, Set};

/// What a run is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Reading and packing vectors; counted in rows.
    #[default]
    Loading,
    /// Computing stored similarities.
    Similarity,
    /// Choosing; counted in items.
    Selecting,
    /// Drawing and measuring; counted in repetitions.
    Simulating,
}

impl Phase {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Loading => "loading",
            Phase::Similarity => "similarity",
            Phase::Selecting => "selecting",
            Phase::Simulating => "simulating",
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// What it is busy with.
    pub phase: Phase,
    /// Units done of this phase.
    pub done: u64,
    /// Units of this phase.
    pub total: u64,
    /// f of what was chosen so far.
    pub objective_value: Option<f64>,
    /// Gains computed so far.
    pub evaluations: u64,
}

/// Told after every step.
pub trait Watch {
    /// How far the run is.
    fn progress(&mut self, progress: Progress);
    /// Offers the state to go on from; `encode` costs O(n), so call it only when a save is due.
    fn save(&mut self, encode: &dyn Fn() -> Result<Vec<u8>, SelectionError>);
}

/// Why a run came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The search ran to its end.
    Finished,
    /// It was cancelled.
    Cancelled,
    /// Its deadline passed.
    Deadline,
    /// It needs values from outside.
    Asked,
}

/// What a run leaves.
#[derive(Debug)]
pub struct Ran {
    /// Why it came back.
    pub ending: Ending,
    /// What was chosen; a prefix unless `ending` is `Finished`.
    pub result: SelectionResult,
    /// For going on; empty where nothing was begun.
    pub saved: Vec<u8>,
    /// The sets whose values it needs; none unless `ending` is `Asked`.
    pub asked: Vec<Set>,
}

/// Why loading or computing did not come to its end.
pub(in crate::jobs) enum Stop {
    Halted(Ending),
    Failed(SelectionError),
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Cancelled => Stop::Halted(Ending::Cancelled),
            Halt::Deadline => Stop::Halted(Ending::Deadline),
            Halt::Failed(error) => Stop::Failed(error.into()),
            Halt::Ask(_) => submodular::Error::Unsupported("this objective has nobody to ask").into(),
        }
    }
}

impl From<submodular::Error> for Stop {
    fn from(error: submodular::Error) -> Self {
        Stop::Failed(error.into())
    }
}

impl From<DatasetError> for Stop {
    fn from(error: DatasetError) -> Self {
        Stop::Failed(error.into())
    }
}

/// Runs a prepared job, from what an earlier run of it saved if given. Blocks; call it inside the rayon pool that it
/// shall use. `digest` names the data in the result, `oracle` knows values from outside.
///
/// # Errors
/// [`SelectionError`] when the data or the saved state cannot be read, or the objective fails.
pub fn run(
    prepared: Prepared,
    source: &Source,
    digest: &str,
    from: Option<&[u8]>,
    oracle: Option<Arc<dyn Oracle>>,
    ctl: &Ctl,
    watch: &mut dyn Watch,
) -> Result<Ran, SelectionError> {
    let from = from.map(decode).transpose()?;
    let mut timings = Timings::default();
    let mut loader = Loader::new(source, prepared.limits.kernel).asking(oracle);
    let outcome = select(&prepared, &mut loader, from.as_ref(), ctl, watch, &mut timings);
    let begun = outcome.is_ok() || from.is_some();
    let Found { outcome, valued, owned_value, begun: start, committee } = match outcome {
        Ok(found) => found,
        Err(Stop::Halted(ending)) => {
            let other = is_another(&prepared.function);
            let valued = if other { Valued::Unknown } else { Valued::Whole };
            let outcome = before_the_first_pick(ending, from);
            Found { outcome, valued, owned_value: None, begun: None, committee: None }
        }
        Err(Stop::Failed(error)) => return Err(error),
    };
    let owned = prepared.rule.owned.len() as u64;
    let owned = (owned > 0).then_some(Owned { items: owned, value: owned_value });
    let report = |(earlier, start): (&WarmStart, Begun)| earlier.report(start, &outcome.selection.items);
    let warm_start = prepared.warm_start.as_ref().zip(start).map(report);
    let saved = if begun { encode(&outcome.saved)? } else { Vec::new() };
    let (ending, termination) = match &outcome.ended {
        Ended::Finished(termination) => (Ending::Finished, termination.name()),
        Ended::Deadline => (Ending::Deadline, "deadline"),
        Ended::Cancelled => (Ending::Cancelled, "cancelled"),
        Ended::Asked(_) => (Ending::Asked, "awaiting_answers"),
    };
    let asked = if let Ended::Asked(sets) = outcome.ended { sets } else { vec![] };
    let reading = Instant::now();
    let ids = source.ids()?;
    timings.loading += prepared.preparing + reading.elapsed().as_secs_f64();
    let result =
        describe(prepared, outcome.selection, valued, ids.as_ref(), ending, termination, digest, timings);
    Ok(Ran { ending, result: SelectionResult { committee, owned, warm_start, ..result }, saved, asked })
}

/// What a search found, and what is to be said of it.
struct Found {
    outcome: Outcome,
    valued: Valued,
    /// f of the items that are owned; none without any, and where the run was stopped before it was known.
    owned_value: Option<f64>,
    /// The answer that it began with.
    begun: Option<Begun>,
    committee: Option<Committee>,
}

fn select(
    prepared: &Prepared,
    loader: &mut Loader<'_>,
    from: Option<&Saved>,
    ctl: &Ctl,
    watch: &mut dyn Watch,
    timings: &mut Timings,
) -> Result<Found, Stop> {
    let rule = &prepared.rule;
    let allowed = rule.allowed(loader.source().items());
    let begun = match &prepared.warm_start {
        Some(start) => Some(start.begin(rule, loader, ctl, watch)?),
        None => None,
    };
    let built = loader.build(&prepared.function, Stage::Search, &allowed, ctl, watch);
    (timings.loading, timings.similarity) = loader.seconds();
    let Built { objective: f, start } = built?;
    let objective =
        if rule.owned.is_empty() { f.clone() } else { Arc::new(Contraction::new(f.clone(), &rule.owned)?) };
    // Where nothing is included, a function on distances may say where to begin.
    let k = rule.constraint.shape().k.unwrap_or(start.len());
    let first = if rule.include.is_empty() { &start[..start.len().min(k)] } else { &rule.include };
    let start = Instant::now();
    let constraint = match &rule.min_distance {
        None => rule.constraint.clone(),
        Some((ground, least)) => {
            let distances = Arc::new(loader.distances(ground, ctl, watch)?);
            Arc::new(MinDistance::new(rule.constraint.clone(), distances, *least)?)
        }
    };
    let problem = Problem::new(objective, constraint, first, &rule.exclude, prepared.spec.seed)?
        .stop_when_gain_at_most(prepared.spec.constraints.stop_when_gain_at_most);
    let distances = match prepared.method.distances() {
        None => None,
        Some(ground) => Some(Arc::new(loader.distances(ground, ctl, watch)?)),
    };
    let mut optimizer =
        prepared.method.build(&rule.shape(), distances, begun.as_ref().map_or(&[], |begun| &begun.kept))?;
    let (_, total) = optimizer.progress(&problem);
    let (done, evaluations) = from.map_or((0, 0), |saved| (saved.took.len() as u64, saved.evaluations));
    watch.progress(Progress { phase: Phase::Selecting, done, total, objective_value: None, evaluations });
    let mut outcome = submodular::run(problem, &mut *optimizer, from, ctl, &mut |problem, optimizer| {
        let (done, total) = optimizer.progress(problem);
        let value = problem.value();
        watch.progress(Progress {
            phase: Phase::Selecting,
            done,
            total,
            objective_value: value.is_finite().then_some(value),
            evaluations: ctl.evaluations(),
        });
        watch.save(&|| Ok(encode(&problem.save(optimizer, ctl))?));
    })?;
    let (valued, owned_value) = if is_another(&prepared.function) {
        value_of_all(&mut outcome, &prepared.function, &rule.owned, loader, ctl, watch)?
    } else {
        (Valued::Whole, value_of_owned(&mut outcome, &f, &rule.owned, ctl)?)
    };
    let mut committee = None;
    if let Form::Committee { rule: scores, k } = &prepared.function.form {
        let members = [&rule.owned[..], &outcome.selection.items].concat();
        committee = Some(Committee::of(&*loader.profile(ctl, watch)?, scores, *k, &members)?);
    }
    timings.selecting = start.elapsed().as_secs_f64();
    Ok(Found { outcome, valued, owned_value, begun, committee })
}

/// Stopped while loading: what was chosen is what the earlier run had chosen.
fn before_the_first_pick(ending: Ending, from: Option<Saved>) -> Outcome {
    let saved = from.unwrap_or_else(|| Saved { empty: f64::NAN, ..Saved::default() });
    let (items, gains) = saved.took.iter().copied().unzip();
    let selection = Selection {
        items,
        gains,
        empty: saved.empty,
        optimized: None,
        certificate: saved.certificate,
        evaluations: saved.evaluations,
    };
    let ended = if ending == Ending::Deadline { Ended::Deadline } else { Ended::Cancelled };
    Outcome { ended, selection, saved }
}

#[expect(clippy::too_many_arguments, reason = "what a result is made of, each from another place")]
fn describe(
    prepared: Prepared,
    mut selection: Selection,
    valued: Valued,
    ids: Option<&Ids>,
    ending: Ending,
    termination: &str,
    digest: &str,
    timings_seconds: Timings,
) -> SelectionResult {
    let shape = prepared.rule.shape();
    if selection.empty.is_nan() {
        selection.empty = 0.0; // nothing was asked yet, and every objective of this version is normalised
    }
    let value = selection.value();
    let whole = shape.k.is_none_or(|k| k == selection.items.len())
        || shape.knapsack
        || prepared.method.may_choose_fewer()
        || termination == Termination::GainAtMost.name();
    let limited = termination == Termination::EvaluationLimit.name();
    let complete = ending == Ending::Finished && whole && !limited;
    let guarantee = match ending {
        Ending::Finished if limited => unproved(),
        Ending::Finished => prepared.report().guarantee.clone(),
        Ending::Cancelled | Ending::Deadline | Ending::Asked => stopped(&shape, prepared.prefixes_valid),
    };
    let certificate = selection.certificate.map(|c| Certificate {
        upper_bound: c.upper_bound,
        ratio: if c.upper_bound > 0.0 { value / c.upper_bound } else { 1.0 },
        basis: c.basis.name().to_owned(),
        of: if prepared.function.is_graph() {
            "graph"
        } else if prepared.function.is_sampled() {
            "sample"
        } else {
            "dense"
        }
        .to_owned(),
    });
    let mut warnings = prepared.warnings;
    if matches!(valued, Valued::Unknown) {
        let told = "the run was stopped before the value over all rows was known: objective_value is that of the sample or graph";
        warnings.push(told.to_owned());
    }
    let id = |ids: &Ids, e: Item| ids.get(e as usize).unwrap_or_default().to_owned();
    SelectionResult {
        ids: ids.map(|ids| selection.items.iter().map(|&e| id(ids, e)).collect()),
        groups: (!prepared.rule.groups.is_empty()).then(|| counts(&selection.items, &prepared.rule.groups)),
        cost: prepared
            .rule
            .costs
            .as_ref()
            .map(|costs| selection.items.iter().map(|&e| costs[e as usize]).sum()),
        committee: None,
        owned: None,
        warm_start: None,
        ranking: (prepared.method.ranks_all() && complete).then(|| selection.items.clone()),
        indices: selection.items,
        gains: selection.gains,
        objective_value: if let Valued::Other(meant) = valued { meant } else { value },
        optimized_value: selection.optimized.or(if matches!(valued, Valued::Whole) {
            None
        } else {
            Some(value)
        }),
        included: prepared.rule.include.len() as u64,
        empty_value: selection.empty,
        complete,
        termination: termination.to_owned(),
        optimizer: prepared.method.name().to_owned(),
        optimizer_reason: prepared.optimizer_reason,
        warnings,
        similarity: prepared.function.measure_name(),
        exactness: "exact".to_owned(),
        plan: prepared.function.plan_name(),
        kernel: prepared.limits.kernel.name().to_owned(),
        seed: prepared.spec.seed,
        evaluations: selection.evaluations,
        guarantee,
        certificate,
        prefixes_valid: prepared.prefixes_valid,
        dataset_digest: digest.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        timings_seconds,
    }
}

fn counts(items: &[Item], groups: &[Grouping]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for Grouping { of, names } in groups {
        for group in items.iter().filter_map(|&e| of[e as usize]) {
            *counts.entry(names[group as usize].clone()).or_insert(0) += 1;
        }
    }
    counts
}
