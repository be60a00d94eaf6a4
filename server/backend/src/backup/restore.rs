//! The way back: the newest base before a moment, and the segments after it. What is damaged is named, and whatever else
//! leads nearest to the moment is taken in its place.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use shutterpost_model::time::Millis;

use super::base::Scratch;
use super::chain::{BaseName, SegmentName};
use super::sealed::{About, BaseReader, Content, Hash, Head};
use super::status::Refused;
use super::{BackupFailure, Backups, Database, beside, file_failure, media, sqlite, status};
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

    pub(super) const fn until(self) -> Millis {
        match self {
            Self::Latest => Millis(i64::MAX),
            Self::Time(time) => time,
        }
    }

    pub(super) fn text(self) -> String {
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
    /// Everything was found whole, and is moved to its place.
    Moving,
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
    /// What was to be used and could not.
    pub skipped: Vec<Skipped>,
    /// Whether it is the moment that was asked for. Otherwise what was skipped led further, or something is missing at the
    /// end.
    pub whole: bool,
}

/// A base copy, segment or other object that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    pub name: String,
    pub reason: String,
}

impl Skipped {
    pub(super) fn new(name: String, failure: &BackupFailure) -> Self {
        Self { name, reason: failure.to_string() }
    }
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
pub(super) struct Plan {
    pub(super) base: BaseName,
    /// Bases of the same generation before it.
    pub(super) older: Vec<BaseName>,
    pub(super) segments: Vec<SegmentName>,
    pub(super) until: Millis,
}

impl Plan {
    /// Leaves out a segment that cannot be used, and what follows.
    fn cut(&mut self, generation: &str, number: u64) {
        if self.base.generation == generation && self.base.number <= number {
            self.segments.retain(|segment| segment.number < number);
            self.until = self.segments.last().map_or(self.base.time, |segment| segment.time);
        }
    }
}

/// What was written.
pub(super) struct Written {
    until: Millis,
    bytes: u64,
    segments: u64,
    /// The first segment that could not be used; what was written is the moment before it.
    stopped: Option<Stopped>,
}

struct Stopped {
    number: u64,
    name: String,
    failure: BackupFailure,
}

/// A database that came back, beside its place.
struct Found {
    part: Scratch,
    restored: Restored,
}

/// Restores a database, and checks it before it takes its place.
///
/// # Errors
/// As [`restore_all`].
pub fn restore(backups: &Backups, wish: &Wish, progress: &mut dyn FnMut(Progress)) -> Result<Restored, BackupFailure> {
    let found = vec![backups.found(wish, progress)?];
    let mut restored = put_in_place(found, std::slice::from_ref(wish), backups.now(), progress)?;
    restored.pop().ok_or(BackupFailure::None { database: wish.database, at: wish.at.text() })
}

/// Restores databases that belong together: all are written beside their places and checked before the first is moved.
///
/// # Errors
/// [`BackupFailure`]; nothing has changed then.
pub fn restore_all(
    backups: &Backups,
    wishes: &[Wish],
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Restored>, BackupFailure> {
    for wish in wishes {
        there(wish)?;
    }
    let found = wishes.iter().map(|wish| backups.found(wish, progress)).collect::<Result<Vec<_>, _>>()?;
    put_in_place(found, wishes, backups.now(), progress)
}

/// The files in the place of a wish, which may be moved aside.
fn there(Wish { to, force, .. }: &Wish) -> Result<Vec<PathBuf>, BackupFailure> {
    let there = sqlite::files(to).into_iter().filter(|path| path.exists()).collect::<Vec<_>>();
    if !there.is_empty() && !force {
        return Err(BackupFailure::Exists { path: to.clone() });
    }
    if to.exists() && sqlite::is_in_use(to) {
        return Err(BackupFailure::InUse { path: to.clone() });
    }
    Ok(there)
}

/// Moves what is there aside and what was found to its place. If one move fails, those before it are taken back.
fn put_in_place(
    mut found: Vec<Found>,
    wishes: &[Wish],
    now: Millis,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Restored>, BackupFailure> {
    let mut moves = Vec::new();
    for (found, wish) in found.iter_mut().zip(wishes) {
        for path in there(wish)? {
            let aside = beside(&path, &format!(".before-restore-{}", now.0));
            found.restored.moved.push(aside.clone());
            moves.push((path, aside));
        }
    }
    progress(Progress::Moving);
    moves.extend(found.iter().map(|found| (found.part.path().to_owned(), found.restored.path.clone())));
    for (done, (from, to)) in moves.iter().enumerate() {
        if let Err(error) = fs::rename(from, to) {
            let mut reason = format!("{error}; everything is where it was");
            for (from, to) in moves.iter().take(done).rev() {
                if let Err(error) = fs::rename(to, from) {
                    reason = format!("{reason}, but {} is still at {}: {error}", from.display(), to.display());
                }
            }
            return Err(file_failure(to, reason));
        }
    }
    for (_, to) in &moves {
        sync_folder(to).map_err(|error| file_failure(to, error))?;
    }
    Ok(found.into_iter().map(|found| found.restored).collect())
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

pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

impl Backups {
    /// Writes what leads nearest to the moment beside its place, and checks it.
    fn found(&self, wish: &Wish, progress: &mut dyn FnMut(Progress)) -> Result<Found, BackupFailure> {
        let Wish { database, at, to, .. } = wish;
        there(wish)?;
        let mut plans = self.plans(*database, at.until())?;
        let wished = plans.iter().map(|plan| plan.until).max();
        let mut skipped = self.cut_off(*database, *at, &plans)?;
        let mut whole = skipped.iter().all(|skipped| skipped.name == status::NAME);
        if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|error| file_failure(folder, error))?;
        }
        let (mut first, mut cuts) = (None, Vec::new());
        loop {
            let best = (0..plans.len()).max_by_key(|at| plans.get(*at).map(|plan| (plan.until, plan.base.time)));
            let Some(mut plan) = best.map(|at| plans.swap_remove(at)) else {
                return Err(first.unwrap_or(BackupFailure::None { database: *database, at: at.text() }));
            };
            // A file of its own each time: what an attempt before left is gone.
            let part = Scratch::at(beside(to, ".restoring"))?;
            let failure = match self.write(&plan.base, &plan.segments, part.path(), progress) {
                Err(failure) if failure.is_of_the_copy() => failure,
                Err(failure) => return Err(failure),
                Ok(Written { until, bytes, segments, stopped }) => {
                    if let Some(Stopped { number, name, failure }) = stopped {
                        let generation = plan.base.generation.clone();
                        plan.cut(&generation, number);
                        plans.iter_mut().for_each(|other| other.cut(&generation, number));
                        cuts.push((generation, number));
                        skipped.push(Skipped::new(name, &failure));
                        first.get_or_insert(failure);
                        if plans.iter().any(|other| other.until > until) {
                            plans.push(plan);
                            continue;
                        }
                    }
                    progress(Progress::Checking);
                    match sqlite::check(part.path()) {
                        Ok(rows) => {
                            whole &= wished.is_none_or(|wished| plan.until >= wished);
                            let (database, path, rows) = (*database, to.clone(), rows.values().sum());
                            let moved = Vec::new();
                            let restored =
                                Restored { database, path, until, bytes, segments, rows, moved, skipped, whole };
                            return Ok(Found { part, restored });
                        }
                        Err(reason) => BackupFailure::Check { database: *database, reason },
                    }
                }
            };
            skipped.push(Skipped::new(plan.base.text(), &failure));
            first.get_or_insert(failure);
            if let Some(mut older) = self.plan(plan.older, at.until())? {
                cuts.iter().for_each(|(generation, number)| older.cut(generation, *number));
                plans.push(older);
            }
        }
    }

    /// The last base before a moment with the segments up to it, of each generation.
    fn plans(&self, database: Database, until: Millis) -> Result<Vec<Plan>, BackupFailure> {
        let mut plans = Vec::new();
        for generation in self.generations(database)? {
            let mut bases = self.bases(database, &generation)?;
            bases.retain(|base| base.time <= until);
            plans.extend(self.plan(bases, until)?);
        }
        Ok(plans)
    }

    /// From the last of some bases of a generation, which are given oldest first.
    fn plan(&self, mut bases: Vec<BaseName>, until: Millis) -> Result<Option<Plan>, BackupFailure> {
        let Some(base) = bases.pop() else { return Ok(None) };
        let segments = self.segments(&base, until)?;
        let until = segments.last().map_or(base.time, |segment| segment.time);
        Ok(Some(Plan { base, older: bases, segments, until }))
    }

    /// The end of a chain does not show in the chain; what was shipped is noted beside it.
    pub(super) fn cut_off(&self, database: Database, at: At, plans: &[Plan]) -> Result<Vec<Skipped>, BackupFailure> {
        if at != At::Latest {
            return Ok(Vec::new());
        }
        let status = match self.status() {
            Ok(status) => status,
            Err(failure @ BackupFailure::Damaged { .. }) => {
                return Ok(vec![Skipped::new(status::NAME.into(), &failure)]);
            }
            Err(failure) => return Err(failure),
        };
        let status = status.of(database);
        let Some(generation) = &status.generation else { return Ok(Vec::new()) };
        let missing = |name: String, before: Millis| {
            let failure = BackupFailure::Missing { name: name.clone(), before: before.rfc3339() };
            Ok(vec![Skipped::new(name, &failure)])
        };
        match plans.iter().find(|plan| plan.base.generation == *generation) {
            Some(plan) => {
                let last = plan.segments.last().map_or(plan.base.number - 1, |segment| segment.number);
                if last >= status.segments {
                    return Ok(Vec::new());
                }
                missing(format!("segment {} of {}/{generation}", last + 1, database.as_str()), plan.until)
            }
            None => match &status.base {
                Some(base) if base.name.split('/').nth(1) == Some(generation) => missing(base.name.clone(), base.time),
                _ if status.segments == 0 => Ok(Vec::new()),
                // A chain that had just begun: what was shipped of it leads nowhere.
                _ => {
                    let before = plans.iter().map(|plan| plan.until).max().unwrap_or(Millis(0));
                    missing(format!("the first base copy of {}/{generation}", database.as_str()), before)
                }
            },
        }
    }

    /// Writes a base and all of some segments into a new file; gives how many there were.
    pub(super) fn write_all(&self, base: &BaseName, segments: &[SegmentName], to: &Path) -> Result<u64, BackupFailure> {
        let written = self.write(base, segments, to, &mut |_| {})?;
        written.stopped.map_or(Ok(segments.len() as u64), |stopped| Err(stopped.failure))
    }

    /// Writes a base and segments into a new file, up to the first segment that cannot be used.
    fn write(
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
        let mut written = Written { until: head.time, bytes: reader.length(), segments: 0, stopped: None };
        let (mut next, mut previous) = (head.number, head.previous);
        // Pages of a transaction whose end is in a later segment; without that they must not be written.
        let mut open: Vec<(&SegmentName, Vec<u8>)> = Vec::new();
        for segment in segments {
            let (inner, hash, body) = match self.next_segment(segment, next, &previous, head.page_size, written.until) {
                Ok(found) => found,
                Err((name, failure)) if failure.is_of_the_copy() => {
                    written.stopped = Some(Stopped { number: next, name, failure });
                    break;
                }
                Err((_, failure)) => return Err(failure),
            };
            (next, previous) = (next + 1, hash);
            open.push((segment, body));
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

    /// Reads a segment that must be the next one of its chain; otherwise says which object is wrong, and how.
    fn next_segment(
        &self,
        segment: &SegmentName,
        next: u64,
        previous: &Hash,
        page_size: u32,
        before: Millis,
    ) -> Result<(About, Hash, Vec<u8>), (String, BackupFailure)> {
        let name = segment.text();
        let missing = |name: String| {
            let failure = BackupFailure::Missing { name: name.clone(), before: before.rfc3339() };
            (name, failure)
        };
        if segment.number != next {
            let chain = format!("{}/{}", segment.database.as_str(), segment.generation);
            return Err(missing(format!("segment {next} of {chain}")));
        }
        let found = self.get_segment(&name).map_err(|failure| (name.clone(), failure))?;
        let Some((Head { about, .. }, hash, body)) = found else { return Err(missing(name)) };
        let expected = about.content == Content::Segment && about.page_size == page_size;
        if !segment.is(&about) || !expected || about.previous != *previous {
            return Err((name.clone(), BackupFailure::Exchanged { name }));
        }
        Ok((about, hash, body))
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
