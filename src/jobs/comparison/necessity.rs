//! How much of the whole each selection is worth alone, and what is left without it, by the function of its job.

use super::CompareError;
use super::matching::{Member, Selected};
use crate::jobs::JobError;
use crate::jobs::record::JobSpec;
use crate::jobs::selection::{Evaluation, FieldError, PreparedEvaluation, SelectionError};
use crate::jobs::service::JobService;
use crate::jobs::spec::{ItemRef, ObjectiveSpec};
use submodular::Ctl;
use submodular::compare::Necessity;

/// Why it is refused where it takes too long.
const TOO_LONG: &str = "the values of all items, of what each job chose and of all others take longer than a caller can be \
                        kept waiting (jobs.max_flops, and about two seconds, which is not a setting): leave necessity \
                        out, or compare fewer jobs";

/// What a job's selection is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct JobNecessity {
    /// The job.
    pub job: String,
    /// Values of what it chose, of all other items and of all.
    pub values: Necessity,
}

/// Jobs of one function over one dataset: its values are computed together.
struct Alike<'a> {
    pointer: String,
    dataset: &'a str,
    objective: ObjectiveSpec,
    /// Positions among the selections.
    jobs: Vec<usize>,
}

impl JobService {
    /// What each selection is worth, in order. As much work as one evaluation may be.
    pub(super) fn necessity(
        &self,
        tenant: &str,
        members: &[Member<'_>],
        ctl: &Ctl,
    ) -> Result<Vec<JobNecessity>, CompareError> {
        let mut groups: Vec<Alike<'_>> = vec![];
        let mut jobs: Vec<&Selected> = vec![];
        for (position, member) in members.iter().enumerate() {
            let Some(selected) = member.job() else {
                let detail =
                    "necessity is of jobs: their objectives say what items are worth. See /v1/evaluate";
                let pointer = format!("{}/items", member.pointer);
                return Err(CompareError::at(pointer, "invalid_parameter", detail));
            };
            let pointer = format!("{}/job", member.pointer);
            let JobSpec::Selection(spec) = &selected.spec else {
                let detail = "necessity is of selections: this job has no objective";
                return Err(CompareError::at(pointer, "invalid_parameter", detail));
            };
            let (dataset, mut objective) = (&*selected.dataset, spec.objective.clone());
            // An evaluation has no k, so the function is the one that the job's k made of it.
            if let Some(k) = spec.constraints.k {
                objective.fill_committee(k.saturating_add(selected.items.owned));
            }
            let alike = |group: &&mut Alike<'_>| group.dataset == dataset && group.objective == objective;
            match groups.iter_mut().find(alike) {
                Some(group) => group.jobs.push(position),
                None => groups.push(Alike { pointer, dataset, objective, jobs: vec![position] }),
            }
            jobs.push(selected);
        }
        let mut work = vec![];
        let mut flops = 0.0;
        for group in &groups {
            let record = self.shared.datasets.get(tenant, group.dataset);
            let source = record.and_then(|record| self.shared.datasets.source(&record));
            let source = source.map_err(|error| error.at(&*group.pointer))?;
            let rows = |&job: &usize| {
                jobs[job].items.indices.iter().map(|&row| ItemRef::Index(u64::from(row))).collect()
            };
            let wanted = Evaluation {
                objective: group.objective.clone(),
                sets: group.jobs.iter().map(rows).collect(),
                gains_for: None,
                complement: true,
                share: true,
            };
            let prepared = self.prepare_evaluation(tenant, &wanted, &source);
            let prepared = prepared.map_err(|error| group.placed(error))?;
            flops += prepared.flops();
            work.push((source, prepared));
        }
        if flops > PreparedEvaluation::most_flops(&self.shared.limits) {
            return Err(CompareError::at("/necessity", "estimate_exceeds_limit", TOO_LONG));
        }
        let mut found: Vec<Option<Necessity>> = vec![None; members.len()];
        for (group, (source, prepared)) in groups.iter().zip(work) {
            let answer = self.run_evaluation(prepared, &source, ctl).map_err(|error| group.placed(error))?;
            let (others, whole) = (answer.complement_values.unwrap_or_default(), answer.whole.unwrap_or(0.0));
            for ((&job, value), complement) in group.jobs.iter().zip(answer.values).zip(others) {
                found[job] = Some(Necessity { value, complement, whole });
            }
        }
        let named = jobs.iter().zip(found);
        Ok(named
            .filter_map(|(job, values)| Some(JobNecessity { job: job.id.clone(), values: values? }))
            .collect())
    }
}

impl Alike<'_> {
    /// An offence of the evaluation, where the request has its cause.
    fn placed(&self, error: JobError) -> CompareError {
        let JobError::Selection(SelectionError::Invalid(fields)) = error else {
            return CompareError::Refused(error);
        };
        let place = |field: FieldError| match field.code {
            "estimate_exceeds_limit" => FieldError::new("/necessity", field.code, TOO_LONG),
            code => FieldError::new(&*self.pointer, code, field.detail),
        };
        CompareError::invalid(fields.into_iter().map(place).collect())
    }
}
