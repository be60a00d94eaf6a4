//! The audit trail.

pub mod api;
pub mod words;
mod page;

pub use page::AuditPage;
