//! Derivation of keys: HKDF-SHA256 (RFC 5869) and HMAC-SHA-256 (RFC 2104).

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret from which keys are derived, each by its own list of parts.
pub(crate) struct Derivation(Hkdf<Sha256>);

impl Derivation {
    /// From a secret that is uniformly random already.
    pub(crate) fn of(secret: &[u8; 32]) -> Derivation {
        Derivation(Hkdf::new(None, secret))
    }

    /// From a secret and a random salt.
    pub(crate) fn salted(salt: &[u8], secret: &[u8; 32]) -> Derivation {
        Derivation(Hkdf::new(Some(salt), secret))
    }

    /// The key that belongs to the length-prefixed `info` parts.
    pub(crate) fn key<const BYTES: usize>(&self, info: &[impl AsRef<[u8]>]) -> Zeroizing<[u8; BYTES]> {
        let mut joined = b"shutterpost/1".to_vec();
        append_parts(&mut joined, info);
        let mut key = Zeroizing::new([0; BYTES]);
        self.0.expand(&joined, key.as_mut()).expect("the keys here are far below HKDF's limit of 8160 bytes");
        key
    }
}

/// HKDF-SHA256 of a root with the length-prefixed `info` parts.
pub(crate) fn derive(root: &[u8; 32], info: &[impl AsRef<[u8]>]) -> Zeroizing<[u8; 32]> {
    Derivation::of(root).key(info)
}

/// Appends each part with its length in front (u64, big-endian), so that no two lists of parts give the same bytes.
pub(crate) fn append_parts(buffer: &mut Vec<u8>, parts: &[impl AsRef<[u8]>]) {
    for part in parts {
        let part = part.as_ref();
        buffer.extend_from_slice(&(part.len() as u64).to_be_bytes());
        buffer.extend_from_slice(part);
    }
}

/// HMAC-SHA-256 over the parts, joined without separators: parts of varying length are length-prefixed by the caller.
pub(crate) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
