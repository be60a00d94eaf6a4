//! Base copies: the whole database at one moment, sealed, and then restored and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use serde::Serialize;
use shutterpost_model::time::Millis;

use super::chain::BaseName;
use super::sealed::{About, Content, Hash};
use super::sqlite::{self, Hold};
use super::status::BaseStatus;
use super::wal::Position;
use super::{BackupFailure, Backups, Database, Source, beside, file_failure, restore};

/// A moment of a database, kept open until it is copied.
pub(super) struct Snapshot {
    pub(super) source: Source,
    pub(super) hold: Hold,
    pub(super) generation: String,
    pub(super) number: u64,
    pub(super) previous: Hash,
    pub(super) time: Millis,
    pub(super) end: Option<Position>,
}

/// A base copy that was made, and found whole unless it says why not.
#[derive(Debug, Clone, Serialize)]
pub struct BaseMade {
    pub database: Database,
    /// The object's name in the target.
    pub name: String,
    /// The moment that it holds.
    pub time: Millis,
    /// Bytes of the database.
    pub bytes: u64,
    /// Rows in all tables.
    pub rows: i64,
    /// Root generation that it is sealed under; the key store's alone.
    pub root: Option<u32>,
    /// Segments that were replayed onto the base before it and led to the same rows.
    pub segments_checked: u64,
    /// When it was restored and found whole; none if that cannot be done on this machine.
    pub verified_at: Option<Millis>,
    /// Why it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<String>,
    /// What is wrong with the base before it or the segments in between. They lead to less than they should; this base
    /// does not need them.
    pub chain_problem: Option<String>,
}

impl BaseMade {
    /// Whether it is of this generation.
    pub(super) fn is_of(&self, generation: &str) -> bool {
        self.name.split('/').nth(1) == Some(generation)
    }

    pub(super) fn status(&self) -> BaseStatus {
        BaseStatus {
            name: self.name.clone(),
            time: self.time,
            bytes: self.bytes,
            root: self.root,
            verified_at: self.verified_at,
        }
    }
}

/// A file that is deleted with the value, with what SQLite puts beside it.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// For a copy beside the database. One process makes such copies at a time; what a crash left is deleted.
    fn beside(source: &Source, suffix: &str) -> Result<Self, BackupFailure> {
        Self::at(beside(&source.path, suffix))
    }

    /// For a copy at a place of its own.
    pub(super) fn at(path: PathBuf) -> Result<Self, BackupFailure> {
        let scratch = Self(path);
        scratch.clear().map_err(|error| file_failure(&scratch.0, error))?;
        Ok(scratch)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn clear(&self) -> std::io::Result<()> {
        for path in sqlite::files(&self.0) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            tracing::warn!(error.cause = %error, "a copy made for a backup was not deleted");
        }
    }
}

impl Backups {
    /// Copies, seals, stores and checks a moment.
    pub(super) fn make_base(&self, snapshot: Snapshot) -> Result<BaseMade, BackupFailure> {
        let Snapshot { source, hold, generation, number, previous, time, end } = snapshot;
        // A command and the server may do this at once, under the same names.
        let one = beside(&source.path, ".backup-copy.lock");
        let one = File::options().create(true).truncate(false).write(true).open(&one).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        let _one = one.map_err(|error| file_failure(&source.path, error))?;
        self.delete_failed()?;
        for generation in self.generations(source.database)? {
            let folder = format!("{}/{generation}/base", source.database.as_str());
            let cleared = self.0.target.clear_unfinished(&folder);
            cleared.map_err(|error| BackupFailure::Target(error.to_string()))?;
        }
        let before = self.bases(source.database, &generation)?.pop();
        let copy = Scratch::beside(&source, ".backup-copy")?;
        hold.copy(&source, copy.path())?;
        let rows = hold.rows(&source)?;
        drop(hold);
        let name = BaseName { database: source.database, generation: generation.clone(), time, number };
        let failed = |error: std::io::Error| file_failure(copy.path(), error);
        let mut file = File::open(copy.path()).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let (page_size, pages) = shape(copy.path(), bytes)?;
        let about = About {
            database: source.database,
            generation,
            content: Content::Base { rows },
            number,
            time,
            previous,
            page_size,
            pages,
            end,
        };
        let stored = self.put_base(&name.text(), about, bytes, |piece| file.read_exact(piece).map_err(failed));
        drop(copy);
        let verified = stored.and_then(|()| self.verify(&source, &name));
        let mut made = verified.inspect_err(|_| self.drop_failed(&name))?;
        if let Some(before) = before {
            match self.verify_chain(&source, &before, &name) {
                Ok(segments) => made.segments_checked = segments,
                Err(failure) => made.chain_problem = Some(failure.to_string()),
            }
        }
        Ok(made)
    }

    fn failed_bases(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.failed_bases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes a base copy that failed, now or before the next one.
    pub(super) fn drop_failed(&self, name: &BaseName) {
        self.failed_bases().insert(name.text());
        if let Err(later) = self.delete_failed() {
            tracing::warn!(error.cause = %later, "a base copy that failed is deleted before the next one");
        }
    }

    /// Deletes base copies that failed: they would fill the target, one with each attempt.
    pub(super) fn delete_failed(&self) -> Result<(), BackupFailure> {
        let failed = self.failed_bases().clone();
        for name in failed {
            self.0.target.delete(&name)?;
            self.failed_bases().remove(&name);
        }
        Ok(())
    }

    /// Restores a base copy and compares it with what was counted when it was made.
    fn verify(&self, source: &Source, name: &BaseName) -> Result<BaseMade, BackupFailure> {
        let scratch = Scratch::beside(source, ".backup-check")?;
        let (head, mut reader) = self.open_base(&name.text())?;
        let Content::Base { rows } = &head.about.content else {
            return Err(BackupFailure::Exchanged { name: name.text() });
        };
        let bytes = reader.length();
        restore::write_base(&mut reader, scratch.path(), &mut |_| {})?;
        compare(source, scratch.path(), rows)?;
        Ok(BaseMade {
            database: source.database,
            name: name.text(),
            time: name.time,
            bytes,
            rows: rows.values().sum(),
            root: head.root(),
            segments_checked: 0,
            verified_at: Some(self.now()),
            unchecked: None,
            chain_problem: None,
        })
    }

    /// Restores the base before with the segments after it, up to the moment of the new one, which must come out. Gives
    /// how many segments there were.
    fn verify_chain(&self, source: &Source, before: &BaseName, new: &BaseName) -> Result<u64, BackupFailure> {
        let (head, _) = self.open_base(&new.text())?;
        let Content::Base { rows } = &head.about.content else {
            return Err(BackupFailure::Exchanged { name: new.text() });
        };
        let segments = self.segments(before, new.time)?;
        let segments: Vec<_> = segments.into_iter().filter(|segment| segment.number < new.number).collect();
        let scratch = Scratch::beside(source, ".backup-check")?;
        match self.write_all(before, &segments, scratch.path()) {
            Ok(_) => {}
            // A new generation of root keys: what is older is noise now, and meant to be.
            Err(BackupFailure::RootGone { .. }) => return Ok(0),
            Err(failure) => return Err(failure),
        }
        compare(source, scratch.path(), rows)?;
        Ok(segments.len() as u64)
    }
}

/// Checks a copy and compares its rows by table.
fn compare(source: &Source, copy: &Path, expected: &BTreeMap<String, i64>) -> Result<(), BackupFailure> {
    let failed = |reason: String| BackupFailure::Check { database: source.database, reason };
    let found = sqlite::check(copy).map_err(failed)?;
    for (table, rows) in expected {
        let there = found.get(table).copied().unwrap_or(0);
        if there != *rows {
            return Err(failed(format!("{table} has {there} rows, and had {rows} when it was copied")));
        }
    }
    if found.len() != expected.len() {
        return Err(failed("it has other tables".into()));
    }
    Ok(())
}

/// Page size and number of pages of a database file that nobody uses.
fn shape(path: &Path, bytes: u64) -> Result<(u32, u32), BackupFailure> {
    let mut head = [0; 100];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).map_err(|error| file_failure(path, error))?;
    let [.., high, low] = *head.first_chunk::<18>().unwrap_or(&[0; 18]);
    let page_size = match u32::from(u16::from_be_bytes([high, low])) {
        1 => 65_536,
        size => size,
    };
    let pages = u32::try_from(bytes.checked_div(u64::from(page_size)).unwrap_or(0)).unwrap_or(0);
    Ok((page_size, pages))
}

/// A base copy right now, beside a server that may be running: a chain of its own that has no segments.
///
/// # Errors
/// [`BackupFailure`]; what is in the target then is deleted, or told of in the log.
pub fn base_now(backups: &Backups, source: &Source) -> Result<BaseMade, BackupFailure> {
    let hold = Hold::on(source)?;
    let time = backups.now();
    backups.make_base(Snapshot {
        source: source.clone(),
        hold,
        generation: backups.new_generation(),
        number: 1,
        previous: Hash::none(),
        time,
        end: None,
    })
}
