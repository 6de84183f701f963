//! A prepared attribution, from what is known of the model to an order of regions, or to the next questions.

use super::Told;
use super::prepare::{Prepared, evaluations};
use super::result::{AttributionResult, Explained};
use crate::jobs::outcome::JobResult;
use crate::jobs::selection::{Ending, Phase, Progress, SelectionError, Watch, saved};
use crate::jobs::work::Ran;
use std::sync::Arc;
use std::time::Instant;
use submodular::attribution::{Evaluator, Report, Spent, submodularity_ratio};
use submodular::objective::attribution::Attribution;
use submodular::{Ctl, Ended, Halt, Outcome, Set};

/// Runs a prepared attribution, from what an earlier run of it saved if given. Blocks; call it inside the rayon pool that
/// it shall use. `told`: by the owner of the model; of a table nothing has to be.
///
/// # Errors
/// [`SelectionError`] when the saved state cannot be read.
pub(in crate::jobs) fn run(
    prepared: &Prepared,
    from: Option<&[u8]>,
    told: Option<Told>,
    ctl: &Ctl,
    watch: &mut dyn Watch,
) -> Result<Ran, SelectionError> {
    let began = Instant::now();
    let (evaluator, rounds): (Arc<dyn Evaluator>, u64) = match (&prepared.table, told) {
        (Some(table), _) => (table.clone(), 0),
        (None, Some(told)) => (Arc::new(told.book), told.rounds),
        (None, None) => (Arc::new(evaluations(&prepared.spec, None)?), 0),
    };
    let f = Arc::new(Attribution::new(Arc::new(prepared.regions()?), prepared.settings, evaluator)?);
    let from = from.map(saved::decode).transpose()?;
    let (problem, mut optimizer) = prepared.search.begin(Arc::clone(&f), prepared.k)?;
    let outcome =
        submodular::run(problem, &mut *optimizer, from.as_ref(), ctl, &mut |problem, optimizer| {
            let (done, total) = optimizer.progress(problem);
            let value = problem.value();
            watch.progress(Progress {
                phase: Phase::Selecting,
                done,
                total,
                objective_value: value.is_finite().then_some(value),
                evaluations: ctl.evaluations(),
            });
            watch.save(&|| Ok(saved::encode(&problem.save(optimizer, ctl))?));
        })?;
    let Found { ending, termination, explained, asked } = look(prepared, &f, &outcome, rounds, ctl)?;
    let plan = prepared.plan.report();
    let result = AttributionResult {
        complete: ending == Ending::Finished,
        explained,
        target: f.evaluator().target().map(|target| target as u64),
        termination: termination.to_owned(),
        optimizer: plan.optimizer.clone(),
        guarantee: plan.guarantee.clone(),
        seed: prepared.spec.run.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seconds: began.elapsed().as_secs_f64(),
    };
    let saved = saved::encode(&outcome.saved)?;
    Ok(Ran { ending, result: JobResult::Attribution(Box::new(result)), saved, asked })
}

/// What came of a search.
struct Found {
    ending: Ending,
    termination: &'static str,
    explained: Explained,
    asked: Vec<Set>,
}

/// What the order explains, and what has to be asked to measure it.
fn look(
    prepared: &Prepared,
    f: &Attribution,
    outcome: &Outcome,
    rounds: u64,
    ctl: &Ctl,
) -> Result<Found, SelectionError> {
    let selection = &outcome.selection;
    let spent = Spent { evaluations: selection.evaluations, rounds };
    let nothing = Explained { rounds, model_calls: 2 * selection.evaluations, ..Explained::default() };
    // Looks at what is known and computes little: a run that was stopped has the time for it.
    let report = match Report::new(f, &selection.items, spent, &Ctl::default()) {
        Ok(report) => Some(report),
        Err(halt) => {
            questions(halt)?; // stopped before the first answer
            None
        }
    };
    let (ending, termination, asked) = match &outcome.ended {
        Ended::Finished(termination) => (Ending::Finished, termination.name(), vec![]),
        Ended::Cancelled => (Ending::Cancelled, "cancelled", vec![]),
        Ended::Deadline => (Ending::Deadline, "deadline", vec![]),
        Ended::Asked(sets) => (Ending::Asked, "awaiting_answers", sets.clone()),
    };
    let Some(report) = report else { return Ok(Found { ending, termination, explained: nothing, asked }) };
    // While it asks, this is for an owner who stops it now: what takes longer is left out.
    let measures = prepared.spec.submodularity_ratio && ending != Ending::Asked;
    let ratio = measures.then(|| submodularity_ratio(f, &report.ranking)).flatten();
    let fidelity = match (&prepared.fidelity, ending) {
        (Some(fidelity), Ending::Finished) => Some(fidelity.measure(f, &report.region_weights, ctl)),
        (Some(_) | None, _) => None,
    };
    let explained = Explained { submodularity_ratio: ratio, ..report.into() };
    match fidelity.transpose() {
        Ok(measured) => {
            let explained = Explained { mu_fidelity: measured.flatten(), ..explained };
            Ok(Found { ending, termination, explained, asked })
        }
        // The order stands; only how it does on random sets is not known.
        Err(Halt::Cancelled) => {
            Ok(Found { ending: Ending::Cancelled, termination: "cancelled", explained, asked })
        }
        Err(Halt::Deadline) => {
            Ok(Found { ending: Ending::Deadline, termination: "deadline", explained, asked })
        }
        Err(halt) => {
            let asked = questions(halt)?;
            Ok(Found { ending: Ending::Asked, termination: "awaiting_answers", explained, asked })
        }
    }
}

/// What a look at the evaluations has to ask.
fn questions(halt: Halt) -> Result<Vec<Set>, SelectionError> {
    match halt {
        Halt::Ask(sets) => Ok(sets),
        Halt::Failed(error) => Err(error.into()),
        Halt::Cancelled | Halt::Deadline => {
            Err(submodular::Error::Unsupported("this step cannot be stopped").into())
        }
    }
}
