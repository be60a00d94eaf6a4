//! Support by our own staff: only while the organisation lets them, and for what it lets them.
//!
//! Staff are no users and have no role. What they may do in an organisation hangs on a grant of that organisation, which
//! names who, why, how much and until when, and which is looked at on every request.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::{Actor, Permission, Role};
use crate::error::{AppError, Code};
use crate::id::{GrantId, OrganisationId, RequestId, StaffId, StaffSessionId, SupportApprovalId};
use crate::identity::security::{NewPending, TotpSetup};
use crate::identity::{Client, Me, NewSession};
use crate::pii::{Disclosed, Pii, Secret};
use crate::time::Millis;
use crate::validate;

/// The longest grant, in minutes.
pub const MOST_MINUTES: i64 = 60;
/// The shortest reason, in characters: "help" tells an owner nothing.
pub const REASON_LEAST: usize = 10;
/// The longest reason, in characters.
pub const REASON_MOST: usize = 500;
/// How long an approval waits, and how long it is good once it is given, in milliseconds.
pub const APPROVAL_GOOD: i64 = 15 * 60_000;

/// How much a grant lets support do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupportAccess {
    Read,
    Write,
}

impl SupportAccess {
    pub const ALL: [Self; 2] = [Self::Read, Self::Write];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == name)
    }

    /// The table. Reading is what a viewer reads. Writing adds mending: never people, tokens, sign-in, contact data in the
    /// clear or erasure. What deletes waits for a second person besides.
    pub fn grants(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Read => Role::Viewer.grants(permission),
            Self::Write => {
                Role::Viewer.grants(permission)
                    || matches!(
                        permission,
                        P::EventWrite | P::BrandingWrite | P::CaptureWrite | P::MessageSend | P::TrashManage
                    )
            }
        }
    }
}

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    Asked,
    Granted,
    Refused,
    /// Its time is over, or somebody ended it.
    Ended,
}

impl GrantState {
    pub const ALL: [Self; 4] = [Self::Asked, Self::Granted, Self::Refused, Self::Ended];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Ended => "ended",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// What owners are told of a grant by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupportMoment {
    Asked,
    Granted,
    Begun,
    Ended,
}

impl SupportMoment {
    pub const ALL: [Self; 4] = [Self::Asked, Self::Granted, Self::Begun, Self::Ended];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Granted => "granted",
            Self::Begun => "begun",
            Self::Ended => "ended",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|moment| moment.as_str() == name)
    }
}

/// A member of the staff who showed password and second factor, as proved by `backend::support` for one request.
///
/// An architecture test holds that [`StaffActor::proven`] is called there alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffActor {
    staff: StaffId,
    session: StaffSessionId,
    request: Option<RequestId>,
}

impl StaffActor {
    /// For the code that has just checked the cookie against the database.
    pub const fn proven(staff: StaffId, session: StaffSessionId) -> Self {
        Self { staff, session, request: None }
    }

    /// The same within a named request, for the audit trail.
    #[must_use]
    pub fn within(self, request: RequestId) -> Self {
        Self { request: Some(request), ..self }
    }

    pub const fn staff(&self) -> &StaffId {
        &self.staff
    }

    pub const fn session(&self) -> &StaffSessionId {
        &self.session
    }

    pub const fn request(&self) -> Option<&RequestId> {
        self.request.as_ref()
    }
}

/// What the cookie of a staff session stands for in the CMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acting {
    /// No session of the staff.
    Nobody,
    /// A session that opened no grant.
    Outside,
    /// A grant was opened and does not run any more. Nothing else counts until it is left: a form that was begun in one
    /// organisation must not arrive in another.
    Over,
    By(Actor),
}

/// What somebody of the staff asks an organisation for.
#[derive(Debug, Clone)]
pub struct AskAccess {
    pub organisation: OrganisationId,
    pub reason: Pii<String>,
    pub minutes: i64,
    pub access: SupportAccess,
}

impl AskAccess {
    /// # Errors
    /// Wrong fields: `reason`, `minutes`.
    pub fn check(&self) -> Result<(), AppError> {
        let mut check = validate::Check::default();
        let reason = self.reason.expose().trim();
        check.rule("reason", validate::line(reason, REASON_MOST));
        if reason.chars().count() < REASON_LEAST {
            check.fail("reason", Code::ReasonShort);
        }
        check.rule("minutes", minutes(self.minutes));
        check.finish()
    }
}

/// # Errors
/// [`Code::OutOfRange`] for less than one minute and more than [`MOST_MINUTES`].
pub const fn minutes(minutes: i64) -> Result<(), Code> {
    if minutes >= 1 && minutes <= MOST_MINUTES { Ok(()) } else { Err(Code::OutOfRange) }
}

/// A grant as its organisation and its holder see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantView {
    pub id: GrantId,
    pub organisation: OrganisationId,
    pub organisation_name: String,
    pub staff_name: Disclosed<String>,
    pub reason: Disclosed<String>,
    pub access: SupportAccess,
    pub state: GrantState,
    /// Asked for, or allowed once it is.
    pub minutes: i64,
    pub asked_at: Millis,
    pub begun_at: Option<Millis>,
    pub ends_at: Option<Millis>,
    pub ended_at: Option<Millis>,
}

/// Something destructive that waits for a second person, or that one approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    pub id: SupportApprovalId,
    pub organisation: OrganisationId,
    /// As the audit trail names it, e.g. `captures.delete`.
    pub act: String,
    pub object: String,
    pub staff_name: Disclosed<String>,
    pub asked_at: Millis,
    pub approved: bool,
    pub expires_at: Millis,
    /// Whoever looks asked for it themselves, and so is not the second person.
    pub own: bool,
}

/// What somebody of the staff sees of their work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    pub name: Disclosed<String>,
    /// Their own, newest first.
    pub grants: Vec<GrantView>,
    /// Of everybody, while they wait.
    pub approvals: Vec<ApprovalView>,
    /// The one that was opened.
    pub open: Option<GrantId>,
}

/// What the organisation sees of support.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportPage {
    /// Newest first.
    pub grants: Vec<GrantView>,
    pub approvals: Vec<ApprovalView>,
}

/// A grant that runs, for the banner on every page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportNotice {
    pub organisation_name: String,
    pub staff_name: Disclosed<String>,
    pub reason: Disclosed<String>,
    pub access: SupportAccess,
    pub ends_at: Millis,
    /// Whoever looks is the one who acts by it.
    pub own: bool,
}

/// What the link of an invitation shows.
#[derive(Debug, Clone)]
pub struct StaffInvitation {
    pub name: Pii<String>,
    pub email: Pii<String>,
    pub setup: TotpSetup,
}

/// Somebody of the staff as the operator lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffView {
    pub id: StaffId,
    pub name: Pii<String>,
    pub email: Pii<String>,
    /// Has accepted the invitation, with password and authenticator app.
    pub joined: bool,
    pub disabled: bool,
}

/// The port of support.
#[async_trait]
pub trait Support: Send + Sync {
    /// The password alone: always gives a sign-in that waits for the second factor, and never a session.
    /// [`Code::SignInFailed`] for whatever is wrong.
    async fn sign_in(&self, email: Pii<String>, password: Secret, client: Client) -> Result<NewPending, AppError>;
    /// Whether the cookie is that of a sign-in that waits for its second factor.
    async fn awaits_factor(&self, cookie: &str) -> Result<bool, AppError>;
    /// As [`crate::identity::security::Security::present_factor`]. The session is never kept by the browser.
    async fn present_factor(&self, cookie: &str, code: Secret, client: Client) -> Result<NewSession, AppError>;
    /// Who the cookie of a session stands for.
    async fn staff(&self, cookie: &str) -> Result<Option<StaffActor>, AppError>;
    async fn sign_out(&self, staff: &StaffActor) -> Result<(), AppError>;
    /// [`Code::LinkExpired`] if it was used, replaced or is too old.
    async fn invitation(&self, token: &str) -> Result<StaffInvitation, AppError>;
    /// Sets password and authenticator app together. Gives the recovery codes, which are shown this once.
    async fn accept_invitation(
        &self,
        token: &str,
        password: Secret,
        code: Secret,
        client: Client,
    ) -> Result<Vec<Secret>, AppError>;

    async fn desk(&self, staff: &StaffActor) -> Result<Desk, AppError>;
    /// Asks the owners of the organisation. [`Code::NotFound`] if there is none of that id, [`Code::Conflict`] if the same
    /// person waits for an answer already or has access.
    async fn ask(&self, staff: &StaffActor, ask: AskAccess) -> Result<(), AppError>;
    /// From now on the session acts in the CMS by this grant. It goes on under another cookie: whoever saw the one from
    /// before gets no further by it.
    async fn open(&self, staff: &StaffActor, grant: &GrantId) -> Result<NewSession, AppError>;
    /// The session acts by no grant any more.
    async fn leave(&self, staff: &StaffActor) -> Result<(), AppError>;
    /// Ends one's own grant for good, or takes back that it was asked for.
    async fn finish(&self, staff: &StaffActor, grant: &GrantId) -> Result<(), AppError>;
    /// As the second person. [`Code::Forbidden`] for what one asked for oneself.
    async fn approve(&self, staff: &StaffActor, approval: &SupportApprovalId) -> Result<(), AppError>;

    /// Who the cookie of a session stands for in the CMS, at this moment.
    async fn acting(&self, cookie: &str) -> Result<Acting, AppError>;
    /// Writes into the organisation's trail that support looks at something; once a minute for the same thing.
    async fn viewed(&self, actor: &Actor, object: Option<&str>) -> Result<(), AppError>;
    /// Who acts for support, for the frame.
    async fn me(&self, actor: &Actor) -> Result<Me, AppError>;
    /// The grants that run in the actor's organisation; for support, the own one alone.
    async fn notices(&self, actor: &Actor) -> Result<Vec<SupportNotice>, AppError>;

    /// What the organisation allowed and is asked for.
    async fn of_organisation(&self, actor: &Actor) -> Result<SupportPage, AppError>;
    /// Lets support in for so many minutes from now.
    async fn allow(&self, actor: &Actor, grant: &GrantId, minutes: i64) -> Result<(), AppError>;
    async fn refuse(&self, actor: &Actor, grant: &GrantId) -> Result<(), AppError>;
    /// Ends a grant at once, for requests under way too.
    async fn end(&self, actor: &Actor, grant: &GrantId) -> Result<(), AppError>;
    /// As the second person, for the organisation.
    async fn approve_act(&self, actor: &Actor, approval: &SupportApprovalId) -> Result<(), AppError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_is_a_viewers_and_writing_touches_nothing_that_protects() {
        use Permission as P;
        let never = [
            P::GuestReveal,
            P::GuestWrite,
            P::CaptureCreate,
            P::CaptureExport,
            P::PersonalExport,
            P::LinkWrite,
            P::DeviceManage,
            P::TokenManage,
            P::PeopleManage,
            P::OwnerGrant,
            P::AuditRead,
            P::PrivacyManage,
            P::OrganisationErase,
            P::SignInManage,
            P::SupportManage,
        ];
        for permission in P::ALL {
            assert_eq!(SupportAccess::Read.grants(permission), Role::Viewer.grants(permission), "{permission:?}");
            assert_eq!(SupportAccess::Write.grants(permission), !never.contains(&permission), "{permission:?}");
        }
    }

    #[test]
    fn names_are_read_back() {
        assert!(SupportAccess::ALL.into_iter().all(|one| SupportAccess::from_name(one.as_str()) == Some(one)));
        assert!(GrantState::ALL.into_iter().all(|one| GrantState::from_name(one.as_str()) == Some(one)));
        assert!(SupportMoment::ALL.into_iter().all(|one| SupportMoment::from_name(one.as_str()) == Some(one)));
    }

    #[test]
    fn an_hour_is_the_most_and_a_reason_says_something() {
        let ask = |reason: &str, minutes| AskAccess {
            organisation: OrganisationId::new(1, [1; 10]),
            reason: Pii::new(reason.into()),
            minutes,
            access: SupportAccess::Read,
        };
        assert_eq!(ask("The gallery of yesterday is empty", 60).check(), Ok(()));
        for minutes in [-1, 0, 61, i64::MAX] {
            let error = ask("The gallery of yesterday is empty", minutes).check().expect_err("refused");
            assert_eq!(error.of("minutes"), Some(Code::OutOfRange), "{minutes}");
        }
        for reason in ["", "help", "         x"] {
            let error = ask(reason, 5).check().expect_err("refused");
            assert_eq!(error.of("reason"), Some(Code::ReasonShort), "{reason:?}");
        }
    }
}
