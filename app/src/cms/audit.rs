//! The audit trail.

pub mod words;
mod page;

pub use page::AuditPage;
