//! One run of one job, from the worker that took it to its next state on disk.

use super::JobError;
use super::admission::Running;
use super::attribution::{self, Told};
use super::meters::{self, Evaluations};
use super::outcome::JobResult;
use super::pace::Pace;
use super::record::{Failure, JobKey, JobRecord, JobSpec, PhaseRecord, ProgressRecord};
use super::selection::result::SelectionResult;
use super::selection::{self, Phase, Progress, SelectionError, Watch};
use super::service::Shared;
use super::spec::OnStop;
use super::state::{Forbidden, State};
use super::store::{Ending, Save, StoreError};
use super::work::{self, Known};
use super::worker::panic_text;
use crate::dataset::{DatasetError, Source};
use rayon::ThreadPool;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use submodular::Set;
use submodular::objective::Answers;
use tracing::Span;
use tracing::field::Empty;

/// How a run came back.
enum Return {
    /// The job has ended.
    Ended(Ending),
    /// It needs values that its owner has; if its owner has stopped it, its prefix is its end.
    Asked { save: Save, sets: Vec<Set>, prefix: Ending },
    /// The service stopped it; if its owner did not, it waits for the next start.
    Stopped { save: Save, prefix: Ending },
}

/// Bytes that the job would take within the limits as they are now. One that cannot be planned takes none: its run
/// meets the same error, and ends it with that.
pub(super) fn estimate(shared: &Shared, key: &JobKey) -> u64 {
    let span = span(key);
    let _entered = span.enter();
    let plan = || -> Result<u64, JobError> {
        let record = shared.store.get(key)?;
        name(&span, &record);
        let (source, _) = source(shared, &record)?;
        let archive = shared.of_tenant(&record.tenant);
        Ok(work::prepare(&record.spec, source, &archive, &shared.limits)?.report().memory_bytes)
    };
    // What it borrows are locks that bear a panic, and the database.
    match catch_unwind(AssertUnwindSafe(plan)) {
        Ok(Ok(memory_bytes)) => memory_bytes,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the job cannot be planned");
            0
        }
        Err(panic) => {
            let panic = panic_text(panic.as_ref());
            tracing::error!(panic, "planning the job panicked");
            0
        }
    }
}

/// The dataset of the job and its digest, where it has one.
fn source(shared: &Shared, record: &JobRecord) -> Result<(Option<Source>, Option<String>), DatasetError> {
    let Some(id) = &record.dataset else { return Ok((None, None)) };
    let dataset = shared.datasets.get(&record.tenant, id)?;
    Ok((Some(shared.datasets.source(&dataset)?), Some(dataset.digest)))
}

/// What every line about a job has.
fn span(key: &JobKey) -> Span {
    tracing::info_span!("job", job.id = %key.id, dataset.id = Empty, request.id = Empty)
}

fn name(span: &Span, record: &JobRecord) {
    span.record("dataset.id", record.dataset.as_deref()).record("request.id", record.request_id.as_deref());
}

/// Runs the job. Whatever happens in it, panics included, is its own end and nobody else's.
pub(super) fn run(shared: &Shared, pool: &ThreadPool, running: &Arc<Running>) {
    let span = span(&running.key);
    let _entered = span.enter();
    if let Err(error) = try_run(shared, pool, running) {
        // The record keeps its state; the next start takes the job up again. It is not for a full disk: the database
        // waits for room.
        tracing::error!(%error, "the job's state could not be stored");
    }
}

fn try_run(shared: &Shared, pool: &ThreadPool, running: &Arc<Running>) -> Result<(), StoreError> {
    let record = match shared.store.start(&running.key) {
        Ok(record) => record,
        // Cancelled, and perhaps deleted, between the line and the worker.
        Err(StoreError::Forbidden(_) | StoreError::NotFound(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    shared.events.tell(&record);
    name(&Span::current(), &record);
    tracing::info!(job.attempt = record.attempt, job.memory_bytes = record.plan.memory_bytes, "job started");
    let save = shared.store.saved(&running.key)?;
    if record.attempt == 1 && save.is_none() {
        meters::waited(&record);
    }
    let returned = guarded(|| work(shared, pool, running, &record, save));
    let progress = running.tracked().map(|tracked| tracked.progress);
    let record = match returned {
        Return::Ended(ending) => finish(shared, &running.key, &ending, progress)?,
        Return::Asked { save, sets, prefix } => {
            // Its place is free before anybody can answer: it may run again at once.
            shared.give_back(running);
            match shared.store.ask(&running.key, &save, &sets, patience(&record), progress.clone()) {
                Err(StoreError::Forbidden(Forbidden { from: State::Cancelling, .. })) => {
                    finish(shared, &running.key, &prefix, progress)?
                }
                other => other?,
            }
        }
        Return::Stopped { save, prefix } => {
            match shared.store.requeue(&running.key, &save) {
                // Its owner wanted it stopped too.
                Err(StoreError::Forbidden(Forbidden { from: State::Cancelling, .. })) => {
                    finish(shared, &running.key, &prefix, progress)?
                }
                other => other?,
            }
        }
    };
    shared.events.tell(&record);
    meters::ran(&record, running.began.elapsed());
    let seconds = running.began.elapsed().as_secs_f64();
    let code = record.failure.as_ref().map(|failure| failure.code.as_str());
    tracing::info!(job.state = ?record.state, job.running_seconds = seconds, error.code = code, "job stopped");
    Ok(())
}

/// Most sets of a round, and how long it waits.
fn patience(record: &JobRecord) -> (usize, Duration) {
    let Some((size, idle)) = record.spec.patience() else { return (usize::MAX, Duration::MAX) };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    (size, Duration::try_from_secs_f64(idle).unwrap_or(Duration::MAX))
}

/// Stores the end of a job. Where the disk has no room for its result, the job ends without one and says so: to wait
/// for room would hold up every other change of the database.
fn finish(
    shared: &Shared,
    key: &JobKey,
    ending: &Ending,
    progress: Option<ProgressRecord>,
) -> Result<JobRecord, StoreError> {
    // A full disk may have kept the owner's wish out of the record, though not from the run.
    if matches!(ending, Ending::Cancelled(_)) && shared.store.get(key)?.state == State::Running {
        shared.store.cancel(key)?;
    }
    let encoded = ending.encode()?;
    let bytes = encoded.as_ref().map_or(0, |encoded| encoded.len() as u64);
    if has_room(shared, bytes) {
        return shared.store.finish_encoded(key, ending, encoded.as_deref(), progress);
    }
    let detail = format!("the disk has no room for the {bytes} bytes of the result");
    tracing::error!(bytes, "the result is lost: the disk has no room for it");
    let failure = Failure::new("insufficient_storage", detail);
    match ending {
        Ending::Cancelled(_) => shared.store.abandon(key, failure),
        Ending::Succeeded(_) | Ending::Failed(_) => {
            shared.store.finish(key, &Ending::Failed(failure), progress)
        }
    }
}

/// A disk that cannot be asked is tried.
fn has_room(shared: &Shared, bytes: u64) -> bool {
    bytes == 0 || shared.datasets.disk().has_room(bytes).unwrap_or(true)
}

/// A panic ends the job as a failure of ours.
fn guarded(work: impl FnOnce() -> Result<Return, SelectionError>) -> Return {
    // What the work borrows are locks that bear a panic, atomics, and the database.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(returned)) => returned,
        Ok(Err(error)) => {
            tracing::info!(%error, "job failed");
            let detail = match error.code() {
                "internal" => "the service failed; its log has the cause under the job's id".to_owned(),
                _ => error.to_string(),
            };
            Return::Ended(Ending::Failed(Failure::new(error.code(), detail)))
        }
        Err(panic) => {
            tracing::error!(panic = panic_text(panic.as_ref()), "job panicked");
            let detail = "the service failed; its log has the cause under the job's id";
            Return::Ended(Ending::Failed(Failure::new("internal", detail)))
        }
    }
}

fn work(
    shared: &Shared,
    pool: &ThreadPool,
    running: &Running,
    record: &JobRecord,
    save: Option<Save>,
) -> Result<Return, SelectionError> {
    let (source, digest) = source(shared, record)?;
    let known = known(shared, record)?;
    let ran_before = save.as_ref().map_or(0.0, |save| save.running_seconds);
    // A run that was stopped while it loaded has begun nothing, though its seconds count.
    let from = save.map(|save| save.bytes).filter(|bytes| !bytes.is_empty());
    let ran = pool.install(|| {
        let prepared =
            work::prepare(&record.spec, source, &shared.of_tenant(&record.tenant), &shared.limits)?;
        // The limits may be lower than when it was accepted. One that has been stopped computes nothing.
        if !running.is_cancelled() {
            prepared.admit()?;
        }
        let evaluations = Evaluations::of(record);
        let pace = Pace::new(Instant::now());
        let mut recorder = Recorder { shared, running, ran_before, pace, evaluations };
        let ran = prepared.run(digest.as_deref(), from.as_deref(), known, &running.ctl, &mut recorder)?;
        if let JobResult::Selection(result) = &ran.result {
            recorder.evaluations.reach(result.evaluations);
        }
        Ok::<_, SelectionError>(ran)
    })?;
    if let JobResult::Selection(result) = &ran.result
        && let Some(failure) = overflow(result)
    {
        return Ok(Return::Ended(Ending::Failed(failure)));
    }
    let keep = record.spec.on_stop() == OnStop::Partial;
    let running_seconds = ran_before + running.began.elapsed().as_secs_f64();
    Ok(match ran.ending {
        selection::Ending::Asked => {
            let save = Save { running_seconds, bytes: ran.saved };
            Return::Asked { save, sets: ran.asked, prefix: Ending::Cancelled(keep.then_some(ran.result)) }
        }
        selection::Ending::Finished => Return::Ended(Ending::Succeeded(ran.result)),
        selection::Ending::Deadline if keep => Return::Ended(Ending::Succeeded(ran.result)),
        selection::Ending::Deadline => Return::Ended(Ending::Failed(Failure::new(
            "deadline_exceeded",
            format!("stopped after {} running seconds", record.spec.deadline_seconds().unwrap_or_default()),
        ))),
        selection::Ending::Cancelled => {
            let prefix = Ending::Cancelled(keep.then_some(ran.result));
            if running.is_cancelled() {
                Return::Ended(prefix)
            } else {
                Return::Stopped { save: Save { running_seconds, bytes: ran.saved }, prefix }
            }
        }
    })
}

/// What only the owner knew, and has told.
fn known(shared: &Shared, record: &JobRecord) -> Result<Known, SelectionError> {
    if record.spec.patience().is_none() {
        return Ok(Known::Nothing);
    }
    let key = record.key();
    Ok(match &record.spec {
        JobSpec::Selection(_) => {
            let known: Answers = shared.store.answers(&key)?.into_iter().collect();
            Known::Values(Arc::new(known))
        }
        JobSpec::Attribution(spec) => {
            let (rounds, target) = shared.store.last_round(&key)?;
            let book = attribution::evaluations(spec, target)?;
            if let Some(target) = target.and_then(|target| usize::try_from(target).ok()) {
                shared.store.told(&key, &mut |set, pair| book.insert(target, [(set, pair)]))?;
            }
            Known::Regions(Told { rounds, book })
        }
        JobSpec::BiasStudy(_) | JobSpec::Smoothness(_) | JobSpec::Resample(_) => Known::Nothing,
    })
}

/// Finite data can have a value that is not: JSON has no such number, so it must not be stored.
fn overflow(result: &SelectionResult) -> Option<Failure> {
    let bound = result.certificate.as_ref().map(|certificate| certificate.upper_bound);
    let owned = result.owned.as_ref().and_then(|owned| owned.value);
    let values =
        [Some(result.objective_value), Some(result.empty_value), result.optimized_value, bound, owned];
    let mut numbers = result.gains.iter().copied().chain(values.into_iter().flatten());
    numbers.any(|number| !number.is_finite()).then(|| {
        let detail =
            "the objective is beyond the largest 64-bit float: scale the vectors or the weights down";
        Failure::new("invalid_matrix", detail)
    })
}

/// Passes progress on to whoever asks, and saves now and then.
struct Recorder<'a> {
    shared: &'a Shared,
    running: &'a Running,
    ran_before: f64,
    pace: Pace,
    evaluations: Evaluations,
}

impl Watch for Recorder<'_> {
    fn progress(&mut self, progress: Progress) {
        if progress.phase == Phase::Selecting {
            self.evaluations.reach(progress.evaluations);
        }
        self.running.track(ProgressRecord {
            phase: match progress.phase {
                Phase::Loading => PhaseRecord::Loading,
                Phase::Similarity => PhaseRecord::Similarity,
                Phase::Selecting => PhaseRecord::Selecting,
                Phase::Simulating => PhaseRecord::Simulating,
            },
            done: progress.done,
            total: progress.total,
            objective_value: progress.objective_value,
            evaluations: progress.evaluations,
        });
    }

    fn milestone(&mut self) {
        self.pace.milestone();
    }

    fn save(&mut self, encode: &dyn Fn() -> Result<Vec<u8>, SelectionError>) {
        let began = Instant::now();
        if !self.pace.is_due(began, self.shared.checkpoint) {
            return;
        }
        let running_seconds = self.ran_before + self.running.began.elapsed().as_secs_f64();
        let saved = encode().map_err(JobError::from).and_then(|bytes| {
            if !has_room(self.shared, bytes.len() as u64) {
                return Err(JobError::Dataset(DatasetError::Io(io::ErrorKind::StorageFull.into())));
            }
            Ok(self.shared.store.save(&self.running.key, &Save { running_seconds, bytes })?)
        });
        meters::saved(&saved, began.elapsed());
        if let Err(error) = saved {
            // The job itself is well: a crash would only cost it more.
            tracing::warn!(%error, "a save failed");
        }
        self.pace.saved(began, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::selection::result::Certificate;

    #[test]
    fn a_panic_in_a_job_is_that_jobs_failure() {
        let returned = guarded(|| panic!("out of luck"));
        let Return::Ended(Ending::Failed(failure)) = returned else { panic!("the job did not fail") };
        assert_eq!(failure.code, "internal");
        assert!(!failure.detail.contains("luck"), "what a panic says is for the log");
    }

    #[test]
    fn a_value_that_json_cannot_hold_is_a_failure() {
        let whole: SelectionResult = serde_json::from_value(serde_json::json!({
            "indices": [0], "gains": [1.0], "objective_value": 1.0, "empty_value": 0.0, "complete": true,
            "termination": "budget_reached", "optimizer": "greedy", "optimizer_reason": "", "warnings": [],
            "similarity": "dot", "exactness": "exact", "plan": "stored_f32", "kernel": "portable", "seed": 0,
            "evaluations": 1, "guarantee": {}, "prefixes_valid": true, "dataset_digest": "", "version": "",
            "certificate": {"upper_bound": 1.0, "ratio": 1.0, "basis": "fresh_sweep", "of": "dense"},
            "timings_seconds": {"loading": 0.0, "similarity": 0.0, "selecting": 0.0},
        }))
        .unwrap();
        assert_eq!(overflow(&whole), None);
        let certificate = |upper_bound| whole.certificate.clone().map(|c| Certificate { upper_bound, ..c });
        for broken in [
            SelectionResult { objective_value: f64::NAN, ..whole.clone() },
            SelectionResult { optimized_value: Some(f64::NEG_INFINITY), ..whole.clone() },
            SelectionResult { gains: vec![f64::INFINITY], ..whole.clone() },
            SelectionResult { certificate: certificate(f64::INFINITY), ..whole.clone() },
        ] {
            assert_eq!(overflow(&broken).unwrap().code, "invalid_matrix");
        }
    }
}
