//! Root key generations: what wraps the organisations' keys. Every few days a new generation is created, all living keys
//! are wrapped anew, and the old generation is destroyed, so that whatever copies of wrapped keys lie about (backups,
//! stale blocks of a disk) become noise.
//!
//! Where the roots are kept is a backend behind [`Roots`]: a folder and a passphrase ([`passphrase`]), a hardware module
//! ([`pkcs11`]), a key service. Every backend passes the checks of `contract`.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::data_key::{DataKey, KeyId};
use crate::kdf::append_parts;
use crate::keys::Random;
use crate::wrap::KeyAbout;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
pub mod passphrase;
pub mod pkcs11;

/// Why a root cannot be used. For the operator's eyes.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// There is no such generation.
    #[error("root generation {generation} does not exist here")]
    Unknown { generation: u32 },
    /// The generation was destroyed on purpose.
    #[error("root generation {generation} was destroyed")]
    Destroyed { generation: u32 },
    /// The generation to be created is there already: another process was first.
    #[error("root generation {generation} exists already")]
    Exists { generation: u32 },
    /// The wrapped key was changed, or wrapped elsewhere or for something else.
    #[error("the wrapped key does not belong to this root and context, or was changed")]
    Refused,
    /// The passphrase is not the one under which the roots were wrapped.
    #[error(
        "the passphrase does not open {}. Set the one with which it was made; if it is that one, the file is damaged: \
         restore it from the key backup", path.display()
    )]
    WrongPassphrase { path: PathBuf },
    /// A passphrase is needed and none is there.
    #[error("{reason}: {}", path.display())]
    NoPassphrase { path: PathBuf, reason: &'static str },
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    /// Others than the owner may read or change a file or its folder.
    #[error("{} is open to others (mode {mode:03o}). Mend it with: chmod {remedy:03o} {}", path.display(), path.display())]
    OpenToOthers { path: PathBuf, mode: u32, remedy: u32 },
    /// A file is not what it should be.
    #[error("{} is damaged: {reason}. Restore it from the key backup; without it nothing sealed under this root opens", path.display())]
    Malformed { path: PathBuf, reason: &'static str },
    /// The file was written by a newer program.
    #[error("{} has format {format}, newer than this program knows", path.display())]
    Newer { path: PathBuf, format: u32 },
    /// The backend cannot be reached or refuses to serve; trying again may help.
    #[error("the root key backend is unavailable: {reason}")]
    Unavailable { reason: String },
    /// The backend is there, but not as it must be set up; trying again does not help.
    #[error("the root key backend cannot be used: {reason}")]
    Unusable { reason: String },
}

/// A backend for root generations. Calls may block for as long as a disk or a network takes: make them off the async
/// threads. Nothing is cached that would outlive [`Roots::destroy`] in another process.
pub trait Roots: Send + Sync + fmt::Debug {
    /// Names the backend, for logs and `doctor`.
    fn name(&self) -> &'static str;

    /// The living generations, in rising order.
    ///
    /// # Errors
    /// [`RootError`], of the backend.
    fn generations(&self) -> Result<Vec<u32>, RootError>;

    /// Makes a new random root, durable before this returns.
    ///
    /// # Errors
    /// [`RootError::Exists`] if there is one of this number (use that one); [`RootError::Destroyed`] if there was one.
    fn create(&self, generation: u32, random: &mut Random<'_>) -> Result<(), RootError>;

    /// Wraps a 32-byte key. `context` is bound: the key unwraps with the same bytes only.
    ///
    /// # Errors
    /// [`RootError::Unknown`], [`RootError::Destroyed`].
    fn wrap(
        &self,
        generation: u32,
        context: &[u8],
        key: &[u8; 32],
        random: &mut Random<'_>,
    ) -> Result<Vec<u8>, RootError>;

    /// Unwraps what [`Roots::wrap`] returned.
    ///
    /// # Errors
    /// [`RootError::Unknown`], [`RootError::Destroyed`], [`RootError::Refused`].
    fn unwrap(&self, generation: u32, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, RootError>;

    /// Destroys a generation for good: from then on nothing wrapped by it unwraps. Destroying what is gone already, or
    /// never was, is no error, so that an interrupted call can be repeated.
    ///
    /// # Errors
    /// [`RootError`], of the backend; the generation may live on then.
    fn destroy(&self, generation: u32) -> Result<(), RootError>;

    /// How many days after [`Roots::destroy`] somebody with power over the backend could still bring the generation back.
    fn days_of_grace(&self) -> i64 {
        0
    }
}

/// Wraps a data key under a root. Id, version and `about` are bound.
///
/// # Errors
/// As [`Roots::wrap`].
pub fn wrap_key(
    roots: &dyn Roots,
    generation: u32,
    key: &DataKey,
    about: &KeyAbout<'_>,
    random: &mut Random<'_>,
) -> Result<Vec<u8>, RootError> {
    roots.wrap(generation, &context(key.id(), key.version(), about), key.secret(), random)
}

/// Unwraps a data key that was wrapped by [`wrap_key`] with the same id, version and `about`.
///
/// # Errors
/// As [`Roots::unwrap`].
pub fn unwrap_key(
    roots: &dyn Roots,
    generation: u32,
    id: KeyId,
    version: u16,
    about: &KeyAbout<'_>,
    wrapped: &[u8],
) -> Result<DataKey, RootError> {
    let secret = roots.unwrap(generation, &context(id, version, about), wrapped)?;
    Ok(DataKey::from_bytes(id, version, &secret))
}

/// What a backend's wrapping is bound to beside the key: the generation, the context of the call, and the wrapping's head.
fn associated(generation: u32, context: &[u8], head: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(64 + context.len());
    append_parts(&mut aad, &[&b"spr1"[..], &generation.to_be_bytes(), context, head]);
    aad
}

fn context(id: KeyId, version: u16, about: &KeyAbout<'_>) -> Vec<u8> {
    let mut context = Vec::with_capacity(128);
    append_parts(&mut context, &["spk1", about.organisation, about.purpose.as_str()]);
    append_parts(&mut context, &[id.bytes(), &version.to_be_bytes()[..]]);
    context
}
