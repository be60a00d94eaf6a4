//! The proof that an actor may do something in an organisation.

use shutterpost_model::access::{Actor, Credential, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{OrganisationId, TokenId, UserId};
use shutterpost_model::time::Millis;
use shutterpost_model::tokens::Reach;

use crate::error::Failure;
use crate::jobs::Permit;

/// An organisation in which a permission was proved. Every query of tenant data takes one, so that forgetting the
/// organisation is a type error. The fields are private and each constructor is a proof.
#[derive(Debug, Clone)]
pub(crate) struct OrgScope {
    organisation: OrganisationId,
    actor: Option<Actor>,
}

/// The API token that acts.
#[derive(Debug)]
pub(crate) struct TokenFacts {
    pub(crate) token: TokenId,
    pub(crate) reach: Reach,
    /// When the secret that was shown ends.
    pub(crate) ends_at: Option<Millis>,
}

impl OrgScope {
    /// Proves the permission by the actor's role and scopes: [`Code::InsufficientScope`] if a token lacks the scope,
    /// [`Code::Forbidden`] if the role lacks it or there is no organisation.
    pub(crate) fn prove(actor: &Actor, permission: Permission) -> Result<Self, Failure> {
        let organisation = actor.organisation().ok_or(Code::Forbidden)?.clone();
        if actor.may(permission) {
            Ok(Self { organisation, actor: Some(actor.clone()) })
        } else {
            Err(AppError::denied(actor, permission).into())
        }
    }

    /// As [`OrgScope::prove`], for what is sensitive: [`Code::ConfirmNeeded`] if the person showed too long ago who they
    /// are. Said after the permission, so that nobody proves in vain.
    pub(crate) fn prove_confirmed(actor: &Actor, permission: Permission, now: Millis) -> Result<Self, Failure> {
        let scope = Self::prove(actor, permission)?;
        if actor.is_confirmed(now) { Ok(scope) } else { Err(Code::ConfirmNeeded.into()) }
    }

    /// Proves that the actor is an API token, whatever it may do, and says which.
    pub(crate) fn prove_token(actor: &Actor) -> Result<(Self, TokenFacts), Failure> {
        let organisation = actor.organisation().ok_or(Code::Forbidden)?.clone();
        match actor.credential() {
            Credential::Token { token, reach, ends_at } => {
                let facts = TokenFacts { token: token.clone(), reach: *reach, ends_at: *ends_at };
                Ok((Self { organisation, actor: Some(actor.clone()) }, facts))
            }
            Credential::Session { .. } | Credential::Device { .. } | Credential::Support { .. } => {
                Err(Code::Forbidden.into())
            }
        }
    }

    /// Proves that the actor may upload into the event: its own device, or a role and scopes that upload. Whether the
    /// event is one of the organisation is proved by `EventScope`.
    pub(crate) fn prove_upload(actor: &Actor, event: &shutterpost_model::id::EventId) -> Result<Self, Failure> {
        let organisation = actor.organisation().ok_or(Code::Forbidden)?.clone();
        if actor.may_upload_to(event) {
            Ok(Self { organisation, actor: Some(actor.clone()) })
        } else if actor.role().is_none() && actor.lacks().is_none() {
            // A device asks for another event than its own; it must not learn whether there is one.
            Err(Failure::NotFound)
        } else {
            Err(AppError::denied(actor, Permission::CaptureCreate).into())
        }
    }

    /// For work of the installation itself: jobs and sweeps, which act in the organisation of the row they handle.
    pub(crate) const fn of_job(_permit: &Permit, organisation: OrganisationId) -> Self {
        Self { organisation, actor: None }
    }

    pub(crate) const fn organisation(&self) -> &OrganisationId {
        &self.organisation
    }

    /// Who acts; `None` for the system.
    pub(crate) const fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// The acting user, if it is one.
    pub(crate) fn user(&self) -> Option<&UserId> {
        self.actor.as_ref().and_then(Actor::user)
    }
}
