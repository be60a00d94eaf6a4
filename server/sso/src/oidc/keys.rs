//! The keys that a provider publishes (RFC 7517), as far as they are good for anything here.

use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey, JsonWebKeyAlgorithm, JsonWebKeyUse, JwsSigningAlgorithm};
use serde::Deserialize;
use serde_json::Value;

use super::reject::{Document, Reject};

/// The algorithms that tokens may be signed by. Ours, never the provider's list: one that advertises HS256 would turn
/// the client secret into a key.
pub(super) const ALGORITHMS: [CoreJwsSigningAlgorithm; 4] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Of a set this many keys are looked at.
const MOST_KEYS: usize = 64;
/// Of an RSA modulus; shorter ones are broken, longer ones are refused by the library when a token comes.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// Reads a key set; keys that cannot be read or used do not harm the others.
pub(super) fn read(body: &[u8]) -> Result<CoreJsonWebKeySet, Reject> {
    let Set { keys } = serde_json::from_slice(body).map_err(|_| Reject::Malformed { document: Document::Keys })?;
    let usable: Vec<CoreJsonWebKey> = keys
        .into_iter()
        .take(MOST_KEYS)
        .filter(is_strong)
        .filter_map(|key| serde_json::from_value(key).ok())
        .filter(|key| ALGORITHMS.iter().any(|algorithm| fits(key, algorithm)))
        .collect();
    if usable.is_empty() { Err(Reject::NoUsableKey) } else { Ok(CoreJsonWebKeySet::new(usable)) }
}

/// The library takes RSA keys of any length, and symmetric ones.
fn is_strong(key: &Value) -> bool {
    let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("kty") {
        "RSA" => BASE64URL_NOPAD.decode(text("n").as_bytes()).is_ok_and(|modulus| RSA_BITS.contains(&bits(&modulus))),
        "EC" => text("crv") == "P-256",
        "OKP" => text("crv") == "Ed25519",
        _ => false,
    }
}

/// The length of a big-endian number.
fn bits(number: &[u8]) -> usize {
    let mut significant = number.iter().skip_while(|byte| **byte == 0);
    match significant.next() {
        Some(first) => (8 - first.leading_zeros() as usize) + 8 * significant.count(),
        None => 0,
    }
}

/// Whether a signature by this algorithm can be of this key.
pub(super) fn fits(key: &CoreJsonWebKey, algorithm: &CoreJwsSigningAlgorithm) -> bool {
    let for_this = match key.signing_alg() {
        JsonWebKeyAlgorithm::Algorithm(only) => only == algorithm,
        JsonWebKeyAlgorithm::Unspecified => true,
        JsonWebKeyAlgorithm::Unsupported => false,
    };
    for_this
        && key.key_use().is_none_or(JsonWebKeyUse::allows_signature)
        && algorithm.key_type().as_ref() == Some(key.key_type())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What OpenSSL makes has this length; the numbers do not matter here.
    fn rsa(bits: usize) -> Value {
        let mut modulus = vec![0xff; bits / 8];
        // As some write it: with a sign.
        modulus.insert(0, 0);
        json!({ "kty": "RSA", "kid": bits.to_string(), "n": BASE64URL_NOPAD.encode(&modulus), "e": "AQAB" })
    }

    fn read_all(keys: &[Value]) -> Result<Vec<String>, Reject> {
        let set = read(json!({ "keys": keys }).to_string().as_bytes())?;
        Ok(set.keys().iter().filter_map(|key| key.key_id().map(|id| id.to_string())).collect())
    }

    #[test]
    fn keys_that_cannot_be_used_do_not_harm_the_others() {
        let odd = [
            json!({ "kty": "RSA", "kid": "no numbers" }),
            json!({ "kty": "oct", "kid": "symmetric", "k": "c2VjcmV0" }),
            json!({ "kty": "EC", "kid": "other curve", "crv": "P-521", "x": "AA", "y": "AA" }),
            json!({ "kty": "AKP", "kid": "newer", "alg": "ML-DSA-65", "pub": "AA" }),
            json!({ "kty": 7 }),
            json!("nonsense"),
            json!({ "kty": "RSA", "kid": "for encryption", "use": "enc", "n": rsa(2048)["n"], "e": "AQAB" }),
        ];
        assert_eq!(read_all(&odd), Err(Reject::NoUsableKey));
        let mut with_one = odd.to_vec();
        with_one.push(rsa(2048));
        assert_eq!(read_all(&with_one), Ok(vec!["2048".to_owned()]));
    }

    #[test]
    fn rsa_has_a_length() {
        let lengths = [512, 1024, 2040, 2048, 3072, 4096, 8192].map(rsa);
        assert_eq!(read_all(&lengths), Ok(vec!["2048".to_owned(), "3072".to_owned(), "4096".to_owned()]));
        // As many bytes, and seven bits less.
        let mut short = vec![0xff; 256];
        short[0] = 1;
        let mut key = rsa(2048);
        key["n"] = json!(BASE64URL_NOPAD.encode(&short));
        assert_eq!(read_all(&[key]), Err(Reject::NoUsableKey));
    }

    #[test]
    fn a_set_is_not_endless() {
        let mut keys = vec![rsa(1024); MOST_KEYS];
        keys.push(rsa(2048));
        assert_eq!(read_all(&keys), Err(Reject::NoUsableKey));
        assert_eq!(read(b"{}"), Err(Reject::Malformed { document: Document::Keys }));
    }
}
