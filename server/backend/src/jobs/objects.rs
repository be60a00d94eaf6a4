//! Deleting stored objects whose rows are gone.

use async_trait::async_trait;

use super::Permit;
use super::queue::Job;
use super::worker::{Handler, Outcome};
use crate::error::Failure;
use crate::storage::Storage;

/// Handles `DeleteObject`. An object that is gone already counts as deleted.
#[derive(Debug)]
pub(crate) struct DeleteObject {
    storage: Storage,
}

impl DeleteObject {
    pub(crate) const fn new(storage: Storage) -> Self {
        Self { storage }
    }
}

#[async_trait]
impl Handler for DeleteObject {
    async fn run(&self, _permit: &Permit, job: &Job) -> Result<Outcome, Failure> {
        self.storage.delete(&job.subject).await?;
        Ok(Outcome::Done)
    }
}
