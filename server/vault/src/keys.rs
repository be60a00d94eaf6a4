//! The key ring: one independent random root per purpose, so that renewing one leaves the others alone. The working
//! keys are derived from the roots by HKDF-SHA256 with the purpose in `info`.

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::data_key::{DataKey, KeyId};
use crate::file;
use crate::kdf::{Derivation, derive, hmac};

/// Fills the buffer with random bytes fit for keys, or does not return.
pub type Random<'a> = dyn FnMut(&mut [u8]) + 'a;

/// Why the key ring cannot be used. For the operator's eyes, at start.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file system refused.
    #[error("cannot {action} the key file {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    /// Others than the owner may read or change the file.
    #[error("the key file {} is open to others (mode {mode:03o}). Mend it with: chmod 600 {}", path.display(), path.display())]
    OpenToOthers { path: PathBuf, mode: u32 },
    /// The file is not a key ring, or was damaged.
    #[error("the key file {} is damaged: {reason}. Restore it from the key backup; without it no link that was sent can be opened", path.display())]
    Malformed { path: PathBuf, reason: &'static str },
    /// The file was written by an older program and lacks keys that this one needs.
    #[error("the key file {} has format 1 and lacks the keys that came later; the server adds them when it starts", path.display())]
    Older { path: PathBuf },
    /// The file was written by a newer program.
    #[error("the key file {} has format {format}, newer than this program knows", path.display())]
    Newer { path: PathBuf, format: u32 },
}

/// The key ring of an installation. Cheap to share behind an `Arc`; overwritten on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Keys {
    roots: Roots,
    pub(crate) link: [u8; 32],
    pub(crate) media: [u8; 32],
    pub(crate) cursor: [u8; 32],
}

/// One independent 32-byte root per purpose, as kept in the file.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Roots {
    pub(crate) link: [u8; 32],
    pub(crate) lookup: [u8; 32],
    pub(crate) one_time: [u8; 32],
    pub(crate) cursor: [u8; 32],
    pub(crate) audit: [u8; 32],
    pub(crate) backup: [u8; 32],
    pub(crate) webhook: [u8; 32],
    pub(crate) receipt: [u8; 32],
}

impl Keys {
    /// Opens the key file at `path`, or makes a new ring and stores it with mode 0600. Missing parent folders are made
    /// with mode 0700. Two processes that start at once end up with the same ring. A created ring is on the disk
    /// (file and folder synced) before this returns. An older ring is upgraded as by [`Keys::open_or_upgrade`].
    ///
    /// # Errors
    /// [`VaultError`], whose text tells the operator what to do.
    pub fn open_or_create(path: &Path, random: &mut Random<'_>) -> Result<Keys, VaultError> {
        match Keys::open_or_upgrade(path, random) {
            Err(VaultError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            other => return other,
        }
        file::create(path, &Roots::random(random), random)?;
        // Read back rather than used directly: another process may have been first.
        Keys::open(path)
    }

    /// Opens the key file at `path` and never makes one: for an installation whose database already holds data, where
    /// a new ring would silently invalidate every link. A file of an older format gets the keys it lacks, at random and
    /// in one step; those it has stay as they are. Two processes that do so at once end up with the same ring.
    ///
    /// # Errors
    /// [`VaultError`]; a missing file is `Io` with `NotFound`.
    pub fn open_or_upgrade(path: &Path, random: &mut Random<'_>) -> Result<Keys, VaultError> {
        Ok(Keys::from_roots(file::read_or_upgrade(path, random)?))
    }

    /// Opens the key file at `path` and changes nothing.
    ///
    /// # Errors
    /// [`VaultError`]; a missing file is `Io` with `NotFound`, a file of an older format is `Older`.
    pub fn open(path: &Path) -> Result<Keys, VaultError> {
        Ok(Keys::from_roots(file::read(path)?))
    }

    /// A ring that is stored nowhere, for tests and the demo: the same seed gives the same keys.
    pub fn ephemeral(seed: [u8; 32]) -> Keys {
        let derivation = Derivation::of(&seed);
        let root = |name: &str| *derivation.key(&["root", name]);
        Keys::from_roots(Roots {
            link: root("link"),
            lookup: root("lookup"),
            one_time: root("one-time"),
            cursor: root("cursor"),
            audit: root("audit"),
            backup: root("backup"),
            webhook: root("webhook"),
            receipt: root("receipt"),
        })
    }

    fn from_roots(roots: Roots) -> Keys {
        let link = *derive(&roots.link, &["share-link"]);
        let media = *derive(&roots.link, &["media"]);
        let cursor = *derive(&roots.cursor, &["cursor"]);
        Keys { roots, link, media, cursor }
    }

    /// A keyed hash (HMAC-SHA-256) for columns that are looked up but must not be readable: token hashes, contact
    /// points, idempotency keys, client addresses. Each `domain` has its own key, so that equal data in two columns
    /// do not show as equal. `domain` is a constant such as `"session"`; it is part of the stored value's meaning and
    /// never changes.
    pub fn lookup(&self, domain: &'static str, data: &[u8]) -> [u8; 32] {
        self.lookup_in(domain, "", data)
    }

    /// As [`Keys::lookup`], with a key of its own per `scope` (an organisation or event id), so that the same address
    /// in two organisations cannot be recognised as the same.
    pub fn lookup_in(&self, domain: &'static str, scope: &str, data: &[u8]) -> [u8; 32] {
        let key = derive(&self.roots.lookup, &["lookup", domain, scope]);
        hmac(&key, &[data])
    }

    /// The key under which backups are sealed. Its id is derived as well, so that it is the same at every start.
    pub fn backup_key(&self) -> DataKey {
        let derivation = Derivation::of(&self.roots.backup);
        let id = KeyId::from_bytes(*derivation.key(&["backup", "id"]));
        DataKey::from_bytes(id, 1, &derivation.key(&["backup", "key"]))
    }

    /// The key under which lies what a question to a passkey expects, for the minutes until it is answered: who will answer
    /// is not known yet, so it can be nobody's own key.
    pub fn ceremony_key(&self) -> DataKey {
        let derivation = Derivation::of(&self.roots.lookup);
        let id = KeyId::from_bytes(*derivation.key(&["ceremony", "id"]));
        DataKey::from_bytes(id, 1, &derivation.key(&["ceremony", "key"]))
    }

    pub(crate) fn audit_root(&self) -> &[u8; 32] {
        &self.roots.audit
    }

    pub(crate) fn receipt_root(&self) -> &[u8; 32] {
        &self.roots.receipt
    }

    /// The key of one-time tokens of one purpose.
    pub(crate) fn one_time_key(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        derive(&self.roots.one_time, &["one-time", purpose])
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Roots {
    fn random(random: &mut Random<'_>) -> Roots {
        let zero = [0; 32];
        let mut roots = Roots {
            link: zero,
            lookup: zero,
            one_time: zero,
            cursor: zero,
            audit: zero,
            backup: zero,
            webhook: zero,
            receipt: zero,
        };
        for root in [&mut roots.link, &mut roots.lookup, &mut roots.one_time, &mut roots.cursor] {
            random(root);
        }
        roots.add_later(random);
        roots
    }

    /// Makes the roots that format 1 did not have.
    pub(crate) fn add_later(&mut self, random: &mut Random<'_>) {
        for root in [&mut self.audit, &mut self.backup, &mut self.webhook, &mut self.receipt] {
            random(root);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_only_the_name() {
        assert_eq!(format!("{:?}", Keys::ephemeral([7; 32])), "Keys");
    }

    // Computed with Python's hmac and hashlib:
    //   prk = hmac(b"\0"*32, root); info = b"shutterpost/1" + b"".join(len(p).to_bytes(8,"big")+p for p in parts)
    //   okm = hmac(prk, info + b"\x01")
    // with seed = bytes(range(32)).
    #[test]
    fn look_ups_match_an_independent_computation() {
        let keys = Keys::ephemeral(std::array::from_fn(|i| i as u8));
        let hex = |bytes: [u8; 32]| data_encoding::HEXLOWER.encode(&bytes);
        assert_eq!(
            hex(keys.lookup("session", b"hello")),
            "cbd888ddf190f7bc2ab69db3602c63f16cb8bd17e7a59c70d0fd7370918aebb2"
        );
        assert_eq!(
            hex(keys.lookup_in("contact", "org_1", b"a@example.org")),
            "18f0684087c323f2f202740e7ad3d4f14e9ebe6d818edd03a9a54adee3ca48db"
        );
    }

    #[test]
    fn look_ups_differ_by_domain_scope_and_ring() {
        let keys = Keys::ephemeral([1; 32]);
        let hash = keys.lookup("a", b"x");
        assert_eq!(hash, keys.lookup("a", b"x"));
        assert_ne!(hash, keys.lookup("b", b"x"));
        assert_ne!(hash, keys.lookup_in("a", "org", b"x"));
        assert_ne!(hash, Keys::ephemeral([2; 32]).lookup("a", b"x"));
        assert_ne!(keys.lookup_in("ab", "c", b"x"), keys.lookup_in("a", "bc", b"x"), "parts are length-prefixed");
    }
}
