//! The second half of a sign-in: from what the browser brought back to a person.

use std::fmt;
use std::sync::Arc;

use openidconnect::core::{
    CoreErrorResponseType, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreTokenType,
};
use openidconnect::{
    AuthorizationCode, ClientSecret, ExtraTokenFields, OAuth2TokenResponse, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, StandardErrorResponse, StandardTokenResponse, TokenResponse,
};
use serde::{Deserialize, Serialize};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;

use super::attempt::{Attempt, Callback};
use super::connection::{Authentication, Connection};
use super::provider::{Http, Provider};
use super::reject::{Document, Refusal, Reject, Setting};
use super::report::{Check, Report};
use super::signed_in::{self, SignedIn};
use super::start::{Protocol, protocol};
use super::token::{self, Expected, IdToken, MoreClaims};
use super::{RelyingParty, apple, user_info};
use crate::fetch::FetchError;

/// The answer of a token endpoint.
pub(super) type Tokens = StandardTokenResponse<RawIdToken, CoreTokenType>;

/// The ID token as it came.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct RawIdToken {
    id_token: Option<String>,
}

impl fmt::Debug for RawIdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawIdToken")
    }
}

impl ExtraTokenFields for RawIdToken {}

impl TokenResponse<MoreClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm> for Tokens {
    // Read by `token::read`, which can name what is wrong with it. Read here, nothing of the answer could be read.
    fn id_token(&self) -> Option<&IdToken> {
        None
    }
}

impl RelyingParty {
    /// Ends a sign-in. `browser` is the cookie that [`super::start::Started::browser`] became. Each check that is made
    /// goes into the report, and the one that fails is returned too.
    pub async fn finish(
        &self,
        connection: &Connection,
        attempt: &Attempt,
        callback: &Callback,
        browser: Option<&Secret>,
        now: Millis,
        report: &mut Report,
    ) -> Result<SignedIn, Reject> {
        let answer = self.finished(connection, attempt, callback, browser, now, report).await;
        answer.inspect_err(|reject| report.fail(reject))
    }

    async fn finished(
        &self,
        connection: &Connection,
        attempt: &Attempt,
        callback: &Callback,
        browser: Option<&Secret>,
        now: Millis,
        report: &mut Report,
    ) -> Result<SignedIn, Reject> {
        connection.check(&*self.fetch)?;
        report.pass(Check::Settings);
        attempt.check(connection, callback.state.as_ref(), browser, now)?;
        report.pass(Check::Attempt);
        let mut provider = self.providers.get(&connection.issuer, now).await?;
        report.pass_all(&Check::DISCOVERY);

        check_issuer(connection, &provider, callback.iss.as_deref())?;
        report.pass(Check::IssuerParameter);
        if let Some(error) = &callback.error {
            return Err(Reject::Refused(Refusal::read(error)));
        }
        let code = callback.code.as_ref().ok_or(Reject::NoCode)?;
        report.pass(Check::Answer);

        let protocol = protocol(connection, &provider)
            .set_client_secret(client_secret(connection, now)?)
            .set_auth_type(provider.client_authentication(connection)?)
            .set_redirect_uri(RedirectUrl::from_url(attempt.redirect.clone()));
        let tokens = self.exchange(&protocol, code, attempt).await?;
        report.pass(Check::Exchange);

        let raw = tokens.extra_fields().id_token.as_deref().ok_or(Reject::NoIdToken)?;
        let id_token = token::read(raw)?;
        let expected = Expected { connection, nonce: &attempt.nonce, access_token: tokens.access_token(), now };
        let mut verified = token::verify(&id_token, &expected, &provider);
        if matches!(verified, Err(Reject::UnknownKey))
            && let Some(newer) = self.providers.with_new_keys(&connection.issuer, &provider, now).await?
        {
            provider = newer;
            verified = token::verify(&id_token, &expected, &provider);
        }
        let claims = verified.inspect_err(|reject| report.pass_before(reject.check(), &Check::TOKEN))?;
        report.pass_all(&Check::TOKEN);
        token::verify_rest(&id_token, claims, &expected, &provider, report)?;
        if attempt.again {
            let at = claims.auth_time().map(|at| at.timestamp_millis());
            if at.is_none_or(|at| at < attempt.begun.0 - token::SKEW) {
                return Err(Reject::NotAnew);
            }
        }

        let told = if connection.user_info && provider.metadata.userinfo_endpoint().is_some() {
            let http = Http(&*self.fetch);
            let told = user_info::ask(&http, &protocol, tokens.access_token(), claims.subject()).await;
            let told = told.inspect_err(|reject| {
                if *reject == Reject::UserInfoSubject {
                    report.pass(Check::UserInfo);
                }
            })?;
            report.pass_all(&[Check::UserInfo, Check::UserInfoSubject]);
            Some(told)
        } else {
            None
        };
        let signed_in = signed_in::read(connection, claims, told.as_ref(), callback.user.as_ref(), raw)?;
        report.pass(Check::Organisation);
        Ok(signed_in)
    }

    async fn exchange(&self, protocol: &Protocol, code: &Secret, attempt: &Attempt) -> Result<Tokens, Reject> {
        protocol
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .map_err(|_| Reject::Endpoint { name: "token_endpoint", error: FetchError::Address })?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.expose().to_owned()))
            .request_async(&Http(&*self.fetch))
            .await
            .map_err(not_exchanged)
    }
}

/// A sign-in at one provider must not end with the answer of another (RFC 9207).
fn check_issuer(connection: &Connection, provider: &Arc<Provider>, named: Option<&str>) -> Result<(), Reject> {
    let required = provider.metadata.additional_metadata().authorization_response_iss_parameter_supported;
    match named {
        Some(named) if named == connection.issuer => Ok(()),
        Some(_) => Err(Reject::IssuerParameter),
        None if required => Err(Reject::IssuerParameterMissing),
        None => Ok(()),
    }
}

fn client_secret(connection: &Connection, now: Millis) -> Result<ClientSecret, Reject> {
    let secret = match &connection.authentication {
        Authentication::Secret { secret, .. } => secret.clone(),
        Authentication::AppleKey { team_id, key_id, private_key } => {
            let key = apple::read_key(private_key).ok_or(Reject::Setting(Setting::AppleKey))?;
            apple::client_secret(&key, (team_id, key_id), &connection.client_id, &connection.issuer, now)
        }
    };
    Ok(ClientSecret::new(secret.expose().to_owned()))
}

/// The library's words quote the answer; only its meaning is kept.
fn not_exchanged(error: RequestTokenError<FetchError, StandardErrorResponse<CoreErrorResponseType>>) -> Reject {
    match error {
        RequestTokenError::Request(error) => Reject::Unreachable { document: Document::Tokens, error },
        RequestTokenError::ServerResponse(answer) => match answer.error() {
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => Reject::InvalidClient,
            CoreErrorResponseType::InvalidGrant => Reject::InvalidGrant,
            _ => Reject::ExchangeRefused,
        },
        _ => Reject::Malformed { document: Document::Tokens },
    }
}
