//! SQLite's write-ahead log as a file (the format is documented at sqlite.org/fileformat2.html#walformat): which frames
//! are committed, and their pages. Reads only.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The least significant bit says in which byte order checksums are computed.
const MAGIC: u32 = 0x377f_0682;
const BUFFER_BYTES: usize = 1 << 18;

/// A running checksum over the log up to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum(u32, u32);

impl Sum {
    fn add(self, bytes: &[u8], big_endian: bool) -> Self {
        let Self(mut first, mut second) = self;
        let (words, _) = bytes.as_chunks::<4>();
        let (pairs, _) = words.as_chunks::<2>();
        for [one, two] in pairs {
            let (one, two) = match big_endian {
                true => (u32::from_be_bytes(*one), u32::from_be_bytes(*two)),
                false => (u32::from_le_bytes(*one), u32::from_le_bytes(*two)),
            };
            first = first.wrapping_add(one).wrapping_add(second);
            second = second.wrapping_add(two).wrapping_add(first);
        }
        Self(first, second)
    }
}

/// A place in a log. The salts name the log: they change each time SQLite begins again at the start of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    salts: [u32; 2],
    /// Frames before it.
    pub(super) frame: u64,
    /// The checksum of the last frame before it, which covers all others; of the header if there is none.
    sum: Sum,
}

impl Position {
    /// Whether it is in the same log.
    pub(super) fn same_log(&self, other: &Self) -> bool {
        self.salts == other.salts
    }

    /// Whether the other's log is the one that SQLite begins after this one: it counts the first salt up.
    pub(super) fn is_followed_by(&self, other: &Self) -> bool {
        let [counted, _] = self.salts;
        let [next, _] = other.salts;
        counted.wrapping_add(1) == next
    }
}

/// The head of a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) page_size: u32,
    big_endian: bool,
    /// Before the first frame.
    pub(super) start: Position,
}

/// A frame's head.
struct Frame {
    page: u32,
    /// Length of the database in pages after the commit that this frame ends; 0 for any other frame.
    pages_in_database: u32,
}

/// How far a log is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Horizon {
    pub(super) end: Position,
}

/// Pages of some frames, of each page the last image.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) pages: BTreeMap<u32, Vec<u8>>,
    /// As in the last frame: 0 if that ends no commit, and the batch means nothing without the next.
    pub(super) pages_in_database: u32,
    pub(super) end: Position,
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_be_bytes(*word))
}

impl Log {
    /// Reads the head of the log; `None` if the file is missing, empty, or its head is just being written.
    pub(super) fn read(path: &Path) -> io::Result<Option<(Self, File)>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut head = [0; HEADER_BYTES];
        match file.read_exact(&mut head) {
            Ok(()) => Ok(Self::parse(&head).map(|log| (log, file))),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn parse(head: &[u8; HEADER_BYTES]) -> Option<Self> {
        let magic = number(head, 0);
        if magic & !1 != MAGIC {
            return None;
        }
        let big_endian = magic & 1 == 1;
        let (covered, _) = head.split_at(HEADER_BYTES - 8);
        let sum = Sum(0, 0).add(covered, big_endian);
        let stored = Sum(number(head, 24), number(head, 28));
        let page_size = number(head, 8);
        let sane = (512..=65_536).contains(&page_size) && page_size.is_power_of_two();
        let start = Position { salts: [number(head, 16), number(head, 20)], frame: 0, sum };
        (sum == stored && sane).then_some(Self { page_size, big_endian, start })
    }

    const fn frame_bytes(&self) -> u64 {
        FRAME_HEADER_BYTES as u64 + self.page_size as u64
    }

    /// Bytes of so many frames of the log.
    pub(super) const fn bytes(&self, frames: u64) -> u64 {
        HEADER_BYTES as u64 + frames * self.frame_bytes()
    }

    fn frames(&self, mut file: File, from: Position) -> io::Result<Frames> {
        file.seek(SeekFrom::Start(self.bytes(from.frame)))?;
        let buffer = vec![0; FRAME_HEADER_BYTES + self.page_size as usize];
        Ok(Frames { log: *self, file: BufReader::with_capacity(BUFFER_BYTES, file), at: from, buffer })
    }

    /// The last commit after `from` among the first `committed` frames of the log; `from` itself if there is none.
    ///
    /// What lies behind those is nobody's, however well it reads: a writer that died before it told the others leaves
    /// whole commits there, which the next one writes over.
    pub(super) fn committed(&self, file: File, from: Position, committed: u64) -> io::Result<Horizon> {
        let mut frames = self.frames(file, from)?;
        let mut end = from;
        while frames.at.frame < committed {
            let Some(frame) = frames.next()? else { break };
            if frame.pages_in_database != 0 {
                end = frames.at;
            }
        }
        Ok(Horizon { end })
    }

    /// The pages from a position on, up to another or until there are more than `budget` bytes of them.
    pub(super) fn pages(&self, file: File, from: Position, until: &Horizon, budget: usize) -> io::Result<Batch> {
        let mut frames = self.frames(file, from)?;
        let mut pages = BTreeMap::new();
        let mut pages_in_database = 0;
        while frames.at.frame < until.end.frame && pages.len() * (self.page_size as usize) < budget {
            let Some(frame) = frames.next()? else {
                return Err(io::Error::other("committed frames of the log changed"));
            };
            pages_in_database = frame.pages_in_database;
            pages.insert(frame.page, frames.page().to_vec());
        }
        Ok(Batch { pages, pages_in_database, end: frames.at })
    }

    /// The place after so many frames; `None` if the log has not so many.
    pub(super) fn after(&self, file: &mut File, frame: u64) -> io::Result<Option<Position>> {
        if frame == 0 {
            return Ok(Some(self.start));
        }
        file.seek(SeekFrom::Start(self.bytes(frame - 1)))?;
        let mut head = [0; FRAME_HEADER_BYTES];
        match file.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let salts = [number(&head, 8), number(&head, 12)];
        let sum = Sum(number(&head, 16), number(&head, 20));
        Ok((salts == self.start.salts).then_some(Position { salts, frame, sum }))
    }

    /// Whether the position is in this log, with everything before it unchanged.
    pub(super) fn holds(&self, file: &mut File, position: &Position) -> io::Result<bool> {
        Ok(position.same_log(&self.start) && self.after(file, position.frame)? == Some(*position))
    }
}

#[cfg(test)]
impl Log {
    /// A frame that reads as the next one after a position.
    pub(super) fn forged(&self, after: &Position, page: u32, pages_in_database: u32, content: &[u8]) -> Vec<u8> {
        let mut frame = [page.to_be_bytes(), pages_in_database.to_be_bytes()].concat();
        let Sum(one, two) = after.sum.add(&frame, self.big_endian).add(content, self.big_endian);
        for word in after.salts.into_iter().chain([one, two]) {
            frame.extend_from_slice(&word.to_be_bytes());
        }
        frame.extend_from_slice(content);
        frame
    }
}

struct Frames {
    log: Log,
    file: BufReader<File>,
    at: Position,
    buffer: Vec<u8>,
}

impl Frames {
    /// The next whole frame of this log; `None` where the log ends, or a frame is just being written.
    fn next(&mut self) -> io::Result<Option<Frame>> {
        match self.file.read_exact(&mut self.buffer) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let (head, page) = self.buffer.split_at(FRAME_HEADER_BYTES);
        let (covered, _) = head.split_at(8);
        let sum = self.at.sum.add(covered, self.log.big_endian).add(page, self.log.big_endian);
        let (salts, stored) = ([number(head, 8), number(head, 12)], Sum(number(head, 16), number(head, 20)));
        if salts != self.at.salts || sum != stored {
            return Ok(None);
        }
        self.at = Position { frame: self.at.frame + 1, sum, ..self.at };
        Ok(Some(Frame { page: number(head, 0), pages_in_database: number(head, 4) }))
    }

    fn page(&self) -> &[u8] {
        let (_, page) = self.buffer.split_at(FRAME_HEADER_BYTES);
        page
    }
}
