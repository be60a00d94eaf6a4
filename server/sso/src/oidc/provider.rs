//! What providers publish about themselves, and for how long it is believed.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::ACCEPT;
use http::{HeaderValue, Method, Request, StatusCode};
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode,
    CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AsyncHttpClient, AuthType, EndSessionUrl, HttpRequest, HttpResponse, IssuerUrl,
    ProviderMetadata,
};
use serde::{Deserialize, Serialize};
use shutterpost_model::time::Millis;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::connection::{Authentication, Connection, Sent};
use super::keys;
use super::reject::{Document, Reject, Setting, Shown};
use crate::fetch::{Fetch, FetchError};

/// Milliseconds for which documents are believed.
const LIFE: i64 = 3_600_000;
/// Between two questions for keys because a token names an unknown one, in milliseconds: whoever sends such tokens must not
/// make us ask.
const KEYS_REST: i64 = 60_000;
/// After a failure, in milliseconds: who waits is not made to wait for the same failure again.
const FAILURE_REST: i64 = 10_000;
const MOST_PROVIDERS: usize = 256;

/// What discovery says beyond OpenID Connect Core.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct More {
    pub end_session_endpoint: Option<EndSessionUrl>,
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

pub(super) type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A provider's documents, read and checked.
#[derive(Debug)]
pub(super) struct Provider {
    pub metadata: Metadata,
    pub keys: CoreJsonWebKeySet,
}

impl Provider {
    /// How the token endpoint wants to be shown the secret. Where nothing is said the standard says: in the header.
    pub fn client_authentication(&self, connection: &Connection) -> Result<AuthType, Reject> {
        let sent = match &connection.authentication {
            Authentication::Secret { sent, .. } => *sent,
            // Apple knows nothing else, whatever its documents say.
            Authentication::AppleKey { .. } => Sent::InForm,
        };
        let offered = self.metadata.token_endpoint_auth_methods_supported();
        let offers = |method: &CoreClientAuthMethod| offered.is_some_and(|offered| offered.contains(method));
        match sent {
            Sent::InHeader => Ok(AuthType::BasicAuth),
            Sent::InForm => Ok(AuthType::RequestBody),
            Sent::AsPublished if offered.is_none() || offers(&CoreClientAuthMethod::ClientSecretBasic) => {
                Ok(AuthType::BasicAuth)
            }
            Sent::AsPublished if offers(&CoreClientAuthMethod::ClientSecretPost) => Ok(AuthType::RequestBody),
            Sent::AsPublished => Err(Reject::ClientAuthentication),
        }
    }
}

/// The documents of all providers in use. They are public and the same for everybody, so that organisations share them.
pub(super) struct Providers {
    fetch: Arc<dyn Fetch>,
    slots: Mutex<HashMap<String, Slot>>,
}

struct Slot {
    used: Millis,
    // Held while a document is fetched: who comes meanwhile waits for that one answer.
    known: Arc<AsyncMutex<Known>>,
}

#[derive(Default)]
struct Known {
    provider: Option<(Millis, Arc<Provider>)>,
    failed: Option<(Millis, Reject)>,
    asked_for_keys: Option<Millis>,
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Providers")
    }
}

impl Providers {
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch, slots: Mutex::default() }
    }

    /// The documents of a provider, fetched if they are not there or too old.
    pub async fn get(&self, issuer: &str, now: Millis) -> Result<Arc<Provider>, Reject> {
        let slot = self.slot(issuer, now);
        let mut known = slot.lock().await;
        if let Some((at, provider)) = &known.provider
            && within(*at, now, LIFE)
        {
            return Ok(Arc::clone(provider));
        }
        if let Some((at, reject)) = &known.failed
            && within(*at, now, FAILURE_REST)
        {
            return Err(reject.clone());
        }
        match self.discover(issuer).await {
            Ok(provider) => {
                let provider = Arc::new(provider);
                *known = Known { provider: Some((now, Arc::clone(&provider))), ..Known::default() };
                Ok(provider)
            }
            Err(reject) => {
                known.failed = Some((now, reject.clone()));
                Err(reject)
            }
        }
    }

    /// The same with keys fetched anew, for a token by a key that `seen` does not have; nothing if that was done within
    /// the last minute. Whatever else is wrong with a token must not lead here.
    pub async fn with_new_keys(
        &self,
        issuer: &str,
        seen: &Arc<Provider>,
        now: Millis,
    ) -> Result<Option<Arc<Provider>>, Reject> {
        let slot = self.slot(issuer, now);
        let mut known = slot.lock().await;
        if let Some((_, current)) = &known.provider
            && !Arc::ptr_eq(current, seen)
        {
            return Ok(Some(Arc::clone(current)));
        }
        if known.asked_for_keys.is_some_and(|at| within(at, now, KEYS_REST)) {
            return Ok(None);
        }
        known.asked_for_keys = Some(now);
        let keys = self.keys(&seen.metadata).await?;
        let provider = Arc::new(Provider { metadata: seen.metadata.clone(), keys });
        if let Some((_, current)) = &mut known.provider {
            *current = Arc::clone(&provider);
        }
        Ok(Some(provider))
    }

    /// Makes the next question go to the provider, for an administrator who has just changed something there.
    pub fn forget(&self, issuer: &str) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(issuer);
    }

    fn slot(&self, issuer: &str, now: Millis) -> Arc<AsyncMutex<Known>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.contains_key(issuer) && slots.len() >= MOST_PROVIDERS {
            let oldest = slots.iter().min_by_key(|(_, slot)| slot.used).map(|(issuer, _)| issuer.clone());
            oldest.map(|oldest| slots.remove(&oldest));
        }
        let slot = slots.entry(issuer.to_owned()).or_insert_with(|| Slot { used: now, known: Arc::default() });
        slot.used = now;
        Arc::clone(&slot.known)
    }

    async fn discover(&self, issuer: &str) -> Result<Provider, Reject> {
        let url = IssuerUrl::new(issuer.to_owned()).and_then(|issuer| issuer.join(".well-known/openid-configuration"));
        let url = url.map_err(|_| Reject::Setting(Setting::Issuer))?;
        let body = self.document(Document::Discovery, &url).await?;
        let metadata: Metadata =
            serde_json::from_slice(&body).map_err(|_| Reject::Malformed { document: Document::Discovery })?;
        if metadata.issuer().as_str() != issuer {
            return Err(Reject::DiscoveryIssuer { found: Shown::new(metadata.issuer()) });
        }
        // Those that only browsers visit as well: nobody is to be sent to `javascript:` or to plain http.
        let endpoints = [
            ("authorization_endpoint", true, Some(metadata.authorization_endpoint().url())),
            ("token_endpoint", true, metadata.token_endpoint().map(|url| url.url())),
            ("jwks_uri", true, Some(metadata.jwks_uri().url())),
            ("userinfo_endpoint", false, metadata.userinfo_endpoint().map(|url| url.url())),
            (
                "end_session_endpoint",
                false,
                metadata.additional_metadata().end_session_endpoint.as_ref().map(|url| url.url()),
            ),
        ];
        for (name, required, url) in endpoints {
            let admitted = match url {
                Some(url) => self.fetch.admits(url),
                None if required => Err(FetchError::Address),
                None => Ok(()),
            };
            admitted.map_err(|error| Reject::Endpoint { name, error })?;
        }
        let keys = self.keys(&metadata).await?;
        Ok(Provider { metadata, keys })
    }

    async fn keys(&self, metadata: &Metadata) -> Result<CoreJsonWebKeySet, Reject> {
        keys::read(&self.document(Document::Keys, metadata.jwks_uri().url()).await?)
    }

    async fn document(&self, document: Document, url: &Url) -> Result<Vec<u8>, Reject> {
        let mut request = Request::new(Vec::new());
        *request.method_mut() = Method::GET;
        let unreachable = |error| Reject::Unreachable { document, error };
        *request.uri_mut() = url.as_str().parse().map_err(|_| unreachable(FetchError::Address))?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.fetch.ask(request).await.map_err(unreachable)?;
        match answer.status() {
            StatusCode::OK => Ok(answer.into_body()),
            status => Err(Reject::Status { document, status: status.as_u16() }),
        }
    }
}

/// Whether less than that many milliseconds have gone by. A clock that was set back makes everything old.
fn within(at: Millis, now: Millis, millis: i64) -> bool {
    (0..millis).contains(&now.0.saturating_sub(at.0))
}

/// The port, as `openidconnect` knows it.
pub(super) struct Http<'a>(pub &'a dyn Fetch);

impl<'c> AsyncHttpClient<'c> for Http<'_> {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.0.ask(request)
    }
}
