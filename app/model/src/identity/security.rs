//! A person's own security: the second factor, recovery codes, sessions, past sign-ins, and proving once more that it is
//! still them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Client, NewSession};
use crate::access::Actor;
use crate::error::AppError;
use crate::id::SessionId;
use crate::pii::{Disclosed, Secret};
use crate::time::Millis;

/// Recovery codes of one set.
pub const RECOVERY_CODES: usize = 10;
/// How long a proof of who one is suffices for what is sensitive, in milliseconds.
pub const CONFIRMED_FOR: i64 = 15 * 60_000;
/// Tries to show a second factor before the password has to be shown again.
pub const FACTOR_TRIES: i32 = 5;

/// By what a session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Password,
    /// Password, then a code of the authenticator app.
    PasswordAndCode,
    /// Password, then a recovery code.
    PasswordAndRecovery,
    /// Password, then a passkey.
    PasswordAndPasskey,
    /// A passkey that verified its owner; no password.
    Passkey,
    /// The link of an invitation, with a new or the known password.
    Invitation,
    /// The organisation's own identity provider.
    Provider,
    /// The same, and it saw a second factor, on which the organisation relies.
    ProviderAndFactor,
    /// The provider, then a code of the authenticator app.
    ProviderAndCode,
    /// The provider, then a recovery code.
    ProviderAndRecovery,
    /// The provider, then a passkey.
    ProviderAndPasskey,
}

impl Method {
    pub const ALL: [Self; 11] = [
        Self::Password,
        Self::PasswordAndCode,
        Self::PasswordAndRecovery,
        Self::PasswordAndPasskey,
        Self::Passkey,
        Self::Invitation,
        Self::Provider,
        Self::ProviderAndFactor,
        Self::ProviderAndCode,
        Self::ProviderAndRecovery,
        Self::ProviderAndPasskey,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PasswordAndCode => "password_and_code",
            Self::PasswordAndRecovery => "password_and_recovery",
            Self::PasswordAndPasskey => "password_and_passkey",
            Self::Passkey => "passkey",
            Self::Invitation => "invitation",
            Self::Provider => "provider",
            Self::ProviderAndFactor => "provider_and_factor",
            Self::ProviderAndCode => "provider_and_code",
            Self::ProviderAndRecovery => "provider_and_recovery",
            Self::ProviderAndPasskey => "provider_and_passkey",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }

    /// Whether a second factor was shown.
    pub const fn has_factor(self) -> bool {
        matches!(
            self,
            Self::PasswordAndCode
                | Self::PasswordAndRecovery
                | Self::PasswordAndPasskey
                | Self::Passkey
                | Self::ProviderAndFactor
                | Self::ProviderAndCode
                | Self::ProviderAndRecovery
                | Self::ProviderAndPasskey
        )
    }

    /// The same second factor after a provider in the place of the password.
    #[must_use]
    pub const fn after_provider(self) -> Self {
        match self {
            Self::PasswordAndRecovery => Self::ProviderAndRecovery,
            Self::PasswordAndPasskey => Self::ProviderAndPasskey,
            _ => Self::ProviderAndCode,
        }
    }
}

/// What became of a right password.
#[derive(Debug, Clone)]
pub enum SignedIn {
    Session(NewSession),
    /// The account has a second factor, which is still to be shown.
    Factor(NewPending),
}

impl SignedIn {
    /// The session, if nothing is still to be shown.
    pub fn session(self) -> Option<NewSession> {
        match self {
            Self::Session(session) => Some(session),
            Self::Factor(_) => None,
        }
    }
}

/// A sign-in that waits for the second factor. Its cookie opens nothing but that page.
#[derive(Debug, Clone)]
pub struct NewPending {
    pub cookie: Secret,
    /// Seconds until it is worthless, for `Max-Age`.
    pub max_age: i64,
}

/// Something that happened to an account, of which its owner is told by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Signed in from a browser that had not signed in before.
    NewDevice,
    FactorAdded,
    FactorRemoved,
    RecoveryUsed,
    RecoveryRenewed,
    /// Somebody who knows the password showed many wrong codes.
    CodesGuessed,
    PasskeyAdded,
    PasskeyRemoved,
    /// A passkey counted backwards: there is a copy of it.
    PasskeyCopied,
    /// An archive of captures was made, the first of a day.
    Exported,
    /// An archive with guests and consents was made.
    PeopleExported,
    /// An event was moved to the trash. This and the next two are told to owners, too.
    EventDeleted,
    EventErased,
    OrganisationErased,
}

impl Activity {
    pub const ALL: [Self; 14] = [
        Self::NewDevice,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::RecoveryUsed,
        Self::RecoveryRenewed,
        Self::CodesGuessed,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::PasskeyCopied,
        Self::Exported,
        Self::PeopleExported,
        Self::EventDeleted,
        Self::EventErased,
        Self::OrganisationErased,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewDevice => "new_device",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::RecoveryUsed => "recovery_used",
            Self::RecoveryRenewed => "recovery_renewed",
            Self::CodesGuessed => "codes_guessed",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasskeyCopied => "passkey_copied",
            Self::Exported => "exported",
            Self::PeopleExported => "people_exported",
            Self::EventDeleted => "event_deleted",
            Self::EventErased => "event_erased",
            Self::OrganisationErased => "organisation_erased",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activity| activity.as_str() == name)
    }
}

/// How an account is protected, where it is signed in and was signed in to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityOverview {
    /// Since when codes of an app are asked for; `None` without.
    pub totp_since: Option<Millis>,
    /// Recovery codes not used yet.
    pub recovery_left: i64,
    /// Most recently used first.
    pub sessions: Vec<SessionView>,
    /// Of the last 90 days, newest first.
    pub sign_ins: Vec<SignInView>,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    pub id: SessionId,
    /// Browser and system, as [`device_label`] names them; empty if unknown.
    pub device: Disclosed<String>,
    pub address: Option<Disclosed<String>>,
    pub method: Method,
    pub first_seen: Millis,
    pub last_seen: Millis,
    /// The browser keeps it when it is closed.
    pub persistent: bool,
    /// The one that asks.
    pub this: bool,
}

/// A sign-in of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInView {
    pub at: Millis,
    pub device: Disclosed<String>,
    pub address: Option<Disclosed<String>>,
    pub method: Method,
    /// `false`: the password was right and the second factor was not.
    pub succeeded: bool,
}

/// A secret for an authenticator app that is not in use yet.
#[derive(Debug, Clone)]
pub struct TotpSetup {
    /// Base32, to be typed in.
    pub secret: Secret,
    /// `otpauth://` address (Google Authenticator's key URI format), for the QR code.
    pub uri: Secret,
}

/// The port of a person's own security.
#[async_trait]
pub trait Security: Send + Sync {
    /// Whether the cookie is that of a sign-in that waits for its second factor.
    async fn awaits_factor(&self, cookie: &str) -> Result<bool, AppError>;
    /// Ends a sign-in with a code of the app or a recovery code. Each code is good once. [`crate::error::Code::WrongCode`] on the field
    /// `code`; after [`FACTOR_TRIES`] of them [`crate::error::Code::SignInNeeded`].
    async fn present_factor(&self, cookie: &str, code: Secret, client: Client) -> Result<NewSession, AppError>;
    async fn overview(&self, actor: &Actor) -> Result<SecurityOverview, AppError>;
    /// Makes a secret for an app; one that was begun and not confirmed is replaced.
    async fn begin_totp(&self, actor: &Actor) -> Result<(), AppError>;
    /// The secret that waits for its first code, for a quarter of an hour.
    async fn totp_setup(&self, actor: &Actor) -> Result<Option<TotpSetup>, AppError>;
    /// Puts the secret into use by its first code. Gives the recovery codes, which are shown this once. All other
    /// sessions end and this one gets a new cookie.
    async fn confirm_totp(&self, actor: &Actor, code: Secret) -> Result<(NewSession, Vec<Secret>), AppError>;
    /// Takes the second factor away, by password and code. All other sessions end.
    async fn remove_totp(&self, actor: &Actor, password: Secret, code: Secret) -> Result<NewSession, AppError>;
    /// A new set of recovery codes; the old one ends.
    async fn renew_recovery(&self, actor: &Actor) -> Result<Vec<Secret>, AppError>;
    /// Proves that it is still the same person: a code where there is a second factor, else the password. The session
    /// gets a new cookie. [`crate::error::Code::WrongCode`] or [`crate::error::Code::WrongPassword`] on the field
    /// `proof`.
    async fn confirm(&self, actor: &Actor, proof: Secret) -> Result<(NewSession, Actor), AppError>;
    /// Ends one of one's own sessions.
    async fn end_session(&self, actor: &Actor, session: &SessionId) -> Result<(), AppError>;
    /// Ends all of one's own sessions but this one.
    async fn end_other_sessions(&self, actor: &Actor) -> Result<(), AppError>;
}

/// What a browser says of itself (`User-Agent`), cut down to two names: `Firefox · Windows`. Empty if it names neither a
/// known browser nor a known system. Versions are left out: they change by themselves.
pub fn device_label(agent: &str) -> String {
    // The first that matches: browsers name those they are made from, too.
    const BROWSERS: [(&str, &str); 12] = [
        ("Edg/", "Edge"),
        ("EdgA/", "Edge"),
        ("EdgiOS/", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Vivaldi/", "Vivaldi"),
        ("FxiOS/", "Firefox"),
        ("Firefox/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 8] = [
        ("iPhone", "iOS"),
        ("iPad", "iPadOS"),
        ("Android", "Android"),
        ("CrOS", "ChromeOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Macintosh", "macOS"),
        ("Linux", "Linux"),
    ];
    let name =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let names: Vec<&str> = [name(&BROWSERS), name(&SYSTEMS)].into_iter().flatten().collect();
    names.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named_after_themselves() {
        for (agent, label) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Windows"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge · Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari · iOS",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
                "Chrome · macOS",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64) HeadlessSomething", "Linux"),
            ("", ""),
            ("<script>alert(1)</script>", ""),
        ] {
            assert_eq!(device_label(agent), label, "{agent}");
        }
    }

    #[test]
    fn names_are_read_back() {
        assert!(Method::ALL.into_iter().all(|method| Method::from_name(method.as_str()) == Some(method)));
        assert!(Activity::ALL.into_iter().all(|activity| Activity::from_name(activity.as_str()) == Some(activity)));
    }
}
