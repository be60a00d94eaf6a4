//! The client secret that Apple wants: a token by a key of ours, for one request.

use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey;
use serde_json::json;
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;

/// Apple allows six months.
const LIFE_SECONDS: i64 = 300;

/// The key of a .p8 file.
pub(super) fn read_key(pem: &Secret) -> Option<SigningKey> {
    // Nothing of the library's words: they could quote the key.
    SigningKey::from_pkcs8_pem(pem.expose().trim()).ok()
}

/// Signed by that key, for that provider alone. Deterministic (RFC 6979): no randomness to get wrong.
pub(super) fn client_secret(
    key: &SigningKey,
    (team_id, key_id): (&str, &str),
    client_id: &str,
    issuer: &str,
    now: Millis,
) -> Secret {
    let now = now.0.div_euclid(1000);
    let header = json!({ "alg": "ES256", "kid": key_id });
    let claims = json!({ "iss": team_id, "iat": now, "exp": now + LIFE_SECONDS, "aud": issuer, "sub": client_id });
    let encode = |part: &serde_json::Value| BASE64URL_NOPAD.encode(part.to_string().as_bytes());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let signature: Signature = key.sign(signed.as_bytes());
    Secret::new(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature.to_bytes())))
}
