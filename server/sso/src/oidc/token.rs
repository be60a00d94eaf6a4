//! The ID token: what `openidconnect` checks, and what it does not.
//!
//! It checks signature, issuer, audience, expiry and nonce. Ours are the list of algorithms (it would take the provider's),
//! no audience besides us, `azp`, the age of a token, `nbf`, the form of `sub`, `at_hash`, and the strength of keys (see
//! [`super::keys`]). It is never given the client secret as a key.

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{
    CoreGenderClaim, CoreIdTokenVerifier, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, ClaimsVerificationError, ClientId, IdTokenClaims, IdTokenVerifier,
    IssuerUrl, Nonce, SignatureVerificationError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;

use super::connection::Connection;
use super::keys::ALGORITHMS;
use super::provider::Provider;
use super::reject::{Missing, Reject, Setting};
use super::report::{Check, Report};

/// A token may be this old when it comes, in milliseconds.
pub(super) const OLDEST: i64 = 10 * 60_000;
/// By this much the provider's clock may be ahead, in milliseconds.
pub(super) const SKEW: i64 = 60_000;
/// Of `sub`, in ASCII letters (OpenID Connect Core 2).
const LONGEST_SUBJECT: usize = 255;

/// All claims that are not in the standard.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct MoreClaims {
    #[serde(flatten)]
    pub all: Map<String, Value>,
}

impl AdditionalClaims for MoreClaims {}

pub(super) type IdToken =
    openidconnect::IdToken<MoreClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(super) type Claims = IdTokenClaims<MoreClaims, CoreGenderClaim>;

/// What a token has to belong to.
pub(super) struct Expected<'a> {
    pub connection: &'a Connection,
    pub nonce: &'a Secret,
    pub access_token: &'a AccessToken,
    pub now: Millis,
}

/// Reads a token and believes nothing of it.
pub(super) fn read(raw: &str) -> Result<IdToken, Reject> {
    raw.parse().map_err(|_| unreadable(raw))
}

/// Why the library could not read a token; its own words quote from it.
fn unreadable(raw: &str) -> Reject {
    let part = |index: usize| -> Option<Value> {
        let part = BASE64URL_NOPAD.decode(raw.split('.').nth(index)?.as_bytes()).ok()?;
        serde_json::from_slice(&part).ok()
    };
    let (Some(header), Some(claims)) = (part(0), part(1)) else { return Reject::Token };
    let algorithm = header.get("alg").cloned().unwrap_or_default();
    if serde_json::from_value::<CoreJwsSigningAlgorithm>(algorithm).is_err() {
        return Reject::Algorithm;
    }
    [("iss", Missing::Issuer), ("sub", Missing::Subject), ("exp", Missing::Expiry), ("iat", Missing::IssuedAt)]
        .into_iter()
        .find(|(name, _)| claims.get(name).is_none())
        .map_or(Reject::Token, |(_, missing)| Reject::Missing(missing))
}

/// The claims of a token that is the provider's, for us, and of this sign-in.
pub(super) fn verify<'t>(
    token: &'t IdToken,
    expected: &Expected<'_>,
    provider: &Provider,
) -> Result<&'t Claims, Reject> {
    let verifier = verifier(expected, provider)?;
    token.claims(&verifier, &Nonce::new(expected.nonce.expose().to_owned())).map_err(refused)
}

/// The checks that are left to us.
pub(super) fn verify_rest(
    token: &IdToken,
    claims: &Claims,
    expected: &Expected<'_>,
    provider: &Provider,
    report: &mut Report,
) -> Result<(), Reject> {
    // There is no audience besides us, so that the only party can be us as well.
    if claims.authorized_party().is_some_and(|party| *party.as_str() != *expected.connection.client_id) {
        return Err(Reject::AuthorizedParty);
    }
    report.pass(Check::AuthorizedParty);

    let age = expected.now.0.saturating_sub(claims.issue_time().timestamp_millis());
    if !(-SKEW..=OLDEST).contains(&age) {
        return Err(Reject::IssuedAt);
    }
    if let Some(not_before) = claims.additional_claims().all.get("nbf") {
        let not_before = not_before.as_i64().ok_or(Reject::Token)?.saturating_mul(1000);
        if not_before.saturating_sub(expected.now.0) > SKEW {
            return Err(Reject::IssuedAt);
        }
    }
    report.pass(Check::IssuedAt);

    if !is_subject(claims.subject()) {
        return Err(Reject::Subject);
    }
    report.pass(Check::Subject);

    // Optional in the code flow (OpenID Connect Core 3.1.3.6); without it UserInfo's `sub` is the tie.
    if let Some(hash) = claims.access_token_hash() {
        let verifier = verifier(expected, provider)?;
        let (Ok(key), Ok(algorithm)) = (token.signing_key(&verifier), token.signing_alg()) else {
            return Err(Reject::AccessToken);
        };
        if AccessTokenHash::from_token(expected.access_token, algorithm, key).as_ref() != Ok(hash) {
            return Err(Reject::AccessToken);
        }
    }
    report.pass(Check::AccessTokenHash);
    Ok(())
}

/// One to 255 visible letters of ASCII.
pub(super) fn is_subject(subject: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&subject.len()) && subject.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn verifier<'a>(expected: &Expected<'_>, provider: &Provider) -> Result<CoreIdTokenVerifier<'a>, Reject> {
    let issuer = IssuerUrl::new(expected.connection.issuer.clone()).map_err(|_| Reject::Setting(Setting::Issuer))?;
    let client_id = ClientId::new(expected.connection.client_id.clone());
    let now: DateTime<Utc> = DateTime::from_timestamp_millis(expected.now.0).ok_or(Reject::Expired)?;
    let verifier: IdTokenVerifier<'a, CoreJsonWebKey> =
        IdTokenVerifier::new_public_client(client_id, issuer, provider.keys.clone());
    Ok(verifier.set_allowed_algs(ALGORITHMS).set_time_fn(move || now))
}

/// The library's words quote from the token; only which check it was is kept.
fn refused(error: ClaimsVerificationError) -> Reject {
    use SignatureVerificationError as Wrong;
    match error {
        ClaimsVerificationError::InvalidIssuer(_) => Reject::Issuer,
        ClaimsVerificationError::InvalidAudience(_) => Reject::Audience,
        ClaimsVerificationError::Expired(_) => Reject::Expired,
        ClaimsVerificationError::InvalidNonce(_) => Reject::Nonce,
        ClaimsVerificationError::InvalidSubject(_) => Reject::Subject,
        ClaimsVerificationError::SignatureVerification(wrong) => match wrong {
            Wrong::NoMatchingKey => Reject::UnknownKey,
            Wrong::AmbiguousKeyId(_) => Reject::AmbiguousKey,
            Wrong::DisallowedAlg(_) | Wrong::UnsupportedAlg(_) | Wrong::NoSignature => Reject::Algorithm,
            _ => Reject::Signature,
        },
        _ => Reject::Token,
    }
}
