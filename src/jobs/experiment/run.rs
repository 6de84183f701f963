//! A prepared experiment, from its rankings to its result.

use super::ExperimentSpec;
use super::prepare::Prepared;
use super::resolve::{Experiment, Lookup, Supplied};
use super::result::{BiasStudyResult, CellRecord, CurveRecord, QuotaRecord, RanRecord, SmoothnessResult};
use super::saved::{Stored, decode, encode};
use crate::dataset::Source;
use crate::jobs::outcome::JobResult;
use crate::jobs::rankings::profile;
use crate::jobs::selection::{Ending, Phase, Progress, SelectionError, Stop, Watch};
use crate::jobs::work::Ran;
use std::ops::Range;
use std::time::Instant;
use submodular::committee::smoothness::{self, Curve};
use submodular::committee::study::{self, Cell};
use submodular::{Ctl, Halt};

/// Runs a prepared experiment, from what an earlier run of it saved if given. Blocks; call it inside the rayon pool that
/// it shall use. `digest` names the data in the result.
///
/// # Errors
/// [`SelectionError`] when rankings or the saved state cannot be read, or have no meaning.
pub(in crate::jobs) fn run(
    prepared: &Prepared,
    digest: Option<&str>,
    from: Option<&[u8]>,
    ctl: &Ctl,
    watch: &mut dyn Watch,
) -> Result<Ran, SelectionError> {
    let began = Instant::now();
    let experiment = match experiment(prepared, ctl, watch) {
        Ok(experiment) => experiment,
        Err(Stop::Failed(error)) => return Err(error),
        // Stopped while its rankings were read: its design is all it has, and nothing of it is made.
        Err(Stop::Halted(ending)) => {
            let result = nothing(prepared, ending, digest, began);
            return Ok(Ran { ending, result, saved: from.unwrap_or_default().to_vec(), asked: vec![] });
        }
    };
    match experiment {
        Experiment::BiasStudy(study) => {
            let total = study.design().repetitions;
            let made = repeat(total, from, &|range| study.chunk(range, ctl), watch)?;
            let ran = made.record(prepared, total, digest, began);
            let names: Vec<&str> = study.design().rules.iter().map(|rule| rule.name()).collect();
            let cells =
                study.report(&made.repetitions)?.into_iter().map(|cell| record(cell, &names)).collect();
            let result = JobResult::BiasStudy(BiasStudyResult { cells, ran });
            Ok(Ran { ending: made.ending, result, saved: encode(&made.repetitions)?, asked: vec![] })
        }
        Experiment::Smoothness(smoothness) => {
            let total = smoothness.design().repetitions;
            let made = repeat(total, from, &|range| smoothness.chunk(range, ctl), watch)?;
            let ran = made.record(prepared, total, digest, began);
            let names: Vec<&str> = smoothness.design().rules.iter().map(|rule| rule.name()).collect();
            // What there is is told even where the run was stopped.
            let curves = smoothness.report(&made.repetitions, &Ctl::default()).map_err(failed)?;
            let curves = curves.into_iter().map(|curve| curve_record(curve, &names)).collect();
            let result = JobResult::Smoothness(SmoothnessResult { curves, ran });
            Ok(Ran { ending: made.ending, result, saved: encode(&made.repetitions)?, asked: vec![] })
        }
    }
}

/// The experiment over its rankings.
fn experiment(prepared: &Prepared, ctl: &Ctl, watch: &mut dyn Watch) -> Result<Experiment, Stop> {
    let mut read =
        |source: &Option<Source>| source.as_ref().map(|source| profile(source, ctl, watch)).transpose();
    let supplied = Supplied { latent: read(&prepared.latent)?, biased: read(&prepared.biased)? };
    let mut lookup = Lookup { source: prepared.latent.as_ref(), supplied: &supplied, errors: vec![] };
    let found = lookup.experiment(&prepared.spec)?;
    found.ok_or_else(|| Stop::Failed(SelectionError::Invalid(lookup.errors)))
}

/// Repetitions that were made, in order, and why there are no more.
struct Made<T> {
    repetitions: Vec<T>,
    ending: Ending,
}

impl<T> Made<T> {
    fn record(&self, prepared: &Prepared, total: u64, digest: Option<&str>, began: Instant) -> RanRecord {
        let made = self.repetitions.len() as u64;
        ran(prepared, self.ending, (made, made == total), digest, began)
    }
}

fn ran(
    prepared: &Prepared,
    ending: Ending,
    (repetitions, complete): (u64, bool),
    digest: Option<&str>,
    began: Instant,
) -> RanRecord {
    let seed = match &prepared.spec {
        ExperimentSpec::BiasStudy(spec) => spec.run.seed,
        ExperimentSpec::Smoothness(spec) => spec.run.seed,
    };
    let termination = match ending {
        Ending::Finished => "all_repetitions",
        Ending::Cancelled => "cancelled",
        Ending::Deadline => "deadline",
        Ending::Asked => "awaiting_answers",
    };
    RanRecord {
        repetitions,
        complete,
        termination: termination.to_owned(),
        seed,
        dataset_digest: digest.map(str::to_owned),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seconds: began.elapsed().as_secs_f64(),
    }
}

/// The result of an experiment that made nothing.
fn nothing(prepared: &Prepared, ending: Ending, digest: Option<&str>, began: Instant) -> JobResult {
    let ran = ran(prepared, ending, (0, false), digest, began);
    match &prepared.spec {
        ExperimentSpec::BiasStudy(_) => JobResult::BiasStudy(BiasStudyResult { cells: vec![], ran }),
        ExperimentSpec::Smoothness(_) => JobResult::Smoothness(SmoothnessResult { curves: vec![], ran }),
    }
}

fn failed(halt: Halt) -> SelectionError {
    match Stop::from(halt) {
        Stop::Failed(error) => error,
        Stop::Halted(_) => submodular::Error::Unsupported("this step cannot be stopped").into(),
    }
}

/// Makes the repetitions that are missing, in batches, each on all threads of the pool.
fn repeat<T: Stored>(
    total: u64,
    from: Option<&[u8]>,
    chunk: &dyn Fn(Range<u64>) -> Result<Vec<T>, Halt>,
    watch: &mut dyn Watch,
) -> Result<Made<T>, SelectionError> {
    let mut repetitions = from.map(decode::<T>).transpose()?.unwrap_or_default();
    let batch = rayon::current_num_threads() as u64;
    loop {
        let done = repetitions.len() as u64;
        watch.progress(Progress { phase: Phase::Simulating, done, total, ..Progress::default() });
        if done >= total {
            return Ok(Made { repetitions, ending: Ending::Finished });
        }
        match chunk(done..total.min(done + batch)) {
            Ok(made) => repetitions.extend(made),
            Err(halt) => match Stop::from(halt) {
                Stop::Halted(ending) => return Ok(Made { repetitions, ending }),
                Stop::Failed(error) => return Err(error),
            },
        }
        watch.save(&|| Ok(encode(&repetitions)?));
    }
}

fn record(cell: Cell, names: &[&str]) -> CellRecord {
    let study::Cell {
        rule,
        rankings,
        strength,
        optimum,
        repetitions,
        unconstrained,
        by_quota,
        best_quota,
        best_quota_mean,
        oracle_mean,
        gain,
    } = cell;
    CellRecord {
        rule: names[rule].to_owned(),
        rule_index: rule as u64,
        rankings: rankings as u64,
        strength,
        optimum: optimum.name().to_owned(),
        repetitions,
        unconstrained: unconstrained.map(Into::into),
        by_quota: (by_quota.into_iter())
            .map(|(at_least, estimate)| QuotaRecord {
                at_least: at_least as u64,
                estimate: estimate.map(Into::into),
            })
            .collect(),
        best_quota: best_quota.map(|quota| quota as u64),
        best_quota_mean,
        oracle_mean: oracle_mean.map(Into::into),
        gain,
    }
}

fn curve_record(curve: Curve, names: &[&str]) -> CurveRecord {
    let smoothness::Curve { rule, tau1, alpha, curve, rankings_needed } = curve;
    let point = |smoothness::Point { beta, gamma }| {
        (beta, gamma.map(|estimate| estimate.mean), gamma.and_then(|estimate| estimate.se))
    };
    CurveRecord {
        rule: names[rule].to_owned(),
        rule_index: rule as u64,
        tau1,
        alpha: alpha.map(Into::into),
        curve: curve.into_iter().map(point).collect(),
        rankings_needed,
    }
}
