//! Signatures: Ed25519 (RFC 8032). What is signed begins with a domain of its own, so that no signature made for one kind
//! of document is good for another.

use std::fmt;
use std::hint::black_box;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use crate::kdf::{append_parts, derive};
use crate::keys::Keys;

/// The length of a signature in bytes.
pub const SIGNATURE_BYTES: usize = 64;

/// What a signing key of the ring is for. Each has a key pair of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// Checkpoints of the audit trail.
    Audit,
    /// The ledger of erased keys.
    Ledger,
    /// Erasure receipts.
    Receipt,
}

/// A key pair. Overwritten on drop.
pub struct SigningKey {
    // Boxed, so that moving it leaves no copy behind.
    pair: Box<Ed25519KeyPair>,
}

impl Keys {
    /// The key pair for one kind of document; the same whenever it is asked for.
    pub fn signing_key(&self, signing: Signing) -> SigningKey {
        let (root, name) = match signing {
            Signing::Audit => (self.audit_root(), "audit"),
            Signing::Ledger => (self.receipt_root(), "ledger"),
            Signing::Receipt => (self.receipt_root(), "receipt"),
        };
        SigningKey::from_seed(&derive(root, &["ed25519", name]))
    }
}

impl SigningKey {
    /// The key pair of a random 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> SigningKey {
        SigningKey { pair: Box::new(pair(seed)) }
    }

    /// The half that may be published.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.pair.public_key().as_ref().try_into().expect("a public key of Ed25519 has 32 bytes"))
    }

    /// Signs `message` as a document of the kind `domain`, a constant.
    pub fn sign(&self, domain: &'static str, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let signature = self.pair.sign(&covered(domain, message));
        signature.as_ref().try_into().expect("a signature of Ed25519 has 64 bytes")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        // ring does not overwrite its keys; another one in the same place does, as long as it seems to be of use.
        *self.pair = pair(&[0; 32]);
        black_box(&self.pair);
    }
}

fn pair(seed: &[u8; 32]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed has 32 bytes")
}

/// The public half of a [`SigningKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key with these bytes (RFC 8032, 5.1.2).
    pub fn from_bytes(bytes: [u8; 32]) -> PublicKey {
        PublicKey(bytes)
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The text form: 43 characters of base64url.
    pub fn as_text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Option<PublicKey> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        Some(PublicKey(bytes.try_into().ok()?))
    }

    /// A short name for documents: the first 16 bytes of SHA-256 of the key.
    pub fn id(&self) -> [u8; 16] {
        let digest: [u8; 32] = Sha256::digest(self.0).into();
        *digest.first_chunk().expect("SHA-256 has 32 bytes")
    }

    /// [`PublicKey::id`] as 32 lower-case hexadecimal digits.
    pub fn id_text(&self) -> String {
        HEXLOWER.encode(&self.id())
    }

    /// Whether `signature` was made by [`SigningKey::sign`] with the same domain and message.
    pub fn verifies(&self, domain: &'static str, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(&covered(domain, message), signature).is_ok()
    }
}

fn covered(domain: &str, message: &[u8]) -> Vec<u8> {
    let mut covered = Vec::with_capacity(64 + message.len());
    append_parts(&mut covered, &["shutterpost/1", "signed", domain]);
    covered.extend_from_slice(message);
    covered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::hex;

    // Computed with Python's cryptography:
    //   pair = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    //   pair.sign(b"".join(len(p).to_bytes(8,"big")+p for p in [b"shutterpost/1", b"signed", b"test"]) + b"hello")
    #[test]
    fn signatures_match_an_independent_computation() {
        let key = SigningKey::from_seed(&std::array::from_fn(|i| i as u8));
        assert_eq!(hex(key.public().bytes()), "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
        assert_eq!(key.public().id_text(), "56475aa75463474c0285df5dbf2bcab7");
        assert_eq!(
            hex(&key.sign("test", b"hello")),
            "b9f7b4ee28ad112933bf0a952c8435fd63b5c8b064e9c4f07eed33e9becee6df\
             bad4e4fdf8d8ad0b6cb5bd616fc8aff0282fbef852ddd0d02d497df2ca692a0e"
        );
    }

    #[test]
    fn a_signature_is_good_for_its_key_domain_and_message_only() {
        let keys = Keys::ephemeral([1; 32]);
        let key = keys.signing_key(Signing::Receipt);
        let signature = key.sign("a", b"message");
        let public = key.public();
        assert!(public.verifies("a", b"message", &signature));
        assert!(!public.verifies("b", b"message", &signature));
        assert!(!public.verifies("am", b"essage", &signature));
        assert!(!public.verifies("a", b"massage", &signature));
        assert!(!keys.signing_key(Signing::Ledger).public().verifies("a", b"message", &signature));
        assert!(!keys.signing_key(Signing::Audit).public().verifies("a", b"message", &signature));
        for bit in 0..SIGNATURE_BYTES * 8 {
            let mut changed = signature;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!public.verifies("a", b"message", &changed), "bit {bit}");
        }
        assert_eq!(keys.signing_key(Signing::Receipt).public(), public, "the same at the next start");
        assert_eq!(PublicKey::parse(&public.as_text()), Some(public));
        assert_eq!(PublicKey::parse(""), None);
        assert_eq!(format!("{key:?}"), "SigningKey");
    }
}
