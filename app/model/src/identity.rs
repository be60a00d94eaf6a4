//! Organisations, users, memberships, sign-in sessions, invitations and API tokens.

use std::net::IpAddr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::{Actor, Permission, Role};
use crate::error::{AppError, Code};
use crate::id::{InvitationId, OrganisationId, RequestId, TokenId, UserId};
use crate::language::Language;
use crate::pii::{Disclosed, Pii, Secret};
use crate::support::SupportAccess;
use crate::time::Millis;
use crate::tokens::{OwnToken, Token, TokenDraft, TokenRenewal};

pub mod own_sign_in;
pub mod passkeys;
pub mod security;

use own_sign_in::{OwnSignIn, WayIn};
use security::SignedIn;

/// Shortest password while it is the only factor (NIST SP 800-63B-4), in characters.
pub const PASSWORD_SHORTEST: usize = 15;
/// Longest password, in characters and in bytes; never truncated.
pub const PASSWORD_LONGEST: (usize, usize) = (256, 1024);

/// The length rule for a new password; commonness is judged on the server.
pub fn password_length(password: &str) -> Result<(), Code> {
    let characters = password.chars().count();
    if characters < PASSWORD_SHORTEST {
        Err(Code::PasswordShort)
    } else if characters > PASSWORD_LONGEST.0 || password.len() > PASSWORD_LONGEST.1 {
        Err(Code::PasswordLong)
    } else {
        Ok(())
    }
}

/// Where a request came from, as far as throttling, the audit trail and the person's own list of sign-ins need it.
#[derive(Clone, Default)]
pub struct Client {
    pub address: Option<IpAddr>,
    pub request: Option<RequestId>,
    /// Browser and system, as [`security::device_label`] names them.
    pub device: String,
    /// The cookie by which a browser is known that signed in before, if it has one.
    pub known: Option<Secret>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// What the sign-in form sends.
#[derive(Debug, Clone, Deserialize)]
pub struct SignIn {
    pub email: Pii<String>,
    pub password: Secret,
    /// "Keep me signed in": a persistent cookie with longer limits, else the browser session.
    #[serde(default)]
    pub remember: bool,
}

/// A session just made: its cookie value is shown to the browser once and stored only hashed.
#[derive(Debug, Clone)]
pub struct NewSession {
    pub cookie: Secret,
    /// Seconds for `Max-Age`; `None` for a cookie of the browser session.
    pub max_age: Option<i64>,
    /// A cookie by which this browser is known from now on, if it had none.
    pub known: Option<Secret>,
}

/// The signed-in person, for the frame of the CMS and the account page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// `None` for support.
    pub user: Option<UserId>,
    pub name: Disclosed<String>,
    pub email: Disclosed<String>,
    pub language: Language,
    /// The organisation acted in, if the person belongs to one.
    pub current: Option<MyOrganisation>,
    /// All organisations of the person, by name.
    pub organisations: Vec<MyOrganisation>,
    /// The account has a second factor in use.
    pub two_factor: bool,
    /// One of them is a passkey.
    pub passkey: bool,
    /// The organisation acted in asks for one, and there is none.
    pub factor_needed: bool,
    /// The organisation acted in asks for sign-in by its own provider, and this session did not come by it.
    pub own_sign_in_needed: bool,
    /// How much support may do that acts here; `None` for the organisation's own people.
    pub support: Option<SupportAccess>,
}

impl Me {
    /// Whether to offer what needs the permission. Only a hint for pages: services decide.
    pub fn may(&self, permission: Permission) -> bool {
        if let Some(access) = self.support {
            return access.grants(permission);
        }
        let lacks = self.factor_needed || self.own_sign_in_needed;
        !lacks && self.current.as_ref().is_some_and(|current| current.role.grants(permission))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyOrganisation {
    pub id: OrganisationId,
    pub name: String,
    pub role: Role,
}

/// Who is invited to what, for the page behind the link of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationView {
    pub organisation: String,
    pub email: Disclosed<String>,
    pub role: Role,
    /// The address has an account already: the page asks for its password instead of a new one.
    pub has_account: bool,
}

/// What an invited person sends to join.
#[derive(Debug, Clone, Deserialize)]
pub struct AcceptInvitation {
    /// Name for a new account; ignored where there is one.
    #[serde(default)]
    pub name: Pii<String>,
    pub password: Secret,
    pub language: Language,
}

/// A member of the organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub user: UserId,
    pub name: Disclosed<String>,
    pub email: Disclosed<String>,
    pub role: Role,
    pub since: Millis,
    /// Last time they used a session in this organisation, whether it lasts or not; `None` if never.
    pub last_seen: Option<Millis>,
    /// They have a second factor in use.
    pub two_factor: bool,
}

/// Limits of sessions in an organisation, in minutes. They come on top of the installation's own, so they never loosen
/// those; `None` leaves it to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLimits {
    /// Since the last use; one of [`SessionLimits::IDLE`].
    pub idle: Option<i64>,
    /// Since sign-in; one of [`SessionLimits::ABSOLUTE`].
    pub absolute: Option<i64>,
}

impl SessionLimits {
    /// What can be chosen, in minutes: a quarter of an hour to a week.
    pub const IDLE: [i64; 6] = [15, 30, 60, 4 * 60, 24 * 60, 7 * 24 * 60];
    /// What can be chosen, in minutes: an hour to a fortnight.
    pub const ABSOLUTE: [i64; 6] = [60, 4 * 60, 8 * 60, 12 * 60, 24 * 60, 14 * 24 * 60];

    /// [`Code::BadChoice`] on `idle` or `absolute` for what cannot be chosen.
    pub fn check(self) -> Result<(), AppError> {
        for (field, chosen, choices) in [("idle", self.idle, Self::IDLE), ("absolute", self.absolute, Self::ABSOLUTE)] {
            if chosen.is_some_and(|minutes| !choices.contains(&minutes)) {
                return Err(AppError::field(field, Code::BadChoice));
            }
        }
        Ok(())
    }
}

/// How everybody in the organisation has to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRules {
    /// Since when two-factor sign-in is asked for; `None` if it is not.
    pub factor_required_at: Option<Millis>,
    /// Limits of sessions in this organisation.
    pub limits: SessionLimits,
    /// Members who have a second factor.
    pub with_factor: i64,
    pub members: i64,
    pub own_sign_in: OwnSignIn,
}

/// An invitation that was neither accepted nor revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: Disclosed<String>,
    pub role: Role,
    pub expires_at: Millis,
    pub expired: bool,
}

/// Everybody in the organisation and on the way into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    pub members: Vec<Member>,
    pub invitations: Vec<Invitation>,
}

/// A new invitation.
#[derive(Debug, Clone, Deserialize)]
pub struct Invite {
    pub email: Pii<String>,
    pub role: Role,
    /// Language of the mail.
    pub language: Language,
}

/// A token or device just made, with the secret that is shown once.
#[derive(Debug, Clone)]
pub struct Issued<T> {
    pub item: T,
    pub secret: Secret,
}

/// The port of sign-in and of a person's own account.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Checks e-mail and password. Unknown, wrong and blocked give [`Code::SignInFailed`] after equal work, and so does
    /// an account throttled for wrong passwords in a row, even with the right one: the answer never tells whether there
    /// is an account. [`Code::TooMany`] when the address is throttled, [`Code::Busy`] when hashing queues up.
    /// An account with a second factor gives [`SignedIn::Factor`].
    async fn sign_in(&self, sign_in: SignIn, client: Client) -> Result<SignedIn, AppError>;
    /// The actor behind a session cookie; `None` for unknown, expired and ended sessions.
    async fn session(&self, cookie: &str) -> Result<Option<Actor>, AppError>;
    /// The actor behind a bearer secret of a device or an API token.
    async fn bearer(&self, secret: &str) -> Result<Option<Actor>, AppError>;
    /// Destroys the session on the server.
    async fn sign_out(&self, actor: &Actor) -> Result<(), AppError>;
    /// Mails a link to set a new password, if the address has an account. The answer never tells.
    async fn request_reset(&self, email: Pii<String>, language: Language, client: Client) -> Result<(), AppError>;
    /// Whether the token of a reset link is still good; else [`Code::LinkExpired`].
    async fn check_reset(&self, token: &str) -> Result<(), AppError>;
    /// Sets the password by the token of a reset link and ends all sessions of the account.
    async fn reset_password(&self, token: &str, password: Secret, client: Client) -> Result<(), AppError>;
    /// The invitation behind a link; [`Code::LinkExpired`] if used, revoked or old.
    async fn invitation(&self, token: &str) -> Result<InvitationView, AppError>;
    /// Joins the organisation and signs in; an account with a second factor gives [`SignedIn::Factor`].
    async fn accept_invitation(
        &self,
        token: &str,
        accept: AcceptInvitation,
        client: Client,
    ) -> Result<SignedIn, AppError>;
    async fn me(&self, actor: &Actor) -> Result<Me, AppError>;
    /// The connections that are on of the organisation acted in, by name, for whoever has to come by one.
    async fn ways_in(&self, actor: &Actor) -> Result<Vec<WayIn>, AppError>;
    async fn update_profile(&self, actor: &Actor, name: Pii<String>, language: Language) -> Result<(), AppError>;
    /// Changes the password. All sessions of the account end with the old one, this one too; the person goes on in the
    /// new one.
    async fn change_password(&self, actor: &Actor, current: Secret, new: Secret) -> Result<NewSession, AppError>;
    /// Makes another of the person's organisations the current one of this session.
    async fn switch_organisation(&self, actor: &Actor, organisation: &OrganisationId) -> Result<(), AppError>;
}

/// The port of members, invitations and API tokens of an organisation.
#[async_trait]
pub trait Directory: Send + Sync {
    async fn people(&self, actor: &Actor) -> Result<People, AppError>;
    async fn invite(&self, actor: &Actor, invite: Invite) -> Result<InvitationId, AppError>;
    /// Mails the invitation once more; the old link dies.
    async fn renew_invitation(&self, actor: &Actor, invitation: &InvitationId) -> Result<(), AppError>;
    async fn revoke_invitation(&self, actor: &Actor, invitation: &InvitationId) -> Result<(), AppError>;
    async fn change_role(&self, actor: &Actor, user: &UserId, role: Role) -> Result<(), AppError>;
    /// Ends the membership and the person's sessions in this organisation.
    async fn remove_member(&self, actor: &Actor, user: &UserId) -> Result<(), AppError>;
    /// Ends the person's sessions in this organisation, say because a laptop was lost.
    async fn sign_out_member(&self, actor: &Actor, user: &UserId) -> Result<(), AppError>;
    async fn sign_in_rules(&self, actor: &Actor) -> Result<SignInRules, AppError>;
    /// Asks everybody in the organisation for two-factor sign-in, or no more; at once, for sessions under way too.
    /// [`Code::FactorFirst`] if whoever asks does not have it.
    async fn require_factor(&self, actor: &Actor, required: bool) -> Result<(), AppError>;
    /// Asks everybody in the organisation to sign in by its own provider, or no more; at once, for sessions under way too.
    /// [`Code::OwnSignInFirst`] if whoever asks did not come by a connection of it that is on.
    async fn require_own_sign_in(&self, actor: &Actor, required: bool) -> Result<(), AppError>;
    /// Lets an owner sign in with their own second factor all the same, for one of [`own_sign_in::ARMED_DAYS`]; told to
    /// all owners, as is its first use. [`Code::BadChoice`] on `user` for somebody who is no owner and on `days`,
    /// [`Code::FactorFirst`] without a second factor.
    async fn arm_owner(&self, actor: &Actor, user: &UserId, days: i64) -> Result<(), AppError>;
    /// Ends that at once, for a session under way too. [`Code::NotFound`] if there is nothing to end.
    async fn disarm_owner(&self, actor: &Actor, user: &UserId) -> Result<(), AppError>;
    /// Limits the sessions of everybody in the organisation, those under way too.
    async fn limit_sessions(&self, actor: &Actor, limits: SessionLimits) -> Result<(), AppError>;
    /// Tokens that were not revoked; expired ones for [`crate::tokens::EXPIRED_SHOWN`].
    async fn tokens(&self, actor: &Actor) -> Result<Vec<Token>, AppError>;
    /// [`Code::RoleTooHigh`] for a scope beyond the maker's role.
    async fn create_token(&self, actor: &Actor, draft: TokenDraft) -> Result<Issued<TokenId>, AppError>;
    /// A new secret with the same scopes, made by whoever asks for it. The replaced one ends as asked; one that was
    /// replaced before ends at once. [`Code::Conflict`] if somebody else was faster, [`Code::BadChoice`] on `token` for one
    /// without scopes.
    async fn renew_token(
        &self,
        actor: &Actor,
        token: &TokenId,
        renewal: TokenRenewal,
    ) -> Result<Issued<TokenId>, AppError>;
    /// Ends the replaced secret before its time.
    async fn end_previous_secret(&self, actor: &Actor, token: &TokenId) -> Result<(), AppError>;
    /// Ends all its secrets.
    async fn revoke_token(&self, actor: &Actor, token: &TokenId) -> Result<(), AppError>;
    /// What the token that acts is. [`Code::Forbidden`] for people and devices.
    async fn own_token(&self, actor: &Actor) -> Result<OwnToken, AppError>;
}
