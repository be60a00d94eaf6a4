//! The cipher of one file's segments: AES-256-GCM by ring, which TLS brings in anyway. Measured at 64 KiB
//! (`cargo xtask bench vault-aead`) it does the work of OpenSSL 3.0 in about half of the time. aws-lc-rs has the same
//! interface and takes about a quarter where the processor has AVX-512; it would be a second large library in the program
//! and two minutes more to build, for time that ingest and serving do not notice.

use std::hint::black_box;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::header::Header;
use super::{TAG_BYTES, segments};
use crate::data_key::OpenError;

/// A file's key and the prefix of its nonces.
pub(super) struct SegmentCipher {
    // Boxed, so that moving it leaves no copy of the key schedule behind.
    key: Box<LessSafeKey>,
    prefix: [u8; 7],
}

impl SegmentCipher {
    pub(super) fn new(key: &[u8; 32], prefix: [u8; 7]) -> SegmentCipher {
        SegmentCipher { key: Box::new(scheduled(key)), prefix }
    }

    /// Encrypts a segment in place.
    pub(super) fn seal(&self, header: &Header, index: u32, plain: &mut [u8]) -> [u8; TAG_BYTES] {
        self.seal_as(header, index, is_last(header, index), plain)
    }

    /// As [`SegmentCipher::seal`], with the last flag as told.
    pub(super) fn seal_as(&self, header: &Header, index: u32, last: bool, plain: &mut [u8]) -> [u8; TAG_BYTES] {
        let nonce = Nonce::assume_unique_for_key(nonce(self.prefix, index, last));
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(header.bytes()), plain);
        let tag = tag.expect("a segment is far below the limit of 64 GiB");
        tag.as_ref().try_into().expect("a tag of GCM has 16 bytes")
    }

    /// Decrypts a segment, tag included, in place. On failure the buffer is overwritten.
    pub(super) fn open<'a>(
        &self,
        header: &Header,
        index: u32,
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], OpenError> {
        let nonce = Nonce::assume_unique_for_key(nonce(self.prefix, index, is_last(header, index)));
        self.key.open_in_place(nonce, Aad::from(header.bytes()), sealed).map_err(|_| OpenError::Refused)
    }
}

fn is_last(header: &Header, index: u32) -> bool {
    segments(header.length()) == u64::from(index) + 1
}

/// `prefix | segment number | last`: no two segments of a file have the same.
pub(super) fn nonce(prefix: [u8; 7], index: u32, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[..7].copy_from_slice(&prefix);
    nonce[7..11].copy_from_slice(&index.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}

fn scheduled(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("the key has 32 bytes"))
}

impl Drop for SegmentCipher {
    fn drop(&mut self) {
        // ring does not overwrite its keys; another one in the same place does, as long as it seems to be of use.
        *self.key = scheduled(&[0; 32]);
        black_box(&self.key);
    }
}
