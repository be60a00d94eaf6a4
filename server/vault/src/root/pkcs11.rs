//! Roots in a hardware module, by PKCS#11. Each generation is an AES-256 key that the module makes and never gives out:
//! what is wrapped goes in, what is wrapped comes out, by AES-GCM inside the module.
//!
//! A key is found by its label, `PREFIX-root-NUMBER`. PKCS#11 has nothing that only one of two processes can do, not even
//! making an object of a label, so two of them may both make a key. That does no harm: a wrapped key names the object that
//! wrapped it, everybody wraps under the one with the least id, and destroying a generation destroys them all.
//!
//! Destroying is `C_DestroyObject`. Before it a small data object is put on the token, which says that the generation is
//! gone, so that a call that was cut short is finished and the number is never used again.
//!
//! No key commitment as in the other envelopes: to make bytes that open under two keys one must know both, and nobody
//! knows any.

use std::fmt;
use std::path::PathBuf;

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use zeroize::Zeroizing;

use crate::keys::Random;
use crate::root::{RootError, Roots, associated};

mod objects;
mod pool;
#[cfg(any(test, feature = "testing"))]
pub mod softhsm;

use objects::{ID_BYTES, Id, Names};
use pool::{Pool, Stop};

const MAGIC: [u8; 2] = *b"sR";
const VERSION: u8 = 1;
const AES_256_GCM: u8 = 2;
const HEADER_BYTES: usize = 8;
const IV_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const WRAPPED_BYTES: usize = HEADER_BYTES + ID_BYTES + IV_BYTES + 32 + TAG_BYTES;

/// Where the module and the token are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The vendor's library.
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
    /// How the labels of this installation's objects begin. Another installation on the same token needs another one.
    pub prefix: String,
    /// File with the user's PIN, readable by its owner only.
    pub pin: PathBuf,
}

/// The backend.
pub struct Pkcs11Roots {
    pool: Pool,
    names: Names,
}

impl Pkcs11Roots {
    /// Loads the module, finds the token, signs in, makes sure that the module can do what is asked of it, and finishes
    /// what an interrupted [`Roots::destroy`] left.
    ///
    /// # Errors
    /// [`RootError`], whose text tells the operator what to do. A wrong PIN is tried once: tokens lock after a few.
    pub fn open(location: &Location) -> Result<Pkcs11Roots, RootError> {
        let names = Names::new(&location.prefix);
        let roots = Pkcs11Roots { pool: Pool::open(location)?, names };
        roots.pool.with(|session| {
            for generation in roots.names.living(session)? {
                if roots.names.is_destroyed(session, generation)? {
                    roots.names.destroy(session, generation)?;
                }
            }
            Ok(())
        })?;
        Ok(roots)
    }

    /// The keys of a generation that is there, in rising order of their ids.
    fn keys(&self, session: &Session, generation: u32) -> Result<Vec<(Id, ObjectHandle)>, Stop> {
        if self.names.is_destroyed(session, generation)? {
            return Err(RootError::Destroyed { generation }.into());
        }
        let keys = self.names.keys(session, generation)?;
        if keys.is_empty() { Err(RootError::Unknown { generation }.into()) } else { Ok(keys) }
    }
}

impl Roots for Pkcs11Roots {
    fn name(&self) -> &'static str {
        "pkcs11"
    }

    fn generations(&self) -> Result<Vec<u32>, RootError> {
        self.pool.with(|session| {
            let mut living = Vec::new();
            for generation in self.names.living(session)? {
                if !self.names.is_destroyed(session, generation)? {
                    living.push(generation);
                }
            }
            Ok(living)
        })
    }

    fn create(&self, generation: u32, random: &mut Random<'_>) -> Result<(), RootError> {
        let mut id = [0; ID_BYTES];
        random(&mut id);
        self.pool.with(|session| {
            match self.keys(session, generation) {
                Ok(_) => return Err(RootError::Exists { generation }.into()),
                Err(Stop::Root(RootError::Unknown { .. })) => {}
                Err(other) => return Err(other),
            }
            self.names.generate(session, generation, id)?;
            // Somebody may have destroyed the generation between the look above and the key.
            if self.names.is_destroyed(session, generation)? {
                self.names.destroy(session, generation)?;
                return Err(RootError::Destroyed { generation }.into());
            }
            // Or made a key of its own. None is taken away again: somebody may have wrapped under it already.
            match self.names.keys(session, generation)?.first() {
                Some((least, _)) if *least != id => Err(RootError::Exists { generation }.into()),
                _ => Ok(()),
            }
        })
    }

    fn wrap(
        &self,
        generation: u32,
        context: &[u8],
        key: &[u8; 32],
        random: &mut Random<'_>,
    ) -> Result<Vec<u8>, RootError> {
        let mut iv = [0; IV_BYTES];
        random(&mut iv);
        self.pool.with(|session| {
            let keys = self.keys(session, generation)?;
            let Some((id, handle)) = keys.first() else { return Err(RootError::Unknown { generation }.into()) };
            let mut wrapped = Vec::with_capacity(WRAPPED_BYTES);
            wrapped.extend(header(generation));
            wrapped.extend(id);
            let aad = associated(generation, context, &wrapped);
            wrapped.extend(iv);
            wrapped.extend(encrypt(session, *handle, iv, &aad, key)?);
            // A module that makes its own IV, as some do in certified mode, would have used another one than is written.
            if wrapped.len() != WRAPPED_BYTES {
                let reason = "the module's AES-GCM gives another length than ciphertext and tag".to_owned();
                return Err(RootError::Unusable { reason }.into());
            }
            Ok(wrapped)
        })
    }

    fn unwrap(&self, generation: u32, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, RootError> {
        self.pool.with(|session| {
            let keys = self.keys(session, generation)?;
            let parts = Parts::read(generation, wrapped).ok_or(RootError::Refused)?;
            let handle = keys.iter().find(|(id, _)| *id == parts.id).map(|(_, handle)| *handle);
            let handle = handle.ok_or(RootError::Refused)?;
            let aad = associated(generation, context, parts.head);
            let opened = match decrypt(session, handle, parts.iv, &aad, parts.sealed) {
                Err(Stop::Module(error)) if refuses(&error) => return Err(RootError::Refused.into()),
                // SoftHSM2 says no more than this of a wrong tag. A device that is ill would say it of everything.
                Err(Stop::Module(error)) if is_vague(&error) => {
                    let trial = encrypt(session, handle, parts.iv, &aad, &[0; 32])?;
                    decrypt(session, handle, parts.iv, &aad, &trial)?;
                    return Err(RootError::Refused.into());
                }
                other => other?,
            };
            let mut key = Zeroizing::new([0; 32]);
            if opened.len() != key.len() {
                return Err(RootError::Refused.into());
            }
            key.copy_from_slice(&opened);
            Ok(key)
        })
    }

    fn destroy(&self, generation: u32) -> Result<(), RootError> {
        self.pool.with(|session| {
            if !self.names.is_destroyed(session, generation)? {
                if self.names.keys(session, generation)?.is_empty() {
                    return Ok(());
                }
                // First, so that from here on the generation is gone: a crash leaves a key that the next start destroys.
                self.names.mark_destroyed(session, generation)?;
            }
            self.names.destroy(session, generation)
        })
    }
}

impl fmt::Debug for Pkcs11Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pkcs11Roots")
    }
}

/// A wrapped key: `magic(2) | version(1) | algorithm(1) | generation(4) | id(16) | iv(12) | ciphertext(32) | tag(16)`.
struct Parts<'a> {
    /// Everything in front of the IV.
    head: &'a [u8],
    id: Id,
    iv: [u8; IV_BYTES],
    sealed: &'a [u8],
}

impl Parts<'_> {
    fn read(generation: u32, wrapped: &[u8]) -> Option<Parts<'_>> {
        if wrapped.len() != WRAPPED_BYTES {
            return None;
        }
        let (head, rest) = wrapped.split_at_checked(HEADER_BYTES + ID_BYTES)?;
        let id = head.strip_prefix(&header(generation))?.try_into().ok()?;
        let (iv, sealed) = rest.split_first_chunk()?;
        Some(Parts { head, id, iv: *iv, sealed })
    }
}

fn header(generation: u32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = generation.to_be_bytes();
    [MAGIC[0], MAGIC[1], VERSION, AES_256_GCM, a, b, c, d]
}

fn encrypt(
    session: &Session,
    key: ObjectHandle,
    mut iv: [u8; IV_BYTES],
    aad: &[u8],
    plain: &[u8; 32],
) -> Result<Vec<u8>, Stop> {
    let written = iv;
    let sealed = session.encrypt(&Mechanism::AesGcm(parameters(&mut iv, aad)?), key, plain)?;
    if iv != written {
        let reason =
            "the module chooses the IV of AES-GCM by itself; switch that off, or use another module".to_owned();
        return Err(RootError::Unusable { reason }.into());
    }
    Ok(sealed)
}

fn decrypt(
    session: &Session,
    key: ObjectHandle,
    mut iv: [u8; IV_BYTES],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Stop> {
    Ok(Zeroizing::new(session.decrypt(&Mechanism::AesGcm(parameters(&mut iv, aad)?), key, sealed)?))
}

fn parameters<'a>(iv: &'a mut [u8], aad: &'a [u8]) -> Result<GcmParams<'a>, Error> {
    GcmParams::new(iv, aad, (TAG_BYTES * 8).try_into()?)
}

/// The module says that the bytes are wrong.
fn refuses(error: &Error) -> bool {
    use RvError::{EncryptedDataInvalid, EncryptedDataLenRange, SignatureInvalid};
    matches!(error, Error::Pkcs11(EncryptedDataInvalid | EncryptedDataLenRange | SignatureInvalid, _))
}

/// The module says that something is wrong.
fn is_vague(error: &Error) -> bool {
    matches!(error, Error::Pkcs11(RvError::GeneralError | RvError::FunctionFailed, _))
}

#[cfg(test)]
mod tests;
