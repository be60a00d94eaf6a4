//! The shipper of one server: brings what its receiver has on the disk to the target as an unbroken chain of segments.
//!
//! A chain goes on as long as slot, timeline and received files leave no gap. The slot makes the server keep what was not
//! received; so only who loses both the received files and their place in the slot begins a new chain.
//!
//! Until when everything is in the chain is known by marks: the place up to which the server had flushed its log at a
//! moment. When the receiver has it, everything committed until that moment can be shipped.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use shutterpost_model::time::Millis;

use super::receiver::{Receiver, Spool, outer_folder};
use super::server::{Facts, Slot};
use super::session::Session;
use super::wal::Lsn;
use super::{Cluster, History, PieceHead, Server};
use crate::backup::chain::SegmentName;
use crate::backup::sealed::{About, Content, Hash};
use crate::backup::target::Object;
use crate::backup::{BackupFailure, Backups, Database};

/// How long a look waits until the receiver has what was committed when it began.
const WAIT: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(10);
/// How long a receiver that outlived its process may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// A moment, and the place before which everything committed until then is.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Millis,
    clock: Millis,
    place: Lsn,
}

/// How far the receiver was when it was looked at.
#[derive(Debug, Clone, Copy)]
pub(in crate::backup) struct Seen {
    end: Lsn,
    reached: Option<Mark>,
    at: Millis,
}

impl Seen {
    /// When the look ended: nothing that was committed later is in it.
    pub(in crate::backup) const fn at(&self) -> Millis {
        self.at
    }
}

/// The end of the chain.
#[derive(Debug, Clone)]
struct Chain {
    generation: String,
    next: u64,
    previous: Hash,
    time: Millis,
    clock: Millis,
    /// None until the receiver has begun.
    position: Option<Lsn>,
}

/// A sealed piece, kept as it is until the target has it: a call that failed may have done its work all the same, and a
/// second segment of the same number would end the chain.
struct Unsent {
    name: String,
    object: Object,
    /// The chain with it.
    chain: Chain,
}

/// Where a base that is being made joins the chain.
#[derive(Debug, Clone)]
pub(super) struct Joint {
    pub(super) generation: String,
    pub(super) number: u64,
    pub(super) previous: Hash,
    pub(super) time: Millis,
    pub(super) history: History,
    pub(super) facts: Facts,
    /// How far the chain is by now.
    pub(super) shipped: Arc<AtomicU64>,
}

pub(super) struct Shipper {
    server: Server,
    backups: Backups,
    session: Session,
    facts: Facts,
    history: History,
    spool: Spool,
    receiver: Receiver,
    chain: Chain,
    unsent: Option<Unsent>,
    waiting: Option<Mark>,
    shipped: Arc<AtomicU64>,
    is_broken: bool,
}

/// Checks whether a server can be backed up.
pub(super) fn examined(cluster: &Cluster, session: &mut Session, backups: &Backups) -> Result<Facts, BackupFailure> {
    let facts = session.facts()?;
    facts.fit().map_err(|unfit| cluster.server.refused(unfit))?;
    if let Some(other) = &cluster.other
        && other.connect(&backups.0.target)?.facts()?.system == facts.system
    {
        return Err(BackupFailure::Shared);
    }
    Ok(facts)
}

impl Shipper {
    /// Goes on with the chain in the target if nothing was missed since; otherwise begins a new one, which needs a base.
    pub(super) fn start(
        backups: &Backups,
        cluster: &Cluster,
        mut session: Session,
        slot: String,
        folder: PathBuf,
        shipped: Arc<AtomicU64>,
    ) -> Result<Self, BackupFailure> {
        let facts = examined(cluster, &mut session, backups)?;
        let programs = cluster.programs.copying(facts.major())?;
        outer_folder(&cluster.folder)?;
        let spool = Spool::open(folder, facts.file_bytes())?;
        let found = alone(&mut session, &slot, &cluster.server)?;
        let server = cluster.server.clone();
        let receiver = Receiver::new(programs.join("pg_receivewal"), server.clone(), slot.clone(), spool.clone());
        let history = History { system: facts.system.clone(), timeline: found.map_or(0, |slot| slot.timeline), slot };
        let chain = match found {
            Some(found) => going_on(backups, server.database(), &history, &spool, &found)?,
            None => None,
        };
        let goes_on = chain.is_some();
        let chain = chain.unwrap_or_else(|| Chain::begin(backups, Millis(0)));
        shipped.store(chain.position.map_or(0, |position| position.0), Ordering::Release);
        let backups = backups.clone();
        let mut shipper = Self {
            server,
            backups,
            session,
            facts,
            history,
            spool,
            receiver,
            chain,
            unsent: None,
            waiting: None,
            shipped,
            is_broken: false,
        };
        if !goes_on {
            shipper.begin()?;
        }
        Ok(shipper)
    }

    /// Gives the chain up and begins another at the server's present.
    pub(super) fn begin(&mut self) -> Result<(), BackupFailure> {
        self.receiver.stop();
        self.spool.clear()?;
        alone(&mut self.session, &self.history.slot, &self.server)?;
        self.session.drop_slot(&self.history.slot)?;
        self.session.create_slot(&self.history.slot)?;
        let slot = self.session.slot(&self.history.slot)?;
        let slot = slot.ok_or_else(|| self.server.refused("its slot is gone as soon as it was made"))?;
        self.history.timeline = slot.timeline;
        self.chain = Chain::begin(&self.backups, slot.clock);
        (self.unsent, self.waiting, self.is_broken) = (None, None, false);
        self.shipped.store(0, Ordering::Release);
        tracing::info!(
            backup.database = self.server.database().as_str(),
            backup.generation = self.chain.generation,
            "a new chain begins"
        );
        Ok(())
    }

    pub(super) fn generation(&self) -> &str {
        &self.chain.generation
    }

    pub(super) const fn segments(&self) -> u64 {
        self.chain.next - 1
    }

    /// How far everything is received; waits a moment for what was committed until now. `None` if the chain is broken.
    pub(super) fn look(&mut self) -> Result<Option<Seen>, BackupFailure> {
        if self.is_broken {
            return Ok(None);
        }
        self.receiver.keep_running()?;
        let (began, since) = (self.backups.now(), Instant::now());
        let mut reached = None;
        loop {
            let at = self.backups.now();
            let Some(slot) = self.session.slot(&self.history.slot)? else { return Ok(None) };
            // A server that is behind its own chain is another one.
            let is_behind = self.chain.position.is_some_and(|position| position > slot.flushed);
            let Some(received) = slot.received.filter(|_| !slot.is_lost && !is_behind) else { return Ok(None) };
            if slot.timeline != self.history.timeline {
                return Ok(None);
            }
            let mut mark = self.waiting.unwrap_or(Mark { at, clock: slot.clock, place: slot.flushed });
            if received >= mark.place {
                reached = Some(mark);
                mark = Mark { at, clock: slot.clock, place: slot.flushed };
                if received >= mark.place {
                    reached = Some(mark);
                }
            }
            let all = reached.is_some_and(|reached| reached.at >= began);
            self.waiting = Some(mark).filter(|mark| received < mark.place);
            if all || since.elapsed() > WAIT {
                return Ok(Some(Seen { end: received, reached, at: self.backups.now() }));
            }
            self.backups.0.target.rest(STEP);
            // Its end is the likeliest reason.
            self.receiver.keep_running()?;
        }
    }

    /// Brings what was seen to the target. Gives until when everything is there, if that is new.
    pub(super) fn ship(&mut self, seen: Seen) -> Result<Option<Millis>, BackupFailure> {
        self.store()?;
        if self.chain.position.is_none() {
            self.chain.position = self.spool.first(self.history.timeline)?;
        }
        let Some(mut from) = self.chain.position else { return Ok(None) };
        let file_bytes = self.facts.file_bytes();
        while from < seen.end {
            let to = seen.end.min(from.file_end(file_bytes));
            let Some(piece) = self.spool.read(self.history.timeline, from, to)? else {
                self.is_broken = true;
                return Ok(None);
            };
            let mark = seen.reached.filter(|_| to == seen.end);
            self.put(from, to, mark, &piece)?;
            from = to;
        }
        self.spool.forget(self.history.timeline, from)?;
        let Some(mark) = seen.reached else { return Ok(None) };
        (self.chain.time, self.chain.clock) = (self.chain.time.max(mark.at), mark.clock);
        Ok(Some(mark.at))
    }

    /// Stores a piece. Only one that ends with a mark is of a later time than the one before.
    fn put(&mut self, from: Lsn, to: Lsn, mark: Option<Mark>, piece: &[u8]) -> Result<(), BackupFailure> {
        let (time, clock) =
            mark.map_or((self.chain.time, self.chain.clock), |mark| (self.chain.time.max(mark.at), mark.clock));
        let name = SegmentName {
            database: self.server.database(),
            generation: self.chain.generation.clone(),
            number: self.chain.next,
            time,
        };
        let about = About {
            database: name.database,
            generation: name.generation.clone(),
            content: Content::Piece(PieceHead { history: self.history.clone(), from, to, clock }),
            number: name.number,
            time,
            previous: self.chain.previous.clone(),
            page_size: 0,
            pages: 0,
            end: None,
        };
        let text = name.text();
        let (object, hash) = self.backups.seal_segment(about, &packed(piece))?;
        let (generation, next) = (name.generation, name.number + 1);
        let chain = Chain { generation, next, previous: hash, time, clock, position: Some(to) };
        self.unsent = Some(Unsent { name: text, object: object.into(), chain });
        self.store()
    }

    /// Stores what was sealed.
    fn store(&mut self) -> Result<(), BackupFailure> {
        let Some(Unsent { name, object, chain }) = &self.unsent else { return Ok(()) };
        self.backups.0.target.put(name, object.clone())?;
        self.shipped.store(chain.position.map_or(0, |position| position.0), Ordering::Release);
        self.chain = chain.clone();
        self.unsent = None;
        Ok(())
    }

    /// When nothing can be shipped for long, lets go of what was received before it fills the disk, and of what the
    /// server keeps for us before it fills the server's. That breaks the chain.
    pub(super) fn relieve(&mut self) -> Result<(), BackupFailure> {
        if self.is_broken || self.spool.bytes()? <= self.backups.0.limits.most {
            return Ok(());
        }
        self.receiver.stop();
        self.spool.clear()?;
        self.is_broken = true;
        self.session.drop_slot(&self.history.slot)
    }

    /// Where a base that begins now joins the chain; `None` before the receiver has begun.
    pub(super) fn joint(&self) -> Option<Joint> {
        self.chain.position.filter(|_| !self.is_broken)?;
        Some(Joint {
            generation: self.chain.generation.clone(),
            number: self.chain.next,
            previous: self.chain.previous.clone(),
            time: self.chain.time,
            history: self.history.clone(),
            facts: self.facts.clone(),
            shipped: Arc::clone(&self.shipped),
        })
    }

    /// Ends the receiver; the server keeps what is committed from now on until the next start.
    pub(super) fn leave(mut self) {
        self.receiver.stop();
    }

    /// Ends the receiver, and the server keeps nothing.
    pub(super) fn forget(mut self) -> Result<(), BackupFailure> {
        self.receiver.stop();
        alone(&mut self.session, &self.history.slot, &self.server)?;
        self.session.drop_slot(&self.history.slot)
    }
}

impl Chain {
    fn begin(backups: &Backups, clock: Millis) -> Self {
        let (generation, time) = (backups.new_generation(), backups.now());
        Self { generation, next: 1, previous: Hash::none(), time, clock, position: None }
    }
}

/// The slot, with nobody receiving for it: who still does has outlived its process.
fn alone(session: &mut Session, name: &str, server: &Server) -> Result<Option<Slot>, BackupFailure> {
    let since = Instant::now();
    loop {
        let slot = session.slot(name)?;
        let Some(pid) = slot.and_then(|slot| slot.pid) else { return Ok(slot) };
        if since.elapsed() > PATIENCE {
            return Err(
                server.refused(format!("another program receives for the slot {name}; end process {pid} on it"))
            );
        }
        session.end_backend(pid)?;
        session.rest(STEP);
    }
}

/// The end of the chain in the target, if it can be continued without a gap.
fn going_on(
    backups: &Backups,
    database: Database,
    history: &History,
    spool: &Spool,
    slot: &Slot,
) -> Result<Option<Chain>, BackupFailure> {
    let Some((about, hash)) = backups.last_piece(database, history)? else { return Ok(None) };
    let Content::Piece(piece) = about.content else { return Ok(None) };
    let Some(received) = slot.received.filter(|_| !slot.is_lost && piece.to <= slot.flushed) else { return Ok(None) };
    let kept = received.file_start(spool.file_bytes());
    let timeline = history.timeline;
    let first = match spool.end(timeline)? {
        Some(end) if end >= kept => spool.first(timeline)?,
        // Nothing was received, or so long ago that the receiver could not go on from it.
        _ => {
            spool.clear()?;
            Some(kept)
        }
    };
    if first.is_none_or(|first| first > piece.to) {
        return Ok(None);
    }
    Ok(Some(Chain {
        generation: about.generation,
        next: about.number + 1,
        previous: hash,
        time: about.time,
        clock: piece.clock,
        position: Some(piece.to),
    }))
}

impl Backups {
    /// The last segment of the newest chain of this history.
    fn last_piece(&self, database: Database, history: &History) -> Result<Option<(About, Hash)>, BackupFailure> {
        for generation in self.generations(database)?.into_iter().rev() {
            let Some(day) = self.days(database, &generation)?.pop() else { continue };
            let Some(last) = self.segments_of(database, &generation, &day)?.pop() else { continue };
            match self.get_segment(&last.text()) {
                Ok(Some((head, hash, _))) if last.is(&head.about) => match &head.about.content {
                    Content::Piece(piece) if piece.history == *history => return Ok(Some((head.about, hash))),
                    // Of another server, or of a copy made by hand.
                    _ => {}
                },
                Ok(_) | Err(BackupFailure::RootGone { .. }) => {}
                // Nobody can go on from it; a new chain begins.
                Err(BackupFailure::Damaged { .. } | BackupFailure::Exchanged { .. }) => return Ok(None),
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    }
}

/// Compressed; much of the log is zeros.
fn packed(piece: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(piece.len() / 4), Compression::fast());
    let written = encoder.write_all(piece).and_then(|()| encoder.finish());
    written.expect("writing to memory does not fail")
}
