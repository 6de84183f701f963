//! The run itself: load, compute similarities, select, describe.

use super::describe::describe;
use super::error::SelectionError;
use super::function::{Built, Form, Loader, Stage};
use super::method::Looked;
use super::prepare::Prepared;
use super::result::{Committee, Owned, PartRecord, SelectionResult, Timings};
use super::saved::{decode, encode};
use super::value::{Valued, value_of_all, value_of_owned};
use super::warm_start::{Begun, WarmStart};
use crate::dataset::{DatasetError, Source};
use std::sync::Arc;
use std::time::Instant;
use submodular::constraint::MinDistance;
use submodular::objective::{Contraction, Oracle};
use submodular::optimizer::{Ranked, together};
use submodular::{Ctl, Ended, Halt, Outcome, Problem, Saved, Selection, Set};

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
    /// A piece of work is done that shall not be lost: a save is due as soon as saving takes no more than its share of the
    /// time.
    fn milestone(&mut self) {}
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
    let Found { outcome, valued, owned_value, begun: start, committee, parts } = match outcome {
        Ok(found) => found,
        Err(Stop::Halted(ending)) => {
            let other = prepared.function.is_another() || prepared.apart.is_some();
            let valued = if other { Valued::Unknown } else { Valued::Whole };
            let parts = match (&from, prepared.apart) {
                (Some(saved), Some(_)) => parts_of(&prepared, saved)?,
                _ => vec![],
            };
            let mut outcome = before_the_first_pick(ending, from);
            if prepared.apart.is_some() {
                let took = together(&parts, &prepared.rule.include);
                (outcome.selection.items, outcome.selection.gains) = took.into_iter().unzip();
            }
            let parts = prepared.apart.map(|_| parts.iter().map(PartRecord::from).collect());
            Found { outcome, valued, owned_value: None, begun: None, committee: None, parts }
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
    Ok(Ran {
        ending,
        result: SelectionResult { committee, parts, owned, warm_start, ..result },
        saved,
        asked,
    })
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
    parts: Option<Vec<PartRecord>>,
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
    let clusters = match prepared.method.clusters() {
        None => None,
        Some(count) => {
            let measure = prepared.function.measure();
            Some(loader.clusters(measure, count, prepared.spec.seed, ctl, watch)?)
        }
    };
    let function = match prepared.apart {
        None => None,
        Some(apart) => loader.part_function(&prepared.function, apart.stored_bytes, ctl, watch)?,
    };
    let kept = begun.as_ref().map_or_else(Vec::new, |begun| begun.kept.clone());
    let mut optimizer =
        prepared.method.build(&rule.shape(), Looked { distances, clusters, function, kept })?;
    let (_, total) = optimizer.progress(&problem);
    let apart = prepared.apart.is_some();
    let (done, evaluations) = from.map_or((0, 0), |saved| {
        (if apart { saved.sets.len() } else { saved.took.len() } as u64, saved.evaluations)
    });
    let mut finished = done;
    watch.progress(Progress { phase: Phase::Selecting, done, total, objective_value: None, evaluations });
    let mut outcome = submodular::run(problem, &mut *optimizer, from, ctl, &mut |problem, optimizer| {
        let (done, total) = optimizer.progress(problem);
        // Of parts the whole function has no picks before the end.
        let value = if apart { f64::NAN } else { problem.value() };
        if apart && done > finished {
            finished = done;
            watch.milestone();
        }
        watch.progress(Progress {
            phase: Phase::Selecting,
            done,
            total,
            objective_value: value.is_finite().then_some(value),
            evaluations: ctl.evaluations(),
        });
        watch.save(&|| Ok(encode(&problem.save(optimizer, ctl))?));
    })?;
    let parts = optimizer.parts().map(|parts| parts.iter().map(PartRecord::from).collect());
    // The last part's similarities are not needed any more.
    drop(optimizer);
    let (valued, owned_value) = match prepared.apart {
        Some(apart) if !apart.valued => (Valued::Unknown, None),
        None if !prepared.function.is_another() => {
            (Valued::Whole, value_of_owned(&mut outcome, &f, &rule.owned, ctl)?)
        }
        Some(_) | None => value_of_all(&mut outcome, prepared, loader, ctl, watch)?,
    };
    let mut committee = None;
    if let Form::Committee { rule: scores, k } = &prepared.function.form {
        let members = [&rule.owned[..], &outcome.selection.items].concat();
        committee = Some(Committee::of(&*loader.profile(ctl, watch)?, scores, *k, &members)?);
    }
    timings.selecting = start.elapsed().as_secs_f64();
    Ok(Found { outcome, valued, owned_value, begun, committee, parts })
}

/// The parts that an earlier run had finished.
fn parts_of(prepared: &Prepared, saved: &Saved) -> Result<Vec<Ranked>, SelectionError> {
    let mut optimizer = prepared.method.build(&prepared.rule.shape(), Looked::default())?;
    optimizer.load(saved);
    Ok(optimizer.parts().unwrap_or_default().to_vec())
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
