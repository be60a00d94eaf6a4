//! What mails tell owners about signing in.

use serde::{Deserialize, Serialize};

/// What the owners of an organisation are told by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A connection in use has other settings.
    Changed,
    /// People may sign in by a connection.
    SwitchedOn,
    /// Nobody signs in by it any more.
    SwitchedOff,
    /// It is gone.
    Deleted,
    /// The last certificate of a connection's provider ends within 30 days.
    CertificateMonth,
    /// Within seven.
    CertificateWeek,
    /// Within one.
    CertificateDay,
    /// The proof of a domain is missing.
    DomainFailing,
    /// It was missing for too long.
    DomainLost,
    /// Everybody has to sign in by the organisation's own provider.
    OwnSignInRequired,
    /// Nobody has to any more.
    OwnSignInFree,
    /// An owner may get in without it for a while.
    OwnerArmed,
    /// That was taken back.
    OwnerDisarmed,
    /// An owner got in without it.
    EmergencyUsed,
}

impl Notice {
    pub const ALL: [Self; 14] = [
        Self::Changed,
        Self::SwitchedOn,
        Self::SwitchedOff,
        Self::Deleted,
        Self::CertificateMonth,
        Self::CertificateWeek,
        Self::CertificateDay,
        Self::DomainFailing,
        Self::DomainLost,
        Self::OwnSignInRequired,
        Self::OwnSignInFree,
        Self::OwnerArmed,
        Self::OwnerDisarmed,
        Self::EmergencyUsed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::SwitchedOn => "switched_on",
            Self::SwitchedOff => "switched_off",
            Self::Deleted => "deleted",
            Self::CertificateMonth => "certificate_month",
            Self::CertificateWeek => "certificate_week",
            Self::CertificateDay => "certificate_day",
            Self::DomainFailing => "domain_failing",
            Self::DomainLost => "domain_lost",
            Self::OwnSignInRequired => "own_sign_in_required",
            Self::OwnSignInFree => "own_sign_in_free",
            Self::OwnerArmed => "owner_armed",
            Self::OwnerDisarmed => "owner_disarmed",
            Self::EmergencyUsed => "emergency_used",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == name)
    }
}
