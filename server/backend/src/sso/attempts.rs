//! What lies between two requests of a browser, and the names of what can be wrong with the second.

use serde::{Deserialize, Serialize};
use shutterpost_model::id::{SessionId, UserId};
use shutterpost_model::time::Millis;
use shutterpost_sso::oidc::attempt::Attempt as OidcAttempt;
use shutterpost_sso::saml::login::Tracker;
use shutterpost_sso::saml::logout::LogoutTracker;

/// What something was begun for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    SignIn,
    /// Tries a connection and lets nobody in.
    Test,
    /// Shows once more who one is.
    Confirm,
    /// Proves an account that is to be tied to a person at the provider.
    Tie,
    SignOut,
}

impl Purpose {
    const ALL: [Self; 5] = [Self::SignIn, Self::Test, Self::Confirm, Self::Tie, Self::SignOut];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Test => "test",
            Self::Confirm => "confirm",
            Self::Tie => "tie",
            Self::SignOut => "sign_out",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }

    /// Whether it ends when the browser comes back from signing in at the provider.
    pub(super) const fn arrives(self) -> bool {
        matches!(self, Self::SignIn | Self::Test | Self::Confirm)
    }
}

/// What is sealed of it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Payload {
    Oidc(Box<OidcAttempt>),
    Saml(Box<Tracker>),
    Tie(Box<Proof>),
    OidcSignOut,
    SamlSignOut(LogoutTracker),
}

/// Something that was begun, open.
#[derive(Clone)]
pub(super) struct Begun {
    pub(super) state_hash: String,
    pub(super) purpose: Purpose,
    pub(super) payload: Payload,
    pub(super) browser_hash: String,
    pub(super) holder: Option<(UserId, SessionId)>,
    pub(super) next: Option<String>,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

/// What a provider has proved of a person. Sealed wherever it is kept.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Proof {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// In canonical form.
    pub(super) email: Option<String>,
    pub(super) email_verified: bool,
    pub(super) name: Option<String>,
    pub(super) groups: Vec<String>,
    /// The provider saw a second factor.
    pub(super) factor: bool,
    /// The names by which it ends sessions.
    pub(super) session: Option<String>,
    pub(super) ends_by: String,
    pub(super) hint: String,
    pub(super) until: Option<Millis>,
    /// Whose account it is to be tied to.
    pub(super) account: Option<String>,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof")
    }
}

/// What a provider wants to see when a session ends there too.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hint {
    Oidc { id_token: String },
    Saml { name_id: String, session: Option<String> },
}

/// Why somebody whom the provider has proved does not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It was used before, took too long, or never was.
    Used,
    NotMember,
    Removed,
    NoRole,
    NoEmail,
    /// The address is somebody's who is no member.
    AccountElsewhere,
    EmailUnverified,
    Disabled,
    /// Somebody else than who was to show once more who they are.
    OtherPerson,
}

impl Refusal {
    /// Never changes: texts and audit entries are found by it.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::NotMember => "not_member",
            Self::Removed => "removed",
            Self::NoRole => "no_role",
            Self::NoEmail => "no_email",
            Self::AccountElsewhere => "account_elsewhere",
            Self::EmailUnverified => "email_unverified",
            Self::Disabled => "disabled",
            Self::OtherPerson => "other_person",
        }
    }
}
