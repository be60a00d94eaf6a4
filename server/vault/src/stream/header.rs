//! The header of a sealed file.
//!
//! Shape: `magic(2) | version(1) | algorithm(1) | log2 of the segment(1) | key id(16) | key version(2) | salt(32) |
//! nonce prefix(7) | plain length(8) | file id(16) | commitment(32)`, numbers big-endian. The commitment is derived by
//! HKDF from key, salt and all of the header before it: it commits to the key, and no byte of the header can be changed
//! by somebody who does not have that.

use std::fmt;

use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq;

use super::MAX_PLAIN_BYTES;
use super::cipher::SegmentCipher;
use crate::data_key::{DataKey, KeyId, OpenError};
use crate::kdf::Derivation;
use crate::keys::Random;

pub(super) const LOG2_SEGMENT: u8 = 16;

const MAGIC: [u8; 2] = *b"sS";
const VERSION: u8 = 1;
const AES_256_GCM: u8 = 1;
/// Everything before the commitment.
const COVERED_BYTES: usize = 86;
const COMMITMENT_BYTES: usize = 32;

/// What tells one sealed file from another: 16 random bytes. Not secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId([u8; 16]);

impl FileId {
    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> FileId {
        FileId(bytes)
    }

    /// The 16 bytes, as stored in binary columns.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileId({})", HEXLOWER.encode(&self.0))
    }
}

/// What stands before the segments of a sealed file. Not secret; not proven before an `Opener` was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; Header::LEN],
    key: KeyId,
    key_version: u16,
    salt: [u8; 32],
    prefix: [u8; 7],
    length: u64,
    file_id: FileId,
}

impl Header {
    /// The length of a header in bytes.
    pub const LEN: usize = COVERED_BYTES + COMMITMENT_BYTES;

    /// A new header and the cipher of its file.
    pub(super) fn new(key: &DataKey, length: u64, random: &mut Random<'_>) -> (Header, SegmentCipher) {
        let (mut salt, mut prefix, mut file_id) = ([0; 32], [0; 7], [0; 16]);
        random(&mut salt);
        random(&mut prefix);
        random(&mut file_id);
        let mut bytes = Vec::with_capacity(Header::LEN);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[VERSION, AES_256_GCM, LOG2_SEGMENT]);
        bytes.extend_from_slice(key.id().bytes());
        bytes.extend_from_slice(&key.version().to_be_bytes());
        bytes.extend_from_slice(&salt);
        bytes.extend_from_slice(&prefix);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&file_id);
        let (cipher, commitment) = derive(key, &salt, prefix, &bytes);
        bytes.extend_from_slice(&commitment);
        let header = Header {
            bytes: bytes.try_into().expect("the parts above add up to the length"),
            key: key.id(),
            key_version: key.version(),
            salt,
            prefix,
            length,
            file_id: FileId(file_id),
        };
        (header, cipher)
    }

    /// Reads the header at the start of a stored object, and returns what follows it.
    ///
    /// # Errors
    /// [`OpenError::Malformed`], [`OpenError::Unsupported`].
    pub fn parse(stored: &[u8]) -> Result<(Header, &[u8]), OpenError> {
        let (bytes, body) = stored.split_first_chunk::<{ Header::LEN }>().ok_or(OpenError::Malformed)?;
        Ok((Header::read(bytes).ok_or(OpenError::Malformed)??, body))
    }

    fn read(bytes: &[u8; Header::LEN]) -> Option<Result<Header, OpenError>> {
        let (magic, rest) = bytes.split_first_chunk()?;
        let ([version, algorithm, log2_segment], rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (key_version, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (prefix, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (file_id, _commitment) = rest.split_first_chunk()?;
        if *magic != MAGIC {
            return None;
        }
        if (*version, *algorithm, *log2_segment) != (VERSION, AES_256_GCM, LOG2_SEGMENT) {
            return Some(Err(OpenError::Unsupported { version: *version, algorithm: *algorithm }));
        }
        let length = u64::from_be_bytes(*length);
        (length <= MAX_PLAIN_BYTES).then(|| {
            Ok(Header {
                bytes: *bytes,
                key: KeyId::from_bytes(*key),
                key_version: u16::from_be_bytes(*key_version),
                salt: *salt,
                prefix: *prefix,
                length,
                file_id: FileId(*file_id),
            })
        })
    }

    /// The stored form.
    pub fn bytes(&self) -> &[u8; Header::LEN] {
        &self.bytes
    }

    /// The key under which the file was sealed, and its version.
    pub fn key_of(&self) -> (KeyId, u16) {
        (self.key, self.key_version)
    }

    /// The plain length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The file's own id.
    pub fn file_id(&self) -> FileId {
        self.file_id
    }

    /// The cipher of this file, after making sure that the header was made under `key`.
    pub(super) fn cipher(&self, key: &DataKey) -> Result<SegmentCipher, OpenError> {
        if self.key_of() != (key.id(), key.version()) {
            return Err(OpenError::OtherKey);
        }
        let (covered, commitment) = self.bytes.split_at(COVERED_BYTES);
        let (cipher, expected) = derive(key, &self.salt, self.prefix, covered);
        if bool::from(expected.ct_eq(commitment)) { Ok(cipher) } else { Err(OpenError::Refused) }
    }
}

fn derive(key: &DataKey, salt: &[u8; 32], prefix: [u8; 7], covered: &[u8]) -> (SegmentCipher, [u8; COMMITMENT_BYTES]) {
    let secret = Derivation::salted(salt, key.secret());
    let cipher = SegmentCipher::new(&secret.key(&[&b"stream"[..], b"encrypt", covered]), prefix);
    (cipher, *secret.key(&[&b"stream"[..], b"commit", covered]))
}
