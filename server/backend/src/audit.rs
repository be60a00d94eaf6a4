//! The audit trail. Every mutating route writes exactly one entry, in its own transaction.

pub(crate) mod record;

mod service;

pub(crate) mod queries;
mod rows;

pub use service::AuditService;
