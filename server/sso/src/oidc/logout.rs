//! The end of sessions: ours told to the provider (RP-Initiated Logout), and the provider's told to us (Back-Channel
//! Logout).

use std::collections::HashMap;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{ClientId, CsrfToken, JsonWebKey, LogoutRequest, PostLogoutRedirectUrl};
use serde::Deserialize;
use serde_json::Value;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::Millis;
use url::Url;

use super::RelyingParty;
use super::attempt::secret;
use super::connection::Connection;
use super::keys::{ALGORITHMS, fits};
use super::reject::{Missing, Reject};
use super::token::{self, OLDEST, SKEW, is_subject};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Of a token that ends a session.
const LONGEST_TOKEN: usize = 16 * 1024;
/// Of the hint in an address: servers refuse longer addresses, and then nobody is signed out.
const LONGEST_HINT: usize = 4096;

/// Where the browser goes to end its session at the provider, after ours has ended.
#[derive(Debug)]
pub struct EndSession {
    pub url: Url,
    /// Comes back as `state`; keep its [`super::attempt::hash`] if that is to be checked.
    pub state: Secret,
}

/// A session, or all of a person, that the provider has ended.
#[derive(Debug)]
pub struct Ended {
    /// One use: it goes into a table before anything is done, and stays there until [`Ended::forget`].
    pub id: String,
    pub forget: Millis,
    /// That session; without it all of the person.
    pub session: Option<String>,
    /// `sub`, as in [`super::signed_in::SignedIn::sub`].
    pub sub: Option<Pii<String>>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    iat: Option<i64>,
    exp: Option<i64>,
    jti: Option<String>,
    sid: Option<String>,
    sub: Option<String>,
    events: Option<HashMap<String, Value>>,
    nonce: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl RelyingParty {
    /// Where to send the browser, which comes back to `back`; nothing if the provider ends no sessions. `id_token` is
    /// that of the sign-in.
    pub async fn end_session(
        &self,
        connection: &Connection,
        id_token: Option<&Secret>,
        back: &Url,
        fill: &(dyn Fn(&mut [u8]) + Sync),
        now: Millis,
    ) -> Result<Option<EndSession>, Reject> {
        connection.check(&*self.fetch)?;
        let provider = self.providers.get(&connection.issuer, now).await?;
        let Some(endpoint) = provider.metadata.additional_metadata().end_session_endpoint.clone() else {
            return Ok(None);
        };
        let state = secret(&fill);
        let mut request = LogoutRequest::from(endpoint)
            .set_client_id(ClientId::new(connection.client_id.clone()))
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::from_url(back.clone()))
            .set_state(CsrfToken::new(state.expose().to_owned()));
        let hint = id_token.filter(|token| token.expose().len() <= LONGEST_HINT);
        if let Some(hint) = hint.map(|token| token::read(token.expose())).transpose()? {
            request = request.set_id_token_hint(&hint);
        }
        Ok(Some(EndSession { url: request.http_get_url(), state }))
    }

    /// Reads a token by which the provider ends sessions. Anybody may send one: nothing is done but what its signature
    /// covers.
    pub async fn ended(&self, connection: &Connection, raw: &str, now: Millis) -> Result<Ended, Reject> {
        connection.check(&*self.fetch)?;
        // Before the provider is asked for anything.
        let token = Token::read(raw)?;
        let provider = self.providers.get(&connection.issuer, now).await?;
        match token.verify_signature(&provider.keys) {
            Err(Reject::UnknownKey) => {
                let newer = self.providers.with_new_keys(&connection.issuer, &Arc::clone(&provider), now).await?;
                token.verify_signature(&newer.ok_or(Reject::UnknownKey)?.keys)?;
            }
            other => other?,
        }
        token.check(connection, now)
    }
}

struct Token<'a> {
    algorithm: CoreJwsSigningAlgorithm,
    key_id: Option<String>,
    signed: &'a [u8],
    signature: Vec<u8>,
    claims: Claims,
}

impl<'a> Token<'a> {
    /// Reads the parts of a token (RFC 7515, 7.1) and believes nothing of it.
    fn read(raw: &'a str) -> Result<Self, Reject> {
        if raw.len() > LONGEST_TOKEN {
            return Err(Reject::Token);
        }
        let (signed, signature) = raw.rsplit_once('.').ok_or(Reject::Token)?;
        let (header, claims) = signed.split_once('.').ok_or(Reject::Token)?;
        let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Reject::Token);
        let Header { alg, kid, typ, crit } = serde_json::from_slice(&decode(header)?).map_err(|_| Reject::Token)?;
        // Tokens of another kind, ID tokens aside, say what they are (RFC 8725, 3.11).
        let typ = typ.unwrap_or_default().to_ascii_lowercase();
        let kind = typ.strip_prefix("application/").unwrap_or(&typ);
        if crit.is_some() || !matches!(kind, "" | "jwt" | "logout+jwt") {
            return Err(Reject::Token);
        }
        let algorithm = serde_json::from_value(Value::String(alg)).map_err(|_| Reject::Algorithm)?;
        if !ALGORITHMS.contains(&algorithm) {
            return Err(Reject::Algorithm);
        }
        let claims = serde_json::from_slice(&decode(claims)?).map_err(|_| Reject::Token)?;
        Ok(Self { algorithm, key_id: kid, signed: signed.as_bytes(), signature: decode(signature)?, claims })
    }

    fn verify_signature(&self, keys: &CoreJsonWebKeySet) -> Result<(), Reject> {
        let named = |id: Option<&str>| self.key_id.is_none() || self.key_id.as_deref() == id;
        let mut matching =
            keys.keys().iter().filter(|key| named(key.key_id().map(|id| id.as_str())) && fits(key, &self.algorithm));
        let key = matching.next().ok_or(Reject::UnknownKey)?;
        if matching.next().is_some() {
            return Err(Reject::AmbiguousKey);
        }
        key.verify_signature(&self.algorithm, self.signed, &self.signature).map_err(|_| Reject::Signature)
    }

    /// The rules of Back-Channel Logout 2.6.
    fn check(self, connection: &Connection, now: Millis) -> Result<Ended, Reject> {
        let Claims { iss, aud, iat, exp, jti, sid, sub, events, nonce } = self.claims;
        if iss.ok_or(Reject::Missing(Missing::Issuer))? != connection.issuer {
            return Err(Reject::Issuer);
        }
        let ours = match &aud {
            Some(Audience::One(audience)) => *audience == connection.client_id,
            Some(Audience::Several(all)) => {
                !all.is_empty() && all.iter().all(|audience| *audience == connection.client_id)
            }
            None => false,
        };
        if !ours {
            return Err(Reject::Audience);
        }
        let issued = iat.ok_or(Reject::Missing(Missing::IssuedAt))?.saturating_mul(1000);
        if !(-SKEW..=OLDEST).contains(&now.0.saturating_sub(issued)) {
            return Err(Reject::IssuedAt);
        }
        // Older providers give none; the time of issue bounds it as well.
        if exp.is_some_and(|expires| expires.saturating_mul(1000) <= now.0) {
            return Err(Reject::Expired);
        }
        if !events.is_some_and(|events| events.get(EVENT).is_some_and(Value::is_object)) {
            return Err(Reject::LogoutEvent);
        }
        // With one it could be an ID token.
        if nonce.is_some() {
            return Err(Reject::LogoutNonce);
        }
        let id = jti.filter(|id| is_subject(id)).ok_or(Reject::LogoutId)?;
        if sid.is_none() && sub.is_none() {
            return Err(Reject::LogoutTarget);
        }
        if ![&sid, &sub].into_iter().flatten().all(|text| is_subject(text)) {
            return Err(Reject::LogoutTarget);
        }
        let forget = Millis(issued).plus(OLDEST + SKEW);
        Ok(Ended { id, forget, session: sid, sub: sub.map(Pii::new) })
    }
}
