//! Connections of an organisation to its identity provider: what its owners agree with the provider, by OpenID Connect or
//! SAML 2.0. Secrets go in and never come out.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::{Actor, Role};
use crate::error::{AppError, Code};
use crate::id::ConnectionId;
use crate::pii::Secret;
use crate::time::Millis;
use crate::validate;

pub mod domains;
mod notice;

pub use notice::Notice;

/// Connections of one organisation; more than two are only there while one provider follows another.
pub const MOST: usize = 10;
/// Pairs of a role map.
pub const MOST_ROLES: usize = 50;
/// Of a name of a group, a claim or an attribute, in characters.
const LONGEST_NAME: usize = 256;

/// The two protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Oidc,
    Saml,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Oidc, Self::Saml];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Saml => "saml",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Products that need settings of their own, or have names of their own for the same things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Entra,
    Google,
    Apple,
    Okta,
    Keycloak,
    Adfs,
    Other,
}

impl Provider {
    pub const ALL: [Self; 7] =
        [Self::Entra, Self::Google, Self::Apple, Self::Okta, Self::Keycloak, Self::Adfs, Self::Other];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Google => "google",
            Self::Apple => "apple",
            Self::Okta => "okta",
            Self::Keycloak => "keycloak",
            Self::Adfs => "adfs",
            Self::Other => "other",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == name)
    }

    /// Whether it speaks the protocol.
    pub const fn speaks(self, kind: Kind) -> bool {
        !matches!((self, kind), (Self::Apple, Kind::Saml))
    }
}

/// Whether people may sign in by a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    On,
    Off,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }

    /// Anything unknown is off.
    pub fn from_name(name: &str) -> Self {
        if name == Self::On.as_str() { Self::On } else { Self::Off }
    }
}

/// Whoever is in the group at the provider has the role here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRule {
    pub group: String,
    pub role: Role,
}

/// Who gets in by a connection, and as what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// A second factor that the provider has seen counts here.
    pub trust_factor: bool,
    /// Whoever the provider proves and nobody invited becomes a member.
    pub just_in_time: bool,
    /// For whom no rule of the map holds; nobody of those gets in without one.
    pub default_role: Option<Role>,
    /// In the order in which they were entered. Never makes an owner.
    pub role_map: Vec<RoleRule>,
}

impl Admission {
    /// Whether it can be.
    ///
    /// # Errors
    /// [`Code::Invalid`] with the fields `default_role` or `role_map`.
    pub fn check(&self) -> Result<(), AppError> {
        if self.default_role == Some(Role::Owner) {
            return Err(AppError::field("default_role", Code::BadChoice));
        }
        if self.role_map.len() > MOST_ROLES {
            return Err(AppError::field("role_map", Code::TooMany));
        }
        for rule in &self.role_map {
            if rule.role == Role::Owner {
                return Err(AppError::field("role_map", Code::BadChoice));
            }
            label(&rule.group).map_err(|code| AppError::field("role_map", code))?;
        }
        Ok(())
    }

    /// The role of somebody in these groups: the highest of the rules that hold, else the default; never owner.
    pub fn role_of(&self, groups: &[String]) -> Option<Role> {
        let holding = |role: &Role| self.role_map.iter().any(|rule| rule.role == *role && groups.contains(&rule.group));
        // From the highest to the lowest.
        Role::ALL.into_iter().filter(|role| *role != Role::Owner).find(holding).or(self.default_role)
    }
}

/// A name as providers give them: one line without control characters.
pub fn label(text: &str) -> Result<(), Code> {
    if text.trim().is_empty() {
        return Err(Code::Required);
    }
    validate::line(text, LONGEST_NAME)
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Passed,
    Failed,
    /// An earlier one failed.
    NotReached,
}

/// One check of a test, by its stable name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLine {
    pub check: String,
    pub verdict: Verdict,
    /// The stable name of why it failed, or the value that was found. Nothing personal.
    pub detail: Option<String>,
}

/// What a test of a connection found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// A person signed in; otherwise only what shows without one was looked at.
    pub sign_in: bool,
    pub lines: Vec<ReportLine>,
    pub at: Millis,
}

impl TestReport {
    /// Whether somebody could sign in.
    pub fn passed(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(|line| line.verdict == Verdict::Passed)
    }

    /// What went wrong, if anything.
    pub fn failure(&self) -> Option<&ReportLine> {
        self.lines.iter().find(|line| line.verdict == Verdict::Failed)
    }
}

/// A connection in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionSummary {
    pub id: ConnectionId,
    pub name: String,
    pub kind: Kind,
    pub provider: Provider,
    pub state: State,
    /// The provider's side was entered.
    pub complete: bool,
    /// When somebody signed in with the settings as they are now.
    pub tested_at: Option<Millis>,
    /// When the last of the provider's certificates ends.
    pub certificate_ends_at: Option<Millis>,
}

/// One connection with everything but its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    pub summary: ConnectionSummary,
    /// What has to be entered at the provider.
    pub own: OwnValues,
    pub settings: Option<SettingsView>,
    pub admission: Admission,
    pub report: Option<TestReport>,
}

/// Our side, to be copied to the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnValues {
    Oidc { redirect: String, sign_out: String, backchannel: String },
    Saml { entity_id: String, acs: String, slo: String, metadata: String },
}

/// The provider's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettingsView {
    Oidc(OidcView),
    Saml(SamlView),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcView {
    pub issuer: String,
    pub client_id: String,
    /// Microsoft's tenant or Google's domain.
    pub realm: String,
    /// Apple's.
    pub team_id: String,
    pub key_id: String,
    pub group_claims: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlView {
    pub provider: String,
    pub sign_in: String,
    pub sign_out: Option<String>,
    pub certificates: Vec<CertificateView>,
    pub shape: SamlShape,
}

/// A certificate of the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateView {
    /// SHA-256 in hexadecimal.
    pub fingerprint: String,
    pub subject: String,
    pub not_before: Millis,
    pub not_after: Millis,
    pub warning: Option<CertificateWarning>,
}

/// What should be known of a certificate's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateWarning {
    NotYetValid,
    Within30Days,
    Within7Days,
    WithinADay,
    Ended,
}

/// What must be signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signed {
    #[default]
    Either,
    Assertion,
    Response,
    Both,
}

impl Signed {
    pub const ALL: [Self; 4] = [Self::Either, Self::Assertion, Self::Response, Self::Both];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Either => "either",
            Self::Assertion => "assertion",
            Self::Response => "response",
            Self::Both => "both",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signed| signed.as_str() == name)
    }
}

/// How responses of a SAML provider are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlShape {
    pub signed: Signed,
    /// The attribute that names a person for good; empty: the NameID.
    pub subject: String,
    /// Names of attributes; empty ones are not read.
    pub email: String,
    pub name: String,
    pub groups: String,
    /// The organisation answers for the addresses that its provider states.
    pub trust_email: bool,
}

impl SamlShape {
    /// Whether it can be.
    ///
    /// # Errors
    /// [`Code::Invalid`] with the fields that are wrong.
    pub fn check(&self) -> Result<(), AppError> {
        let mut checks = validate::Check::default();
        let fields =
            [("subject", &self.subject), ("email", &self.email), ("name", &self.name), ("groups", &self.groups)];
        for (field, value) in fields {
            checks.rule(field, validate::line(value, LONGEST_NAME));
        }
        checks.finish()
    }
}

/// A connection to be begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewConnection {
    pub kind: Kind,
    pub provider: Provider,
    pub name: String,
}

/// The provider's side of OpenID Connect, as entered. What the provider does not ask for is empty.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct OidcDraft {
    #[serde(default)]
    pub issuer: String,
    pub client_id: String,
    /// Microsoft's tenant or Google's domain.
    #[serde(default)]
    pub realm: String,
    #[serde(default)]
    pub team_id: String,
    #[serde(default)]
    pub key_id: String,
    /// The client secret, or the text of Apple's .p8 file; empty: the one that is there stays.
    #[serde(default)]
    pub secret: Secret,
    /// Names of claims with groups, by commas; empty: as usual with the provider.
    #[serde(default)]
    pub group_claims: String,
}

/// The connections of the actor's organisation. All of it needs [`crate::access::Permission::SignInManage`], and what changes
/// something a fresh proof of who one is.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Oldest first.
    async fn list(&self, actor: &Actor) -> Result<Vec<ConnectionSummary>, AppError>;
    async fn find(&self, actor: &Actor, connection: &ConnectionId) -> Result<ConnectionView, AppError>;
    /// Begins a connection, which is off; [`Code::TooMany`] beyond [`MOST`].
    async fn create(&self, actor: &Actor, new: NewConnection) -> Result<ConnectionId, AppError>;
    /// The provider's side of OpenID Connect. [`Code::ConnectionOn`] for anything but a new secret while it is on.
    async fn enter_oidc(&self, actor: &Actor, connection: &ConnectionId, draft: OidcDraft) -> Result<(), AppError>;
    /// The provider's side of SAML, from its metadata. Certificates that are trusted already stay, up to three together. While
    /// the connection is on it may only bring certificates.
    async fn enter_metadata(&self, actor: &Actor, connection: &ConnectionId, document: Vec<u8>)
    -> Result<(), AppError>;
    async fn shape_saml(&self, actor: &Actor, connection: &ConnectionId, shape: SamlShape) -> Result<(), AppError>;
    /// Trusts one more certificate, in PEM.
    async fn add_certificate(&self, actor: &Actor, connection: &ConnectionId, pem: &str) -> Result<(), AppError>;
    /// Trusts a certificate no more; the last one stays.
    async fn remove_certificate(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        fingerprint: &str,
    ) -> Result<(), AppError>;
    async fn admit(&self, actor: &Actor, connection: &ConnectionId, admission: Admission) -> Result<(), AppError>;
    /// The same from the address at which the provider publishes it; not while the connection is on, because nobody looked
    /// at what would be trusted.
    async fn fetch_metadata(&self, actor: &Actor, connection: &ConnectionId, url: &str) -> Result<(), AppError>;
    /// Looks whether the connection can work, as far as that shows without a person who signs in, and keeps the report.
    async fn probe(&self, actor: &Actor, connection: &ConnectionId) -> Result<TestReport, AppError>;
    /// [`Code::ConnectionUntested`] if nobody signed in with the settings as they are. Off ends its sessions.
    async fn switch(&self, actor: &Actor, connection: &ConnectionId, state: State) -> Result<(), AppError>;
    /// With all that is known by it; its sessions end.
    async fn delete(&self, actor: &Actor, connection: &ConnectionId) -> Result<(), AppError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rules: &[(&str, Role)]) -> Vec<RoleRule> {
        rules.iter().map(|(group, role)| RoleRule { group: (*group).to_owned(), role: *role }).collect()
    }

    #[test]
    fn a_map_gives_the_highest_of_its_roles_and_never_makes_an_owner() {
        let role_map = map(&[("crew", Role::Viewer), ("leads", Role::Admin), ("bosses", Role::Owner)]);
        let admission = Admission { role_map, default_role: None, ..Admission::default() };
        let role =
            |groups: &[&str]| admission.role_of(&groups.iter().map(|&group| group.to_owned()).collect::<Vec<_>>());
        assert_eq!(role(&["crew", "leads"]), Some(Role::Admin));
        assert_eq!(role(&["crew"]), Some(Role::Viewer));
        assert_eq!(role(&["bosses"]), None);
        assert_eq!(role(&["Leads", "lead", ""]), None);
        assert_eq!(admission.check().err().map(|error| error.fields[0].field.clone()), Some("role_map".into()));
        let owner = Admission { default_role: Some(Role::Owner), ..Admission::default() };
        assert!(owner.check().is_err());
        let reporters = Admission { default_role: Some(Role::Reporter), ..Admission::default() };
        assert!(reporters.check().is_ok() && reporters.role_of(&[]) == Some(Role::Reporter));
    }

    #[test]
    fn names_read_back() {
        assert!(Kind::ALL.into_iter().all(|kind| Kind::from_name(kind.as_str()) == Some(kind)));
        assert!(Provider::ALL.into_iter().all(|one| Provider::from_name(one.as_str()) == Some(one)));
        assert!(Signed::ALL.into_iter().all(|signed| Signed::from_name(signed.as_str()) == Some(signed)));
        assert!(Notice::ALL.into_iter().all(|notice| Notice::from_name(notice.as_str()) == Some(notice)));
        assert_eq!(State::from_name("on"), State::On);
        assert_eq!(State::from_name("ON"), State::Off);
    }
}
