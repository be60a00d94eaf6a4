//! Whoever is signed in.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Role};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{OrganisationId, UserId};
use shutterpost_model::identity::own_sign_in::WayIn;
use shutterpost_model::identity::security::SignedIn;
use shutterpost_model::identity::{
    AcceptInvitation, Accounts, Client, InvitationView, Me, MyOrganisation, NewSession, SignIn,
};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};

use super::own_sign_in;
use super::{Answer, World, disclosed, elsewhere};

#[async_trait]
impl Accounts for World {
    async fn me(&self, actor: &Actor) -> Answer<Me> {
        let role = actor.role().ok_or(AppError::new(Code::SignInNeeded))?;
        let current = MyOrganisation { id: OrganisationId::new(1, [5; 10]), name: "Acme".into(), role };
        Ok(Me {
            user: Some(UserId::new(1, [3; 10])),
            name: disclosed("Anna Muster"),
            email: disclosed("anna@acme.example"),
            language: Language::English,
            current: Some(current.clone()),
            organisations: vec![current],
            two_factor: self.two_factor || self.passkeys,
            passkey: self.passkeys,
            factor_needed: false,
            own_sign_in_needed: self.own_sign_in,
            support: None,
        })
    }
    async fn ways_in(&self, _: &Actor) -> Answer<Vec<WayIn>> {
        Ok(own_sign_in::ways())
    }
    async fn sign_in(&self, _: SignIn, _: Client) -> Answer<SignedIn> {
        elsewhere()
    }
    async fn session(&self, _: &str) -> Answer<Option<Actor>> {
        elsewhere()
    }
    async fn bearer(&self, _: &str) -> Answer<Option<Actor>> {
        elsewhere()
    }
    async fn sign_out(&self, _: &Actor) -> Answer<()> {
        elsewhere()
    }
    async fn request_reset(&self, _: Pii<String>, _: Language, _: Client) -> Answer<()> {
        elsewhere()
    }
    async fn check_reset(&self, token: &str) -> Answer<()> {
        if token == "good" { Ok(()) } else { Err(AppError::new(Code::LinkExpired)) }
    }
    async fn reset_password(&self, _: &str, _: Secret, _: Client) -> Answer<()> {
        elsewhere()
    }
    async fn invitation(&self, token: &str) -> Answer<InvitationView> {
        if !matches!(token, "new" | "known") {
            return Err(AppError::new(Code::LinkExpired));
        }
        Ok(InvitationView {
            organisation: "Acme <b>".into(),
            email: disclosed("ben@acme.example"),
            role: Role::Editor,
            has_account: token == "known",
        })
    }
    async fn accept_invitation(&self, _: &str, _: AcceptInvitation, _: Client) -> Answer<SignedIn> {
        elsewhere()
    }
    async fn update_profile(&self, _: &Actor, _: Pii<String>, _: Language) -> Answer<()> {
        elsewhere()
    }
    async fn change_password(&self, _: &Actor, _: Secret, _: Secret) -> Answer<NewSession> {
        elsewhere()
    }
    async fn switch_organisation(&self, _: &Actor, _: &OrganisationId) -> Answer<()> {
        elsewhere()
    }
}
