//! The audit trail: who did what to which object, when. Never personal data.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::error::AppError;
use crate::id::AuditId;
use crate::time::Millis;

/// An entry as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    pub id: AuditId,
    pub at: Millis,
    /// `feature.verb`, e.g. `captures.delete`.
    pub action: String,
    /// `user`, `device`, `token`, `guest`, `support` or `system`.
    pub actor_kind: String,
    pub actor_id: Option<String>,
    /// Name of the member, device or token, if it still has one.
    pub actor_name: Option<String>,
    /// Id of the object acted on; its prefix tells the kind.
    pub object: Option<String>,
    /// How many objects one entry stands for (bulk actions), else 1.
    pub count: i64,
    /// Names of changed fields, never their values.
    pub fields: Vec<String>,
    pub request: Option<String>,
}

/// A page of the trail, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    pub items: Vec<AuditView>,
    pub next: Option<String>,
}

/// Which entries to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFilter {
    /// First part of the action, e.g. `captures`.
    pub feature: Option<String>,
    /// Id of an object.
    pub object: Option<String>,
}

/// The port of the audit trail.
#[async_trait]
pub trait Audit: Send + Sync {
    async fn list(&self, actor: &Actor, filter: AuditFilter, cursor: Option<String>) -> Result<AuditPage, AppError>;
}
