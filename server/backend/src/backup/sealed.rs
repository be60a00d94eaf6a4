//! The form of a base copy or segment in the target: `SPB1 | length of the head(4) | sealed head | sealed body`, the
//! length big-endian, head and body as `shutterpost_vault::stream` seals files. The head names the body's file id, so
//! that no body can be put behind another head, and says what the object is, so that no object can take the name of
//! another.
//!
//! Heads are sealed under the backup key. Bodies of the data too; those of the key store under a random key each, which
//! the root key of the day wraps: when that root is destroyed, the body is noise.

use std::collections::BTreeMap;
use std::fmt::Display;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::{DataKey, KeyId};
use shutterpost_vault::root::{self, RootError};
use shutterpost_vault::stream::{self, FileId, Header, Opener, SEGMENT_BYTES, Sealer, TAG_BYTES};
use shutterpost_vault::wrap::{KeyAbout, Purpose};

use super::postgres::{CopyHead, PieceHead};
use super::target::Reader;
use super::wal::Position;
use super::{BackupFailure, Backups, Database};

const MAGIC: [u8; 4] = *b"SPB1";
const FORMAT: u32 = 1;
/// A base's head holds a line a table.
const MAX_HEAD_BYTES: u32 = 1 << 20;
/// Whose keys these are, bound when they are wrapped. No realm of the key store is called so.
const ABOUT: KeyAbout<'static> = KeyAbout { organisation: "backup", purpose: Purpose::Installation };

/// Hash of a whole object, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Hash(String);

impl Hash {
    /// Before the first segment.
    pub(super) fn none() -> Self {
        Self(String::new())
    }

    fn of(object: &[u8]) -> Self {
        Self(HEXLOWER.encode(&Sha256::digest(object)))
    }
}

/// The head of an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Head {
    format: u32,
    #[serde(flatten)]
    pub(super) about: About,
    body: Option<Body>,
}

/// What an object is, and where in its chain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) database: Database,
    pub(super) generation: String,
    pub(super) content: Content,
    /// Of a segment: its own. Of a base: that of the first segment after it.
    pub(super) number: u64,
    /// Everything committed until then is in it or before it.
    pub(super) time: Millis,
    /// Of the segment before.
    pub(super) previous: Hash,
    pub(super) page_size: u32,
    /// Length of the database in pages at its end; 0 for a segment that ends inside a transaction.
    pub(super) pages: u32,
    /// Where in the log it ends; none if there was no log.
    pub(super) end: Option<Position>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Content {
    /// A whole database, with the rows of each table counted in the same snapshot.
    Base { rows: BTreeMap<String, i64> },
    /// Pages, each behind its number (4 bytes, big-endian).
    Segment,
    /// A whole server of PostgreSQL: a compressed archive of its files.
    Copy(CopyHead),
    /// A piece of a server's log, compressed.
    Piece(PieceHead),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Body {
    file: String,
    length: u64,
    root: Option<RootedKey>,
}

/// A body's own key, wrapped by a root.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct RootedKey {
    generation: u32,
    key: String,
    wrapped: String,
}

fn damaged(name: &str, reason: impl Display) -> BackupFailure {
    BackupFailure::Damaged { name: name.to_owned(), reason: reason.to_string() }
}

impl Backups {
    /// The root generation under which the key store is sealed today.
    pub(super) fn newest_root(&self) -> Result<u32, BackupFailure> {
        let roots = self.0.roots.generations().map_err(|error| BackupFailure::Roots(error.to_string()))?;
        roots.last().copied().ok_or_else(|| BackupFailure::Roots("there are none; start the server once".into()))
    }

    fn random(&self) -> impl FnMut(&mut [u8]) + use<> {
        let world = self.0.world.clone();
        move |bytes: &mut [u8]| world.random.fill(bytes)
    }

    /// The sealed head with everything before the body's segments, and what seals those.
    fn begin(&self, about: About, length: u64) -> Result<(Vec<u8>, Sealer), BackupFailure> {
        let mut random = self.random();
        let own = match about.database {
            Database::Data => None,
            Database::Keys => Some(DataKey::random(KeyId::random(&mut random), 1, &mut random)),
        };
        let too_long = |error| BackupFailure::Target(format!("cannot be sealed: {error}"));
        let sealer = Sealer::new(own.as_ref().unwrap_or(&self.0.key), length, &mut random).map_err(too_long)?;
        let root = match &own {
            None => None,
            Some(key) => Some(self.wrap(key)?),
        };
        let file = HEXLOWER.encode(sealer.header().file_id().bytes());
        let body = Some(Body { file, length, root });
        let text = serde_json::to_vec(&Head { format: FORMAT, about, body })
            .map_err(|error| BackupFailure::Target(error.to_string()))?;
        let sealed = stream::seal_all(&self.0.key, &text, &mut random).map_err(too_long)?;
        let mut object = MAGIC.to_vec();
        object.extend_from_slice(&u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_be_bytes());
        object.extend_from_slice(&sealed);
        object.extend_from_slice(sealer.header().bytes());
        Ok((object, sealer))
    }

    fn wrap(&self, key: &DataKey) -> Result<RootedKey, BackupFailure> {
        let generation = self.newest_root()?;
        let wrapped = root::wrap_key(&*self.0.roots, generation, key, &ABOUT, &mut self.random());
        let wrapped = wrapped.map_err(|error| BackupFailure::Roots(error.to_string()))?;
        Ok(RootedKey { generation, key: key.id().as_text(), wrapped: HEXLOWER.encode(&wrapped) })
    }

    /// A segment, sealed, with its hash.
    pub(super) fn seal_segment(&self, about: About, body: &[u8]) -> Result<(Vec<u8>, Hash), BackupFailure> {
        let (mut object, mut sealer) = self.begin(about, body.len() as u64)?;
        object.reserve(body.len() + (body.len() / SEGMENT_BYTES + 1) * TAG_BYTES);
        let mut rest = body;
        while let Some(length) = sealer.next_len() {
            let (piece, after) = rest.split_at(length);
            sealer.seal_segment(piece, &mut object).map_err(|error| BackupFailure::Target(error.to_string()))?;
            rest = after;
        }
        let hash = Hash::of(&object);
        Ok((object, hash))
    }

    /// Seals and stores a body of `length` bytes that `fill` gives piece by piece.
    pub(super) fn put_base(
        &self,
        name: &str,
        about: About,
        length: u64,
        mut fill: impl FnMut(&mut [u8]) -> Result<(), BackupFailure>,
    ) -> Result<(), BackupFailure> {
        let (start, mut sealer) = self.begin(about, length)?;
        let mut upload = self.0.target.upload(name, length)?;
        let mut send = || -> Result<(), BackupFailure> {
            upload.write(&start)?;
            let mut piece = vec![0; SEGMENT_BYTES];
            while let Some(length) = sealer.next_len() {
                piece.resize(length, 0);
                fill(&mut piece)?;
                let tag = sealer.seal_in_place(&mut piece).map_err(|error| BackupFailure::Target(error.to_string()))?;
                upload.write(&piece)?;
                upload.write(&tag)?;
            }
            Ok(())
        };
        match send() {
            Ok(()) => upload.finish(),
            Err(failure) => {
                upload.abandon();
                Err(failure)
            }
        }
    }

    /// A segment with its hash and its pages, opened. All of it is genuine.
    pub(super) fn get_segment(&self, name: &str) -> Result<Option<(Head, Hash, Vec<u8>)>, BackupFailure> {
        let Some(object) = self.0.target.get(name)? else { return Ok(None) };
        let (length, rest) = prefix(&object).ok_or_else(|| damaged(name, "it is cut short or no backup"))?;
        let (sealed, body) = rest.split_at_checked(length).ok_or_else(|| damaged(name, "it is cut short"))?;
        let head = self.head(name, sealed)?;
        let about = head.body.as_ref().ok_or_else(|| damaged(name, "it has no body"))?;
        let own = self.body_key(name, about)?;
        let (header, _) = Header::parse(body).map_err(|error| damaged(name, error))?;
        if header.file_id() != file_id(name, about)? {
            return Err(BackupFailure::Exchanged { name: name.to_owned() });
        }
        let plain =
            stream::open_all(own.as_ref().unwrap_or(&self.0.key), body).map_err(|error| damaged(name, error))?;
        Ok(Some((head, Hash::of(&object), plain)))
    }

    /// A base, its head opened and proved, its body to be read.
    pub(super) fn open_base(&self, name: &str) -> Result<(Head, BaseReader), BackupFailure> {
        let mut reader = self.0.target.open(name)?;
        let short = || damaged(name, "it is cut short or no backup");
        let mut start = [0; 8];
        let whole = reader.read(&mut start)?;
        let (length, _) = prefix(&start).filter(|_| whole).ok_or_else(short)?;
        let mut sealed = vec![0; length];
        let mut header = [0; Header::LEN];
        if !reader.read(&mut sealed)? || !reader.read(&mut header)? {
            return Err(short());
        }
        let head = self.head(name, &sealed)?;
        let about = head.body.as_ref().ok_or_else(short)?;
        let own = self.body_key(name, about)?;
        let (header, _) = Header::parse(&header).map_err(|error| damaged(name, error))?;
        let opener = Opener::of_file(own.as_ref().unwrap_or(&self.0.key), header, file_id(name, about)?);
        let opener = opener.map_err(|error| damaged(name, error))?;
        if reader.size() != 8 + length as u64 + opener.sealed_len() || opener.length() != about.length {
            return Err(short());
        }
        Ok((head, BaseReader { name: name.to_owned(), reader, opener, next: 0, buffer: Vec::new() }))
    }

    fn head(&self, name: &str, sealed: &[u8]) -> Result<Head, BackupFailure> {
        let text = stream::open_all(&self.0.key, sealed).map_err(|error| damaged(name, error))?;
        let head: Head = serde_json::from_slice(&text).map_err(|_| damaged(name, "its head does not read"))?;
        if head.format != FORMAT {
            return Err(damaged(name, format!("it has format {}, newer than this program knows", head.format)));
        }
        Ok(head)
    }

    fn body_key(&self, name: &str, body: &Body) -> Result<Option<DataKey>, BackupFailure> {
        let Some(RootedKey { generation, key, wrapped }) = &body.root else { return Ok(None) };
        let malformed = || damaged(name, "its key does not read");
        let id = KeyId::parse(key).ok_or_else(malformed)?;
        let wrapped = HEXLOWER.decode(wrapped.as_bytes()).map_err(|_| malformed())?;
        match root::unwrap_key(&*self.0.roots, *generation, id, 1, &ABOUT, &wrapped) {
            Ok(key) => Ok(Some(key)),
            Err(RootError::Unknown { generation } | RootError::Destroyed { generation }) => {
                Err(BackupFailure::RootGone { name: name.to_owned(), generation })
            }
            Err(RootError::Refused) => Err(damaged(name, "its key does not belong to these root keys")),
            Err(error) => Err(BackupFailure::Roots(error.to_string())),
        }
    }
}

impl Head {
    /// The root generation that its body needs.
    pub(super) fn root(&self) -> Option<u32> {
        self.body.as_ref().and_then(|body| body.root.as_ref()).map(|root| root.generation)
    }
}

/// The length of the sealed head, and what follows.
fn prefix(object: &[u8]) -> Option<(usize, &[u8])> {
    let (magic, rest) = object.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = u32::from_be_bytes(*length);
    (*magic == MAGIC && length <= MAX_HEAD_BYTES).then_some((length as usize, rest))
}

fn file_id(name: &str, body: &Body) -> Result<FileId, BackupFailure> {
    let bytes = HEXLOWER.decode(body.file.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(FileId::from_bytes).ok_or_else(|| damaged(name, "its head does not read"))
}

/// Gives the plain text of a base, piece by piece.
pub(super) struct BaseReader {
    name: String,
    reader: Reader,
    opener: Opener,
    next: u32,
    buffer: Vec<u8>,
}

impl BaseReader {
    /// Plain bytes in all.
    pub(super) fn length(&self) -> u64 {
        self.opener.length()
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, BackupFailure> {
        let Some(length) = self.opener.sealed_segment_len(self.next) else { return Ok(None) };
        self.buffer.resize(length, 0);
        if !self.reader.read(&mut self.buffer)? {
            return Err(damaged(&self.name, "it is cut short"));
        }
        let plain =
            self.opener.open_in_place(self.next, &mut self.buffer).map_err(|error| damaged(&self.name, error))?;
        self.next += 1;
        Ok(Some(plain))
    }
}
