//! The shipper of one database: brings what is committed to the target as an unbroken chain of segments, and empties
//! the log itself when it has grown.
//!
//! The log is SQLite's: any process may write to it, and begin it anew once all of it is in the database. A [`Hold`]
//! bounds when: the shipper always has one, and replaces it only after everything up to it was shipped. So between two
//! looks at the log there are three cases. The same salts: the chain goes on where it stopped. The first salt counted up
//! by one: SQLite began anew, and had not before everything was shipped. Anything else: the chain is broken, and a new
//! generation begins.
//!
//! While the shipper keeps others from writing it never waits for the target: what is left of the log by then is read
//! into memory, and stored when they may write again.

use std::fs::File;
use std::time::Duration;

use shutterpost_model::time::Millis;

use super::base::Snapshot;
use super::chain::SegmentName;
use super::sealed::{About, Content, Hash};
use super::sqlite::{self, Hold, WriteLock};
use super::target::Object;
use super::wal::{Batch, Horizon, Log, Position};
use super::{BackupFailure, Backups, Source};

/// Sizes and times that tests make smaller.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of pages in one segment; a longer transaction is spread over several. More than this is never kept in
    /// memory.
    pub(super) segment: usize,
    /// A log longer than this is emptied.
    pub(super) log: u64,
    /// A log file longer than this is let go of even if it could not be shipped: the disk matters more than the chain.
    pub(super) most: u64,
    /// How long one call to the target is waited for.
    pub(super) deadline: Duration,
    /// How long somebody waits until a backup has followed.
    pub(super) patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment: 8 << 20,
            log: 8 << 20,
            most: 1 << 30,
            deadline: Duration::from_secs(60),
            patience: Duration::from_secs(30),
        }
    }
}

/// So many frames may be left to be brought into the database while nobody can write.
const FEW_FRAMES: u64 = 2000;

/// What a tick may end with beside failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// The chain goes on.
    Whole,
    /// Something was written that the shipper did not see.
    Broken,
}

/// How far the log was committed when it was looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// In which log, and where in it the chain goes on; none if there is no log yet.
    log: Option<(Log, Position, Horizon)>,
    /// Whatever was committed before was seen.
    since: Millis,
    /// Whatever was seen was committed before.
    at: Millis,
}

impl Seen {
    /// Whatever was committed before was seen.
    pub(super) const fn since(&self) -> Millis {
        self.since
    }

    /// Whatever was seen was committed before.
    pub(super) const fn at(&self) -> Millis {
        self.at
    }
}

pub(super) struct Shipper {
    pub(super) source: Source,
    backups: Backups,
    hold: Hold,
    chain: Chain,
    /// Read from the log, and not known to be in the target.
    waiting: Option<Waiting>,
    /// Where the log was last left full in the hope that the next writer begins it anew.
    emptied: Option<Position>,
    /// Given up on purpose.
    broken: bool,
}

/// The end of the chain.
#[derive(Debug, Clone)]
struct Chain {
    generation: String,
    /// Number of the next segment to be sealed.
    next: u64,
    previous: Hash,
    time: Millis,
    /// What was read; none before there was a log.
    position: Option<Position>,
}

/// A segment on its way.
enum Waiting {
    Read {
        batch: Batch,
        page_size: u32,
        at: Millis,
    },
    /// Kept as it is until the target has it: a call that failed may have done its work all the same, and a second
    /// segment of the same number would end the chain.
    Sealed {
        name: String,
        object: Object,
    },
}

/// Whether all of the log could be taken into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    All,
    /// There is too much of it.
    NotAll,
    Broken,
}

fn lock(source: &Source) -> Result<WriteLock, BackupFailure> {
    WriteLock::take(source)?.ok_or_else(|| source.refused("it is locked for too long"))
}

fn read_log(source: &Source) -> Result<Option<(Log, File)>, BackupFailure> {
    Log::read(&source.log()).map_err(|error| source.refused(error))
}

/// Whether more is committed in the log than `most` bytes.
pub(super) fn is_too_long(source: &Source, most: u64) -> Result<bool, BackupFailure> {
    // The file never gets shorter, so its length alone says too little.
    if std::fs::metadata(source.log()).map_or(0, |log| log.len()) <= most {
        return Ok(false);
    }
    let Some((log, _)) = read_log(source)? else { return Ok(false) };
    Ok(log.bytes(sqlite::count(source)?.in_log) > most)
}

impl Shipper {
    /// Goes on with the chain in the target if nothing was missed since; otherwise begins a new one, which needs a base.
    /// `hold` was begun before anybody else in this process opened the database; it is taken when this succeeds, and
    /// begun where there is none.
    pub(super) fn start(backups: &Backups, source: Source, hold: &mut Option<Hold>) -> Result<Self, BackupFailure> {
        if hold.is_none() {
            *hold = Some(Hold::on(&source)?);
        }
        let link = backups.last_link(source.database)?;
        if let Some((about, previous)) = link
            && let Some(end) = about.end
        {
            let next = match about.content {
                Content::Base { .. } | Content::Copy(_) => about.number,
                Content::Segment | Content::Piece(_) => about.number + 1,
            };
            let chain = Chain { generation: about.generation, next, previous, time: about.time, position: Some(end) };
            if let Some(shipper) = Self::go_on(backups, &source, chain, end, hold)? {
                return Ok(shipper);
            }
        }
        Self::begin(backups, source, hold)
    }

    /// Goes on with a chain that ends in the log of today. `None` if it ends elsewhere, or too much was written since.
    fn go_on(
        backups: &Backups,
        source: &Source,
        chain: Chain,
        end: Position,
        hold: &mut Option<Hold>,
    ) -> Result<Option<Self>, BackupFailure> {
        // Nobody may write while it is found out whether the hold came in time.
        let _lock = lock(source)?;
        let Some((log, mut file)) = read_log(source)? else { return Ok(None) };
        let counted = sqlite::count(source)?;
        let there = log.holds(&mut file, &end).map_err(|error| source.refused(error))?;
        if !there || end.frame > counted.in_log {
            return Ok(None);
        }
        // While part of the log is not in the database, no log begins anew under a hold. If all of it is there, the next
        // writer may do so: then what was not shipped must be taken now.
        let stays = counted.in_database < counted.in_log;
        let Some(held) = hold.take() else { return Ok(None) };
        let mut shipper = Self::of(backups, source.clone(), held, chain);
        let kept = if stays { Ok(Kept::All) } else { shipper.keep() };
        match kept {
            Ok(Kept::All) => Ok(Some(shipper)),
            other => {
                *hold = Some(shipper.hold);
                other.map(|_| None)
            }
        }
    }

    /// A new chain from the end of the log as it is. What is before it must come into a base.
    fn begin(backups: &Backups, source: Source, hold: &mut Option<Hold>) -> Result<Self, BackupFailure> {
        let _lock = lock(&source)?;
        let position = match read_log(&source)? {
            None => None,
            Some((log, mut file)) => {
                let committed = sqlite::count(&source)?.in_log;
                let end = log.after(&mut file, committed).map_err(|error| source.refused(error))?;
                Some(end.ok_or_else(|| source.refused("its log is shorter than SQLite says"))?)
            }
        };
        let fresh = Hold::on(&source)?;
        drop(hold.take());
        let (generation, time) = (backups.new_generation(), backups.now());
        tracing::info!(
            backup.database = source.database.as_str(),
            backup.generation = generation,
            "a new chain begins"
        );
        let chain = Chain { generation, next: 1, previous: Hash::none(), time, position };
        Ok(Self::of(backups, source, fresh, chain))
    }

    fn of(backups: &Backups, source: Source, hold: Hold, chain: Chain) -> Self {
        Self { source, backups: backups.clone(), hold, chain, waiting: None, emptied: None, broken: false }
    }

    /// Gives the chain up and begins another.
    pub(super) fn begin_anew(self) -> Result<Self, BackupFailure> {
        let Self { source, backups, hold, chain: _, waiting: _, emptied: _, broken: _ } = self;
        Self::begin(&backups, source, &mut Some(hold))
    }

    pub(super) fn generation(&self) -> &str {
        &self.chain.generation
    }

    /// Segments in the target.
    pub(super) const fn segments(&self) -> u64 {
        self.chain.next - 1 - matches!(self.waiting, Some(Waiting::Sealed { .. })) as u64
    }

    /// Whether something was read that is not in the target yet.
    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// How far the log is committed now. `None` if the chain is broken.
    pub(super) fn look(&self) -> Result<Option<Seen>, BackupFailure> {
        if self.broken {
            return Ok(None);
        }
        let since = self.backups.now();
        let refused = |error: std::io::Error| self.source.refused(error);
        let Some((log, mut file)) = read_log(&self.source)? else {
            return Ok(Some(Seen { log: None, since, at: since }));
        };
        let committed = sqlite::count(&self.source)?.in_log;
        let from = match self.chain.position {
            Some(position) if position.same_log(&log.start) => position,
            Some(position) if !position.is_followed_by(&log.start) => return Ok(None),
            _ => log.start,
        };
        let there = log.holds(&mut file, &from).map_err(refused)?;
        let horizon = log.committed(file, from, committed).map_err(refused)?;
        if !there || horizon.end.frame < committed {
            // The chain's end is gone, or SQLite knows of frames that do not follow from it: unless the log began anew
            // between two of these questions. Under one hold that happens once, so the next look is the last.
            let same = read_log(&self.source)?.is_some_and(|(now, _)| now.start == log.start);
            return if same { Ok(None) } else { self.look() };
        }
        // After the look: whatever it saw was committed before.
        Ok(Some(Seen { log: Some((log, from, horizon)), since, at: self.backups.now() }))
    }

    fn pages(&self, log: &Log, from: Position, until: &Horizon) -> Result<Batch, BackupFailure> {
        let (_, file) = read_log(&self.source)?.ok_or_else(|| self.source.refused("its log vanished"))?;
        let budget = self.backups.0.limits.segment;
        log.pages(file, from, until, budget).map_err(|error| self.source.refused(error))
    }

    /// Brings what was seen to the target.
    pub(super) fn ship(&mut self, seen: Seen) -> Result<(), BackupFailure> {
        let mut shipped = self.is_waiting();
        self.store()?;
        if let Some((log, mut from, until)) = seen.log {
            while from != until.end {
                let batch = self.pages(&log, from, &until)?;
                from = batch.end;
                self.take(&log, batch, seen.at);
                self.store()?;
                shipped = true;
            }
        }
        if shipped {
            // Only now: everything up to the hold is in the target.
            self.hold = Hold::on(&self.source)?;
        }
        Ok(())
    }

    fn take(&mut self, log: &Log, batch: Batch, at: Millis) {
        self.chain.position = Some(batch.end);
        self.waiting = Some(Waiting::Read { batch, page_size: log.page_size, at });
    }

    /// Takes what is left of the log into memory. Only while nobody can write, so that it is all.
    fn keep(&mut self) -> Result<Kept, BackupFailure> {
        if self.is_waiting() {
            return Ok(Kept::NotAll);
        }
        let Some(seen) = self.look()? else { return Ok(Kept::Broken) };
        if let Some((log, from, until)) = seen.log
            && from != until.end
        {
            let batch = self.pages(&log, from, &until)?;
            if batch.end != until.end {
                return Ok(Kept::NotAll);
            }
            self.take(&log, batch, seen.at);
        }
        Ok(Kept::All)
    }

    /// Stores what is waiting.
    fn store(&mut self) -> Result<(), BackupFailure> {
        self.seal()?;
        if let Some(Waiting::Sealed { name, object }) = &self.waiting {
            self.backups.0.target.put(name, object.clone())?;
            self.waiting = None;
        }
        Ok(())
    }

    /// Seals what was read: from then on it has its number.
    fn seal(&mut self) -> Result<(), BackupFailure> {
        let Some(Waiting::Read { batch, page_size, at }) = &self.waiting else { return Ok(()) };
        let time = self.chain.time.max(*at);
        let name = SegmentName {
            database: self.source.database,
            generation: self.chain.generation.clone(),
            number: self.chain.next,
            time,
        };
        let mut body = Vec::with_capacity(batch.pages.len() * (*page_size as usize + 4));
        for (number, page) in &batch.pages {
            body.extend_from_slice(&number.to_be_bytes());
            body.extend_from_slice(page);
        }
        let about = About {
            database: name.database,
            generation: name.generation.clone(),
            content: Content::Segment,
            number: name.number,
            time,
            previous: self.chain.previous.clone(),
            page_size: *page_size,
            pages: batch.pages_in_database,
            end: Some(batch.end),
        };
        let (object, hash) = self.backups.seal_segment(about, &body)?;
        self.waiting = Some(Waiting::Sealed { name: name.text(), object: object.into() });
        (self.chain.next, self.chain.previous, self.chain.time) = (name.number + 1, hash, time);
        Ok(())
    }

    /// Empties the log if it is long and everything in it is in the target, but for a remainder, which waits in memory
    /// for the next turn.
    pub(super) fn empty_log(&mut self) -> Result<Link, BackupFailure> {
        let Some((log, _)) = read_log(&self.source)? else { return Ok(Link::Whole) };
        let most = self.backups.0.limits.log;
        let full = self.chain.position.filter(|end| end.same_log(&log.start) && log.bytes(end.frame) > most);
        if full.is_none() || full == self.emptied {
            return Ok(Link::Whole);
        }
        // Most of it while others may write; what is left is then a matter of milliseconds. Under the hold of what was
        // shipped: a newer one might let go of what was not.
        let Some(before) = sqlite::checkpoint(&self.source)? else { return Ok(Link::Whole) };
        if before.in_log.saturating_sub(before.in_database) > FEW_FRAMES {
            return Ok(Link::Whole);
        }
        let Some(_lock) = WriteLock::take(&self.source)? else { return Ok(Link::Whole) };
        match self.keep()? {
            Kept::All => {}
            Kept::NotAll => return Ok(Link::Whole),
            Kept::Broken => return Ok(Link::Broken),
        }
        self.hold = Hold::on(&self.source)?;
        let after = sqlite::checkpoint(&self.source)?;
        if after.is_some_and(|after| after.in_log == after.in_database) {
            // This hold does not need the log, so the next writer begins it anew.
            self.hold = Hold::on(&self.source)?;
            self.emptied = self.chain.position;
        }
        Ok(Link::Whole)
    }

    /// When nothing can be shipped for long, lets go of the log before it fills the disk. That breaks the chain.
    pub(super) fn relieve(&mut self) -> Result<(), BackupFailure> {
        if self.broken || !is_too_long(&self.source, self.backups.0.limits.most)? {
            return Ok(());
        }
        (self.broken, self.waiting) = (true, None);
        self.hold = Hold::on(&self.source)?;
        sqlite::checkpoint(&self.source)?;
        self.hold = Hold::on(&self.source)?;
        Ok(())
    }

    /// The present as a base will hold it: exactly what the chain has read. `None` if the chain is broken, or if just now
    /// so much is written that another turn is better.
    pub(super) fn snapshot(&mut self) -> Result<Option<Snapshot>, BackupFailure> {
        let lock = lock(&self.source)?;
        if self.keep()? != Kept::All {
            return Ok(None);
        }
        let hold = Hold::on(&self.source)?;
        drop(lock);
        // Its number has to be known; it is stored with the next turn.
        self.seal()?;
        let time = self.backups.now().max(self.chain.time);
        self.chain.time = time;
        Ok(Some(Snapshot {
            source: self.source.clone(),
            hold,
            generation: self.chain.generation.clone(),
            number: self.chain.next,
            previous: self.chain.previous.clone(),
            time,
            end: self.chain.position,
        }))
    }

    /// Ends the work without closing: the log stays as it is for the next start, which goes on with the chain.
    pub(super) fn leave(self) {
        self.hold.until_exit();
    }
}
