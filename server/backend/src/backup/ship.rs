//! The shipper of one database: brings what is committed to the target as an unbroken chain of segments, and empties
//! the log itself when it has grown.
//!
//! The log is SQLite's: any process may write to it, and begin it anew once all of it is in the database. A [`Hold`]
//! bounds when: the shipper always has one, and replaces it only after everything up to it was shipped. So between two
//! looks at the log there are three cases. The same salts: the chain goes on where it stopped. The first salt counted up
//! by one: SQLite began anew, and had not before everything was shipped. Anything else: the chain is broken, and a new
//! generation begins.

use shutterpost_model::time::Millis;

use super::base::Snapshot;
use super::chain::SegmentName;
use super::sealed::{About, Content, Hash};
use super::sqlite::{self, Hold, WriteLock};
use super::wal::{Horizon, Log, Position};
use super::{BackupFailure, Backups, Source};

/// Sizes that tests make smaller.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of pages in one segment; a longer transaction is spread over several.
    pub(super) segment: usize,
    /// A log longer than this is emptied.
    pub(super) log: u64,
    /// A log file longer than this is let go of even if it could not be shipped: the disk matters more than the chain.
    pub(super) most: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment: 8 << 20, log: 8 << 20, most: 1 << 30 }
    }
}

/// So many frames may be left to be brought into the database while nobody can write.
const FEW_FRAMES: i64 = 2000;

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
    at: Millis,
}

impl Seen {
    /// Whatever was committed before was seen.
    pub(super) const fn at(&self) -> Millis {
        self.at
    }
}

pub(super) struct Shipper {
    pub(super) source: Source,
    backups: Backups,
    hold: Hold,
    chain: Chain,
    /// Where the log was last left full in the hope that the next writer begins it anew.
    emptied: Option<Position>,
    /// Given up on purpose.
    broken: bool,
}

/// The end of the chain.
#[derive(Debug, Clone)]
struct Chain {
    generation: String,
    next: u64,
    previous: Hash,
    time: Millis,
    /// What was shipped; none before there was a log.
    position: Option<Position>,
}

fn lock(source: &Source) -> Result<WriteLock, BackupFailure> {
    WriteLock::take(source)?.ok_or_else(|| source.refused("it is locked for too long"))
}

impl Shipper {
    /// Goes on with the chain in the target if nothing was missed since; otherwise begins a new one, which needs a base.
    /// `hold` was begun before anybody else in this process opened the database.
    pub(super) fn start(backups: &Backups, source: Source, hold: Option<Hold>) -> Result<Self, BackupFailure> {
        let hold = match hold {
            Some(hold) => hold,
            None => Hold::on(&source)?,
        };
        // Until everything up to the hold is shipped the log must not begin anew: nobody may write.
        let lock = lock(&source)?;
        if let Some((about, previous)) = backups.last_link(source.database)?
            && let Some(end) = about.end
            && let Some((log, file)) = Log::read(&source.log()).map_err(|error| source.refused(error))?
            && log.holds(file, &end).map_err(|error| source.refused(error))?
        {
            let next = match about.content {
                Content::Base { .. } => about.number,
                Content::Segment => about.number + 1,
            };
            let chain = Chain { generation: about.generation, next, previous, time: about.time, position: Some(end) };
            let mut shipper = Self { source, backups: backups.clone(), hold, chain, emptied: None, broken: false };
            if shipper.catch_up()? == Link::Whole {
                return Ok(shipper);
            }
            drop(lock);
            return shipper.begin_anew();
        }
        drop(lock);
        Self::begin(backups, source, hold)
    }

    /// A new chain from the end of the log as it is. What is before it must come into a base.
    fn begin(backups: &Backups, source: Source, hold: Hold) -> Result<Self, BackupFailure> {
        let _lock = lock(&source)?;
        let position = match Log::read(&source.log()).map_err(|error| source.refused(error))? {
            None => None,
            Some((log, file)) => Some(log.committed(file, log.start).map_err(|error| source.refused(error))?.end),
        };
        let fresh = Hold::on(&source)?;
        drop(hold);
        let (generation, time) = (backups.new_generation(), backups.now());
        tracing::info!(
            backup.database = source.database.as_str(),
            backup.generation = generation,
            "a new chain begins"
        );
        let chain = Chain { generation, next: 1, previous: Hash::none(), time, position };
        Ok(Self { source, backups: backups.clone(), hold: fresh, chain, emptied: None, broken: false })
    }

    /// Gives the chain up and begins another.
    pub(super) fn begin_anew(self) -> Result<Self, BackupFailure> {
        let Self { source, backups, hold, chain: _, emptied: _, broken: _ } = self;
        Self::begin(&backups, source, hold)
    }

    pub(super) fn generation(&self) -> &str {
        &self.chain.generation
    }

    pub(super) const fn segments(&self) -> u64 {
        self.chain.next - 1
    }

    /// How far the log is committed now. `None` if the chain is broken.
    pub(super) fn look(&self) -> Result<Option<Seen>, BackupFailure> {
        if self.broken {
            return Ok(None);
        }
        let Some((log, file)) = Log::read(&self.source.log()).map_err(|error| self.source.refused(error))? else {
            return Ok(Some(Seen { log: None, at: self.backups.now() }));
        };
        let from = match self.chain.position {
            Some(position) if position.same_log(&log.start) => position,
            Some(position) if !position.is_followed_by(&log.start) => return Ok(None),
            _ => log.start,
        };
        let horizon = log.committed(file, from).map_err(|error| self.source.refused(error))?;
        // After the look: whatever it saw was committed before.
        Ok(Some(Seen { log: Some((log, from, horizon)), at: self.backups.now() }))
    }

    /// Brings what was seen to the target.
    pub(super) fn ship(&mut self, seen: Seen) -> Result<(), BackupFailure> {
        let Some((log, mut from, until)) = seen.log else { return Ok(()) };
        if from == until.end {
            return Ok(());
        }
        while from != until.end {
            let refused = |error: std::io::Error| self.source.refused(error);
            let (_, file) = Log::read(&self.source.log())
                .map_err(refused)?
                .ok_or_else(|| self.source.refused("its log vanished"))?;
            let batch = log.pages(file, from, &until, self.backups.0.limits.segment).map_err(refused)?;
            let time = seen.at.max(self.chain.time);
            let name = SegmentName {
                database: self.source.database,
                generation: self.chain.generation.clone(),
                number: self.chain.next,
                time,
            };
            let mut body = Vec::with_capacity(batch.pages.len() * (log.page_size as usize + 4));
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
                page_size: log.page_size,
                pages: batch.pages_in_database,
                end: Some(batch.end),
            };
            let stored = self.backups.put_segment(&name.text(), about, &body)?;
            from = batch.end;
            self.chain = Chain {
                generation: name.generation,
                next: name.number + 1,
                previous: stored.hash,
                time,
                position: Some(from),
            };
        }
        // Only now: everything up to the hold is in the target.
        self.hold = Hold::on(&self.source)?;
        Ok(())
    }

    /// Looks and ships.
    pub(super) fn catch_up(&mut self) -> Result<Link, BackupFailure> {
        let Some(seen) = self.look()? else { return Ok(Link::Broken) };
        self.ship(seen)?;
        Ok(Link::Whole)
    }

    /// Empties the log if it is long and everything in it is in the target.
    pub(super) fn empty_log(&mut self) -> Result<Link, BackupFailure> {
        let Some((log, _)) = Log::read(&self.source.log()).map_err(|error| self.source.refused(error))? else {
            return Ok(Link::Whole);
        };
        let most = self.backups.0.limits.log;
        let full = self.chain.position.filter(|end| end.same_log(&log.start) && log.bytes(end) > most);
        if full.is_none() || full == self.emptied {
            return Ok(Link::Whole);
        }
        // Most of it while others may write; what is left is then a matter of milliseconds. Under the hold of what was
        // shipped: a newer one might let go of what was not.
        let before = sqlite::checkpoint(&self.source)?;
        if before.in_log - before.in_database > FEW_FRAMES {
            return Ok(Link::Whole);
        }
        let Some(_lock) = WriteLock::take(&self.source)? else { return Ok(Link::Whole) };
        if self.catch_up()? == Link::Broken {
            return Ok(Link::Broken);
        }
        self.hold = Hold::on(&self.source)?;
        let after = sqlite::checkpoint(&self.source)?;
        if after.in_log == after.in_database {
            // This hold does not need the log, so the next writer begins it anew.
            self.hold = Hold::on(&self.source)?;
            self.emptied = self.chain.position;
        }
        Ok(Link::Whole)
    }

    /// When nothing can be shipped for long, lets go of the log before it fills the disk. That breaks the chain.
    pub(super) fn relieve(&mut self) -> Result<(), BackupFailure> {
        let most = self.backups.0.limits.most;
        // The file never gets shorter, so its length alone says too little; but reading it costs time.
        let length = std::fs::metadata(self.source.log()).map_or(0, |log| log.len());
        if length <= most || self.broken {
            return Ok(());
        }
        let Some((log, file)) = Log::read(&self.source.log()).map_err(|error| self.source.refused(error))? else {
            return Ok(());
        };
        let end = log.committed(file, log.start).map_err(|error| self.source.refused(error))?.end;
        if log.bytes(&end) > most {
            self.broken = true;
            self.hold = Hold::on(&self.source)?;
            sqlite::checkpoint(&self.source)?;
            self.hold = Hold::on(&self.source)?;
        }
        Ok(())
    }

    /// The present as a base will hold it: exactly what the chain has shipped. `None` if the chain is broken.
    pub(super) fn snapshot(&mut self) -> Result<Option<Snapshot>, BackupFailure> {
        self.catch_up()?;
        let lock = lock(&self.source)?;
        if self.catch_up()? == Link::Broken {
            return Ok(None);
        }
        let hold = Hold::on(&self.source)?;
        drop(lock);
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
