//! The job table: work enqueued in the transaction that causes it, done at least once, deleted when done.
//!
//! This room knows how to keep, claim and repeat work; what a job does is a [`worker::Handler`] given by the feature
//! that owns it. It imports no feature.

pub(crate) mod objects;
pub(crate) mod outbox;
pub(crate) mod queue;
pub mod worker;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::Notify;

pub use queue::{Backlog, backlog};

/// Proof that code runs as a job of the installation. Made by the worker alone, for the handler or sweep it calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permit(());

#[cfg(test)]
impl Permit {
    /// For tests of what handlers call.
    pub(crate) const fn of_test() -> Self {
        Self(())
    }
}

/// Rings the worker of this process, so that a job starts at once instead of at its next look at the table. Cheap to
/// clone; rung after a commit, and harmless when there was nothing to do or nobody listens.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Says that there may be work.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for the next ring; one that came before counts.
    async fn rung(&self) {
        self.0.notified().await;
    }
}
