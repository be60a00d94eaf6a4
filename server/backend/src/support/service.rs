//! The port of support on the database: signing in, the desk of the staff, and what organisations decide.

mod desk;
mod organisation;
mod signing;

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::error::AppError;
use shutterpost_model::id::{GrantId, SupportApprovalId};
use shutterpost_model::identity::security::NewPending;
use shutterpost_model::identity::{Client, Me, NewSession};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::support::{
    Acting, AskAccess, Desk, StaffActor, StaffInvitation, Support, SupportNotice, SupportPage,
};

use crate::identity::AccountsService;
use crate::services::Deps;

/// The port of support on the database.
#[derive(Debug)]
pub struct SupportService {
    deps: Deps,
    /// Hashes passwords, judges them and counts addresses, for everybody together: two doors would take twice the cores.
    accounts: Arc<AccountsService>,
}

impl SupportService {
    pub const fn new(deps: Deps, accounts: Arc<AccountsService>) -> Self {
        Self { deps, accounts }
    }
}

#[async_trait]
impl Support for SupportService {
    async fn sign_in(&self, email: Pii<String>, password: Secret, client: Client) -> Result<NewPending, AppError> {
        self.try_sign_in(email, password, client).await.map_err(AppError::from)
    }

    async fn awaits_factor(&self, cookie: &str) -> Result<bool, AppError> {
        Ok(super::session::pending(&self.deps, cookie).await?.is_some())
    }

    async fn present_factor(&self, cookie: &str, code: Secret, client: Client) -> Result<NewSession, AppError> {
        self.try_present_factor(cookie, code, client).await.map_err(AppError::from)
    }

    async fn staff(&self, cookie: &str) -> Result<Option<StaffActor>, AppError> {
        let found = super::session::resolve(&self.deps, cookie).await?;
        Ok(found.map(|session| StaffActor::proven(session.staff, session.id)))
    }

    async fn sign_out(&self, staff: &StaffActor) -> Result<(), AppError> {
        self.try_sign_out(staff).await.map_err(AppError::from)
    }

    async fn invitation(&self, token: &str) -> Result<StaffInvitation, AppError> {
        self.try_invitation(token).await.map_err(AppError::from)
    }

    async fn accept_invitation(
        &self,
        token: &str,
        password: Secret,
        code: Secret,
        client: Client,
    ) -> Result<Vec<Secret>, AppError> {
        self.try_accept(token, password, code, client).await.map_err(AppError::from)
    }

    async fn desk(&self, staff: &StaffActor) -> Result<Desk, AppError> {
        self.try_desk(staff).await.map_err(AppError::from)
    }

    async fn ask(&self, staff: &StaffActor, ask: AskAccess) -> Result<(), AppError> {
        self.try_ask(staff, ask).await.map_err(AppError::from)
    }

    async fn open(&self, staff: &StaffActor, grant: &GrantId) -> Result<NewSession, AppError> {
        self.try_open(staff, grant).await.map_err(AppError::from)
    }

    async fn leave(&self, staff: &StaffActor) -> Result<(), AppError> {
        self.try_leave(staff).await.map_err(AppError::from)
    }

    async fn finish(&self, staff: &StaffActor, grant: &GrantId) -> Result<(), AppError> {
        self.try_finish(staff, grant).await.map_err(AppError::from)
    }

    async fn approve(&self, staff: &StaffActor, approval: &SupportApprovalId) -> Result<(), AppError> {
        self.try_approve(staff, approval).await.map_err(AppError::from)
    }

    async fn acting(&self, cookie: &str) -> Result<Acting, AppError> {
        self.try_acting(cookie).await.map_err(AppError::from)
    }

    async fn viewed(&self, actor: &Actor, object: Option<&str>) -> Result<(), AppError> {
        self.try_viewed(actor, object).await.map_err(AppError::from)
    }

    async fn me(&self, actor: &Actor) -> Result<Me, AppError> {
        self.try_me(actor).await.map_err(AppError::from)
    }

    async fn notices(&self, actor: &Actor) -> Result<Vec<SupportNotice>, AppError> {
        self.try_notices(actor).await.map_err(AppError::from)
    }

    async fn of_organisation(&self, actor: &Actor) -> Result<SupportPage, AppError> {
        self.try_of_organisation(actor).await.map_err(AppError::from)
    }

    async fn allow(&self, actor: &Actor, grant: &GrantId, minutes: i64) -> Result<(), AppError> {
        self.try_allow(actor, grant, minutes).await.map_err(AppError::from)
    }

    async fn refuse(&self, actor: &Actor, grant: &GrantId) -> Result<(), AppError> {
        self.try_refuse(actor, grant).await.map_err(AppError::from)
    }

    async fn end(&self, actor: &Actor, grant: &GrantId) -> Result<(), AppError> {
        self.try_end(actor, grant).await.map_err(AppError::from)
    }

    async fn approve_act(&self, actor: &Actor, approval: &SupportApprovalId) -> Result<(), AppError> {
        self.try_approve_act(actor, approval).await.map_err(AppError::from)
    }
}
