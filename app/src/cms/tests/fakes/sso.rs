//! Sign-in by connections.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::id::ConnectionId;
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::language::Language;
use shutterpost_model::pii::Secret;
use shutterpost_model::sso::{Answer as Brought, Arrived, Begun, Leave, LogoutMessage, SingleSignOn, TieView};

use super::{Answer, World, elsewhere};

#[async_trait]
impl SingleSignOn for World {
    async fn start(&self, _: &ConnectionId, _: Option<String>, _: Client) -> Answer<Begun> {
        elsewhere()
    }
    async fn start_test(&self, _: &Actor, _: &ConnectionId) -> Answer<Begun> {
        elsewhere()
    }
    async fn proves_by(&self, _: &Actor) -> Answer<Option<String>> {
        Ok(self.by_provider.then(|| "Sign in <here>".to_owned()))
    }
    async fn start_confirm(&self, _: &Actor, _: Option<String>) -> Answer<Begun> {
        elsewhere()
    }
    async fn arrive(&self, _: &ConnectionId, _: Brought, _: Option<Secret>, _: (Client, Language)) -> Answer<Arrived> {
        elsewhere()
    }
    async fn tie_view(&self, _: &ConnectionId, _: &str) -> Answer<TieView> {
        elsewhere()
    }
    async fn tie(
        &self,
        _: &ConnectionId,
        _: &str,
        _: (Secret, Secret),
        _: Client,
    ) -> Answer<(NewSession, Option<String>)> {
        elsewhere()
    }
    async fn sign_out(&self, _: &Actor) -> Answer<Option<Leave>> {
        elsewhere()
    }
    async fn signed_out(&self, _: &ConnectionId, _: &Secret) -> Answer<bool> {
        elsewhere()
    }
    async fn ended(&self, _: &ConnectionId, _: &str) -> Answer<()> {
        elsewhere()
    }
    async fn logout_message(&self, _: &ConnectionId, _: LogoutMessage) -> Answer<Option<Leave>> {
        elsewhere()
    }
    async fn metadata(&self, _: &ConnectionId) -> Answer<String> {
        elsewhere()
    }
}
