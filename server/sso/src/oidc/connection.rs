//! What an organisation enters about its provider.

use serde::{Deserialize, Serialize, Serializer};
use shutterpost_model::pii::Secret;
use url::Url;

use super::apple;
use super::reject::{Reject, Setting};
use crate::fetch::Fetch;

const GOOGLE: &str = "https://accounts.google.com";
const APPLE: &str = "https://appleid.apple.com";
/// No standard limits a client id; none in use comes near.
const LONGEST_CLIENT_ID: usize = 255;

/// How people of one organisation sign in by their provider. Whoever stores it as JSON seals that: secrets are in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Connection {
    /// Compared letter by letter.
    pub issuer: String,
    pub client_id: String,
    pub authentication: Authentication,
    pub rules: Rules,
    /// Asked for besides `openid`.
    pub scopes: Vec<String>,
    /// Claims that hold groups or roles: names, or JSON pointers like `/realm_access/roles`.
    pub group_claims: Vec<String>,
    /// Whether the UserInfo endpoint is asked for what the ID token does not say, where there is one.
    pub user_info: bool,
}

/// How we prove to the provider who we are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Authentication {
    Secret {
        #[serde(serialize_with = "in_the_clear")]
        secret: Secret,
        #[serde(default)]
        sent: Sent,
    },
    /// By a token that is signed anew for each request.
    AppleKey {
        team_id: String,
        key_id: String,
        /// The text of the .p8 file.
        #[serde(serialize_with = "in_the_clear")]
        private_key: Secret,
    },
}

/// Where a client secret is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// As the provider's configuration says; in the header if it takes both.
    #[default]
    AsPublished,
    /// `client_secret_basic`, for providers that hold a client to one of what they publish.
    InHeader,
    /// `client_secret_post`, for the same.
    InForm,
}

/// What a provider does in its own way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Rules {
    Standard,
    /// Everybody on earth can have an account there, and its owner writes whatever address into it: only the tenant
    /// counts, and addresses are never verified.
    Microsoft {
        tenant: String,
    },
    /// The same, but that addresses are verified: only the domain of Google Workspace counts.
    Google {
        domain: String,
    },
    /// Answers by a form of another site, tells a name once and unsigned.
    Apple,
}

impl Connection {
    /// A provider that keeps to the standard.
    pub fn standard(issuer: &str, client_id: &str, secret: Secret) -> Self {
        Self::new(issuer.to_owned(), client_id, by_secret(secret), Rules::Standard)
    }

    /// Microsoft Entra, one tenant.
    pub fn microsoft(tenant: &str, client_id: &str, secret: Secret) -> Self {
        let tenant = tenant.to_ascii_lowercase();
        let issuer = microsoft_issuer(&tenant);
        Self::new(issuer, client_id, by_secret(secret), Rules::Microsoft { tenant })
    }

    /// Google Workspace, one domain.
    pub fn google(domain: &str, client_id: &str, secret: Secret) -> Self {
        let domain = domain.to_ascii_lowercase();
        Self::new(GOOGLE.to_owned(), client_id, by_secret(secret), Rules::Google { domain })
    }

    /// Apple; the client id is the Services ID.
    pub fn apple(services_id: &str, team_id: &str, key_id: &str, private_key: Secret) -> Self {
        let (team_id, key_id) = (team_id.to_owned(), key_id.to_owned());
        let authentication = Authentication::AppleKey { team_id, key_id, private_key };
        Self::new(APPLE.to_owned(), services_id, authentication, Rules::Apple)
    }

    fn new(issuer: String, client_id: &str, authentication: Authentication, rules: Rules) -> Self {
        let (scopes, groups): (&[&str], &[&str]) = match rules {
            Rules::Standard => (&["profile", "email"], &["groups", "roles"]),
            Rules::Microsoft { .. } => (&["profile", "email"], &["roles", "groups"]),
            Rules::Google { .. } => (&["profile", "email"], &[]),
            Rules::Apple => (&["name", "email"], &[]),
        };
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            issuer,
            client_id: client_id.to_owned(),
            authentication,
            // The others say everything in the ID token, or have no such endpoint.
            user_info: rules == Rules::Standard,
            rules,
            scopes: owned(scopes),
            group_claims: owned(groups),
        }
    }

    /// Whether the settings can be; asks nobody.
    pub fn check(&self, fetch: &dyn Fetch) -> Result<(), Reject> {
        let ensure = |holds: bool, setting: Setting| if holds { Ok(()) } else { Err(Reject::Setting(setting)) };
        let issuer = Url::parse(&self.issuer).map_err(|_| Reject::Setting(Setting::Issuer))?;
        let plain = issuer.query().is_none() && issuer.fragment().is_none();
        ensure(plain && fetch.admits(&issuer).is_ok(), Setting::Issuer)?;
        let visible = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        ensure(visible(&self.client_id) && self.client_id.len() <= LONGEST_CLIENT_ID, Setting::ClientId)?;
        ensure(self.scopes.iter().all(|scope| visible(scope)), Setting::Scope)?;
        match &self.authentication {
            Authentication::Secret { secret, .. } => ensure(!secret.expose().is_empty(), Setting::ClientSecret)?,
            Authentication::AppleKey { team_id, key_id, private_key } => {
                let key = apple::read_key(private_key).is_some();
                ensure(visible(team_id) && visible(key_id) && key, Setting::AppleKey)?;
            }
        }
        match &self.rules {
            Rules::Standard => Ok(()),
            Rules::Apple => {
                let by_key = matches!(self.authentication, Authentication::AppleKey { .. });
                ensure(by_key && self.issuer == APPLE, Setting::AppleKey)
            }
            Rules::Microsoft { tenant } => {
                ensure(is_tenant(tenant) && self.issuer == microsoft_issuer(tenant), Setting::Tenant)
            }
            Rules::Google { domain } => ensure(is_domain(domain) && self.issuer == GOOGLE, Setting::Domain),
        }
    }
}

const fn by_secret(secret: Secret) -> Authentication {
    Authentication::Secret { secret, sent: Sent::AsPublished }
}

fn microsoft_issuer(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

/// An id, never `common` or `organizations`: those speak for all tenants.
pub(super) fn is_tenant(tenant: &str) -> bool {
    let lengths = tenant.split('-').map(str::len);
    let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    lengths.eq([8, 4, 4, 4, 12]) && tenant.bytes().all(hexadecimal)
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    domain.contains('.') && domain.split('.').all(label) && domain.bytes().all(|b| !b.is_ascii_uppercase())
}

/// For settings and attempts alone, which are sealed as a whole.
pub(super) fn in_the_clear<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}
