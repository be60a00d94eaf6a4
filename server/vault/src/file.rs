//! The key file: TOML, readable by its owner only, written whole.
//!
//! Format 1 had four roots. Format 2 has eight; the four were added to a file of format 1 at its first use by a program
//! that knows them, the old ones being kept as they are.

use std::fs::File;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::disk::{self, DiskError};
use crate::keys::{Random, Roots, VaultError};

const FORMAT: u32 = 2;
/// A key file is below 2 kB; whatever is larger is something else.
const MAX_BYTES: u64 = 16 * 1024;

#[derive(Deserialize)]
struct Header {
    format: u32,
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Read by [`Header`]; named here because unknown fields are refused.
    #[serde(rename = "format")]
    _format: u32,
    keys: HexRoots,
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct HexRoots {
    link: String,
    lookup: String,
    one_time: String,
    cursor: String,
    audit: Option<String>,
    backup: Option<String>,
    webhook: Option<String>,
    receipt: Option<String>,
}

/// What lies in a key file.
enum Stored {
    /// All roots of today's format.
    Whole(Roots),
    /// Those of format 1; the others are zero.
    First(Roots),
}

/// Reads the roots, after making sure that nobody but the owner can.
pub(crate) fn read(path: &Path) -> Result<Roots, VaultError> {
    match read_any(path)? {
        Stored::Whole(roots) => Ok(roots),
        Stored::First(_) => Err(VaultError::Older { path: path.to_owned() }),
    }
}

/// As [`read`]; a file of format 1 gets the roots that it lacks first.
pub(crate) fn read_or_upgrade(path: &Path, random: &mut Random<'_>) -> Result<Roots, VaultError> {
    if let Stored::Whole(roots) = read_any(path)? {
        return Ok(roots);
    }
    let io = |action| move |source| VaultError::Io { action, path: path.to_owned(), source };
    // Of two processes that start at once, the second waits here and then finds the work done: the lock is on the old
    // file, whose name the new one has taken by then.
    let old = File::open(path).map_err(io("open"))?;
    old.lock().map_err(io("lock"))?;
    if let Stored::First(mut roots) = read_any(path)? {
        roots.add_later(random);
        disk::replace(path, &text(&roots), random).map_err(|error| vault_error(path, error))?;
    }
    // Read back rather than used directly: only what lies on the disk is there at the next start.
    read(path)
}

fn read_any(path: &Path) -> Result<Stored, VaultError> {
    let malformed = |reason| VaultError::Malformed { path: path.to_owned(), reason };
    let text = disk::read(path, MAX_BYTES).map_err(|error| vault_error(path, error))?;

    // The parser's own messages quote the line, and the lines are keys: they must not reach a log.
    let header: Header = toml::from_str(&text).map_err(|_| malformed("not a key file"))?;
    if header.format > FORMAT {
        return Err(VaultError::Newer { path: path.to_owned(), format: header.format });
    }
    let content: Content = toml::from_str(&text).map_err(|_| malformed("a key is missing or one too many"))?;
    let root = |hex: &str| {
        let bytes = Zeroizing::new(HEXLOWER.decode(hex.as_bytes()).map_err(|_| malformed("a key is not hexadecimal"))?);
        <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| malformed("a key is not 32 bytes long"))
    };
    let HexRoots { link, lookup, one_time, cursor, audit, backup, webhook, receipt } = &content.keys;
    let mut roots = Roots {
        link: root(link)?,
        lookup: root(lookup)?,
        one_time: root(one_time)?,
        cursor: root(cursor)?,
        audit: [0; 32],
        backup: [0; 32],
        webhook: [0; 32],
        receipt: [0; 32],
    };
    match (header.format, audit, backup, webhook, receipt) {
        (1, None, None, None, None) => Ok(Stored::First(roots)),
        (2, Some(audit), Some(backup), Some(webhook), Some(receipt)) => {
            roots.audit = root(audit)?;
            roots.backup = root(backup)?;
            roots.webhook = root(webhook)?;
            roots.receipt = root(receipt)?;
            Ok(Stored::Whole(roots))
        }
        _ => Err(malformed("a key is missing or one too many")),
    }
}

/// Writes the roots unless a file is there already, which is left alone. Synced to the disk before this returns.
pub(crate) fn create(path: &Path, roots: &Roots, random: &mut Random<'_>) -> Result<(), VaultError> {
    match disk::place(path, text(roots).as_bytes(), random) {
        Ok(_first) => Ok(()),
        Err(error) => Err(vault_error(path, error)),
    }
}

fn vault_error(path: &Path, error: DiskError) -> VaultError {
    let path = path.to_owned();
    match error {
        DiskError::Io { action, source } => VaultError::Io { action, path, source },
        DiskError::OpenToOthers { mode } => VaultError::OpenToOthers { path, mode },
        DiskError::Unfit { reason } => VaultError::Malformed { path, reason },
    }
}

fn text(roots: &Roots) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2048));
    text.push_str("# The keys of this Shutterpost installation. Keep them secret, and keep a copy apart from the\n");
    text.push_str("# database's backups: without them, no link that was sent can be opened again.\n");
    text.push_str("format = 2\n\n[keys]\n");
    for (name, root) in [
        ("link", &roots.link),
        ("lookup", &roots.lookup),
        ("one_time", &roots.one_time),
        ("cursor", &roots.cursor),
        ("audit", &roots.audit),
        ("backup", &roots.backup),
        ("webhook", &roots.webhook),
        ("receipt", &roots.receipt),
    ] {
        text.push_str(name);
        text.push_str(" = \"");
        HEXLOWER.encode_append(root, &mut text);
        text.push_str("\"\n");
    }
    text
}

#[cfg(test)]
mod tests;
