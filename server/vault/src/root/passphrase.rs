//! Roots in a folder, wrapped under a passphrase: for an installation without a hardware module or a key service. The
//! folder belongs outside every backup of data.
//!
//! Each generation is a file of its own, readable by its owner only, that holds a random root wrapped under a key from
//! the passphrase. An operator's passphrase goes through Argon2id once per opened backend. Without one, the first start
//! makes a random passphrase of 256 bits in the file `passphrase` beside them, which needs no stretching; that keeps
//! thieves of other disks and of backups out, not a thief of this one. To change over, set a passphrase: the next
//! generation is made under it, and when the older ones are destroyed the file `passphrase` can go.
//!
//! Destroying a generation overwrites its file with noise, syncs, removes it, and syncs the folder. On a spinning disk
//! that is the end of it. An SSD, a copy-on-write file system, a snapshot or a virtual disk keeps the old blocks for a
//! while, where somebody with the passphrase and a laboratory could find the wrapped root. So where that matters, give
//! an operator's passphrase that is not kept on the same disk, or use a hardware module.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::data_key::OpenError;
use crate::disk::{self, DiskError};
use crate::envelope::Envelope;
use crate::kdf::{Derivation, hmac};
use crate::keys::Random;
use crate::password::{self, Params};
use crate::root::{RootError, Roots, associated};

mod generation;

use generation::{GenerationFile, Secret, Stretch};

/// Where the machine-made passphrase lies, inside the folder.
const PASSPHRASE_FILE: &str = "passphrase";
const MAX_PASSPHRASE_BYTES: u64 = 256;
const MAGIC: [u8; 2] = *b"sR";
const VERSION: u8 = 1;
const AES_256_GCM_SIV: u8 = 1;
const HEADER_BYTES: usize = 8;

/// Where the passphrase comes from.
#[derive(Clone, Copy)]
pub enum Passphrase<'a> {
    /// An operator chose it and keeps it elsewhere. Stretched by Argon2id at this cost.
    Operator { text: &'a str, cost: Params },
    /// Made at the first start, 256 random bits, in a file beside the roots.
    MachineMade,
}

impl fmt::Debug for Passphrase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase")
    }
}

/// Reads an operator's passphrase from a file that nobody else can read: its text without the line break at the end.
///
/// # Errors
/// [`RootError`], whose text tells the operator what to do.
pub fn read_file(path: &Path) -> Result<Zeroizing<String>, RootError> {
    let text = disk::read(path, password::MAX_PASSWORD_BYTES as u64 + 2).map_err(|error| root_error(path, error))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The backend.
pub struct PassphraseRoots {
    folder: PathBuf,
    operator: Option<(Zeroizing<String>, Params)>,
    machine: Option<Zeroizing<[u8; 32]>>,
    /// What Argon2id made of the operator's passphrase, by salt and cost. One entry as long as nobody changes the cost.
    stretched: Mutex<Vec<(Stretch, Zeroizing<[u8; 32]>)>>,
    /// From which the noise is derived that overwrites destroyed roots.
    noise: Zeroizing<[u8; 32]>,
}

impl PassphraseRoots {
    /// Opens the folder, which is made with mode 0700 if missing, finishes what an interrupted [`Roots::destroy`] left,
    /// and makes sure that the passphrase opens the newest generation. Under an operator's passphrase that takes the
    /// time of one Argon2id, otherwise less than a millisecond.
    ///
    /// # Errors
    /// [`RootError`], whose text tells the operator what to do.
    pub fn open(
        folder: &Path,
        passphrase: Passphrase<'_>,
        random: &mut Random<'_>,
    ) -> Result<PassphraseRoots, RootError> {
        disk::make_folder(folder).map_err(|error| root_error(folder, error))?;
        let metadata = fs::metadata(folder).map_err(|source| io_error("inspect", folder, source))?;
        let mode = metadata.permissions().mode() & 0o777;
        // Whoever may write here may destroy roots or put old ones back.
        if mode & 0o022 != 0 {
            return Err(RootError::OpenToOthers { path: folder.to_owned(), mode, remedy: 0o700 });
        }
        let mut noise = Zeroizing::new([0; 32]);
        random(noise.as_mut());
        let mut roots = PassphraseRoots {
            folder: folder.to_owned(),
            operator: None,
            machine: None,
            stretched: Mutex::new(Vec::new()),
            noise,
        };
        for (generation, destroyed) in roots.list()? {
            if destroyed {
                roots.shred(generation)?;
            }
        }
        let living = roots.generations()?;
        roots.machine = roots.machine_passphrase()?;
        match passphrase {
            Passphrase::Operator { text, cost } => {
                let text = password::normalise(text).map_err(|_| RootError::NoPassphrase {
                    path: folder.to_owned(),
                    reason: "the passphrase is longer than 1024 bytes",
                })?;
                if text.is_empty() {
                    return Err(RootError::NoPassphrase { path: folder.to_owned(), reason: "the passphrase is empty" });
                }
                roots.operator = Some((text, cost));
            }
            Passphrase::MachineMade if roots.machine.is_none() => {
                // A new one beside roots that need the old one would only hide that it was lost.
                for generation in &living {
                    if matches!(roots.read(*generation)?.secret, Secret::Machine) {
                        return Err(RootError::NoPassphrase {
                            path: roots.passphrase_path(),
                            reason: "this file is missing; put it back from the key backup",
                        });
                    }
                }
                roots.machine = Some(roots.make_passphrase(random)?);
            }
            Passphrase::MachineMade => {}
        }
        if let Some(newest) = living.last() {
            roots.load(*newest)?;
        }
        Ok(roots)
    }

    fn passphrase_path(&self) -> PathBuf {
        self.folder.join(PASSPHRASE_FILE)
    }

    fn machine_passphrase(&self) -> Result<Option<Zeroizing<[u8; 32]>>, RootError> {
        let path = self.passphrase_path();
        let text = match disk::read(&path, MAX_PASSPHRASE_BYTES) {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other.map_err(|error| root_error(&path, error))?,
        };
        let malformed = || RootError::Malformed { path: path.clone(), reason: "not 64 hexadecimal digits" };
        let bytes = Zeroizing::new(HEXLOWER.decode(text.trim_end().as_bytes()).map_err(|_| malformed())?);
        let mut secret = Zeroizing::new([0; 32]);
        if bytes.len() != secret.len() {
            return Err(malformed());
        }
        secret.copy_from_slice(&bytes);
        Ok(Some(secret))
    }

    fn make_passphrase(&self, random: &mut Random<'_>) -> Result<Zeroizing<[u8; 32]>, RootError> {
        let path = self.passphrase_path();
        let mut secret = Zeroizing::new([0; 32]);
        random(secret.as_mut());
        let mut text = Zeroizing::new(String::with_capacity(65));
        HEXLOWER.encode_append(secret.as_slice(), &mut text);
        text.push('\n');
        disk::place(&path, text.as_bytes(), random).map_err(|error| root_error(&path, error))?;
        // Read back rather than used directly: another process may have been first.
        let missing = || io_error("open", &path, io::ErrorKind::NotFound.into());
        self.machine_passphrase()?.ok_or_else(missing)
    }

    fn path(&self, generation: u32) -> PathBuf {
        self.folder.join(format!("root-{generation:010}.toml"))
    }

    fn tombstone(&self, generation: u32) -> PathBuf {
        self.folder.join(format!("root-{generation:010}.destroyed"))
    }

    /// All generations with a root file, and whether they were destroyed (a crash may leave both).
    fn list(&self) -> Result<BTreeSet<(u32, bool)>, RootError> {
        let io = |source| io_error("list", &self.folder, source);
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(&self.folder).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let name = name.to_string_lossy();
            let digits = name.strip_prefix("root-").and_then(|rest| rest.strip_suffix(".toml"));
            if let Some(generation) = digits.and_then(|digits| digits.parse().ok()) {
                found.insert((generation, self.is_destroyed(generation)?));
            }
        }
        Ok(found)
    }

    fn is_destroyed(&self, generation: u32) -> Result<bool, RootError> {
        let path = self.tombstone(generation);
        path.try_exists().map_err(|source| io_error("inspect", &path, source))
    }

    fn read(&self, generation: u32) -> Result<GenerationFile, RootError> {
        if self.is_destroyed(generation)? {
            return Err(RootError::Destroyed { generation });
        }
        let path = self.path(generation);
        match GenerationFile::read(&path, generation) {
            Err(RootError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(RootError::Unknown { generation })
            }
            other => other,
        }
    }

    /// What wraps a root in its file.
    fn wrapping(&self, generation: u32, file: &GenerationFile) -> Result<Envelope, RootError> {
        let path = || self.path(generation);
        let secret = match &file.secret {
            Secret::Machine => self.machine.clone().ok_or_else(|| RootError::NoPassphrase {
                path: self.passphrase_path(),
                reason: "this file is missing; put it back from the key backup",
            })?,
            Secret::Operator(stretch) => self.stretch(*stretch)?.ok_or_else(|| RootError::NoPassphrase {
                path: path(),
                reason: "this root was made under an operator's passphrase, and none is set",
            })?,
        };
        Ok(Envelope::of(&Derivation::salted(&file.salt, &secret), "root-file", &[&generation.to_be_bytes()]))
    }

    /// The operator's passphrase after Argon2id; `None` without one.
    fn stretch(&self, stretch: Stretch) -> Result<Option<Zeroizing<[u8; 32]>>, RootError> {
        let Some((text, _)) = &self.operator else { return Ok(None) };
        // Held while Argon2id runs, so that threads which come together wait for one result instead of making many.
        let mut stretched = self.stretched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, secret)) = stretched.iter().find(|(known, _)| *known == stretch) {
            return Ok(Some(secret.clone()));
        }
        let secret = password::stretch(text, stretch.cost, &stretch.salt)
            .map_err(|error| RootError::Unavailable { reason: format!("Argon2id fails: {error}") })?;
        stretched.push((stretch, secret.clone()));
        Ok(Some(secret))
    }

    /// The root itself.
    fn load(&self, generation: u32) -> Result<Envelope, RootError> {
        let file = self.read(generation)?;
        let path = || self.path(generation);
        let root = match self.wrapping(generation, &file)?.open(&file.wrapped, &file.associated(generation)) {
            Ok(root) => root,
            // The commitment or the tag is wrong: by far most often because the passphrase is.
            Err(OpenError::Refused) => return Err(RootError::WrongPassphrase { path: path() }),
            Err(_) => return Err(RootError::Malformed { path: path(), reason: "the wrapped root is cut short" }),
        };
        let malformed = |_| RootError::Malformed { path: path(), reason: "the root is not 32 bytes long" };
        let root: &[u8; 32] = root.as_slice().try_into().map_err(malformed)?;
        Ok(Envelope::of(&Derivation::of(root), "root", &[&generation.to_be_bytes()]))
    }

    /// How the next generation is wrapped: under the operator's passphrase, if there is one, with the salt that is
    /// stretched already, as long as the cost is today's.
    fn next_secret(&self, random: &mut Random<'_>) -> Secret {
        let Some((_, cost)) = &self.operator else { return Secret::Machine };
        let stretched = self.stretched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, _)) = stretched.iter().rev().find(|(known, _)| known.cost == *cost) {
            return Secret::Operator(*known);
        }
        let mut salt = [0; 16];
        random(&mut salt);
        Secret::Operator(Stretch { salt, cost: *cost })
    }

    /// Removes a root's file so that as little as possible stays.
    fn shred(&self, generation: u32) -> Result<(), RootError> {
        let path = self.path(generation);
        let mut block = 0_u64;
        let mut noise = |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(32) {
                block += 1;
                let fresh = hmac(&self.noise, &[&generation.to_be_bytes(), &block.to_be_bytes()]);
                chunk.iter_mut().zip(fresh).for_each(|(byte, fresh)| *byte = fresh);
            }
        };
        disk::shred(&path, &mut noise).map_err(|error| root_error(&path, error))
    }
}

impl Roots for PassphraseRoots {
    fn name(&self) -> &'static str {
        "passphrase"
    }

    fn generations(&self) -> Result<Vec<u32>, RootError> {
        Ok(self.list()?.into_iter().filter(|(_, destroyed)| !destroyed).map(|(generation, _)| generation).collect())
    }

    fn create(&self, generation: u32, random: &mut Random<'_>) -> Result<(), RootError> {
        if self.is_destroyed(generation)? {
            return Err(RootError::Destroyed { generation });
        }
        let mut file = GenerationFile { secret: self.next_secret(random), salt: [0; 32], wrapped: Vec::new() };
        random(&mut file.salt);
        let mut root = Zeroizing::new([0; 32]);
        random(root.as_mut());
        let wrapping = self.wrapping(generation, &file)?;
        file.wrapped = wrapping.seal(&[], &file.associated(generation), &[root.as_slice()], random);
        let path = self.path(generation);
        match disk::place(&path, file.text(generation).as_bytes(), random) {
            Ok(true) => Ok(()),
            Ok(false) => Err(RootError::Exists { generation }),
            Err(error) => Err(root_error(&path, error)),
        }
    }

    fn wrap(
        &self,
        generation: u32,
        context: &[u8],
        key: &[u8; 32],
        random: &mut Random<'_>,
    ) -> Result<Vec<u8>, RootError> {
        let header = header(generation);
        Ok(self.load(generation)?.seal(&header, &associated(generation, context, &header), &[key], random))
    }

    fn unwrap(&self, generation: u32, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, RootError> {
        let root = self.load(generation)?;
        let header = header(generation);
        let body = wrapped.strip_prefix(&header).ok_or(RootError::Refused)?;
        let opened = root.open(body, &associated(generation, context, &header)).map_err(|_| RootError::Refused)?;
        let mut key = Zeroizing::new([0; 32]);
        if opened.len() != key.len() {
            return Err(RootError::Refused);
        }
        key.copy_from_slice(&opened);
        Ok(key)
    }

    fn destroy(&self, generation: u32) -> Result<(), RootError> {
        let path = self.path(generation);
        let exists = path.try_exists().map_err(|source| io_error("inspect", &path, source))?;
        if !exists && !self.is_destroyed(generation)? {
            return Ok(());
        }
        // First the tombstone: from here on the generation is gone, and a crash only leaves bytes to be removed at the
        // next start. It also keeps the number from being used again.
        let tombstone = self.tombstone(generation);
        disk::mark(&tombstone).map_err(|error| root_error(&tombstone, error))?;
        self.shred(generation)
    }
}

impl fmt::Debug for PassphraseRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassphraseRoots")
    }
}

/// In front of a wrapped key: `magic(2) | version(1) | algorithm(1) | generation(4)`, then as in every envelope
/// `nonce(12) | commitment(16) | ciphertext(32) | tag(16)`.
fn header(generation: u32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = generation.to_be_bytes();
    [MAGIC[0], MAGIC[1], VERSION, AES_256_GCM_SIV, a, b, c, d]
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> RootError {
    RootError::Io { action, path: path.to_owned(), source }
}

fn root_error(path: &Path, error: DiskError) -> RootError {
    let path = path.to_owned();
    match error {
        DiskError::Io { action, source } => RootError::Io { action, path, source },
        DiskError::OpenToOthers { mode } => RootError::OpenToOthers { path, mode, remedy: 0o600 },
        DiskError::Unfit { reason } => RootError::Malformed { path, reason },
    }
}

#[cfg(test)]
mod tests;
