//! The envelope of short secrets: AES-256-GCM-SIV (RFC 8452) with a key commitment, for fields and wrapped keys. Fields
//! of large numbers are sealed under nonces from a random source that a restored snapshot of the machine may repeat;
//! this cipher then reveals no more than that two equal values are equal.
//!
//! Shape: `magic(2) | version(1) | algorithm(1) | key id(16) | key version(2) | nonce(12) | commitment(16) | ciphertext |
//! tag(16)`.
//!
//! AES-GCM-SIV does not commit to its key: somebody who chooses keys can make one ciphertext that opens under two of
//! them, to different texts. So each envelope carries a value derived from the key by HKDF, as in the AWS Encryption
//! SDK (Albertini et al., "How to abuse and fix authenticated encryption without key commitment", 2022), compared before
//! anything is decrypted. That SDK derives it per message because its keys live for one message; ours is a function of
//! the key alone, so it is derived with it.

use aes_gcm_siv::aead::AeadInOut;
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce, Tag};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::data_key::{DataKey, KeyId, OpenError};
use crate::kdf::Derivation;
use crate::keys::Random;

pub(crate) const HEADER_BYTES: usize = 22;
const NONCE_BYTES: usize = 12;
const COMMITMENT_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
/// How much longer than what it holds an envelope is.
pub(crate) const OVERHEAD_BYTES: usize = HEADER_BYTES + NONCE_BYTES + COMMITMENT_BYTES + TAG_BYTES;

const VERSION: u8 = 1;
const AES_256_GCM_SIV: u8 = 1;

/// What an envelope says of itself, bound by the caller as associated data.
pub(crate) struct Header {
    pub(crate) key: KeyId,
    pub(crate) version: u16,
}

impl Header {
    pub(crate) fn bytes(&self, magic: [u8; 2]) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..2].copy_from_slice(&magic);
        bytes[2..4].copy_from_slice(&[VERSION, AES_256_GCM_SIV]);
        bytes[4..20].copy_from_slice(self.key.bytes());
        bytes[20..].copy_from_slice(&self.version.to_be_bytes());
        bytes
    }

    /// The header and what follows it.
    pub(crate) fn parse(magic: [u8; 2], sealed: &[u8]) -> Result<(Header, &[u8]), OpenError> {
        let (bytes, body) = sealed.split_first_chunk::<HEADER_BYTES>().ok_or(OpenError::Malformed)?;
        let [m0, m1, version, algorithm, key @ .., v0, v1] = *bytes;
        if [m0, m1] != magic {
            return Err(OpenError::Malformed);
        }
        if (version, algorithm) != (VERSION, AES_256_GCM_SIV) {
            return Err(OpenError::Unsupported { version, algorithm });
        }
        if body.len() < OVERHEAD_BYTES - HEADER_BYTES {
            return Err(OpenError::Malformed);
        }
        Ok((Header { key: KeyId::from_bytes(key), version: u16::from_be_bytes([v0, v1]) }, body))
    }
}

/// A cipher and the commitment to its key.
pub(crate) struct Envelope {
    // Boxed, so that moving it leaves no copy of the key schedule behind; it is overwritten on drop.
    cipher: Box<Aes256GcmSiv>,
    commitment: [u8; COMMITMENT_BYTES],
}

impl Envelope {
    /// The envelope of a key in one role, such as `"field"`: the roles of a key have independent ciphers.
    pub(crate) fn derive(key: &DataKey, role: &str) -> Envelope {
        let id = key.id();
        Envelope::of(&Derivation::of(key.secret()), role, &[id.bytes(), &key.version().to_be_bytes()])
    }

    /// As [`Envelope::derive`], for a secret that is no data key; `about` is what names it.
    pub(crate) fn of(secret: &Derivation, role: &str, about: &[&[u8]]) -> Envelope {
        let info = |what: &'static str| [&[role.as_bytes(), what.as_bytes()], about].concat();
        let key = secret.key::<32>(&info("encrypt"));
        let cipher = Box::new(Aes256GcmSiv::new((&*key).into()));
        Envelope { cipher, commitment: *secret.key(&info("commit")) }
    }

    /// Seals the joined `plain` parts behind `header`. The nonce comes from `random`.
    pub(crate) fn seal(&self, header: &[u8], aad: &[u8], plain: &[&[u8]], random: &mut Random<'_>) -> Vec<u8> {
        let length: usize = plain.iter().map(|part| part.len()).sum();
        // Reserved at once, so that growing does not leave the open text behind in freed memory.
        let mut sealed = Vec::with_capacity(header.len() + OVERHEAD_BYTES - HEADER_BYTES + length);
        sealed.extend_from_slice(header);
        let nonce = nonce(random);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&self.commitment);
        let start = sealed.len();
        for part in plain {
            sealed.extend_from_slice(part);
        }
        let (_, text) = sealed.split_at_mut(start);
        let tag = self.cipher.encrypt_inout_detached(&Nonce::from(nonce), aad, text.into());
        sealed.extend_from_slice(&tag.expect("what is sealed here is far below RFC 8452's limit of 64 GiB"));
        sealed
    }

    /// Opens what follows a header.
    pub(crate) fn open(&self, body: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let Parts { nonce, commitment, text, tag } = Parts::of(body).ok_or(OpenError::Malformed)?;
        if !bool::from(self.commitment.ct_eq(commitment)) {
            return Err(OpenError::Refused);
        }
        let mut text = Zeroizing::new(text.to_vec());
        let (nonce, tag) = (Nonce::from(*nonce), Tag::from(*tag));
        let opened = self.cipher.decrypt_inout_detached(&nonce, aad, text.as_mut_slice().into(), &tag);
        opened.map_err(|_| OpenError::Refused)?;
        Ok(text)
    }
}

/// What follows a header.
struct Parts<'a> {
    nonce: &'a [u8; NONCE_BYTES],
    commitment: &'a [u8; COMMITMENT_BYTES],
    text: &'a [u8],
    tag: &'a [u8; TAG_BYTES],
}

impl Parts<'_> {
    fn of(body: &[u8]) -> Option<Parts<'_>> {
        let (nonce, rest) = body.split_first_chunk()?;
        let (commitment, rest) = rest.split_first_chunk()?;
        let (text, tag) = rest.split_last_chunk()?;
        Some(Parts { nonce, commitment, text, tag })
    }
}

/// A nonce: 96 random bits, and nothing else goes in.
pub(crate) fn nonce(random: &mut Random<'_>) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    random(&mut nonce);
    nonce
}
