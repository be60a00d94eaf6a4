//! The job table: work enqueued in the transaction that causes it, done at least once, deleted when done.

pub(crate) mod queue;

/// Proof that code runs as a job of the installation. Made by the worker and the sweeps alone.
#[derive(Debug)]
pub(crate) struct Permit(());
