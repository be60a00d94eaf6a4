//! What an organisation has agreed with its provider.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::certificate::Certificate;

/// The longest name of an entity (SAML Core, 8.3.6) and the longest address.
const NAME_LIMIT: usize = 1024;

/// At most this many certificates are trusted at once: the old one, the new one and one to spare.
pub const CERTIFICATES: usize = 3;

/// One connection. Has no secrets, but says a lot about an organisation: it is stored sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub own: Own,
    /// The provider's entity id; the only issuer that is believed.
    pub provider: String,
    /// Where people are sent to sign in.
    pub sign_in: Endpoint,
    /// Where they are sent to sign out, if the provider knows that.
    pub sign_out: Option<Endpoint>,
    /// What the provider may sign with: one to [`CERTIFICATES`].
    pub certificates: Vec<Certificate>,
    pub want: Want,
    pub subject: SubjectSource,
    pub attributes: AttributeNames,
    /// The organisation answers for the addresses that its provider states. SAML has no word for it.
    pub trust_email: bool,
}

/// Our own names and addresses. Each connection has others, so that nothing meant for one can be used at another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// Our entity id: the audience.
    pub entity_id: String,
    /// The assertion consumer: the recipient.
    pub acs: String,
    pub slo: String,
}

impl Own {
    /// `origin` without a slash at its end; `connection` is the connection's id.
    pub fn new(origin: &str, connection: &str) -> Self {
        let base = format!("{origin}/sso/saml/{connection}");
        Self { entity_id: format!("{base}/metadata"), acs: format!("{base}/acs"), slo: format!("{base}/slo") }
    }
}

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    Redirect,
    Post,
}

/// An address of the provider for browsers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub url: String,
    pub binding: Binding,
}

/// What has to be signed. A signature that is there must be right in any case, also where it is not asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// The response or the assertion: providers differ, and either covers the person.
    #[default]
    Either,
    Assertion,
    Response,
    Both,
}

/// What names a person for good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectSource {
    #[default]
    NameId,
    /// The one value of this attribute; for providers whose NameID changes with each sign-in.
    Attribute(String),
}

/// Which attributes hold what. The name is the `Name` of SAML, never the friendly one, which is not unique.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeNames {
    pub email: Option<String>,
    pub name: Option<String>,
    pub groups: Option<String>,
}

/// Why a connection cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("the provider's entity id is empty, too long or has spaces in it")]
    Provider,
    #[error("the provider has our own entity id")]
    Ourselves,
    #[error("{url} is not an https address of another site")]
    Address { url: String },
    #[error("{count} certificates; there must be one to {CERTIFICATES}")]
    Certificates { count: usize },
    #[error("the provider has no address for signing out")]
    NoSignOut,
}

impl Unusable {
    /// Never changes: texts are found by it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Provider => "saml_connection_provider",
            Self::Ourselves => "saml_connection_ourselves",
            Self::Address { .. } => "saml_connection_address",
            Self::Certificates { .. } => "saml_connection_certificates",
            Self::NoSignOut => "saml_connection_no_sign_out",
        }
    }
}

impl Connection {
    /// Whether it can be used. It is looked at before each use, because it comes from storage.
    pub fn check(&self) -> Result<(), Unusable> {
        check_entity(&self.provider)?;
        if self.provider == self.own.entity_id {
            return Err(Unusable::Ourselves);
        }
        for endpoint in [Some(&self.sign_in), self.sign_out.as_ref()].into_iter().flatten() {
            check_address(&endpoint.url)?;
        }
        if !(1..=CERTIFICATES).contains(&self.certificates.len()) {
            return Err(Unusable::Certificates { count: self.certificates.len() });
        }
        Ok(())
    }
}

/// Whether this can be an entity id.
pub(super) fn check_entity(name: &str) -> Result<(), Unusable> {
    let right = !name.is_empty()
        && name.len() <= NAME_LIMIT
        && !name.chars().any(|char| char.is_whitespace() || char.is_control());
    if right { Ok(()) } else { Err(Unusable::Provider) }
}

/// Only https, and without TLS this machine itself: browsers are sent there. Nothing is fetched from it.
pub(super) fn check_address(text: &str) -> Result<Url, Unusable> {
    let unusable = || Unusable::Address { url: super::reject::clip(text) };
    let url = Url::parse(text).map_err(|_| unusable())?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => return Err(unusable()),
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if scheme && plain && text.len() <= NAME_LIMIT { Ok(url) } else { Err(unusable()) }
}
