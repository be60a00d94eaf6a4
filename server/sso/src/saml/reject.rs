//! Why a message was refused: for the audit log, and for the administrator who has to mend it. Nothing in it is personal:
//! names of providers, addresses of services, certificates and times, cut and freed of control characters, because whoever
//! sent the message wrote them.

use super::connection::{Unusable, Want};
use super::report::Check;

/// The longest text of a message that is repeated.
const TEXT_LIMIT: usize = 256;

/// A failed check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    #[error("the connection cannot be used: {0}")]
    Connection(#[from] Unusable),

    #[error("the message is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the message is not encoded as SAML wants it: {reason}")]
    Encoding { reason: &'static str },

    #[error("nobody asked for this response: it is not sent by us first, or the sign-in was used before")]
    Unsolicited,
    #[error("the sign-in began at another connection")]
    OtherConnection,
    #[error("the relay state is not the one of this sign-in")]
    RelayState,
    #[error("the sign-in began {seconds} s ago, which is too long")]
    TooSlow { seconds: i64 },

    #[error("the message has a document type, which no provider needs")]
    Doctype,
    #[error("the message is not well-formed XML of bounded depth and size, or has an ID twice")]
    Malformed,
    #[error("the message is deeper, or of more elements or namespaces, than any provider's is")]
    TooComplex,
    #[error("the message is a {found}, which is not what belongs here")]
    OtherMessage { found: String },
    #[error("the message breaks the schema of SAML at {element}: {reason}")]
    Schema { element: String, reason: &'static str },

    #[error("the response was sent to {}, we are {expected}", found.as_deref().unwrap_or("nobody in particular"))]
    Destination { expected: String, found: Option<String> },
    #[error("the {place} was issued by {}, this connection's provider is {expected}", found.as_deref().unwrap_or("nobody"))]
    Issuer { place: Place, expected: String, found: Option<String> },
    #[error("the provider says that it could not sign the person in: {code}{}", detail.as_deref().map(|detail| format!(", {detail}")).unwrap_or_default())]
    Status { code: String, detail: Option<String> },
    #[error("the response answers another request than ours")]
    InResponseTo,

    #[error("the response has {count} assertions; there must be one")]
    Assertions { count: usize },
    #[error(
        "the assertion or the name in it is encrypted, which we do not ask for: switch encryption off for this service"
    )]
    Encrypted,
    #[error("not signed where this connection wants it ({want:?})")]
    Unsigned { want: Want },
    #[error("the signature does not hold: {reason}")]
    Signature { reason: &'static str },
    #[error("the signature uses {name}, which is not allowed; SHA-256 or better with RSA or ECDSA is")]
    Algorithm { name: String },
    #[error("signed with a certificate that this connection does not trust: {subject}, SHA-256 {fingerprint}")]
    UntrustedCertificate { fingerprint: String, subject: String },
    #[error(
        "signed with a certificate that was trusted only after the sign-in began, or is not trusted any more: try again"
    )]
    CertificatesChanged,

    #[error("not valid yet for {seconds} s: the provider's clock is ahead of ours, or ours is behind")]
    NotYetValid { seconds: i64 },
    #[error("the {what} ended {seconds} s ago: the sign-in took too long, or the provider's clock is behind ours")]
    Expired { what: Term, seconds: i64 },
    #[error("the {what} has no end, which it must have")]
    Endless { what: Term },

    #[error("the assertion is meant for the audience {}, we are {expected}", listed(found))]
    Audience { expected: String, found: Vec<String> },
    #[error("the assertion is not confirmed by its bearer, only by {}", listed(methods))]
    Confirmation { methods: Vec<String> },
    #[error("the assertion is for the recipient {}, we are {expected}", listed(found))]
    Recipient { expected: String, found: Vec<String> },
    #[error("the assertion does not say that and when the person signed in")]
    NoSignIn,
    #[error("the person should have signed in anew, and did so {seconds} s before this sign-in began")]
    NotAnew { seconds: i64 },

    #[error("the {of} is {fault}")]
    Subject { of: SubjectPlace, fault: Fault },
    #[error("the attribute {name} is {fault}")]
    Attribute { name: String, fault: Fault },
}

/// Which part of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Message,
    Assertion,
}

/// Something with an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    Assertion,
    Confirmation,
    Session,
    Message,
}

/// What names the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectPlace {
    NameId,
    Attribute,
    SessionIndex,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Missing,
    TooLong,
    /// Control characters, or ones that turn, join or hide what is read.
    Characters,
    /// It changes with each sign-in and so names nobody.
    Transient,
    /// For another service.
    Foreign,
    TooMany,
}

macro_rules! display {
    ($($of:ident { $($variant:ident => $text:literal,)+ })+) => {$(
        impl std::fmt::Display for $of {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)+ })
            }
        }
    )+};
}

display! {
    Place { Message => "message", Assertion => "assertion", }
    Term { Assertion => "assertion", Confirmation => "confirmation", Session => "session at the provider", Message => "message", }
    SubjectPlace { NameId => "NameID", Attribute => "attribute that names the person", SessionIndex => "SessionIndex", }
    Fault {
        Missing => "missing or empty",
        TooLong => "too long",
        Characters => "made of characters that are not allowed in it",
        Transient => "transient: it changes with each sign-in; choose a persistent format or an attribute",
        Foreign => "one for another service",
        TooMany => "given more often than it may be",
    }
}

impl Reject {
    /// Never changes: texts, audit entries and alarms are found by it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Connection(unusable) => unusable.code(),
            Self::TooLarge { .. } => "saml_too_large",
            Self::Encoding { .. } => "saml_encoding",
            Self::Unsolicited => "saml_unsolicited",
            Self::OtherConnection => "saml_other_connection",
            Self::RelayState => "saml_relay_state",
            Self::TooSlow { .. } => "saml_too_slow",
            Self::Doctype => "saml_doctype",
            Self::Malformed => "saml_malformed",
            Self::TooComplex => "saml_too_complex",
            Self::OtherMessage { .. } => "saml_other_message",
            Self::Schema { .. } => "saml_schema",
            Self::Destination { .. } => "saml_destination",
            Self::Issuer { .. } => "saml_issuer",
            Self::Status { .. } => "saml_status",
            Self::InResponseTo => "saml_in_response_to",
            Self::Assertions { .. } => "saml_assertions",
            Self::Encrypted => "saml_encrypted",
            Self::Unsigned { .. } => "saml_unsigned",
            Self::Signature { .. } => "saml_signature",
            Self::Algorithm { .. } => "saml_algorithm",
            Self::UntrustedCertificate { .. } => "saml_untrusted_certificate",
            Self::CertificatesChanged => "saml_certificates_changed",
            Self::NotYetValid { .. } => "saml_not_yet_valid",
            Self::Expired { .. } => "saml_expired",
            Self::Endless { .. } => "saml_endless",
            Self::Audience { .. } => "saml_audience",
            Self::Confirmation { .. } => "saml_confirmation",
            Self::Recipient { .. } => "saml_recipient",
            Self::NoSignIn => "saml_no_sign_in",
            Self::NotAnew { .. } => "saml_not_anew",
            Self::Subject { .. } => "saml_subject",
            Self::Attribute { .. } => "saml_attribute",
        }
    }

    /// The line of a report that it belongs to.
    pub const fn check(&self) -> Check {
        match self {
            Self::Connection(_) => Check::Connection,
            Self::TooLarge { .. } | Self::Encoding { .. } => Check::Form,
            Self::Unsolicited | Self::OtherConnection | Self::RelayState | Self::TooSlow { .. } => Check::Attempt,
            Self::Doctype | Self::Malformed | Self::TooComplex | Self::OtherMessage { .. } | Self::Schema { .. } => {
                Check::Document
            }
            Self::Assertions { .. } | Self::Encrypted => Check::Document,
            Self::Destination { .. } => Check::Destination,
            Self::Issuer { place: Place::Message, .. } => Check::Issuer,
            Self::Status { .. } => Check::Status,
            Self::InResponseTo => Check::InResponseTo,
            Self::Unsigned { .. }
            | Self::Signature { .. }
            | Self::Algorithm { .. }
            | Self::UntrustedCertificate { .. }
            | Self::CertificatesChanged => Check::Signature,
            Self::Issuer { place: Place::Assertion, .. } => Check::AssertionIssuer,
            Self::Expired { what: Term::Confirmation | Term::Session, .. }
            | Self::Endless { what: Term::Confirmation | Term::Session } => Check::Confirmation,
            Self::NotYetValid { .. } | Self::Expired { .. } | Self::Endless { .. } => Check::Time,
            Self::Audience { .. } => Check::Audience,
            Self::Confirmation { .. } | Self::Recipient { .. } => Check::Confirmation,
            Self::NoSignIn | Self::NotAnew { .. } => Check::SignIn,
            Self::Subject { .. } => Check::Subject,
            Self::Attribute { .. } => Check::Attributes,
        }
    }
}

/// A text of a message, fit to be shown to an administrator and written to a log.
pub(super) fn clip(text: &str) -> String {
    let mut clipped: String =
        text.chars().take(TEXT_LIMIT).map(|char| if unfit(char) { '\u{fffd}' } else { char }).collect();
    if text.chars().nth(TEXT_LIMIT).is_some() {
        clipped.push('…');
    }
    clipped
}

fn listed(all: &[String]) -> String {
    if all.is_empty() { "nobody".to_owned() } else { all.join(", ") }
}

/// Control characters, and ones that turn, join or hide what is read: a name with one looks like another.
pub(super) fn unfit(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}
