//! Evaluations: work that a caller waits for, beside the jobs and within their memory.

use super::JobError;
use super::selection::{Ending, Evaluated, Evaluation, FieldError, PreparedEvaluation, SelectionError};
use super::service::{JobService, Shared};
use super::worker;
use crate::dataset::Source;
use submodular::Ctl;

/// Memory that is kept for an evaluation as long as this lives.
struct Reserved<'a> {
    shared: &'a Shared,
    bytes: u64,
}

impl<'a> Reserved<'a> {
    fn new(shared: &'a Shared, bytes: u64) -> Result<Self, JobError> {
        let mut books = shared.books();
        if books.draining {
            return Err(JobError::ShuttingDown);
        }
        books.admission.reserve(bytes)?;
        Ok(Self { shared, bytes })
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.shared.books().admission.give_back(self.bytes);
        self.shared.changed.notify_all();
    }
}

impl JobService {
    /// Values and gains of sets, computed at once in a pool of their own until `ctl` stops them. Blocks.
    ///
    /// # Errors
    /// What is wrong with the request or exceeds the limits; [`JobError::MemoryTaken`], [`JobError::ShuttingDown`].
    pub fn evaluate(
        &self,
        tenant: &str,
        wanted: &Evaluation,
        source: &Source,
        ctl: &Ctl,
    ) -> Result<Evaluated, JobError> {
        let Shared { limits, .. } = &*self.shared;
        let prepared = PreparedEvaluation::new(wanted, source, &self.shared.of_tenant(tenant), limits)?;
        let _held = Reserved::new(&self.shared, prepared.memory_bytes())?;
        let pool = worker::pool("fewer-evaluate", limits.threads)?;
        match pool.install(|| prepared.run(source, ctl))? {
            Ok(evaluated) => Ok(evaluated),
            // Whoever asked is gone, or is sent away.
            Err(Ending::Cancelled | Ending::Finished | Ending::Asked) => Err(JobError::ShuttingDown),
            Err(Ending::Deadline) => {
                let detail = "the evaluation took far longer than estimated and was stopped: ask for fewer sets or gains";
                let field = FieldError::new("/sets", "estimate_exceeds_limit", detail);
                Err(SelectionError::Invalid(vec![field]).into())
            }
        }
    }
}
