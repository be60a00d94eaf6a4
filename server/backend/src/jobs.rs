//! The job table: work enqueued in the transaction that causes it, done at least once, deleted when done.
//!
//! This room knows how to keep, claim and repeat work; what a job does is a [`worker::Handler`] given by the feature
//! that owns it. It imports no feature.

pub(crate) mod outbox;
pub(crate) mod queue;

/// Proof that code runs as a job of the installation. Made by the worker and the sweeps alone.
#[derive(Debug)]
pub(crate) struct Permit(());
