//! Sealed fields: one value of one column of one row, openable in that place only.
//!
//! The place (organisation, table, column, row) and the key (id, version) are bound as associated data, length-prefixed,
//! so a ciphertext that is copied elsewhere does not open. The length is hidden in steps: a u32 of the length, the value,
//! and zeros up to 32, 64, 128 or 256 bytes, above that to a multiple of 256.
//!
//! Shape: `magic(2) | version(1) | algorithm(1) | key id(16) | key version(2) | nonce(12) | commitment(16) | ciphertext |
//! tag(16)`.
//!
//! How many fields one key may seal: of 2^32 random nonces two are equal with a chance of 2^-33, and under AES-GCM-SIV
//! equal nonces reveal at most that two values are equal. Plain GCM would break there, which is why NIST SP 800-38D
//! limits it to 2^32 messages; here no counter is needed.

use zeroize::Zeroizing;

use crate::data_key::{DataKey, KeyId, OpenError};
use crate::envelope::{Header, OVERHEAD_BYTES};
use crate::kdf::append_parts;
use crate::keys::Random;

const MAGIC: [u8; 2] = *b"sF";
const LENGTH_BYTES: usize = 4;
const LARGEST_STEP: usize = 256;

/// The place of a field. A value sealed for one place opens in no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldContext<'a> {
    /// The organisation's id, or a constant for what belongs to the installation itself.
    pub organisation: &'a str,
    /// The table's name: a constant that is never changed without sealing anew.
    pub table: &'static str,
    /// The column's name, likewise.
    pub column: &'static str,
    /// The row's id, made before the row is inserted.
    pub row: &'a str,
}

impl DataKey {
    /// Seals one value for one place. The result is [`sealed_len`] bytes long and names this key and its version.
    ///
    /// # Panics
    /// If `plain` is longer than 4 GiB, which no field is.
    pub fn seal(&self, context: &FieldContext<'_>, plain: &[u8], random: &mut Random<'_>) -> Vec<u8> {
        let header = Header { key: self.id(), version: self.version() }.bytes(MAGIC);
        let length = u32::try_from(plain.len()).expect("a field is far below 4 GiB").to_be_bytes();
        let padding = padded_len(plain.len()) - LENGTH_BYTES - plain.len();
        let zeros = [0; LARGEST_STEP];
        let parts = [&length[..], plain, zeros.get(..padding).expect("padding is below the largest step")];
        self.field().seal(&header, &associated(context, self, &header), &parts, random)
    }

    /// Opens a value that was sealed by [`DataKey::seal`] under this key, in this version, for this place.
    ///
    /// # Errors
    /// [`OpenError`]; nothing of the value is returned then.
    pub fn open(&self, context: &FieldContext<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (header, body) = Header::parse(MAGIC, sealed)?;
        if (header.key, header.version) != (self.id(), self.version()) {
            return Err(OpenError::OtherKey);
        }
        let mut text = self.field().open(body, &associated(context, self, &header.bytes(MAGIC)))?;
        // Only a program that pads wrongly can get here with a wrong padding, for it is authenticated.
        let (length, rest) = text.split_first_chunk::<LENGTH_BYTES>().ok_or(OpenError::Malformed)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| OpenError::Malformed)?;
        let padding = rest.get(length..).ok_or(OpenError::Malformed)?;
        if text.len() != padded_len(length) || padding.iter().any(|byte| *byte != 0) {
            return Err(OpenError::Malformed);
        }
        text.copy_within(LENGTH_BYTES.., 0);
        text.truncate(length);
        Ok(text)
    }
}

/// The key, and its version, under which a field was sealed. Nothing of it is proven before the field opens.
///
/// # Errors
/// [`OpenError::Malformed`], [`OpenError::Unsupported`].
pub fn key_of(sealed: &[u8]) -> Result<(KeyId, u16), OpenError> {
    let (header, _) = Header::parse(MAGIC, sealed)?;
    Ok((header.key, header.version))
}

/// The length in bytes of a sealed field whose value has `plain` bytes.
pub fn sealed_len(plain: usize) -> usize {
    OVERHEAD_BYTES + padded_len(plain)
}

fn padded_len(plain: usize) -> usize {
    let length = LENGTH_BYTES + plain;
    if length <= LARGEST_STEP { length.next_power_of_two().max(32) } else { length.next_multiple_of(LARGEST_STEP) }
}

fn associated(context: &FieldContext<'_>, key: &DataKey, header: &[u8]) -> Vec<u8> {
    let FieldContext { organisation, table, column, row } = context;
    let mut aad = Vec::with_capacity(256);
    append_parts(&mut aad, &["sp1", organisation, table, column, row]);
    append_parts(&mut aad, &[key.id().bytes(), &key.version().to_be_bytes()[..], header]);
    aad
}

#[cfg(test)]
mod tests;
