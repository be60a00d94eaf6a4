//! One's own passkeys.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::id::PasskeyId;
use shutterpost_model::identity::passkeys::{NewCeremony, Offered, PasskeyAnswer, PasskeyView, Passkeys};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::pii::{Pii, Secret};

use super::{Answer, NOW, World, disclosed, elsewhere};

#[async_trait]
impl Passkeys for World {
    async fn list(&self, _: &Actor) -> Answer<Vec<PasskeyView>> {
        let passkey = |number: u8, name: &str, refused: bool| PasskeyView {
            id: PasskeyId::new(1, [number; 10]),
            name: disclosed(name),
            created_at: NOW,
            last_used: refused.then_some(NOW),
            verifies: true,
            refused,
        };
        Ok(if self.passkeys { vec![passkey(1, "My <phone>", false), passkey(2, "Old key", true)] } else { Vec::new() })
    }
    async fn begin_add(&self, _: &Actor, _: Option<&Secret>) -> Answer<NewCeremony> {
        elsewhere()
    }
    async fn add(&self, _: &Actor, _: Pii<String>, _: PasskeyAnswer) -> Answer<(NewSession, Vec<Secret>)> {
        elsewhere()
    }
    async fn rename(&self, _: &Actor, _: &PasskeyId, _: Pii<String>) -> Answer<()> {
        elsewhere()
    }
    async fn remove(&self, _: &Actor, _: &PasskeyId) -> Answer<NewSession> {
        elsewhere()
    }
    async fn offered(&self, _: &Secret) -> Answer<Offered> {
        Ok(Offered { code: self.two_factor, passkey: self.passkeys })
    }
    async fn begin_present(&self, _: &Secret, _: Option<&Secret>) -> Answer<NewCeremony> {
        elsewhere()
    }
    async fn present(&self, _: &Secret, _: PasskeyAnswer, _: Client) -> Answer<NewSession> {
        elsewhere()
    }
    async fn begin_confirm(&self, _: &Actor, _: Option<&Secret>) -> Answer<NewCeremony> {
        elsewhere()
    }
    async fn confirm(&self, _: &Actor, _: PasskeyAnswer) -> Answer<(NewSession, Actor)> {
        elsewhere()
    }
    async fn begin_sign_in(&self, _: Option<&Secret>) -> Answer<NewCeremony> {
        elsewhere()
    }
    async fn sign_in(&self, _: PasskeyAnswer, _: Client) -> Answer<NewSession> {
        elsewhere()
    }
}
