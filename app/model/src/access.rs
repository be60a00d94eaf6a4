//! Who may do what: the one table of roles and permissions, and the actor whose request is being served.

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, EventId, GrantId, OrganisationId, RequestId, SessionId, StaffId, TokenId, UserId};
use crate::identity::security::CONFIRMED_FOR;
use crate::support::SupportAccess;
use crate::time::Millis;
use crate::tokens::{Reach, TokenScope};

/// The place of a user in an organisation; each includes the one below, but for the reporter, who stands apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Admin,
    Editor,
    Viewer,
    Reporter,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Editor, Self::Viewer, Self::Reporter];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
            Self::Reporter => "reporter",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The table. Nothing else decides what a role may do.
    pub fn grants(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(
                permission,
                P::OwnerGrant | P::OrganisationErase | P::PersonalExport | P::SignInManage | P::SupportManage
            ),
            Self::Editor => {
                Self::Viewer.grants(permission)
                    || matches!(
                        permission,
                        P::BrandingWrite
                            | P::CaptureCreate
                            | P::CaptureExport
                            | P::CaptureWrite
                            | P::GuestReveal
                            | P::GuestWrite
                            | P::LinkWrite
                            | P::MessageSend
                    )
            }
            Self::Viewer => {
                matches!(permission, P::OverviewRead | P::EventRead | P::CaptureRead | P::GuestRead | P::MessageRead)
            }
            Self::Reporter => false,
        }
    }

    /// Nobody grants what they lack: owners grant every role, admins every role but owner, others none.
    pub fn may_grant(self, other: Self) -> bool {
        self.grants(Permission::PeopleManage) && (other != Self::Owner || self.grants(Permission::OwnerGrant))
    }

    /// The one of the two that may do less.
    #[must_use]
    pub fn lesser(self, other: Self) -> Self {
        Self::ALL.into_iter().rev().find(|role| *role == self || *role == other).unwrap_or(Self::Reporter)
    }
}

/// One thing that can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// The organisation's numbers.
    OverviewRead,
    EventRead,
    /// Create, edit and delete events.
    EventWrite,
    /// Colours, logo, texts and consent texts of an event.
    BrandingWrite,
    /// Create and revoke devices.
    DeviceManage,
    /// Create and revoke API tokens.
    TokenManage,
    CaptureRead,
    /// Upload captures.
    CaptureCreate,
    /// Delete and restore captures.
    CaptureWrite,
    /// Take originals away in archives.
    CaptureExport,
    /// See that there is a guest; contact data stays masked.
    GuestRead,
    /// See contact data in the clear; every reveal is audited.
    GuestReveal,
    /// Change, delete and erase guests.
    GuestWrite,
    /// Renew and revoke share links.
    LinkWrite,
    MessageRead,
    /// Send a message again.
    MessageSend,
    /// Invite, change roles and remove members.
    PeopleManage,
    /// Make somebody an owner or touch an owner.
    OwnerGrant,
    AuditRead,
    /// Erase captures and events at once, see erasures and their receipts.
    PrivacyManage,
    /// See what was deleted, and restore it.
    TrashManage,
    /// Erase the organisation with everything it has.
    OrganisationErase,
    /// How everybody in the organisation has to sign in.
    SignInManage,
    /// Let support in, and end it.
    SupportManage,
    /// Take guests, contact data and consents away in archives.
    PersonalExport,
}

impl Permission {
    pub const ALL: [Self; 25] = [
        Self::OverviewRead,
        Self::EventRead,
        Self::EventWrite,
        Self::BrandingWrite,
        Self::DeviceManage,
        Self::TokenManage,
        Self::CaptureRead,
        Self::CaptureCreate,
        Self::CaptureWrite,
        Self::CaptureExport,
        Self::GuestRead,
        Self::GuestReveal,
        Self::GuestWrite,
        Self::LinkWrite,
        Self::MessageRead,
        Self::MessageSend,
        Self::PeopleManage,
        Self::OwnerGrant,
        Self::AuditRead,
        Self::PrivacyManage,
        Self::TrashManage,
        Self::OrganisationErase,
        Self::SignInManage,
        Self::SupportManage,
        Self::PersonalExport,
    ];
}

/// By what means an actor proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A signed-in user.
    Session { user: UserId, session: SessionId },
    /// An API token of the organisation: how much of its role it may use, and when the secret that was shown ends.
    Token { token: TokenId, reach: Reach, ends_at: Option<Millis> },
    /// A device; it may upload into its own event and nothing else.
    Device { device: DeviceId, event: EventId },
    /// A member of our own staff, by a grant of the organisation that ran when this request came.
    Support { staff: StaffId, grant: GrantId, access: SupportAccess },
}

/// What an organisation asks of its people and somebody does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// Two-factor sign-in.
    Factor,
    /// A session that came by the organisation's own provider.
    OwnSignIn,
}

/// Who makes the request, as proved by `backend::identity`, or `backend::support` for our staff, for this request and no
/// longer.
///
/// An architecture test holds that [`Actor::proven`] is called in these two alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    credential: Credential,
    membership: Option<(OrganisationId, Role)>,
    request: Option<RequestId>,
    confirmed_at: Option<Millis>,
    lacks: Option<Lack>,
}

impl Actor {
    /// For the code that has just checked the credential against the database.
    pub const fn proven(credential: Credential, membership: Option<(OrganisationId, Role)>) -> Self {
        Self { credential, membership, request: None, confirmed_at: None, lacks: None }
    }

    /// The same actor, who showed at that time who they are: at sign-in, or when asked once more.
    #[must_use]
    pub fn confirmed(self, at: Millis) -> Self {
        Self { confirmed_at: Some(at), ..self }
    }

    /// The same actor, in an organisation that asks for two-factor sign-in, which they do not have: they may do nothing
    /// there.
    #[must_use]
    pub fn lacking_factor(self) -> Self {
        Self { lacks: Some(Lack::Factor), ..self }
    }

    /// The same actor, in an organisation that asks everybody to sign in by its own provider, by which this session did
    /// not come: they may do nothing there.
    #[must_use]
    pub fn lacking_own_sign_in(self) -> Self {
        Self { lacks: Some(Lack::OwnSignIn), ..self }
    }

    /// What the organisation asks for and the person does not have; whoever lacks something may do nothing there.
    pub const fn lacks(&self) -> Option<Lack> {
        self.lacks
    }

    /// Whether the organisation asks for two-factor sign-in and the person does not have it.
    pub const fn lacks_factor(&self) -> bool {
        matches!(self.lacks, Some(Lack::Factor))
    }

    /// Whether the organisation asks for sign-in by its own provider and the session did not come by it.
    pub const fn lacks_own_sign_in(&self) -> bool {
        matches!(self.lacks, Some(Lack::OwnSignIn))
    }

    /// The same person, whose session goes on under another id.
    #[must_use]
    pub fn renewed(self, session: SessionId) -> Self {
        match self.credential {
            Credential::Session { user, session: _ } => {
                Self { credential: Credential::Session { user, session }, ..self }
            }
            _ => self,
        }
    }

    /// Whether the proof of who they are is fresh enough for what is sensitive. A program cannot be asked: what its
    /// token may do was decided by somebody who was.
    pub fn is_confirmed(&self, now: Millis) -> bool {
        match self.credential {
            Credential::Session { .. } => self.confirmed_at.is_some_and(|at| now < at.plus(CONFIRMED_FOR)),
            // Of support, what deletes waits for a second person.
            Credential::Token { .. } | Credential::Support { .. } => true,
            Credential::Device { .. } => false,
        }
    }

    /// The same actor within a named request, for the audit trail.
    #[must_use]
    pub fn within(self, request: RequestId) -> Self {
        Self { request: Some(request), ..self }
    }

    pub const fn request(&self) -> Option<&RequestId> {
        self.request.as_ref()
    }

    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The organisation acted in; `None` for a user who belongs to none.
    pub fn organisation(&self) -> Option<&OrganisationId> {
        self.membership.as_ref().map(|(organisation, _)| organisation)
    }

    /// The role in that organisation, a viewer's for support, whose grant decides (see [`Actor::may`]); devices have none,
    /// nor have people who lack what it asks for.
    pub fn role(&self) -> Option<Role> {
        match self.credential {
            Credential::Device { .. } => None,
            _ if self.lacks.is_some() => None,
            _ => self.membership.as_ref().map(|(_, role)| *role),
        }
    }

    /// The signed-in user; tokens and devices are nobody.
    pub const fn user(&self) -> Option<&UserId> {
        match &self.credential {
            Credential::Session { user, .. } => Some(user),
            _ => None,
        }
    }

    pub fn may(&self, permission: Permission) -> bool {
        if let Credential::Support { access, .. } = self.credential {
            return access.grants(permission);
        }
        self.role().is_some_and(|role| role.grants(permission)) && self.reach().grants(permission)
    }

    /// Whether the actor could grant the role.
    pub fn may_grant(&self, role: Role) -> bool {
        self.may(Permission::PeopleManage) && self.role().is_some_and(|own| own.may_grant(role))
    }

    /// The scope that a token lacks for what its role would allow; `None` if scopes are not what is missing.
    pub fn missing_scope(&self, permission: Permission) -> Option<TokenScope> {
        if matches!(self.credential, Credential::Support { .. }) {
            return None;
        }
        let role_allows = self.role().is_some_and(|role| role.grants(permission));
        (role_allows && !self.may(permission)).then(|| TokenScope::needed_for(permission)).flatten()
    }

    /// How much of the role the credential lets through.
    const fn reach(&self) -> Reach {
        match self.credential {
            Credential::Token { reach, .. } => reach,
            Credential::Session { .. } | Credential::Device { .. } | Credential::Support { .. } => Reach::WholeRole,
        }
    }

    /// Whether the actor may upload into the event, the organisation being checked elsewhere.
    pub fn may_upload_to(&self, event: &EventId) -> bool {
        match &self.credential {
            Credential::Device { event: own, .. } => own == event,
            _ => self.may(Permission::CaptureCreate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_includes_the_one_below() {
        for permission in Permission::ALL {
            for pair in [Role::Owner, Role::Admin, Role::Editor, Role::Viewer].windows(2) {
                let [above, below] = pair else { continue };
                assert!(above.grants(permission) || !below.grants(permission), "{permission:?}");
            }
            assert!(!Role::Reporter.grants(permission), "{permission:?}");
        }
    }

    fn token(role: Role, reach: Reach) -> Actor {
        let credential = Credential::Token { token: TokenId::new(1, [1; 10]), reach, ends_at: None };
        Actor::proven(credential, Some((OrganisationId::new(1, [2; 10]), role)))
    }

    #[test]
    fn a_token_may_what_both_its_role_and_its_scopes_grant() {
        for role in Role::ALL {
            for permission in Permission::ALL {
                let old = token(role, Reach::WholeRole);
                assert_eq!(old.may(permission), role.grants(permission), "{role:?} {permission:?}");
                assert_eq!(old.missing_scope(permission), None);
                for scope in TokenScope::ALL {
                    let actor = token(role, Reach::Scopes([scope].into_iter().collect()));
                    let may = role.grants(permission) && scope.grants(permission);
                    assert_eq!(actor.may(permission), may, "{role:?} {scope:?} {permission:?}");
                    let missing = TokenScope::needed_for(permission).filter(|_| role.grants(permission) && !may);
                    assert_eq!(actor.missing_scope(permission), missing, "{role:?} {scope:?} {permission:?}");
                }
            }
        }
    }

    #[test]
    fn who_lacks_the_factor_that_is_asked_for_may_nothing() {
        barred_from_everything(Actor::lacking_factor, Lack::Factor);
    }

    #[test]
    fn who_did_not_come_by_the_provider_that_is_asked_for_may_nothing() {
        barred_from_everything(Actor::lacking_own_sign_in, Lack::OwnSignIn);
    }

    fn barred_from_everything(bar: fn(Actor) -> Actor, lack: Lack) {
        let credential = Credential::Session { user: UserId::new(1, [1; 10]), session: SessionId::new(1, [1; 10]) };
        let owner = Actor::proven(credential, Some((OrganisationId::new(1, [2; 10]), Role::Owner)));
        let barred = bar(owner.clone()).confirmed(Millis(5)).renewed(SessionId::new(2, [3; 10]));
        assert!(barred.lacks() == Some(lack) && barred.role().is_none());
        assert_eq!(barred.lacks_factor(), lack == Lack::Factor);
        assert_eq!(barred.lacks_own_sign_in(), lack == Lack::OwnSignIn);
        assert_eq!(barred.organisation(), owner.organisation());
        for permission in Permission::ALL {
            assert!(owner.may(permission) && !barred.may(permission), "{permission:?}");
        }
        assert!(Role::ALL.into_iter().all(|role| !barred.may_grant(role)));
        assert!(!barred.may_upload_to(&EventId::new(1, [4; 10])));
    }

    #[test]
    fn no_scope_lets_a_token_give_somebody_a_place() {
        assert!(token(Role::Admin, Reach::WholeRole).may_grant(Role::Viewer));
        let everything = Reach::Scopes(TokenScope::ALL.into_iter().collect());
        assert!(!token(Role::Admin, everything).may_grant(Role::Viewer));
    }

    #[test]
    fn the_lesser_of_two_roles_grants_nothing_that_one_of_them_lacks() {
        for one in Role::ALL {
            for other in Role::ALL {
                for permission in Permission::ALL {
                    let both = one.grants(permission) && other.grants(permission);
                    assert_eq!(one.lesser(other).grants(permission), both, "{one:?} {other:?} {permission:?}");
                }
            }
        }
    }

    #[test]
    fn nobody_grants_a_role_they_lack() {
        assert!(Role::Owner.may_grant(Role::Owner));
        assert!(Role::Admin.may_grant(Role::Admin));
        assert!(!Role::Admin.may_grant(Role::Owner));
        assert!(Role::ALL.into_iter().all(|role| !Role::Editor.may_grant(role)));
    }
}
