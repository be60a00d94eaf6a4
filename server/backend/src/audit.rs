//! The audit trail. Every mutating route writes exactly one entry, in its own transaction.

pub(crate) mod record;
mod service;

pub use service::AuditService;
