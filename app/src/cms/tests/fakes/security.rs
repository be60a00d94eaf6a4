//! One's own security.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::id::SessionId;
use shutterpost_model::identity::security::{Method, Security, SecurityOverview, SessionView, SignInView, TotpSetup};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::pii::Secret;

use super::{Answer, NOW, World, disclosed, elsewhere};

#[async_trait]
impl Security for World {
    async fn awaits_factor(&self, _: &str) -> Answer<bool> {
        elsewhere()
    }
    async fn present_factor(&self, _: &str, _: Secret, _: Client) -> Answer<NewSession> {
        elsewhere()
    }
    async fn overview(&self, _: &Actor) -> Answer<SecurityOverview> {
        let session = |this: bool, device: &str| SessionView {
            id: SessionId::new(1, [u8::from(this); 10]),
            device: disclosed(device),
            address: Some(disclosed("192.0.2.7")),
            method: Method::PasswordAndCode,
            first_seen: NOW,
            last_seen: NOW,
            persistent: false,
            this,
        };
        let sign_in = |succeeded| SignInView {
            at: NOW,
            device: disclosed("Firefox · Windows"),
            address: Some(disclosed("192.0.2.7")),
            method: Method::PasswordAndCode,
            succeeded,
        };
        Ok(SecurityOverview {
            totp_since: self.two_factor.then_some(NOW),
            recovery_left: if self.two_factor { 2 } else { 0 },
            sessions: vec![session(true, "Firefox · Windows"), session(false, "")],
            sign_ins: vec![sign_in(true), sign_in(false)],
        })
    }
    async fn begin_totp(&self, _: &Actor) -> Answer<()> {
        elsewhere()
    }
    async fn totp_setup(&self, _: &Actor) -> Answer<Option<TotpSetup>> {
        Ok(self.setting_up.then(|| TotpSetup {
            secret: Secret::new("GEZDGNBVGY3TQOJQ".into()),
            uri: Secret::new("otpauth://totp/Shutterpost:anna?secret=GEZDGNBVGY3TQOJQ".into()),
        }))
    }
    async fn confirm_totp(&self, _: &Actor, _: Secret) -> Answer<(NewSession, Vec<Secret>)> {
        elsewhere()
    }
    async fn remove_totp(&self, _: &Actor, _: Secret, _: Secret) -> Answer<NewSession> {
        elsewhere()
    }
    async fn renew_recovery(&self, _: &Actor) -> Answer<Vec<Secret>> {
        elsewhere()
    }
    async fn confirm(&self, _: &Actor, _: Secret) -> Answer<(NewSession, Actor)> {
        elsewhere()
    }
    async fn end_session(&self, _: &Actor, _: &SessionId) -> Answer<()> {
        elsewhere()
    }
    async fn end_other_sessions(&self, _: &Actor) -> Answer<()> {
        elsewhere()
    }
}
