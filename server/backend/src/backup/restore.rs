//! The way back: the newest base before a moment, and the segments after it.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use shutterpost_model::time::Millis;

use super::chain::{BaseName, SegmentName};
use super::sealed::{BaseReader, Content, Head};
use super::status::Refused;
use super::{BackupFailure, Backups, Database, beside, file_failure, media, sqlite};
use crate::storage::Storage;

/// Which moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Everything that was shipped.
    Latest,
    /// As it was then, or up to a second before.
    Time(Millis),
}

impl At {
    /// Reads `latest` or an RFC 3339 time; one without a fraction means the end of its second. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "latest" {
            return Some(Self::Latest);
        }
        let time: jiff::Timestamp = text.parse().ok()?;
        let rest = if text.contains('.') { 0 } else { 999 };
        Some(Self::Time(Millis(time.as_millisecond()).plus(rest)))
    }

    const fn until(self) -> Millis {
        match self {
            Self::Latest => Millis(i64::MAX),
            Self::Time(time) => time,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Latest => "today".into(),
            Self::Time(time) => time.rfc3339(),
        }
    }
}

/// What is to be restored, and where.
#[derive(Debug, Clone)]
pub struct Wish {
    pub database: Database,
    pub at: At,
    pub to: PathBuf,
    /// What is there already is moved aside.
    pub force: bool,
}

/// How far a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Bytes of the base copy written, of so many.
    Base { done: u64, of: u64 },
    /// Segments replayed, of so many.
    Segments { done: u64, of: u64 },
    /// Every page is being checked.
    Checking,
    /// Objects put back.
    Media { done: u64 },
}

/// What came back.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    pub database: Database,
    pub path: PathBuf,
    /// The moment: everything committed until then is there.
    pub until: Millis,
    pub bytes: u64,
    pub segments: u64,
    pub rows: i64,
    /// Where what was there before is now.
    pub moved: Vec<PathBuf>,
}

/// Objects that came back.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RestoredMedia {
    pub objects: u64,
    pub bytes: u64,
    /// Objects of the backup that were in the store already.
    pub there: u64,
    /// Objects that could not be put back.
    pub bad: Refused,
}

/// A base and the segments to be replayed onto it.
struct Plan {
    base: BaseName,
    segments: Vec<SegmentName>,
    until: Millis,
}

/// What was written.
pub(super) struct Written {
    pub(super) until: Millis,
    bytes: u64,
    segments: u64,
}

/// Restores a database, and checks it before it takes its place.
///
/// # Errors
/// [`BackupFailure`]; nothing has changed then.
pub fn restore(backups: &Backups, wish: &Wish, progress: &mut dyn FnMut(Progress)) -> Result<Restored, BackupFailure> {
    let Wish { database, at, to, force } = wish;
    let there = sqlite::files(to).into_iter().filter(|path| path.exists()).collect::<Vec<_>>();
    if !there.is_empty() {
        if !force {
            return Err(BackupFailure::Exists { path: to.clone() });
        }
        if to.exists() && sqlite::is_in_use(to) {
            return Err(BackupFailure::InUse { path: to.clone() });
        }
    }
    let plan = backups.plan(*database, *at)?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| file_failure(folder, error))?;
    }
    let part = beside(to, ".restoring");
    for path in sqlite::files(&part) {
        if path.exists() {
            fs::remove_file(&path).map_err(|error| file_failure(&path, error))?;
        }
    }
    let written = backups.write(&plan.base, &plan.segments, &part, progress)?;
    progress(Progress::Checking);
    let rows = sqlite::check(&part).map_err(|reason| BackupFailure::Check { database: *database, reason })?;
    let mut moved = Vec::new();
    for path in there {
        let aside = beside(&path, &format!(".before-restore-{}", backups.now().0));
        fs::rename(&path, &aside).map_err(|error| file_failure(&path, error))?;
        moved.push(aside);
    }
    fs::rename(&part, to).and_then(|()| sync_folder(to)).map_err(|error| file_failure(to, error))?;
    Ok(Restored {
        database: *database,
        path: to.clone(),
        until: written.until,
        bytes: written.bytes,
        segments: written.segments,
        rows: rows.values().sum(),
        moved,
    })
}

/// Puts the objects back that the store lacks. Names those that are refused and goes on.
///
/// # Errors
/// [`BackupFailure::Late`].
pub fn restore_media(
    backups: &Backups,
    storage: &Storage,
    progress: &mut dyn FnMut(Progress),
) -> Result<RestoredMedia, BackupFailure> {
    media::put_back(backups, storage, progress)
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

impl Backups {
    /// Which base and which segments lead to the moment: of all chains the one that comes nearest.
    fn plan(&self, database: Database, at: At) -> Result<Plan, BackupFailure> {
        let until = at.until();
        let mut best: Option<Plan> = None;
        let mut gone = None;
        for generation in self.generations(database)?.into_iter().rev() {
            let mut bases = self.bases(database, &generation)?;
            bases.retain(|base| base.time <= until);
            // Bases of the key store end with their root key: then none before it opens either.
            let Some(base) = bases.pop() else { continue };
            let segments = self.segments(&base, until)?;
            let reaches = segments.last().map_or(base.time, |segment| segment.time);
            if best.as_ref().is_some_and(|best| best.until >= reaches) {
                continue;
            }
            match self.open_base(&base.text()) {
                Ok(_) => {}
                Err(failure @ BackupFailure::RootGone { .. }) => {
                    gone.get_or_insert(failure);
                    continue;
                }
                Err(failure) => return Err(failure),
            }
            best = Some(Plan { base, segments, until: reaches });
        }
        let plan = best.ok_or_else(|| gone.unwrap_or(BackupFailure::None { database, at: at.text() }))?;
        self.nothing_cut_off(&plan, at)?;
        Ok(plan)
    }

    /// The end of a chain does not show in the chain; what was shipped is noted beside it.
    fn nothing_cut_off(&self, plan: &Plan, at: At) -> Result<(), BackupFailure> {
        let status = self.status()?;
        let status = status.of(plan.base.database);
        let last = plan.segments.last().map_or(plan.base.number - 1, |segment| segment.number);
        let same = status.generation.as_deref() == Some(&*plan.base.generation);
        if at == At::Latest && same && last < status.segments {
            let name = format!("segment {} of {}/{}", last + 1, plan.base.database.as_str(), plan.base.generation);
            return Err(BackupFailure::Missing { name, before: plan.until.rfc3339() });
        }
        Ok(())
    }

    /// Writes a base and segments into a new file.
    pub(super) fn write(
        &self,
        base: &BaseName,
        segments: &[SegmentName],
        to: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Written, BackupFailure> {
        let (Head { about: head, .. }, mut reader) = self.open_base(&base.text())?;
        if !base.is(&head) || !matches!(head.content, Content::Base { .. }) {
            return Err(BackupFailure::Exchanged { name: base.text() });
        }
        let file = write_base(&mut reader, to, progress)?;
        let failed = |error: std::io::Error| file_failure(to, error);
        let mut written = Written { until: head.time, bytes: reader.length(), segments: 0 };
        let (mut next, mut previous) = (head.number, head.previous);
        // Pages of a transaction whose end is in a later segment; without that they must not be written.
        let mut open: Vec<(SegmentName, Vec<u8>)> = Vec::new();
        for segment in segments {
            let name = segment.text();
            if segment.number != next {
                let missing = format!("segment {next} of {}/{}", base.database.as_str(), base.generation);
                return Err(BackupFailure::Missing { name: missing, before: written.until.rfc3339() });
            }
            let found = self.get_segment(&name)?;
            let missing = || BackupFailure::Missing { name: name.clone(), before: written.until.rfc3339() };
            let (Head { about: inner, .. }, hash, body) = found.ok_or_else(missing)?;
            let expected = inner.content == Content::Segment && inner.page_size == head.page_size;
            if !segment.is(&inner) || !expected || inner.previous != previous {
                return Err(BackupFailure::Exchanged { name });
            }
            (next, previous) = (next + 1, hash);
            open.push((segment.clone(), body));
            if inner.pages != 0 {
                for (segment, body) in open.drain(..) {
                    write_pages(&file, &body, head.page_size).map_err(failed)?;
                    written.until = segment.time;
                    written.segments += 1;
                    progress(Progress::Segments { done: written.segments, of: segments.len() as u64 });
                }
                written.bytes = u64::from(inner.pages) * u64::from(head.page_size);
                file.set_len(written.bytes).map_err(failed)?;
            }
        }
        file.sync_all().map_err(failed)?;
        Ok(written)
    }
}

/// Writes a base into a new file that nobody else can read.
pub(super) fn write_base(
    reader: &mut BaseReader,
    to: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<File, BackupFailure> {
    const TELL: u64 = 64 << 20;
    let failed = |error: std::io::Error| file_failure(to, error);
    let file = File::options().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    let (mut done, of) = (0, reader.length());
    while let Some(piece) = reader.next()? {
        file.write_all_at(piece, done).map_err(failed)?;
        let before = done;
        done += piece.len() as u64;
        if before / TELL != done / TELL || done == of {
            progress(Progress::Base { done, of });
        }
    }
    Ok(file)
}

/// Writes the pages of a segment where they belong.
fn write_pages(file: &File, body: &[u8], page_size: u32) -> std::io::Result<()> {
    for entry in body.chunks_exact(page_size as usize + 4) {
        let Some((number, page)) = entry.split_first_chunk() else { continue };
        let at = u64::from(u32::from_be_bytes(*number).saturating_sub(1)) * u64::from(page_size);
        file.write_all_at(page, at)?;
    }
    Ok(())
}
