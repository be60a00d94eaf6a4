//! Wrapping keys under keys. What a wrapped key is for (organisation, purpose), its id and version, and the wrapping
//! key's id and version are bound as associated data, so a wrapped key cannot stand in for another.
//!
//! Shape: the envelope of [`crate::field`], [`WRAPPED_BYTES`] long, naming the *wrapping* key; the id and version of the
//! wrapped one lie beside it in the key store.

use std::fmt;

use zeroize::Zeroizing;

use crate::data_key::{DataKey, KeyId, OpenError};
use crate::envelope::{Envelope, Header, OVERHEAD_BYTES};
use crate::kdf::append_parts;
use crate::keys::Random;

const MAGIC: [u8; 2] = *b"sW";
/// The length of a wrapped key in bytes.
pub const WRAPPED_BYTES: usize = OVERHEAD_BYTES + 32;

/// What a data key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Wraps the other keys of one organisation.
    Organisation,
    /// Wraps the keys of what belongs to no organisation: users, sessions, staff, jobs.
    Installation,
    /// The data of one person: guest, lead, user.
    Subject,
    /// What an event's people wrote: captions, lists, texts.
    Event,
    /// One capture and all its renditions.
    Capture,
    /// An upload that is no capture yet.
    Upload,
    /// Blind indexes.
    Lookup,
    /// What must outlive an erasure by law, under a key and for a reason of its own.
    Hold,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 8] = [
        Purpose::Organisation,
        Purpose::Installation,
        Purpose::Subject,
        Purpose::Event,
        Purpose::Capture,
        Purpose::Upload,
        Purpose::Lookup,
        Purpose::Hold,
    ];

    /// The stable name: stored, and bound to every wrapped key.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Organisation => "organisation",
            Purpose::Installation => "installation",
            Purpose::Subject => "subject",
            Purpose::Event => "event",
            Purpose::Capture => "capture",
            Purpose::Upload => "upload",
            Purpose::Lookup => "lookup",
            Purpose::Hold => "hold",
        }
    }

    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// Whose a key is and what it is for: bound when it is wrapped, and to be told again when it is unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAbout<'a> {
    /// The organisation's id, or a constant for the installation's own keys.
    pub organisation: &'a str,
    pub purpose: Purpose,
}

/// A data key in the role of wrapping others: an organisation's or the installation's. Cannot seal fields, so that the
/// two are not confused.
pub struct Kek {
    key: DataKey,
    envelope: Envelope,
}

impl Kek {
    /// Gives a key this role.
    pub fn new(key: DataKey) -> Kek {
        let envelope = Envelope::derive(&key, "wrap");
        Kek { key, envelope }
    }

    /// The key itself, to be wrapped in its turn.
    pub fn key(&self) -> &DataKey {
        &self.key
    }

    /// Wraps `child`. The result has [`WRAPPED_BYTES`].
    pub fn wrap(&self, child: &DataKey, about: &KeyAbout<'_>, random: &mut Random<'_>) -> Vec<u8> {
        self.wrap_secret(child.id(), child.version(), child.secret(), about, random)
    }

    /// Unwraps the key that was wrapped by this one with the same id, version and `about`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn unwrap(
        &self,
        child: KeyId,
        version: u16,
        about: &KeyAbout<'_>,
        wrapped: &[u8],
    ) -> Result<DataKey, OpenError> {
        let secret = self.unwrap_secret(child, version, about, wrapped)?;
        Ok(DataKey::from_bytes(child, version, &secret))
    }

    /// Wraps under `to` what is wrapped under this key, as is done for every living key when a generation ends.
    ///
    /// # Errors
    /// [`OpenError`], of unwrapping.
    pub fn rewrap(
        &self,
        to: &Kek,
        child: KeyId,
        version: u16,
        about: &KeyAbout<'_>,
        wrapped: &[u8],
        random: &mut Random<'_>,
    ) -> Result<Vec<u8>, OpenError> {
        let secret = self.unwrap_secret(child, version, about, wrapped)?;
        Ok(to.wrap_secret(child, version, &secret, about, random))
    }

    fn wrap_secret(
        &self,
        child: KeyId,
        version: u16,
        secret: &[u8; 32],
        about: &KeyAbout<'_>,
        random: &mut Random<'_>,
    ) -> Vec<u8> {
        let header = Header { key: self.key.id(), version: self.key.version() }.bytes(MAGIC);
        self.envelope.seal(&header, &self.associated(child, version, about, &header), &[secret], random)
    }

    fn unwrap_secret(
        &self,
        child: KeyId,
        version: u16,
        about: &KeyAbout<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, OpenError> {
        if wrapped.len() != WRAPPED_BYTES {
            return Err(OpenError::Malformed);
        }
        let (header, body) = Header::parse(MAGIC, wrapped)?;
        if (header.key, header.version) != (self.key.id(), self.key.version()) {
            return Err(OpenError::OtherKey);
        }
        let opened = self.envelope.open(body, &self.associated(child, version, about, &header.bytes(MAGIC)))?;
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(&opened);
        Ok(secret)
    }

    fn associated(&self, child: KeyId, version: u16, about: &KeyAbout<'_>, header: &[u8]) -> Vec<u8> {
        let mut aad = Vec::with_capacity(256);
        append_parts(&mut aad, &["spw1", about.organisation, about.purpose.as_str()]);
        append_parts(&mut aad, &[child.bytes(), &version.to_be_bytes()[..]]);
        append_parts(&mut aad, &[self.key.id().bytes(), &self.key.version().to_be_bytes()[..], header]);
        aad
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kek")
    }
}

/// The key, and its version, under which a key was wrapped. Nothing of it is proven before the key unwraps.
///
/// # Errors
/// [`OpenError::Malformed`], [`OpenError::Unsupported`].
pub fn wrapped_by(wrapped: &[u8]) -> Result<(KeyId, u16), OpenError> {
    let (header, _) = Header::parse(MAGIC, wrapped)?;
    Ok((header.key, header.version))
}

#[cfg(test)]
mod tests;
