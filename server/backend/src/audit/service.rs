//! Reading the trail.

/// The port of the audit trail on the database.
#[derive(Debug)]
pub struct AuditService;
