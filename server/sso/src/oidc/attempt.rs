//! What lies between the two requests of a sign-in.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;
use subtle::ConstantTimeEq;
use url::Url;

use super::connection::{Connection, in_the_clear};
use super::reject::Reject;

/// Milliseconds from the start of a sign-in to its end; cookie and row last as long. Somebody looks for the telephone that
/// holds the second factor meanwhile.
pub const LIFE: i64 = 15 * 60_000;

/// A sign-in that was begun. Whoever stores it as JSON seals that, under [`Attempt::state_hash`], and takes it out of its
/// table in the transaction that finishes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) redirect: Url,
    pub(super) state_hash: String,
    pub(super) browser_hash: String,
    #[serde(serialize_with = "in_the_clear")]
    pub(super) nonce: Secret,
    /// Of PKCE.
    #[serde(serialize_with = "in_the_clear")]
    pub(super) verifier: Secret,
    pub(super) begun: Millis,
    /// They have to prove themselves there once more, and the provider has to say that they did.
    #[serde(default)]
    pub(super) again: bool,
}

impl Attempt {
    /// The name under which it is stored, and found again by [`hash`] of the `state` that comes back.
    pub fn state_hash(&self) -> &str {
        &self.state_hash
    }

    /// From then on it is worth nothing.
    pub fn expires(&self) -> Millis {
        self.begun.plus(LIFE)
    }

    /// Whether this is the sign-in that the browser has come back from.
    pub(super) fn check(
        &self,
        connection: &Connection,
        state: Option<&Secret>,
        browser: Option<&Secret>,
        now: Millis,
    ) -> Result<(), Reject> {
        if (&self.issuer, &self.client_id) != (&connection.issuer, &connection.client_id) {
            return Err(Reject::OtherConnection);
        }
        let is = |given: Option<&Secret>, hashed: &str| given.is_some_and(|given| matches(given, hashed));
        if !is(state, &self.state_hash) {
            return Err(Reject::State);
        }
        if !is(browser, &self.browser_hash) {
            return Err(Reject::OtherBrowser);
        }
        if !(0..LIFE).contains(&now.0.saturating_sub(self.begun.0)) {
            return Err(Reject::AttemptExpired);
        }
        Ok(())
    }
}

/// What a browser brings back: parameters of the address, or of a form where the provider answers by one.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Callback {
    pub state: Option<Secret>,
    pub code: Option<Secret>,
    /// RFC 9207.
    pub iss: Option<String>,
    pub error: Option<String>,
    /// Apple's, unsigned.
    pub user: Option<Secret>,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}

/// The form in which `state` and the browser's cookie are kept: who reads the table cannot use it.
pub fn hash(secret: &Secret) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(secret.expose().as_bytes()))
}

/// Whether a secret is the one of that [`hash`].
pub fn matches(given: &Secret, hashed: &str) -> bool {
    hash(given).as_bytes().ct_eq(hashed.as_bytes()).into()
}

/// A new secret of 256 bits.
pub(super) fn secret(fill: &dyn Fn(&mut [u8])) -> Secret {
    let mut bytes = [0; 32];
    fill(&mut bytes);
    Secret::new(BASE64URL_NOPAD.encode(&bytes))
}
