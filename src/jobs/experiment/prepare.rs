//! From a spec to a plan: everything looked up, checked and estimated, before a ranking is read.

use super::ExperimentSpec;
use super::resolve::{Experiment, Lookup, Supplied};
use crate::dataset::{DatasetError, Kind, Source};
use crate::jobs::archive::Archive;
use crate::jobs::plan::{Estimated, Plan};
use crate::jobs::selection::{FieldError, Limits, SelectionError};
use crate::jobs::spec::{BiasStudySpec, SeenSpec, SmoothnessSpec};
use submodular::committee::Profile;

/// An experiment that is ready to run.
pub(in crate::jobs) struct Prepared {
    pub(super) spec: ExperimentSpec,
    /// The latent rankings' dataset.
    pub(super) latent: Option<Source>,
    /// The dataset of what is seen of them.
    pub(super) biased: Option<Source>,
    /// What the run would take.
    pub(in crate::jobs) plan: Plan,
}

impl Prepared {
    /// The spec.
    pub(in crate::jobs) fn spec(&self) -> &ExperimentSpec {
        &self.spec
    }
}

/// Looks everything up and estimates the run. `archive`: where its datasets are.
///
/// # Errors
/// [`SelectionError::Invalid`] with every offence, [`SelectionError::Dataset`]. An experiment that is too large is
/// prepared nevertheless: see [`Plan::admit`].
pub(in crate::jobs) fn prepare(
    spec: &ExperimentSpec,
    archive: &dyn Archive,
    limits: &Limits,
) -> Result<Prepared, SelectionError> {
    let (latent, seen, run) = match spec {
        ExperimentSpec::BiasStudy(BiasStudySpec { latent, run, .. }) => (latent, None, run),
        ExperimentSpec::Smoothness(SmoothnessSpec { latent, bias, run, .. }) => {
            (latent, if let SeenSpec::Dataset(id) = bias { Some(id) } else { None }, run)
        }
    };
    let mut errors = vec![];
    let mut rankings = |id: &str, pointer: &str| -> Result<Source, DatasetError> {
        let source = archive.dataset(id).map_err(|error| error.at(pointer))?;
        if source.kind() != Kind::Rankings {
            let detail = format!("a dataset of rankings is needed; this one holds {}", source.kind());
            errors.push(FieldError::new(pointer, "invalid_parameter", detail));
        }
        Ok(source)
    };
    let latent = latent.dataset().map(|id| rankings(id, "/latent/dataset")).transpose()?;
    let biased = seen.map(|id| rankings(id, "/bias/dataset")).transpose()?;
    if let (Some(latent), Some(biased), true) = (&latent, &biased, errors.is_empty())
        && (latent.items(), latent.rows()) != (biased.items(), biased.rows())
    {
        let detail = format!(
            "{} rankings of {} candidates; the latent ones are {} of {}",
            biased.rows(),
            biased.items(),
            latent.rows(),
            latent.items()
        );
        errors.push(FieldError::new("/bias/dataset", "shape_mismatch", detail));
    }
    if !errors.is_empty() {
        return Err(SelectionError::Invalid(errors));
    }
    let supplied = Supplied { latent: None, biased: None };
    let mut lookup = Lookup { source: latent.as_ref(), supplied: &supplied, errors: vec![] };
    if run.deadline_seconds.is_some_and(|s| !(s.is_finite() && s > 0.0)) {
        lookup.errors.push(FieldError::new(
            "/deadline_seconds",
            "invalid_parameter",
            "a finite number above 0",
        ));
    }
    let experiment = lookup.experiment(spec)?;
    let (true, Some(experiment)) = (lookup.errors.is_empty(), experiment) else {
        return Err(SelectionError::Invalid(lookup.errors));
    };
    let (own, flops, separable) = match &experiment {
        Experiment::BiasStudy(study) => {
            let separable = study.design().rules.iter().all(|rule| rule.separable());
            (study.memory(limits.threads), study.operations(), separable)
        }
        Experiment::Smoothness(smoothness) => {
            (smoothness.memory(limits.threads), smoothness.operations(), true)
        }
    };
    let read = [&latent, &biased].into_iter().flatten();
    let held = read.map(|source| Profile::memory(source.items(), source.rows()) + source.reading_bytes());
    let memory_bytes = held.fold(own, u64::saturating_add);
    let estimated = Estimated {
        what: "experiment",
        memory_bytes,
        flops,
        evaluations: 0,
        rounds: None,
        optimizer: if separable { "greedy" } else { "lazy_greedy" },
        plan: "simulated",
        unpromised: "an experiment measures, and promises nothing",
        way_out: "Fewer repetitions, rankings or strengths take less",
    };
    Ok(Prepared { spec: spec.clone(), latent, biased, plan: Plan::of(&estimated, limits) })
}
