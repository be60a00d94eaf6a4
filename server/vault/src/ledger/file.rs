//! A ledger in one or more places of a disk. Every place holds the same bytes; an entry is in all of them before the call
//! that made it returns. Several processes may write: each takes a lock of the first place for as long as it does.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{BLOCK_BYTES, ENTRY_BYTES, Entry, LedgerError, LedgerWriter, Mark, begin, new_header, read};
use crate::data_key::KeyId;
use crate::disk::{self, DiskError};
use crate::faults::touch;
use crate::keys::Random;
use crate::sign::{PublicKey, SigningKey};

/// The ledger's name in the folder of each place.
pub const FILE: &str = "erased.ledger";

/// A writer holds the lock for as long as the disk takes to sync a few lines.
const LOCK_SECONDS: u64 = 10;

/// Why a ledger cannot be used. Shown to the operator.
#[derive(Debug, thiserror::Error)]
pub enum LedgerFileError {
    /// The key store has seen entries, and there is no ledger.
    #[error(
        "the ledger of erased keys is missing: there is no {}. Put it back from its copy; without it nobody can tell what \
         must stay erased", path.display()
    )]
    Missing { path: PathBuf },
    /// The ledger ends before what the key store has seen, or is another one.
    #[error(
        "{} does not hold the {count} erased keys that the key store has seen: it is cut short, or another \
         installation's. Put it back from its copy", path.display()
    )]
    Behind { path: PathBuf, count: u64 },
    /// Two places hold different entries.
    #[error(
        "{} and {} tell different stories. Keep the one that belongs to this installation and remove the other",
        first.display(), second.display()
    )]
    Differ { first: PathBuf, second: PathBuf },
    /// Another process holds the ledger; trying again may help.
    #[error("{} is held by another process for more than {LOCK_SECONDS} seconds", path.display())]
    Busy { path: PathBuf },
    #[error("{}: {source}. Put it back from its copy", path.display())]
    Untrue { path: PathBuf, source: LedgerError },
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

/// The ledger of an installation.
pub struct LedgerFile {
    /// The first is the one that is locked and read.
    first: PathBuf,
    copies: Vec<PathBuf>,
    public: PublicKey,
    writer: Mutex<LedgerWriter>,
}

impl fmt::Debug for LedgerFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LedgerFile").field(&self.first).finish()
    }
}

impl LedgerFile {
    /// Opens the ledger in the folders, or begins one. `known` says that entries were seen before: then none is begun.
    /// A place that is missing or behind the others is brought up to date.
    ///
    /// # Errors
    /// [`LedgerFileError`].
    pub fn open(
        folder: &Path,
        copies: &[PathBuf],
        signer: SigningKey,
        known: bool,
        random: &mut Random<'_>,
    ) -> Result<LedgerFile, LedgerFileError> {
        let first = folder.join(FILE);
        let copies: Vec<PathBuf> = copies.iter().map(|folder| folder.join(FILE)).collect();
        // Held while lengths are compared: another process may be appending.
        let held = if first.exists() { Some(locked(&first)?) } else { None };
        let mut longest: Option<(u64, &PathBuf)> = None;
        for place in std::iter::once(&first).chain(&copies) {
            if let Some(length) = length(place)?
                && longest.is_none_or(|(most, _)| length > most)
            {
                longest = Some((length, place));
            }
        }
        let public = signer.public();
        match longest {
            Some((_, place)) if *place != first => take_over(place, &first, random)?,
            Some(_) => {}
            None if known => return Err(LedgerFileError::Missing { path: first }),
            None => {
                // Whoever begins one at the same time keeps the first.
                disk::place(&first, &new_header(&signer, random), random).map_err(|error| unusable(&first, error))?;
            }
        }
        let start = begin(&head(&first)?, &public).map_err(|source| untrue(&first, source))?;
        let ledger = LedgerFile { first, copies, public, writer: Mutex::new(LedgerWriter::at(signer, start)) };
        for copy in &ledger.copies {
            if length(copy)?.is_none() {
                disk::place(copy, &head(&ledger.first)?, random).map_err(|error| unusable(copy, error))?;
            }
        }
        drop(held);
        let file = locked(&ledger.first)?;
        trim(&file).map_err(io_error("mend", &ledger.first))?;
        ledger.copy_on()?;
        drop(file);
        Ok(ledger)
    }

    /// Appends the keys, destroyed at `erased_at` (unix milliseconds). On the disk, in every place, when this returns.
    /// Waits for the disk: call it off the async threads.
    ///
    /// # Errors
    /// [`LedgerFileError`]; the entries may be there then, which does no harm: they are true as soon as they are written.
    pub fn append(&self, keys: &[KeyId], erased_at: i64) -> Result<(), LedgerFileError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let file = locked(&self.first)?;
        self.catch_up(&file, &mut writer)?;
        let before = writer.mark();
        let mut rest = keys;
        while !rest.is_empty() {
            let at = writer.mark().bytes();
            let (now, later) = rest.split_at(writer.room().min(rest.len()));
            let bytes: Vec<u8> = now.iter().flat_map(|key| writer.append(*key, erased_at).1).collect();
            let written = touch(&self.first)
                .and_then(|()| file.write_all_at(&bytes, at))
                .and_then(|()| touch(&self.first))
                .and_then(|()| file.sync_data());
            if let Err(source) = written {
                // What this process believes is written might not be: believe the file, from where it was known.
                writer.go_to(before);
                return Err(io_error("write", &self.first)(source));
            }
            rest = later;
        }
        // Not in every place: the next call looks at these lines again, and copies them before it tells of them.
        self.copy_on().inspect_err(|_| writer.go_to(before))
    }

    /// What was appended behind `mark` by anybody, and how far the ledger reaches with it. `None`: from the beginning. All
    /// of it is on the disk, in every place, when this returns.
    ///
    /// # Errors
    /// [`LedgerFileError::Behind`] if the ledger never had this mark.
    pub fn after(&self, mark: Option<Mark>) -> Result<(Vec<Entry>, Mark), LedgerFileError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = match mark {
            Some(mark) => mark,
            None => begin(&head(&self.first)?, &self.public).map_err(|source| untrue(&self.first, source))?,
        };
        let file = locked(&self.first)?;
        self.reaches(&file, mark)?;
        // What the key store has seen need not be verified again.
        if writer.mark().count < mark.count {
            writer.go_to(mark);
        }
        self.catch_up(&file, &mut writer)?;
        let tail = read_from(&file, mark.bytes()).map_err(io_error("read", &self.first))?;
        let entries = read(&tail, mark, &self.public).map_err(|source| untrue(&self.first, source))?;
        let reached = entries.last().map_or(mark, |entry| Mark { count: entry.sequence + 1, hash: entry.hash });
        Ok((entries, reached))
    }

    /// Brings `writer` to the end of the first place, which the caller holds, and the end to the disk and the copies.
    fn catch_up(&self, file: &File, writer: &mut LedgerWriter) -> Result<(), LedgerFileError> {
        self.reaches(file, writer.mark())?;
        let before = writer.mark();
        let tail = read_from(file, before.bytes()).map_err(io_error("read", &self.first))?;
        match writer.catch_up(&tail) {
            Ok(()) => {}
            // The writer before us was interrupted; whoever asked it for these entries got no answer.
            Err(LedgerError::Torn { good_bytes, .. }) => {
                let cut = touch(&self.first).and_then(|()| file.set_len(good_bytes));
                cut.map_err(io_error("mend", &self.first))?;
            }
            Err(source) => return Err(untrue(&self.first, source)),
        }
        if !tail.is_empty() {
            let synced = touch(&self.first).and_then(|()| file.sync_data()).map_err(io_error("write", &self.first));
            synced.and_then(|()| self.copy_on()).inspect_err(|_| writer.go_to(before))?;
        }
        Ok(())
    }

    /// Makes sure that the ledger has the mark, and was not exchanged for an older or another one.
    fn reaches(&self, file: &File, mark: Mark) -> Result<(), LedgerFileError> {
        let mut newest = [0; ENTRY_BYTES];
        let behind = || LedgerFileError::Behind { path: self.first.clone(), count: mark.count };
        match file.read_exact_at(&mut newest, mark.bytes() - ENTRY_BYTES as u64) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(behind()),
            Err(source) => Err(io_error("read", &self.first)(source)),
            Ok(()) if mark.fits(&newest) => Ok(()),
            Ok(()) => Err(behind()),
        }
    }

    /// Brings the copies up to date with the first place, which the caller holds and has made whole.
    fn copy_on(&self) -> Result<(), LedgerFileError> {
        let file = File::open(&self.first).map_err(io_error("open", &self.first))?;
        for path in &self.copies {
            let copy = OpenOptions::new().read(true).write(true).open(path).map_err(io_error("open", path))?;
            let whole = trim(&copy).map_err(io_error("mend", path))?;
            let differ = || LedgerFileError::Differ { first: self.first.clone(), second: path.clone() };
            let from = whole.checked_sub(ENTRY_BYTES as u64).ok_or_else(differ)?;
            let missing = read_from(&file, from).map_err(io_error("read", &self.first))?;
            let mut newest = [0; ENTRY_BYTES];
            copy.read_exact_at(&mut newest, from).map_err(io_error("read", path))?;
            // The chain of hashes makes the newest entry stand for all before it.
            if missing.first_chunk() != Some(&newest) {
                return Err(differ());
            }
            let missing = missing.get(ENTRY_BYTES..).unwrap_or_default();
            let written = touch(path)
                .and_then(|()| copy.write_all_at(missing, whole))
                .and_then(|()| touch(path))
                .and_then(|()| copy.sync_data());
            written.map_err(io_error("write", path))?;
        }
        Ok(())
    }
}

/// The first place, held until the file is dropped.
fn locked(path: &Path) -> Result<File, LedgerFileError> {
    let file = touch(path).and_then(|()| OpenOptions::new().read(true).write(true).open(path));
    let file = file.map_err(io_error("open", path))?;
    for _ in 0..LOCK_SECONDS * 100 {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(Duration::from_millis(10)),
            Err(TryLockError::Error(source)) => return Err(io_error("lock", path)(source)),
        }
    }
    Err(LedgerFileError::Busy { path: path.to_owned() })
}

/// Puts a copy of the ledger where it is missing, or behind.
fn take_over(from: &Path, to: &Path, random: &mut Random<'_>) -> Result<(), LedgerFileError> {
    let whole = std::fs::read(from).map_err(io_error("read", from))?;
    match std::fs::read(to) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            disk::place(to, &whole, random).map(|_| ()).map_err(|error| unusable(to, error))
        }
        Err(source) => Err(io_error("read", to)(source)),
        Ok(part) => {
            let part = part.get(..part.len() - part.len() % ENTRY_BYTES).unwrap_or_default();
            let Some(missing) = whole.strip_prefix(part) else {
                return Err(LedgerFileError::Differ { first: to.to_owned(), second: from.to_owned() });
            };
            let file = OpenOptions::new().write(true).open(to).map_err(io_error("open", to))?;
            let written = file.write_all_at(missing, part.len() as u64).and_then(|()| file.sync_all());
            written.map_err(io_error("write", to))
        }
    }
}

/// Cuts off what an interrupted write left: a part of an entry, or zeros. Gives the length that remains.
fn trim(file: &File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let mut whole = length - length % ENTRY_BYTES as u64;
    let from = whole.saturating_sub(BLOCK_BYTES as u64);
    let tail = read_from(file, from)?;
    let slots = tail.chunks_exact(ENTRY_BYTES).rev();
    whole -= slots.take_while(|slot| slot.iter().all(|byte| *byte == 0)).count() as u64 * ENTRY_BYTES as u64;
    if whole < length {
        file.set_len(whole)?;
        file.sync_data()?;
    }
    Ok(whole)
}

fn length(path: &Path) -> Result<Option<u64>, LedgerFileError> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(io_error("inspect", path)(source)),
    }
}

fn head(path: &Path) -> Result<Vec<u8>, LedgerFileError> {
    let mut head = vec![0; ENTRY_BYTES];
    let file = File::open(path).map_err(io_error("open", path))?;
    match file.read_exact_at(&mut head, 0) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(untrue(path, LedgerError::Malformed)),
        other => other.map(|()| head).map_err(io_error("read", path)),
    }
}

/// From a place of the file to its end.
fn read_from(file: &File, from: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len().saturating_sub(from);
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}

fn untrue(path: &Path, source: LedgerError) -> LedgerFileError {
    LedgerFileError::Untrue { path: path.to_owned(), source }
}

fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> LedgerFileError {
    move |source| LedgerFileError::Io { action, path: path.to_owned(), source }
}

fn unusable(path: &Path, error: DiskError) -> LedgerFileError {
    match error {
        DiskError::Io { action, source } => io_error(action, path)(source),
        DiskError::OpenToOthers { .. } | DiskError::Unfit { .. } => untrue(path, LedgerError::Malformed),
    }
}

#[cfg(test)]
mod tests;
