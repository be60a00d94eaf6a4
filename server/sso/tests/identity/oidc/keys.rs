//! Keys that protect nothing: they only sign what these tests make up, and are made for one run.

use std::process::Command;
use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreHmacKey, CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

pub static APPLE: LazyLock<String> =
    LazyLock::new(|| made(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]));
static FIRST: LazyLock<String> = LazyLock::new(|| made(&["genrsa", "-traditional", "2048"]));
static SECOND: LazyLock<String> = LazyLock::new(|| made(&["genrsa", "-traditional", "2048"]));
static WEAK: LazyLock<String> = LazyLock::new(|| made(&["genrsa", "-traditional", "1024"]));
static EDWARDS: LazyLock<String> = LazyLock::new(|| made(&["genpkey", "-algorithm", "ed25519"]));

/// A key as `openssl` makes it, in PEM.
fn made(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).output().expect("openssl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("PEM is text")
}

/// Who signs, and by what.
#[derive(Debug, Clone)]
pub enum Key {
    Rsa {
        name: &'static str,
        padding: &'static str,
    },
    Elliptic {
        name: &'static str,
        seed: u8,
    },
    Edwards {
        name: &'static str,
    },
    /// Of these bytes.
    Hmac(Vec<u8>),
    Nobody,
}

pub const RSA: Key = Key::Rsa { name: "first", padding: "RS256" };
pub const OTHER_RSA: Key = Key::Rsa { name: "second", padding: "RS256" };
pub const WEAK_RSA: Key = Key::Rsa { name: "weak", padding: "RS256" };
pub const PSS: Key = Key::Rsa { name: "first", padding: "PS256" };
/// The usual one: quick without optimisation.
pub const ELLIPTIC: Key = Key::Elliptic { name: "elliptic", seed: 1 };
pub const OTHER_ELLIPTIC: Key = Key::Elliptic { name: "other elliptic", seed: 2 };
pub const ED: Key = Key::Edwards { name: "edwards" };

impl Key {
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa { padding, .. } => padding,
            Self::Elliptic { .. } => "ES256",
            Self::Edwards { .. } => "EdDSA",
            Self::Hmac(_) => "HS256",
            Self::Nobody => "none",
        }
    }

    pub fn id(&self) -> Option<&'static str> {
        match self {
            Self::Rsa { name, .. } | Self::Elliptic { name, .. } | Self::Edwards { name } => Some(name),
            Self::Hmac(_) | Self::Nobody => None,
        }
    }

    /// As the provider publishes it.
    pub fn public(&self) -> Value {
        match self {
            Self::Rsa { .. } => json!(self.rsa().as_verification_key()),
            Self::Elliptic { name, .. } => {
                let point = self.elliptic().verifying_key().to_sec1_point(false);
                let number = |bytes: Option<&p256::FieldBytes>| BASE64URL_NOPAD.encode(bytes.expect("is a point"));
                json!({ "kty": "EC", "crv": "P-256", "kid": name, "use": "sig",
                    "x": number(point.x()), "y": number(point.y()) })
            }
            Self::Edwards { .. } => json!(self.edwards().as_verification_key()),
            Self::Hmac(_) | Self::Nobody => panic!("is not published"),
        }
    }

    fn rsa(&self) -> CoreRsaPrivateSigningKey {
        let Self::Rsa { name, .. } = self else { panic!("is no RSA key") };
        let pem: &str = match *name {
            "first" => &FIRST,
            "second" => &SECOND,
            _ => &WEAK,
        };
        CoreRsaPrivateSigningKey::from_pem(pem, Some(JsonWebKeyId::new((*name).to_owned()))).expect("is a key")
    }

    fn elliptic(&self) -> SigningKey {
        let Self::Elliptic { seed, .. } = self else { panic!("is no elliptic key") };
        SigningKey::from_slice(&[*seed; 32]).expect("is a key")
    }

    fn edwards(&self) -> CoreEdDsaPrivateSigningKey {
        CoreEdDsaPrivateSigningKey::from_ed25519_pem(&EDWARDS, Some(JsonWebKeyId::new("edwards".to_owned())))
            .expect("is a key")
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        use CoreJwsSigningAlgorithm as Algorithm;
        let signed = match self {
            Self::Rsa { padding: "PS256", .. } => self.rsa().sign(&Algorithm::RsaSsaPssSha256, message),
            Self::Rsa { .. } => self.rsa().sign(&Algorithm::RsaSsaPkcs1V15Sha256, message),
            Self::Elliptic { .. } => {
                let signature: Signature = self.elliptic().sign(message);
                return signature.to_bytes().to_vec();
            }
            Self::Edwards { .. } => self.edwards().sign(&Algorithm::EdDsa, message),
            Self::Hmac(secret) => CoreHmacKey::new(secret.clone()).sign(&Algorithm::HmacSha256, message),
            Self::Nobody => return Vec::new(),
        };
        signed.expect("signs")
    }

    /// The header that belongs to a token of this key.
    pub fn header(&self) -> Value {
        match self.id() {
            Some(id) => json!({ "alg": self.algorithm(), "kid": id }),
            None => json!({ "alg": self.algorithm() }),
        }
    }

    /// A token with any header and any claims.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        self.token_of_text(header, &claims.to_string())
    }

    /// The same, where the claims need not be JSON.
    pub fn token_of_text(&self, header: &Value, claims: &str) -> String {
        let encode = |part: &str| BASE64URL_NOPAD.encode(part.as_bytes());
        let signed = format!("{}.{}", encode(&header.to_string()), encode(claims));
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&self.sign(signed.as_bytes())))
    }
}
