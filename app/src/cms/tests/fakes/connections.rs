//! Connections from memory.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::connections::{
    Admission, ConnectionSummary, ConnectionView, Connections, NewConnection, OidcDraft, SamlShape, State,
};
use shutterpost_model::id::ConnectionId;

use super::{Answer, World, elsewhere};

#[async_trait]
impl Connections for World {
    async fn list(&self, _: &Actor) -> Answer<Vec<ConnectionSummary>> {
        Ok(Vec::new())
    }

    async fn find(&self, _: &Actor, _: &ConnectionId) -> Answer<ConnectionView> {
        elsewhere()
    }

    async fn create(&self, _: &Actor, _: NewConnection) -> Answer<ConnectionId> {
        elsewhere()
    }

    async fn enter_oidc(&self, _: &Actor, _: &ConnectionId, _: OidcDraft) -> Answer<()> {
        elsewhere()
    }

    async fn enter_metadata(&self, _: &Actor, _: &ConnectionId, _: Vec<u8>) -> Answer<()> {
        elsewhere()
    }

    async fn shape_saml(&self, _: &Actor, _: &ConnectionId, _: SamlShape) -> Answer<()> {
        elsewhere()
    }

    async fn add_certificate(&self, _: &Actor, _: &ConnectionId, _: &str) -> Answer<()> {
        elsewhere()
    }

    async fn remove_certificate(&self, _: &Actor, _: &ConnectionId, _: &str) -> Answer<()> {
        elsewhere()
    }

    async fn admit(&self, _: &Actor, _: &ConnectionId, _: Admission) -> Answer<()> {
        elsewhere()
    }

    async fn switch(&self, _: &Actor, _: &ConnectionId, _: State) -> Answer<()> {
        elsewhere()
    }

    async fn delete(&self, _: &Actor, _: &ConnectionId) -> Answer<()> {
        elsewhere()
    }
}
