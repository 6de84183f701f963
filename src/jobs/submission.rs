//! How a request becomes a job: a place in line first, then a plan that fits, then one transaction.

use super::JobError;
use super::admission::Waiting;
use super::idempotency::{IdempotencyKey, Known, Turn};
use super::record::{JobRecord, JobSpec};
use super::selection::result::PlanReport;
use super::service::{JobService, JobView, Shared};
use super::work::{self, Prepared};
use crate::dataset::{DatasetRecord, Source};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request for a job.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Whose.
    pub tenant: String,
    /// What for.
    pub spec: JobSpec,
    /// The owner's notes.
    pub labels: BTreeMap<String, String>,
    /// The request that it came by.
    pub request_id: Option<String>,
}

/// A request that may become a job: it has a place in line, and its idempotency key to itself, as long as this lives.
pub struct Place {
    shared: Arc<Shared>,
    key: Option<IdempotencyKey>,
    _turn: Option<Turn>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.books().admission.unpromise();
    }
}

/// What a request begins with.
pub enum Begun {
    /// A place for a new job.
    New(Place),
    /// The job that the same request has made before.
    Known(Box<JobView>),
}

impl JobService {
    /// What the job would take, without accepting it.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub fn plan(&self, tenant: &str, spec: &JobSpec, source: Option<Source>) -> Result<PlanReport, JobError> {
        Ok(self.prepare(tenant, spec, source)?.report().clone())
    }

    /// Whether the job would be accepted.
    ///
    /// # Errors
    /// What is wrong with the request, or how it exceeds the limits.
    pub fn check(&self, tenant: &str, spec: &JobSpec, source: Option<Source>) -> Result<(), JobError> {
        Ok(self.prepare(tenant, spec, source)?.admit()?)
    }

    fn prepare(&self, tenant: &str, spec: &JobSpec, source: Option<Source>) -> Result<Prepared, JobError> {
        Ok(work::prepare(spec, source, &self.shared.of_tenant(tenant), &self.shared.limits)?)
    }

    /// What a request has to ask for before anything of it is stored.
    ///
    /// # Errors
    /// [`JobError::QueueFull`], [`JobError::IdempotencyInProgress`], [`JobError::IdempotencyMismatch`],
    /// [`JobError::ShuttingDown`], [`DatasetError::DiskFloor`](crate::dataset::DatasetError::DiskFloor); where the key's job has been deleted, and the store's own.
    pub fn begin(&self, tenant: &str, key: Option<IdempotencyKey>) -> Result<Begun, JobError> {
        let mut turn = None;
        if let Some(key) = &key {
            turn = Some(self.under_way.begin(tenant, key).ok_or(JobError::IdempotencyInProgress)?);
            match self.shared.store.known(tenant, key)? {
                Known::New => {}
                Known::Job(job) => return Ok(Begun::Known(Box::new(self.get(&job)?))),
                Known::Other => return Err(JobError::IdempotencyMismatch),
            }
        }
        let disk = self.shared.datasets.disk();
        disk.admit(0)?;
        disk.admit_change()?;
        let mut books = self.shared.books();
        if books.draining {
            return Err(JobError::ShuttingDown);
        }
        books.admission.promise()?;
        Ok(Begun::New(Place { shared: Arc::clone(&self.shared), key, _turn: turn }))
    }

    /// Accepts the job: when this returns it outlives a crash. `dataset`: what a selection selects from; experiments
    /// name theirs in their spec.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub fn submit(
        &self,
        place: &Place,
        job: NewJob,
        dataset: Option<&DatasetRecord>,
    ) -> Result<JobView, JobError> {
        let source = dataset.map(|dataset| self.shared.datasets.source(dataset)).transpose()?;
        let prepared = self.prepare(&job.tenant, &job.spec, source)?;
        prepared.admit()?;
        let (spec, plan) = (prepared.spec(), prepared.report().clone());
        let dataset =
            dataset.map(|dataset| &*dataset.id).or_else(|| spec.latent_dataset()).map(str::to_owned);
        let record = JobRecord::new(&job.tenant, spec, dataset, job.labels, plan);
        let record = JobRecord { request_id: job.request_id, ..record };
        self.shared.store.insert(&record, place.key.as_ref())?;
        let deadline_seconds = record.spec.deadline_seconds();
        self.shared.books().admission.push(Waiting::accepted(&record, deadline_seconds));
        self.shared.changed.notify_all();
        // Its id is known since it was stored: who cancelled it before it stood in line found nothing there to remove.
        let key = record.key();
        if !self.shared.store.get(&key).is_ok_and(|now| now.state.is_live()) {
            self.shared.books().admission.forget(&key);
        }
        Ok(self.with_live_part(record))
    }
}
