//! The names of all that can be wrong, for administrators, the audit and tests. Nothing of what a provider or a browser
//! sent is repeated but what [`Shown`] lets through.

use std::fmt;

use super::report::Check;
use crate::fetch::FetchError;

/// A foreign text that may be shown: of an address only what addresses are made of, and not much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    const LONGEST: usize = 120;

    pub(super) fn new(text: &str) -> Self {
        let harmless = |letter: &char| letter.is_ascii_alphanumeric() || "-._~:/".contains(*letter);
        Self(text.chars().filter(harmless).take(Self::LONGEST).collect())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A setting that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Setting {
    #[error("the issuer must be an address that begins with https://, without ? and #")]
    Issuer,
    #[error("the client id must be 1 to 255 letters, digits and signs")]
    ClientId,
    #[error("the client secret is missing")]
    ClientSecret,
    #[error("Microsoft's tenant must be its id (8-4-4-4-12 hexadecimal digits), and the issuer that tenant's own")]
    Tenant,
    #[error("Google's domain must be one like example.com, and the issuer https://accounts.google.com")]
    Domain,
    #[error("Apple wants a key: team id, key id and the text of the .p8 file")]
    AppleKey,
    #[error("a scope must be one word of letters, digits and signs")]
    Scope,
}

/// A document of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    Discovery,
    Keys,
    Tokens,
    UserInfo,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discovery => "the provider's configuration",
            Self::Keys => "the provider's keys",
            Self::Tokens => "the provider's token endpoint",
            Self::UserInfo => "the provider's UserInfo endpoint",
        })
    }
}

/// Why a provider sent the person back without a code (RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the person, or the provider's rules, said no")]
    AccessDenied,
    #[error("the person must sign in, choose an account or agree there first")]
    Interaction,
    #[error("the client is not allowed to sign people in: look at the application's settings at the provider")]
    UnauthorizedClient,
    #[error("the provider does not know one of the scopes")]
    InvalidScope,
    #[error("the provider does not take the request: compare client id and redirect address")]
    InvalidRequest,
    #[error("the provider does not do the code flow for this client")]
    UnsupportedResponseType,
    #[error("the provider is out of order, or too busy")]
    Unavailable,
    #[error("the provider gave a reason that is not in the standards")]
    Other,
}

impl Refusal {
    pub(super) fn read(error: &str) -> Self {
        match error {
            "access_denied" => Self::AccessDenied,
            "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
                Self::Interaction
            }
            "unauthorized_client" => Self::UnauthorizedClient,
            "invalid_scope" => Self::InvalidScope,
            "invalid_request" => Self::InvalidRequest,
            "unsupported_response_type" => Self::UnsupportedResponseType,
            "server_error" | "temporarily_unavailable" => Self::Unavailable,
            _ => Self::Other,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::AccessDenied => "provider_access_denied",
            Self::Interaction => "provider_interaction_required",
            Self::UnauthorizedClient => "provider_unauthorized_client",
            Self::InvalidScope => "provider_invalid_scope",
            Self::InvalidRequest => "provider_invalid_request",
            Self::UnsupportedResponseType => "provider_unsupported_response_type",
            Self::Unavailable => "provider_unavailable",
            Self::Other => "provider_error",
        }
    }
}

/// A member without which a token means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Issuer,
    Subject,
    Expiry,
    IssuedAt,
}

impl Missing {
    const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "iss",
            Self::Subject => "sub",
            Self::Expiry => "exp",
            Self::IssuedAt => "iat",
        }
    }
}

/// The check that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    #[error("{0}")]
    Setting(Setting),

    #[error("{document} cannot be fetched: {error}")]
    Unreachable { document: Document, error: FetchError },
    #[error("{document} answered with status {status}")]
    Status { document: Document, status: u16 },
    #[error("{document} sent something else than was asked for")]
    Malformed { document: Document },
    #[error(
        "the provider's configuration is of another issuer ({found}): enter that, letter by letter, if it is yours"
    )]
    DiscoveryIssuer { found: Shown },
    #[error("the provider's {name} is missing, or an address that cannot be used: {error}")]
    Endpoint { name: &'static str, error: FetchError },
    #[error("the provider publishes no key for RS256, PS256, ES256 or EdDSA (RSA from 2048 to 4096 bits)")]
    NoUsableKey,
    #[error("the provider takes client secrets neither as client_secret_basic nor as client_secret_post")]
    ClientAuthentication,

    #[error("the sign-in was begun by another connection, or its settings have changed since")]
    OtherConnection,
    #[error("the sign-in took too long; begin again")]
    AttemptExpired,
    #[error("the sign-in was begun in another browser, or its cookie is missing")]
    OtherBrowser,
    #[error("the state is missing or of another sign-in")]
    State,
    #[error("the answer names another provider than the one that was asked")]
    IssuerParameter,
    #[error("the answer does not name its provider, although the provider's configuration says that answers do")]
    IssuerParameterMissing,
    #[error("the provider refused: {0}")]
    Refused(Refusal),
    #[error("the answer holds neither a code nor an error")]
    NoCode,

    #[error("the provider does not take the client id and its secret: compare them, and when the secret ends")]
    InvalidClient,
    #[error("the provider does not take the code: it was used, is too old, or of another sign-in")]
    InvalidGrant,
    #[error("the provider gave no tokens for the code")]
    ExchangeRefused,

    #[error("the provider sent no ID token: the scope openid is missing there")]
    NoIdToken,
    #[error("the token cannot be read, or is of another kind")]
    Token,
    #[error("the token has no {}", .0.name())]
    Missing(Missing),
    #[error("the token is of another issuer")]
    Issuer,
    #[error("the token is for another client, or for others besides us")]
    Audience,
    #[error("the token is signed by none of RS256, PS256, ES256 and EdDSA: choose one at the provider")]
    Algorithm,
    #[error("the token is signed by a key that the provider does not publish")]
    UnknownKey,
    #[error("the token does not say which of the provider's keys has signed it")]
    AmbiguousKey,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token has expired: compare the clocks")]
    Expired,
    #[error("the token is of another sign-in (nonce)")]
    Nonce,
    #[error("the token was made for another party (azp)")]
    AuthorizedParty,
    #[error("the token was made more than ten minutes ago, or lies in the future: compare the clocks")]
    IssuedAt,
    #[error("the person should have signed in anew, and the token does not say that they did")]
    NotAnew,
    #[error("the token's subject is empty, longer than 255 letters or no ASCII")]
    Subject,
    #[error("the access token is not the one that belongs to the ID token (at_hash), or cannot be used")]
    AccessToken,
    #[error("UserInfo tells of another person than the ID token")]
    UserInfoSubject,
    #[error("the person belongs to another Microsoft tenant, or the token does not say to which")]
    OtherTenant,
    #[error("the token has no oid, by which Microsoft names a person: allow the scope profile")]
    NoObjectId,
    #[error("the person belongs to another Google domain, or to none")]
    OtherDomain,
    #[error("Google does not say that the person's address is verified")]
    Unverified,

    #[error("the token does not say that it ends a session")]
    LogoutEvent,
    #[error("a token that ends a session must hold no nonce")]
    LogoutNonce,
    #[error("the token that ends a session has no id, or one that cannot be used")]
    LogoutId,
    #[error("the token that ends a session says neither which nor whose")]
    LogoutTarget,
}

impl Reject {
    /// A stable name, for translations and the audit.
    pub const fn code(&self) -> &'static str {
        use Document::{Discovery, Keys, Tokens, UserInfo};
        match self {
            Self::Setting(setting) => match setting {
                Setting::Issuer => "setting_issuer",
                Setting::ClientId => "setting_client_id",
                Setting::ClientSecret => "setting_client_secret",
                Setting::Tenant => "setting_tenant",
                Setting::Domain => "setting_domain",
                Setting::AppleKey => "setting_apple_key",
                Setting::Scope => "setting_scope",
            },
            Self::Unreachable { document: Discovery, .. } => "discovery_unreachable",
            Self::Unreachable { document: Keys, .. } => "keys_unreachable",
            Self::Unreachable { document: Tokens, .. } => "token_endpoint_unreachable",
            Self::Unreachable { document: UserInfo, .. } => "user_info_unreachable",
            Self::Status { document: Discovery, .. } => "discovery_status",
            Self::Status { document: Keys, .. } => "keys_status",
            Self::Status { document: Tokens, .. } => "token_endpoint_status",
            Self::Status { document: UserInfo, .. } => "user_info_status",
            Self::Malformed { document: Discovery } => "discovery_malformed",
            Self::Malformed { document: Keys } => "keys_malformed",
            Self::Malformed { document: Tokens } => "token_endpoint_malformed",
            Self::Malformed { document: UserInfo } => "user_info_malformed",
            Self::DiscoveryIssuer { .. } => "discovery_issuer",
            Self::Endpoint { .. } => "endpoint",
            Self::NoUsableKey => "no_usable_key",
            Self::ClientAuthentication => "client_authentication",
            Self::OtherConnection => "other_connection",
            Self::AttemptExpired => "attempt_expired",
            Self::OtherBrowser => "other_browser",
            Self::State => "state",
            Self::IssuerParameter => "issuer_parameter",
            Self::IssuerParameterMissing => "issuer_parameter_missing",
            Self::Refused(refusal) => refusal.code(),
            Self::NoCode => "no_code",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::ExchangeRefused => "exchange_refused",
            Self::NoIdToken => "no_id_token",
            Self::Token => "token",
            Self::Missing(missing) => match missing {
                Missing::Issuer => "missing_iss",
                Missing::Subject => "missing_sub",
                Missing::Expiry => "missing_exp",
                Missing::IssuedAt => "missing_iat",
            },
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::AmbiguousKey => "ambiguous_key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::Nonce => "nonce",
            Self::AuthorizedParty => "authorized_party",
            Self::IssuedAt => "issued_at",
            Self::NotAnew => "not_anew",
            Self::Subject => "subject",
            Self::AccessToken => "access_token",
            Self::UserInfoSubject => "user_info_subject",
            Self::OtherTenant => "other_tenant",
            Self::NoObjectId => "no_object_id",
            Self::OtherDomain => "other_domain",
            Self::Unverified => "unverified",
            Self::LogoutEvent => "logout_event",
            Self::LogoutNonce => "logout_nonce",
            Self::LogoutId => "logout_id",
            Self::LogoutTarget => "logout_target",
        }
    }

    /// Which check it was. Those of a token that ends a session count to reading it: no page shows them.
    pub const fn check(&self) -> Check {
        match self {
            Self::Setting(_) => Check::Settings,
            Self::Unreachable { document, .. } | Self::Status { document, .. } | Self::Malformed { document } => {
                match document {
                    Document::Discovery => Check::Discovery,
                    Document::Keys => Check::Keys,
                    Document::Tokens => Check::Exchange,
                    Document::UserInfo => Check::UserInfo,
                }
            }
            Self::DiscoveryIssuer { .. } => Check::DiscoveryIssuer,
            Self::Endpoint { .. } => Check::Endpoints,
            Self::NoUsableKey => Check::Keys,
            Self::ClientAuthentication => Check::ClientAuthentication,
            Self::OtherConnection | Self::AttemptExpired | Self::OtherBrowser | Self::State => Check::Attempt,
            Self::IssuerParameter | Self::IssuerParameterMissing => Check::IssuerParameter,
            Self::Refused(_) | Self::NoCode => Check::Answer,
            Self::InvalidClient | Self::InvalidGrant | Self::ExchangeRefused => Check::Exchange,
            Self::NoIdToken | Self::Token | Self::Missing(_) => Check::IdToken,
            Self::LogoutEvent | Self::LogoutNonce | Self::LogoutId | Self::LogoutTarget => Check::IdToken,
            Self::Issuer => Check::Issuer,
            Self::Audience => Check::Audience,
            Self::Algorithm => Check::Algorithm,
            Self::UnknownKey | Self::AmbiguousKey => Check::Key,
            Self::Signature => Check::Signature,
            Self::Expired => Check::Expiry,
            Self::Nonce => Check::Nonce,
            Self::AuthorizedParty => Check::AuthorizedParty,
            Self::IssuedAt | Self::NotAnew => Check::IssuedAt,
            Self::Subject => Check::Subject,
            Self::AccessToken => Check::AccessTokenHash,
            Self::UserInfoSubject => Check::UserInfoSubject,
            Self::OtherTenant | Self::NoObjectId | Self::OtherDomain | Self::Unverified => Check::Organisation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_as_the_token_names_it() {
        for (missing, name) in
            [(Missing::Issuer, "iss"), (Missing::Subject, "sub"), (Missing::Expiry, "exp"), (Missing::IssuedAt, "iat")]
        {
            assert!(Reject::Missing(missing).to_string().contains(name), "{missing:?}");
        }
    }

    #[test]
    fn each_reason_of_the_standards_has_its_own_words() {
        for (error, code) in [
            ("access_denied", "provider_access_denied"),
            ("login_required", "provider_interaction_required"),
            ("interaction_required", "provider_interaction_required"),
            ("consent_required", "provider_interaction_required"),
            ("account_selection_required", "provider_interaction_required"),
            ("unauthorized_client", "provider_unauthorized_client"),
            ("invalid_scope", "provider_invalid_scope"),
            ("invalid_request", "provider_invalid_request"),
            ("unsupported_response_type", "provider_unsupported_response_type"),
            ("server_error", "provider_unavailable"),
            ("temporarily_unavailable", "provider_unavailable"),
            ("<script>", "provider_error"),
        ] {
            assert_eq!(Refusal::read(error).code(), code, "{error}");
        }
    }
}
