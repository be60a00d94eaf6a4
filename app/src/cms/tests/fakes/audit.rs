//! The audit trail.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::audit::{Audit, AuditFilter, AuditPage, AuditView};
use shutterpost_model::id::AuditId;

use super::{Answer, NOW, World, event_id};

#[async_trait]
impl Audit for World {
    async fn list(&self, _: &Actor, filter: AuditFilter, _: Option<String>) -> Answer<AuditPage> {
        if self.empty {
            return Ok(AuditPage { items: Vec::new(), next: None });
        }
        let entry = |number, action: &str, kind: &str, name: Option<&str>| AuditView {
            id: AuditId::new(1, [number; 10]),
            at: NOW,
            action: action.into(),
            actor_kind: kind.into(),
            actor_id: None,
            actor_name: name.map(str::to_owned),
            object: filter.object.clone().or_else(|| Some(event_id().into_string())),
            count: 3,
            fields: vec!["retention_days".into()],
            request: None,
        };
        let items = vec![
            entry(1, "captures.delete", "user", Some("Anna Muster")),
            entry(2, "events.update", "user", None),
            entry(3, "leads.create", "system", None),
        ];
        Ok(AuditPage { items, next: Some("older".into()) })
    }
}
