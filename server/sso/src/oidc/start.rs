//! The first half of a sign-in: where the browser is sent.

use std::borrow::Cow;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse,
};
use openidconnect::{
    Client, ClientId, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, StandardErrorResponse,
};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;
use url::Url;

use super::RelyingParty;
use super::attempt::{Attempt, hash, secret};
use super::connection::{Connection, Rules};
use super::finish::Tokens;
use super::provider::Provider;
use super::reject::Reject;
use super::token::MoreClaims;

/// `openidconnect`'s client for a provider that was discovered.
pub(super) type Protocol = Client<
    MoreClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Started {
    /// Where the browser goes.
    pub url: Url,
    /// To be stored.
    pub attempt: Attempt,
    /// To be set as a cookie of that browser, and given to [`RelyingParty::finish`] as it comes back.
    pub browser: Secret,
}

impl RelyingParty {
    /// Begins a sign-in that comes back to `redirect`. `fill` gives random bytes.
    pub async fn start(
        &self,
        connection: &Connection,
        redirect: &Url,
        fill: &(dyn Fn(&mut [u8]) + Sync),
        now: Millis,
    ) -> Result<Started, Reject> {
        self.started(connection, redirect, fill, now, false).await
    }

    /// The same of somebody who has to show once more who they are: an earlier sign-in at the provider will not do.
    pub async fn start_again(
        &self,
        connection: &Connection,
        redirect: &Url,
        fill: &(dyn Fn(&mut [u8]) + Sync),
        now: Millis,
    ) -> Result<Started, Reject> {
        self.started(connection, redirect, fill, now, true).await
    }

    async fn started(
        &self,
        connection: &Connection,
        redirect: &Url,
        fill: &(dyn Fn(&mut [u8]) + Sync),
        now: Millis,
        again: bool,
    ) -> Result<Started, Reject> {
        connection.check(&*self.fetch)?;
        let provider = self.providers.get(&connection.issuer, now).await?;
        // Before somebody signs in there for nothing.
        provider.client_authentication(connection)?;

        let [state, nonce, verifier, browser] = std::array::from_fn(|_| secret(&fill));
        let attempt = Attempt {
            issuer: connection.issuer.clone(),
            client_id: connection.client_id.clone(),
            redirect: redirect.clone(),
            state_hash: hash(&state),
            browser_hash: hash(&browser),
            nonce: nonce.clone(),
            verifier: verifier.clone(),
            begun: now,
            again,
        };

        let protocol = protocol(connection, &provider);
        let challenge = PkceCodeVerifier::new(verifier.expose().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&challenge);
        let mut request = protocol
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state.expose().to_owned()),
                move || Nonce::new(nonce.expose().to_owned()),
            )
            .set_pkce_challenge(challenge)
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect.clone())))
            .add_scopes(connection.scopes.iter().cloned().map(Scope::new));
        if again {
            // With the second the provider has to say when they did.
            request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
        }
        match &connection.rules {
            Rules::Standard | Rules::Microsoft { .. } => {}
            // Only shows that domain's accounts; the token is what counts.
            Rules::Google { domain } => request = request.add_extra_param("hd", domain.clone()),
            // Apple gives name and address no other way.
            Rules::Apple => request = request.add_extra_param("response_mode", "form_post"),
        }
        let (url, ..) = request.url();
        Ok(Started { url, attempt, browser })
    }
}

pub(super) fn protocol(connection: &Connection, provider: &Provider) -> Protocol {
    // Only for UserInfo that is signed; ID tokens are verified with keys that may be newer.
    let metadata = provider.metadata.clone().set_jwks(provider.keys.clone());
    Client::from_provider_metadata(metadata, ClientId::new(connection.client_id.clone()), None)
}
