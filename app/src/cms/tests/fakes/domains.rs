//! Domains from memory: one that is proved, one whose proof is missing, one that waits.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::connections::domains::{DomainView, Domains};
use shutterpost_model::id::ConnectionId;
use shutterpost_model::pii::Pii;

use super::{Answer, NOW, World, connection_id, elsewhere};

#[async_trait]
impl Domains for World {
    async fn list(&self, _: &Actor) -> Answer<Vec<DomainView>> {
        let domain = |name: &str| DomainView {
            domain: name.into(),
            record: format!("_shutterpost.{name}"),
            proof: "shutterpost-verification=abc".into(),
            verified_at: Some(NOW),
            failing_since: None,
            connection: Some(connection_id(1)),
        };
        let failing = DomainView { failing_since: Some(NOW), ..domain("b.example") };
        let open = DomainView { verified_at: None, connection: None, ..domain("c.example") };
        Ok(vec![domain("a.example"), failing, open])
    }

    async fn add(&self, _: &Actor, _: &str) -> Answer<()> {
        elsewhere()
    }

    async fn verify(&self, _: &Actor, _: &str) -> Answer<()> {
        elsewhere()
    }

    async fn route(&self, _: &Actor, _: &str, _: Option<ConnectionId>) -> Answer<()> {
        elsewhere()
    }

    async fn remove(&self, _: &Actor, _: &str) -> Answer<()> {
        elsewhere()
    }

    async fn connection_of(&self, _: &Pii<String>) -> Answer<Option<ConnectionId>> {
        elsewhere()
    }
}
