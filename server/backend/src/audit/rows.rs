//! Rows of the audit trail and their conversion.

use diesel::prelude::*;
use shutterpost_model::audit::AuditView;
use shutterpost_model::time::Millis;

use crate::error::Failure;
use crate::schema::audit_entries;

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_entries)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct AuditRow {
    pub(super) id: String,
    actor_kind: String,
    pub(super) actor_id: Option<String>,
    action: String,
    object: Option<String>,
    count: i64,
    fields: String,
    request_id: Option<String>,
    at: i64,
}

impl AuditRow {
    /// `name` looks up what the actor is called.
    pub(super) fn listed(self, name: impl Fn(&str) -> Option<String>) -> Result<AuditView, Failure> {
        let Self { id, actor_kind, actor_id, action, object, count, fields, request_id, at } = self;
        Ok(AuditView {
            id: id.parse().map_err(|_| Failure::Internal("a stored id does not read".into()))?,
            at: Millis(at),
            action,
            actor_kind,
            actor_name: actor_id.as_deref().and_then(name),
            actor_id,
            object,
            count,
            fields: serde_json::from_str(&fields)?,
            request: request_id,
        })
    }
}
