//! The way back: the newest base before a moment, laid out in a folder with the log after it, and replayed by a private
//! server until the moment.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use flate2::read::DeflateDecoder;
use shutterpost_model::time::Millis;

use super::base::{Scratch, sums};
use super::private::{Life, Private, Replay};
use super::receiver::private_folder;
use super::wal::Lsn;
use super::{CopyHead, PieceHead, Programs};
use crate::backup::chain::{BaseName, SegmentName};
use crate::backup::restore::{Plan, Skipped, sync_folder};
use crate::backup::sealed::{About, BaseReader, Content};
use crate::backup::{BackupFailure, Backups, Progress, Restored, Wish, beside, file_failure, status};

/// Bytes of a copy between two words about it.
const TELL: u64 = 64 << 20;

/// Until where the log is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal {
    /// Cut off at this place.
    Place(Lsn),
    /// Everything that was given; what is of a later moment is left to who replays.
    Moment(Millis),
}

/// What was laid out.
pub(super) struct LaidOut {
    pub(super) copy: CopyHead,
    pub(super) segments: u64,
    /// Everything committed until then is there.
    until: Millis,
    bytes: u64,
    /// What the server's clock showed at the goal; none if nothing of a later moment was laid out.
    clock: Option<Millis>,
}

/// What was left out of a restore, and why: the names of objects, or of segments that are not there.
#[derive(Default)]
struct LeftOut {
    names: BTreeSet<String>,
    skipped: Vec<Skipped>,
    /// Why the first of them cannot be used.
    first: Option<BackupFailure>,
    /// Whether the chain once went further than what is there.
    is_cut_off: bool,
}

impl LeftOut {
    fn push(&mut self, name: String, failure: BackupFailure) {
        if self.names.insert(name.clone()) {
            self.skipped.push(Skipped::new(name, &failure));
            self.first.get_or_insert(failure);
        }
    }
}

/// A base, the segments after it, and what its head says.
struct Found {
    plan: Plan,
    copy: CopyHead,
    /// How far more was there before something was left out.
    wished: Millis,
}

/// Restores a server into a new folder, and checks it before it takes its place. What is damaged is left out, and what
/// leads nearest to the moment without it comes back.
///
/// # Errors
/// [`BackupFailure`]; nothing has changed then.
pub fn restore_cluster(
    backups: &Backups,
    programs: &Programs,
    wish: &Wish,
    progress: &mut dyn FnMut(Progress),
) -> Result<Restored, BackupFailure> {
    let Wish { database, at, to, force } = wish;
    let is_there =
        to.exists() && (!to.is_dir() || fs::read_dir(to).map_or(true, |mut entries| entries.next().is_some()));
    if is_there && !force {
        return Err(BackupFailure::Exists { path: to.clone() });
    }
    if to.join("postmaster.pid").exists() {
        return Err(BackupFailure::InUse { path: to.clone() });
    }
    if let Some(parent) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(|error| file_failure(parent, error))?;
    }
    let mut left_out = LeftOut::default();
    let (part, laid, programs, wished) = loop {
        let Found { plan, copy, wished } = backups.plan_of_cluster(wish, &mut left_out)?;
        let programs = programs.replaying(copy.major)?;
        let part = Scratch::at(beside(to, ".restoring"))?;
        let goal = Goal::Moment(at.until());
        let laid = lay_out(backups, &plan.base, &plan.segments, goal, part.path(), progress);
        let laid = laid.map_err(|wrong| (wrong.name, wrong.failure)).and_then(|laid| {
            progress(Progress::Checking);
            sums(*database, &programs, part.path()).map_err(|failure| (plan.base.text(), failure))?;
            Ok(laid)
        });
        match laid {
            Ok(laid) => break (part, laid, programs, wished),
            Err((name, failure)) if failure.is_of_the_copy() => left_out.push(name, failure),
            Err((_, failure)) => return Err(failure),
        }
    };
    let replay =
        Replay { database: *database, programs: &programs, data: part.path(), until: laid.clock, life: Life::Kept };
    let private = Private::replay(backups, &replay)?;
    let mut session = private.connect(backups, &laid.copy.role, &laid.copy.name)?;
    let rows = session.rows()?;
    drop(session);
    private.stop()?;
    let mut moved = Vec::new();
    if is_there {
        let aside = beside(to, &format!(".before-restore-{}", backups.now().0));
        fs::rename(to, &aside).map_err(|error| file_failure(to, error))?;
        moved.push(aside);
    } else if to.exists() {
        fs::remove_dir(to).map_err(|error| file_failure(to, error))?;
    }
    fs::rename(part.path(), to).and_then(|()| sync_folder(to)).map_err(|error| file_failure(to, error))?;
    Ok(Restored {
        database: *database,
        path: to.clone(),
        until: laid.until,
        bytes: laid.bytes,
        segments: laid.segments,
        rows: rows.values().sum(),
        moved,
        whole: laid.until >= wished && !left_out.is_cut_off,
        skipped: left_out.skipped,
    })
}

impl Backups {
    /// Which base and which segments lead to the moment: of all chains the one that comes nearest. With the first segment
    /// of a later moment: what was committed until ours may be in it. Without what is left out, to which is added what
    /// does not open.
    fn plan_of_cluster(&self, wish: &Wish, left_out: &mut LeftOut) -> Result<Found, BackupFailure> {
        let Wish { database, at, .. } = wish;
        let until = at.until();
        let (mut best, mut wished): (Option<(Plan, CopyHead)>, Millis) = (None, Millis(0));
        for generation in self.generations(*database)?.into_iter().rev() {
            for base in self.bases(*database, &generation)?.into_iter().rev().filter(|base| base.time <= until) {
                let segments = self.segments(&base, Millis(i64::MAX))?;
                let reach = |segments: &[SegmentName]| segments.last().map_or(base.time, |last| last.time.min(until));
                wished = wished.max(reach(&segments));
                if left_out.names.contains(&base.text()) {
                    continue;
                }
                let copy = match self.open_base(&base.text()) {
                    Ok((head, _)) => match head.about.content {
                        Content::Copy(copy) => copy,
                        // Of a time when the database was SQLite.
                        _ => break,
                    },
                    Err(failure) if failure.is_of_the_copy() => {
                        left_out.push(base.text(), failure);
                        continue;
                    }
                    Err(failure) => return Err(failure),
                };
                let mut segments = unbroken(&base, segments, until, left_out);
                if copy.usable_from > until || !self.covers(&mut segments, copy.whole, left_out)? {
                    continue;
                }
                let reaches = reach(&segments);
                if best.as_ref().is_none_or(|(best, _)| best.until < reaches) {
                    best = Some((Plan { base, older: Vec::new(), segments, until: reaches }, copy));
                }
                break;
            }
        }
        let Some((plan, copy)) = best else {
            let none = BackupFailure::None { database: *database, at: at.text() };
            return Err(left_out.first.take().unwrap_or(none));
        };
        for skipped in self.cut_off(*database, *at, std::slice::from_ref(&plan))? {
            left_out.is_cut_off |= skipped.name != status::NAME;
            if left_out.names.insert(skipped.name.clone()) {
                left_out.skipped.push(skipped);
            }
        }
        Ok(Found { plan, copy, wished })
    }

    /// Whether the segments reach so far that a copy is whole. Those at the end that do not open are left out.
    fn covers(
        &self,
        segments: &mut Vec<SegmentName>,
        place: Lsn,
        left_out: &mut LeftOut,
    ) -> Result<bool, BackupFailure> {
        while let Some(last) = segments.last() {
            let name = last.text();
            match self.get_segment(&name) {
                Ok(found) => {
                    let reaches = |head: &About| matches!(&head.content, Content::Piece(piece) if piece.to >= place);
                    return Ok(found.is_some_and(|(head, ..)| reaches(&head.about)));
                }
                Err(failure) if failure.is_of_the_copy() => left_out.push(name, failure),
                Err(failure) => return Err(failure),
            }
            segments.pop();
        }
        Ok(false)
    }
}

/// The segments up to the first of a later moment, as far as none is missing or left out.
fn unbroken(
    base: &BaseName,
    mut segments: Vec<SegmentName>,
    until: Millis,
    left_out: &mut LeftOut,
) -> Vec<SegmentName> {
    let later = segments.iter().position(|segment| segment.time > until);
    segments.truncate(later.map_or(segments.len(), |later| later + 1));
    let numbers = base.number..;
    let gap = segments.iter().zip(numbers).find(|(segment, number)| segment.number != *number);
    if let Some((_, number)) = gap {
        let name = format!("segment {number} of {}/{}", base.database.as_str(), base.generation);
        let before = segments.iter().rfind(|segment| segment.number < number).map_or(base.time, |segment| segment.time);
        left_out.push(name.clone(), BackupFailure::Missing { name, before: before.rfc3339() });
        segments.retain(|segment| segment.number < number);
    }
    let bad = segments.iter().position(|segment| left_out.names.contains(&segment.text()));
    segments.truncate(bad.unwrap_or(segments.len()));
    segments
}

/// What cannot be used, and why.
pub(super) struct Wrong {
    name: String,
    failure: BackupFailure,
}

impl From<Wrong> for BackupFailure {
    fn from(wrong: Wrong) -> Self {
        wrong.failure
    }
}

/// Writes a base and the log after it into a new folder that nobody else can read.
pub(super) fn lay_out(
    backups: &Backups,
    base: &BaseName,
    segments: &[SegmentName],
    goal: Goal,
    to: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<LaidOut, Wrong> {
    let of_base = |failure| Wrong { name: base.text(), failure };
    let (head, reader) = backups.open_base(&base.text()).map_err(of_base)?;
    let head = head.about;
    let Content::Copy(copy) = head.content.clone() else {
        return Err(of_base(BackupFailure::Exchanged { name: base.text() }));
    };
    if !base.is(&head) {
        return Err(of_base(BackupFailure::Exchanged { name: base.text() }));
    }
    private_folder(to).and_then(|()| unpack(reader, to, progress)).map_err(of_base)?;
    let folder = to.join("pg_wal");
    let mut laid = LaidOut { until: copy.usable_from, bytes: 0, segments: 0, clock: None, copy };
    let (mut next, mut previous, mut place) = (head.number, head.previous, None);
    // A moment of ours that is known to be the same as one of the server's.
    let mut known = (laid.copy.usable_from, laid.copy.clock);
    for segment in segments {
        let name = segment.text();
        let of_segment = |failure| Wrong { name: name.clone(), failure };
        let missing = |what: String| BackupFailure::Missing { name: what, before: laid.until.rfc3339() };
        if segment.number != next {
            let what = format!("segment {next} of {}/{}", base.database.as_str(), base.generation);
            return Err(of_segment(missing(what)));
        }
        let found = backups.get_segment(&name).map_err(of_segment)?;
        let (inner, hash, body) = found.ok_or_else(|| of_segment(missing(name.clone())))?;
        let inner = inner.about;
        let exchanged = || of_segment(BackupFailure::Exchanged { name: name.clone() });
        let Content::Piece(piece) = &inner.content else { return Err(exchanged()) };
        let follows = place.is_none_or(|place| place == piece.from);
        if !segment.is(&inner) || inner.previous != previous || piece.history != laid.copy.history || !follows {
            return Err(exchanged());
        }
        if let Goal::Place(cut) = goal
            && piece.from >= cut
        {
            break;
        }
        let mut bytes = unpacked(&name, piece, &body).map_err(of_segment)?;
        if let Goal::Place(cut) = goal {
            bytes.truncate(usize::try_from(cut.0 - piece.from.0).unwrap_or(usize::MAX));
        }
        write_log(&folder, &laid.copy, piece.from, &bytes).map_err(of_segment)?;
        (next, previous, place) = (next + 1, hash, Some(piece.to));
        match goal {
            Goal::Moment(moment) if segment.time > moment => {
                let (ours, server) = known;
                laid.clock = Some(server.plus((moment.0 - ours.0).max(0)).min(piece.clock.max(server)));
                laid.until = laid.until.max(moment);
            }
            _ => {
                if segment.time >= known.0 {
                    known = (segment.time, piece.clock);
                }
                laid.until = laid.until.max(segment.time);
            }
        }
        laid.segments += 1;
        progress(Progress::Segments { done: laid.segments, of: segments.len() as u64 });
    }
    let needed = match goal {
        Goal::Place(cut) => cut,
        Goal::Moment(_) => laid.copy.whole,
    };
    if place.is_none_or(|place| place < needed) {
        let name = format!("segment {next} of {}/{}", base.database.as_str(), base.generation);
        return Err(of_base(BackupFailure::Missing { name, before: base.time.rfc3339() }));
    }
    laid.bytes = size(to).map_err(|error| of_base(file_failure(to, error)))?;
    Ok(laid)
}

/// The log of a segment.
fn unpacked(name: &str, piece: &PieceHead, body: &[u8]) -> Result<Vec<u8>, BackupFailure> {
    let damaged = |reason: String| BackupFailure::Damaged { name: name.to_owned(), reason };
    let length = piece.to.0 - piece.from.0;
    let mut bytes = Vec::new();
    let read = DeflateDecoder::new(body).take(length + 1).read_to_end(&mut bytes);
    read.map_err(|error| damaged(error.to_string()))?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(damaged("it is of another length than its head says".into()))
    }
}

/// Writes a piece of the log into the file that it belongs to. Zeros after it are where the log ends.
fn write_log(folder: &Path, copy: &CopyHead, from: Lsn, bytes: &[u8]) -> Result<(), BackupFailure> {
    let path = folder.join(from.file_name(copy.history.timeline, copy.file_bytes));
    let write = || {
        let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        file.set_len(copy.file_bytes)?;
        file.write_all_at(bytes, from.0 % copy.file_bytes)
    };
    write().map_err(|error| file_failure(&path, error))
}

/// Unpacks the archive of a copy.
fn unpack(reader: BaseReader, to: &Path, progress: &mut dyn FnMut(Progress)) -> Result<(), BackupFailure> {
    let mut pieces = Pieces { of: reader.length(), reader, rest: Vec::new(), at: 0, done: 0, failure: None, progress };
    let unpacked = (|| {
        let mut archive = tar::Archive::new(DeflateDecoder::new(&mut pieces));
        archive.set_preserve_mtime(false);
        archive.unpack(to)?;
        // To the very end, which proves that nothing was cut off.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map(drop)
    })();
    unpacked.map_err(|error| pieces.failure.take().unwrap_or_else(|| file_failure(to, error)))
}

/// A base as something to read from.
struct Pieces<'a> {
    reader: BaseReader,
    rest: Vec<u8>,
    at: usize,
    done: u64,
    of: u64,
    /// What an error of reading was about.
    failure: Option<BackupFailure>,
    progress: &'a mut dyn FnMut(Progress),
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.rest.len() {
            self.rest.clear();
            self.at = 0;
            match self.reader.next() {
                Ok(Some(piece)) => self.rest.extend_from_slice(piece),
                Ok(None) => return Ok(0),
                Err(failure) => {
                    let text = failure.to_string();
                    self.failure = Some(failure);
                    return Err(io::Error::other(text));
                }
            }
            let before = self.done;
            self.done += self.rest.len() as u64;
            if before / TELL != self.done / TELL || self.done == self.of {
                (self.progress)(Progress::Base { done: self.done, of: self.of });
            }
        }
        let mut rest = self.rest.get(self.at..).unwrap_or_default();
        let read = rest.read(into)?;
        self.at += read;
        Ok(read)
    }
}

/// Bytes of a folder.
fn size(path: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let found = entry.metadata()?;
        bytes += if found.is_dir() { size(&entry.path())? } else { found.len() };
    }
    Ok(bytes)
}
