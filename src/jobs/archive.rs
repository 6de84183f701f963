//! What a job may look up of its tenant: datasets, and what jobs before it have left.

use super::JobError;
use super::outcome::JobResult;
use super::record::{JobKey, JobRecord, ResultSummary};
use super::service::Shared;
use super::store::StoreError;
use crate::dataset::{DatasetError, Source};
use crate::jobs::selection::SelectionError;

/// What a tenant has stored.
pub trait Archive {
    /// A dataset by its id.
    ///
    /// # Errors
    /// Where it is not there, or cannot be read.
    fn dataset(&self, id: &str) -> Result<Source, DatasetError>;

    /// A job that has ended, by its id, with what it has left. `pointer`: where the request names it.
    ///
    /// # Errors
    /// [`SelectionError::Earlier`]: there is none, it has not ended, it left nothing, or that is gone.
    fn job(&self, id: &str, pointer: &str) -> Result<(JobRecord, JobResult), SelectionError>;

    /// How many items a job has left, which is known before they are read; 0 where it left none.
    ///
    /// # Errors
    /// [`SelectionError::Earlier`]: there is no such job.
    fn items_of(&self, id: &str, pointer: &str) -> Result<u64, SelectionError>;
}

/// The archive of who has stored nothing.
pub struct Nothing;

/// What an earlier job cannot give, where the request names it.
fn earlier(pointer: &str, error: JobError) -> SelectionError {
    SelectionError::Earlier { pointer: pointer.to_owned(), error: Box::new(error) }
}

impl Archive for Nothing {
    fn dataset(&self, id: &str) -> Result<Source, DatasetError> {
        Err(DatasetError::NotFound(id.to_owned()))
    }

    fn job(&self, id: &str, pointer: &str) -> Result<(JobRecord, JobResult), SelectionError> {
        Err(earlier(pointer, JobError::Store(StoreError::NotFound(id.to_owned()))))
    }

    fn items_of(&self, id: &str, pointer: &str) -> Result<u64, SelectionError> {
        Err(earlier(pointer, JobError::Store(StoreError::NotFound(id.to_owned()))))
    }
}

/// What is stored of a tenant.
pub(super) struct OfTenant<'a> {
    shared: &'a Shared,
    tenant: &'a str,
}

impl Shared {
    /// What the tenant has stored.
    pub(super) fn of_tenant<'a>(&'a self, tenant: &'a str) -> OfTenant<'a> {
        OfTenant { shared: self, tenant }
    }

    /// What a job has left.
    ///
    /// # Errors
    /// [`JobError::NotFinished`], [`JobError::NoResult`], [`JobError::ResultExpired`]; where there is no such job, and the
    /// store's own.
    pub(super) fn left_by(&self, key: &JobKey) -> Result<(JobRecord, JobResult), JobError> {
        let (record, result) = self.store.result(key)?;
        let id = || key.id.to_string();
        match result {
            Some(result) => Ok((record, result)),
            None if !record.state.is_terminal() => Err(JobError::NotFinished(id())),
            None if record.result.is_some() => Err(JobError::ResultExpired(id())),
            None => Err(JobError::NoResult(id())),
        }
    }
}

impl Archive for OfTenant<'_> {
    fn dataset(&self, id: &str) -> Result<Source, DatasetError> {
        self.shared.datasets.source(&self.shared.datasets.get(self.tenant, id)?)
    }

    fn job(&self, id: &str, pointer: &str) -> Result<(JobRecord, JobResult), SelectionError> {
        self.shared.left_by(&JobKey::new(self.tenant, id)).map_err(|error| earlier(pointer, error))
    }

    fn items_of(&self, id: &str, pointer: &str) -> Result<u64, SelectionError> {
        let record = self.shared.store.get(&JobKey::new(self.tenant, id));
        let record = record.map_err(|error| earlier(pointer, error.into()))?;
        Ok(record.result.as_ref().map_or(0, ResultSummary::selected))
    }
}
