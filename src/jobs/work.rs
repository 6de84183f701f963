//! The work of a job, whatever its kind: planned, then run.

use super::archive::Archive;
use super::attribution::{self, Told};
use super::experiment::{self, ExperimentSpec};
use super::outcome::JobResult;
use super::record::JobSpec;
use super::resample;
use super::selection::result::PlanReport;
use super::selection::{self, Ending, FieldError, Limits, SelectionError, Watch};
use super::spec::ObjectiveSpec;
use crate::dataset::Source;
use std::sync::Arc;
use submodular::objective::Oracle;
use submodular::{Ctl, Set};

/// A job that is ready to run.
pub(super) enum Prepared {
    /// Choose items of a dataset.
    Selection(Box<selection::Prepared>, Source),
    /// Draw and measure.
    Experiment(Box<experiment::Prepared>),
    /// Explain a model's answer.
    Attribution(Box<attribution::Prepared>),
    /// Draw from what a selection kept.
    Resample(Box<resample::Prepared>),
}

/// What the job's owner has told so far.
pub(super) enum Known {
    /// Nothing is asked.
    Nothing,
    /// Values of sets.
    Values(Arc<dyn Oracle>),
    /// What a model says of sets of regions.
    Regions(Told),
}

/// What a run leaves.
#[derive(Debug)]
pub(super) struct Ran {
    /// Why it came back.
    pub(super) ending: Ending,
    /// What there is; a part unless `ending` is `Finished`.
    pub(super) result: JobResult,
    /// For going on; empty where nothing was begun.
    pub(super) saved: Vec<u8>,
    /// The sets whose values it needs; none unless `ending` is `Asked`.
    pub(super) asked: Vec<Set>,
}

/// Looks everything up and estimates the run. `source`: the dataset that items are selected from; `archive`: what
/// else the spec names.
///
/// # Errors
/// Everything that is wrong with the request. A job that is too large is prepared nevertheless: see
/// [`Prepared::admit`].
pub(super) fn prepare(
    spec: &JobSpec,
    source: Option<Source>,
    archive: &dyn Archive,
    limits: &Limits,
) -> Result<Prepared, SelectionError> {
    let experiment = match spec {
        JobSpec::Selection(spec) => {
            let source = source.map_or_else(|| bare(&spec.objective), Ok)?;
            let prepared = selection::prepare(spec, &source, archive, true, limits)?;
            return Ok(Prepared::Selection(Box::new(prepared), source));
        }
        JobSpec::BiasStudy(spec) => ExperimentSpec::BiasStudy(spec.clone()),
        JobSpec::Smoothness(spec) => ExperimentSpec::Smoothness(spec.clone()),
        JobSpec::Attribution(spec) => {
            return Ok(Prepared::Attribution(Box::new(attribution::prepare(spec, limits)?)));
        }
        JobSpec::Resample(spec) => {
            return Ok(Prepared::Resample(Box::new(resample::prepare(spec, archive, limits)?)));
        }
    };
    Ok(Prepared::Experiment(Box::new(experiment::prepare(&experiment, archive, limits)?)))
}

/// What stands for the dataset of a selection that has none.
fn bare(objective: &ObjectiveSpec) -> Result<Source, SelectionError> {
    let n = if let ObjectiveSpec::External { n, .. } = objective { *n } else { None };
    let items = n.filter(|n| (1..=u64::from(u32::MAX)).contains(n)).and_then(|n| usize::try_from(n).ok());
    items.map(Source::bare).ok_or_else(|| {
        let detail = "give dataset or inline; or of an external objective n, from 1 to 4294967295";
        SelectionError::Invalid(vec![FieldError::new("/dataset", "invalid_parameter", detail)])
    })
}

impl Prepared {
    /// The spec with every default filled that depends on the data.
    pub(super) fn spec(&self) -> JobSpec {
        match self {
            Prepared::Selection(prepared, _) => JobSpec::Selection(Box::new(prepared.spec().clone())),
            Prepared::Experiment(prepared) => match prepared.spec() {
                ExperimentSpec::BiasStudy(spec) => JobSpec::BiasStudy(spec.clone()),
                ExperimentSpec::Smoothness(spec) => JobSpec::Smoothness(spec.clone()),
            },
            Prepared::Attribution(prepared) => JobSpec::Attribution(Box::new(prepared.spec().clone())),
            Prepared::Resample(prepared) => JobSpec::Resample(prepared.spec().clone()),
        }
    }

    /// What the run would take.
    pub(super) fn report(&self) -> &PlanReport {
        match self {
            Prepared::Selection(prepared, _) => prepared.report(),
            Prepared::Experiment(prepared) => prepared.plan.report(),
            Prepared::Attribution(prepared) => prepared.plan.report(),
            Prepared::Resample(prepared) => prepared.plan.report(),
        }
    }

    /// # Errors
    /// [`SelectionError::TooLarge`] with numbers and a way out.
    pub(super) fn admit(&self) -> Result<(), SelectionError> {
        match self {
            Prepared::Selection(prepared, _) => prepared.admit(),
            Prepared::Experiment(prepared) => prepared.plan.admit(),
            Prepared::Attribution(prepared) => prepared.plan.admit(),
            Prepared::Resample(prepared) => prepared.plan.admit(),
        }
    }

    /// Runs it, from what an earlier run of it saved if given. Blocks; call it inside the rayon pool that it shall use.
    /// `digest` names its dataset in the result, `known` is what its owner has told.
    ///
    /// # Errors
    /// When data or the saved state cannot be read, or the work fails.
    pub(super) fn run(
        self,
        digest: Option<&str>,
        from: Option<&[u8]>,
        known: Known,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Ran, SelectionError> {
        match self {
            Prepared::Selection(prepared, source) => {
                let digest = digest.unwrap_or_default();
                let oracle = if let Known::Values(oracle) = known { Some(oracle) } else { None };
                let selection::Ran { ending, result, saved, asked } =
                    selection::run(*prepared, &source, digest, from, oracle, ctl, watch)?;
                Ok(Ran { ending, result: JobResult::Selection(Box::new(result)), saved, asked })
            }
            Prepared::Experiment(prepared) => experiment::run(&prepared, digest, from, ctl, watch),
            Prepared::Attribution(prepared) => {
                let told = if let Known::Regions(told) = known { Some(told) } else { None };
                attribution::run(&prepared, from, told, ctl, watch)
            }
            Prepared::Resample(prepared) => prepared.run(),
        }
    }
}
