//! The blocks of a film, in which pictures and sound lie, and which of them are kept.

use crate::error::{FilmError, MediaError};
use crate::video::VideoLimits;
use crate::video::ebml::{Element, ODD, Window, head, variable, written_number};
use crate::video::plan::Segment;
use crate::video::source::Source;
use crate::video::webm::tracks::Tracks;
use crate::video::webm::{CLUSTER, CUES, Described, EBML, SEGMENT, SEGMENT_INFO, TIMESTAMP, TRACKS};

const SIMPLE_BLOCK: u32 = 0xA3;
const GROUP: u32 = 0xA0;
const BLOCK: u32 = 0xA1;
const BLOCK_DURATION: u32 = 0x9B;
const REFERENCE: u32 = 0xFB;
const DISCARD_PADDING: u32 = 0x75A2;
/// Of a track's number, a time and flags.
const BLOCK_HEAD: usize = 11;
/// What begins beside a cluster ends one whose length is not known; index, seeking, attachments, chapters and tags too.
const BESIDE: [u32; 10] =
    [CLUSTER, CUES, SEGMENT_INFO, TRACKS, EBML, SEGMENT, 0x114D_9B74, 0x1941_A469, 0x1043_A770, 0x1254_C367];

const ODD_BLOCK: MediaError = MediaError::Malformed("a block that makes no sense");

/// When the blocks of a track are, in units of time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    pub(super) count: u64,
    first: i64,
    last: i64,
    end: i64,
}

impl Extent {
    fn add(&mut self, from: i64, lasts: i64) {
        if self.count == 0 {
            *self = Extent { count: 0, first: from, last: from, end: from };
        }
        self.count += 1;
        self.first = self.first.min(from);
        self.last = self.last.max(from);
        self.end = self.end.max(from.saturating_add(lasts));
    }

    /// From the first block's beginning to the last one's.
    pub(super) fn span(&self) -> u64 {
        self.last.abs_diff(self.first)
    }
}

/// A block that is kept.
pub(super) struct Block {
    pub(super) pieces: Vec<Segment>,
}

/// Where to begin to play.
pub(super) struct Cue {
    pub(super) time: u64,
    pub(super) track: u64,
    /// Of its cluster, in bytes from the first one's beginning.
    pub(super) place: u64,
}

/// Literals and ranges in order; what follows on what is there already goes into the same piece.
#[derive(Default)]
pub(super) struct Pieces {
    all: Vec<Segment>,
    bytes: u64,
}

impl Pieces {
    fn add(&mut self, piece: Segment) {
        self.bytes += piece.bytes();
        match (self.all.last_mut(), piece) {
            (Some(Segment::Literal(before)), Segment::Literal(bytes)) => before.extend(bytes),
            (Some(Segment::Source(before)), Segment::Source(range)) if before.end == range.start => {
                before.end = range.end;
            }
            (_, piece) => self.all.push(piece),
        }
    }

    pub(super) fn done(self) -> Vec<Segment> {
        self.all
    }
}

/// The clusters as far as they were read, and as they will be written.
pub(super) struct Clusters {
    picture_number: u64,
    sound_number: Option<u64>,
    /// Units of time in a second.
    second: i64,
    max_blocks: u64,
    max_pieces: u64,
    elements: u64,
    /// The time of the first cluster that is kept.
    origin: Option<u64>,
    pub(super) pictures: Extent,
    pub(super) sound: Extent,
    /// What stands for the film.
    pub(super) still: Option<Block>,
    still_is_whole: bool,
    pub(super) cues: Vec<Cue>,
    pub(super) pieces: Pieces,
    too_long: MediaError,
}

/// What is known of a block of a kept track.
struct Found {
    is_picture: bool,
    time: i64,
}

/// A cluster while it is read.
#[derive(Default)]
struct Open {
    time: Option<u64>,
    pieces: Pieces,
    /// Of its first picture, if that can be decoded alone.
    begins: Option<(i64, bool)>,
}

impl Clusters {
    pub(super) fn new(tracks: &Tracks, described: &Described, limits: &VideoLimits) -> Clusters {
        Clusters {
            picture_number: tracks.pictures.number,
            sound_number: tracks.sound_number(),
            second: i64::try_from(1_000_000_000 / described.scale.max(1)).unwrap_or(i64::MAX).max(1),
            max_blocks: limits.max_samples,
            max_pieces: limits.max_chunks,
            elements: 0,
            origin: None,
            pictures: Extent::default(),
            sound: Extent::default(),
            still: None,
            still_is_whole: false,
            cues: Vec::new(),
            pieces: Pieces::default(),
            too_long: FilmError::TooLong { limit: limits.max_seconds }.into(),
        }
    }

    /// From the beginning of the first block to the end of the last, in units of time.
    pub(super) fn lasts(&self) -> u64 {
        let tracks = [self.pictures, self.sound].into_iter().filter(|track| track.count > 0);
        let (first, end) =
            tracks.fold((i64::MAX, i64::MIN), |(first, end), track| (first.min(track.first), end.max(track.end)));
        if end > first { end.abs_diff(first) } else { 0 }
    }

    /// Reads a cluster up to `behind`, or up to what is not its own any more where its length is not known. Returns where it
    /// ends.
    pub(super) fn read<S: Source + ?Sized>(
        &mut self,
        window: &mut Window<'_, S>,
        cluster: Element,
        behind: u64,
        end: u64,
    ) -> Result<u64, MediaError> {
        self.count()?;
        let mut open = Open::default();
        let mut at = cluster.from;
        while at < behind {
            let (element, next) = window.element(at, behind)?;
            if cluster.bytes.is_none() && BESIDE.contains(&element.id) {
                break;
            }
            self.count()?;
            let next = next.ok_or(ODD)?;
            match element.id {
                TIMESTAMP if open.time.is_some() => return Err(MediaError::Malformed("a cluster at two times")),
                TIMESTAMP => {
                    // Room enough to add to it.
                    let time = window.number(element, end)?;
                    open.time = Some(Some(time).filter(|time| *time < 1 << 56).ok_or(self.too_long)?);
                }
                SIMPLE_BLOCK => {
                    if let Some((found, alone)) = self.block(window, element, next, open.time)? {
                        self.keep(&mut open, &found, 0, alone, vec![Segment::Source(at..next)])?;
                    }
                }
                GROUP => self.group(window, (at, element, next), &mut open)?,
                // What lies at the place of sizes, positions, padding and checksums goes.
                _ => {}
            }
            at = next;
        }
        self.close(open)?;
        Ok(at)
    }

    /// A block's head, and whether it can be decoded alone if that is a simple one. `None`: of no track that is kept.
    fn block<S: Source + ?Sized>(
        &self,
        window: &mut Window<'_, S>,
        element: Element,
        next: u64,
        cluster: Option<u64>,
    ) -> Result<Option<(Found, bool)>, MediaError> {
        let bytes = window.get(element.from, BLOCK_HEAD, next)?;
        let (number, length) = variable(bytes).ok_or(ODD_BLOCK)?;
        let is_picture = number == self.picture_number;
        if !is_picture && self.sound_number != Some(number) {
            return Ok(None);
        }
        let Some([high, low, flags]) = bytes.get(length..).and_then(|rest| rest.first_chunk()) else {
            return Err(ODD_BLOCK);
        };
        let cluster = cluster.ok_or(MediaError::Malformed("a block before the time of its cluster"))?;
        let time = i64::try_from(cluster).map_err(|_| ODD_BLOCK)?;
        let time = time + i64::from(i16::from_be_bytes([*high, *low]));
        Ok(Some((Found { is_picture, time }, flags & 0x80 != 0)))
    }

    /// A block with what is said of it, of which only numbers for decoders are kept.
    fn group<S: Source + ?Sized>(
        &mut self,
        window: &mut Window<'_, S>,
        (at, group, behind): (u64, Element, u64),
        open: &mut Open,
    ) -> Result<(), MediaError> {
        let (mut found, mut lasts, mut alone, mut all_kept) = (None, 0, true, true);
        let mut inside = Pieces::default();
        let mut child_at = group.from;
        while child_at < behind {
            self.count()?;
            let (child, next) = window.element(child_at, behind)?;
            let next = next.ok_or(ODD)?;
            let kept = match child.id {
                BLOCK if found.is_some() => return Err(ODD_BLOCK),
                BLOCK => {
                    let Some((block, _)) = self.block(window, child, next, open.time)? else { return Ok(()) };
                    found = Some(block);
                    true
                }
                BLOCK_DURATION => {
                    lasts = i64::try_from(window.number(child, behind)?).unwrap_or(i64::MAX);
                    true
                }
                REFERENCE => {
                    window.number(child, behind)?;
                    alone = false;
                    true
                }
                DISCARD_PADDING => {
                    window.number(child, behind)?;
                    true
                }
                _ => false,
            };
            all_kept &= kept;
            if kept {
                inside.add(Segment::Source(child_at..next));
                self.bounded(open.pieces.all.len() + inside.all.len())?;
            }
            child_at = next;
        }
        let Some(found) = found else { return Ok(()) };
        let pieces = if all_kept {
            vec![Segment::Source(at..behind)]
        } else {
            let first = Segment::Literal(head(GROUP, inside.bytes));
            std::iter::once(first).chain(inside.done()).collect()
        };
        self.keep(open, &found, lasts, alone, pieces)
    }

    fn keep(
        &mut self,
        open: &mut Open,
        found: &Found,
        lasts: i64,
        alone: bool,
        pieces: Vec<Segment>,
    ) -> Result<(), MediaError> {
        let track = if found.is_picture { &mut self.pictures } else { &mut self.sound };
        track.add(found.time, lasts);
        if track.count > self.max_blocks {
            return Err(self.too_long);
        }
        if found.is_picture {
            open.begins.get_or_insert((found.time, alone));
            let early = found.time.saturating_sub(self.pictures.first) <= self.second;
            // A film without such a picture may begin with one nevertheless.
            if self.still.is_none() || (alone && (early || !self.still_is_whole)) {
                self.still = Some(Block { pieces: pieces.clone() });
                self.still_is_whole = alone;
            }
        }
        pieces.into_iter().for_each(|piece| open.pieces.add(piece));
        self.bounded(open.pieces.all.len())
    }

    /// Writes a cluster that has something to keep.
    fn close(&mut self, open: Open) -> Result<(), MediaError> {
        let Open { time: Some(time), pieces, begins } = open else { return Ok(()) };
        if pieces.all.is_empty() {
            return Ok(());
        }
        // Recorders may count from when they were switched on, or from 1970, which says when that was.
        let origin = *self.origin.get_or_insert(time);
        let time = time.checked_sub(origin).ok_or(MediaError::Malformed("a cluster before the first one"))?;
        if let Some((begins, true)) = begins {
            let begins = u64::try_from(begins).unwrap_or(0).saturating_sub(origin);
            let second = self.second.cast_unsigned();
            if self.cues.last().is_none_or(|last| begins >= last.time.saturating_add(second)) {
                self.cues.push(Cue { time: begins, track: self.picture_number, place: self.pieces.bytes });
            }
        }
        let time = written_number(TIMESTAMP, time);
        self.pieces.add(Segment::Literal([head(CLUSTER, time.len() as u64 + pieces.bytes), time].concat()));
        pieces.all.into_iter().for_each(|piece| self.pieces.add(piece));
        self.bounded(0)
    }

    fn bounded(&self, more: usize) -> Result<(), MediaError> {
        if (self.pieces.all.len() + more) as u64 > self.max_pieces {
            return Err(MediaError::Malformed("more pieces than any film has"));
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), MediaError> {
        self.elements += 1;
        if self.elements > self.max_blocks.saturating_mul(4) {
            return Err(MediaError::Malformed("more elements than any film has"));
        }
        Ok(())
    }
}
