//! A draw from the gains that an earlier selection kept: milliseconds, and no look at the vectors.
//!
//! The selection's parts are the parts of the draw; one that has none is one part.

pub mod result;

use super::archive::Archive;
use super::outcome::JobResult;
use super::plan::{Estimated, Plan};
use super::record::JobRecord;
use super::selection::result::SelectionResult;
use super::selection::{Ending, FieldError, Limits, SelectionError};
use super::spec::{AllocationSpec, ResampleSpec, ScopeSpec, WeightsSpec};
use super::work::Ran;
use result::{DrawnRecord, ResampleResult};
use std::time::Instant;
use submodular::importance::{self, Allocation, Kept, Rule, Scope, Weighting};
use submodular::{Error, Item};

/// A draw that is ready to run.
pub(super) struct Prepared {
    spec: ResampleSpec,
    dataset: Option<String>,
    kept: SelectionResult,
    /// What the run would take.
    pub(super) plan: Plan,
}

/// Bytes that a kept item takes: its key, and the parts' copies of it.
const BYTES_OF_A_KEPT: u64 = 64;
/// Bytes that a drawn one takes beside its id, as it is drawn and as it is stored.
const BYTES_OF_A_DRAWN: u64 = 96;

/// Looks the selection up, and checks that it can be drawn from.
///
/// # Errors
/// [`SelectionError::Earlier`], [`SelectionError::Invalid`]. A draw that takes more memory than there is is prepared
/// nevertheless: see [`Plan::admit`].
pub(super) fn prepare(
    spec: &ResampleSpec,
    archive: &dyn Archive,
    limits: &Limits,
) -> Result<Prepared, SelectionError> {
    let (record, result) = archive.job(&spec.job, "/job")?;
    let JobRecord { dataset, spec: earlier, .. } = record;
    let JobResult::Selection(kept) = result else {
        let detail =
            format!("{} is a {}: only a selection keeps gains to draw from", spec.job, earlier.kind());
        return Err(invalid("/job", detail));
    };
    let plan = plan(spec, &kept, limits);
    let prepared = Prepared { spec: spec.clone(), dataset, kept: *kept, plan };
    prepared.check()?;
    Ok(prepared)
}

fn invalid(pointer: &str, detail: String) -> SelectionError {
    SelectionError::Invalid(vec![FieldError::new(pointer, "invalid_parameter", detail)])
}

fn plan(spec: &ResampleSpec, kept: &SelectionResult, limits: &Limits) -> Plan {
    let ids = kept.ids.iter().flatten().map(|id| (size_of::<String>() + id.len()) as u64).sum::<u64>();
    let drawn = spec.size.min(kept.indices.len() as u64);
    let lists = kept.indices.len() as u64 * BYTES_OF_A_KEPT + drawn * BYTES_OF_A_DRAWN;
    let estimated = Estimated {
        what: "draw",
        memory_bytes: lists.saturating_add(2 * ids),
        flops: 0.0,
        evaluations: 0,
        rounds: None,
        optimizer: "none",
        plan: "sampled",
        unpromised: "a draw promises nothing: inclusion probabilities say how likely each item was",
        way_out: "A selection that keeps fewer items takes less",
    };
    Plan::of(&estimated, limits)
}

impl Prepared {
    pub(super) fn spec(&self) -> &ResampleSpec {
        &self.spec
    }

    /// What a draw would refuse, without drawing.
    fn check(&self) -> Result<(), SelectionError> {
        if (self.spec.scope, self.spec.allocation) == (ScopeSpec::Global, AllocationSpec::Ceil) {
            let detail = "a size is shared out among parts, and \"scope\": \"global\" draws from all together: leave it out";
            return Err(invalid("/allocation", detail.to_owned()));
        }
        if let Some(at) = self.kept.gains.iter().position(|gain| !gain.is_finite()) {
            let detail = format!("the gain of its item {at} is not finite, and cannot be drawn from");
            return Err(invalid("/job", detail));
        }
        let rule = self.rule();
        let parameter = |error: Error| {
            if let Error::Parameter { name, reason } = error {
                return invalid(&format!("/{name}"), reason);
            }
            error.into()
        };
        importance::probabilities(&[], rule.weighting, rule.temperature).map_err(parameter)?;
        let allocation = match rule.scope {
            Scope::Part(allocation) => allocation,
            Scope::Global => Allocation::Exact,
        };
        importance::allocate(&self.parts(), self.size(), allocation).map_err(parameter)?;
        Ok(())
    }

    fn size(&self) -> usize {
        usize::try_from(self.spec.size).unwrap_or(usize::MAX)
    }

    fn rule(&self) -> Rule {
        let ResampleSpec { temperature, weights, scope, allocation, seed, .. } = self.spec;
        Rule {
            weighting: match weights {
                WeightsSpec::TaylorSoftmax => Weighting::TaylorSoftmax,
                WeightsSpec::Softmax => Weighting::Softmax,
                WeightsSpec::Uniform => Weighting::Uniform,
            },
            temperature,
            scope: match (scope, allocation) {
                (ScopeSpec::Global, _) => Scope::Global,
                (ScopeSpec::Part, AllocationSpec::Exact) => Scope::Part(Allocation::Exact),
                (ScopeSpec::Part, AllocationSpec::Ceil) => Scope::Part(Allocation::Ceil),
            },
            seed,
        }
    }

    /// What was kept of each part.
    fn parts(&self) -> Vec<Kept<'_>> {
        let SelectionResult { indices, gains, parts, .. } = &self.kept;
        match parts {
            None => vec![Kept { part: 0, size: indices.len(), items: indices, gains }],
            Some(parts) => parts
                .iter()
                .map(|part| Kept {
                    part: part.part,
                    size: usize::try_from(part.size).unwrap_or(usize::MAX),
                    items: &part.indices,
                    gains: &part.gains,
                })
                .collect(),
        }
    }

    /// Draws. Blocks; call it inside the rayon pool that it shall use.
    ///
    /// # Errors
    /// As `prepare`.
    pub(super) fn run(self) -> Result<Ran, SelectionError> {
        let start = Instant::now();
        let kept = self.parts();
        let sample = importance::sample(&kept, self.size(), &self.rule())?;
        let parts = kept.iter().zip(&sample.parts).map(|(kept, drawn)| DrawnRecord {
            part: drawn.part,
            size: kept.size as u64,
            kept: drawn.kept as u64,
            drawn: drawn.drawn as u64,
            inclusion_basis: drawn.basis.name().to_owned(),
        });
        let result = ResampleResult {
            job: self.spec.job.clone(),
            dataset: self.dataset.clone(),
            ids: self.kept.ids.as_ref().map(|ids| named(&sample.items, &self.kept.indices, ids)),
            inclusion_basis: sample.basis().name().to_owned(),
            parts: parts.collect(),
            indices: sample.items,
            gains: sample.gains,
            probabilities: sample.probabilities,
            inclusion_probabilities: sample.inclusion,
            seed: self.spec.seed,
            dataset_digest: self.kept.dataset_digest.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seconds: start.elapsed().as_secs_f64(),
        };
        let result = JobResult::Resample(Box::new(result));
        Ok(Ran { ending: Ending::Finished, result, saved: vec![], asked: vec![] })
    }
}

/// Ids of the drawn items, `ids[i]` being that of `kept[i]`.
fn named(drawn: &[Item], kept: &[Item], ids: &[String]) -> Vec<String> {
    let mut places: Vec<(Item, usize)> = kept.iter().copied().zip(0..).collect();
    places.sort_unstable();
    let place = |e: &Item| places.binary_search_by_key(e, |place| place.0).ok().map(|at| places[at].1);
    drawn.iter().map(|e| place(e).and_then(|at| ids.get(at)).cloned().unwrap_or_default()).collect()
}
