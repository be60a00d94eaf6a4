//! The ledger of erased keys: an append-only file that lies outside whatever is restored. Before a restored system may
//! serve, the keys named here are destroyed in it again. Ids of keys only, nothing about people.
//!
//! A header of 128 bytes: `magic(8) | format(4) | zeros(4) | ledger id(16) | public key id(16) | zeros(16) |
//! signature(64)`. Then entries of 128 bytes each: `sequence(8) | key id(16) | unix milliseconds(8) | hash of what is
//! before it(32) | signature(64)`, numbers big-endian. The hash is SHA-256 over the 128 bytes of the former entry, or of
//! the header; the signature is Ed25519 over the 64 bytes in front of it. So nothing in the ledger can be changed,
//! exchanged or left out. That entries are missing from its *end* shows only to somebody who remembers a [`Mark`] of
//! later.
//!
//! An entry never crosses a sector of a disk. As long as a writer syncs whenever [`LedgerWriter::room`] is used up, a
//! crash leaves nothing but a last part that is cut short or zero, which [`LedgerError::Torn`] tells from tampering.
//!
//! [`file`] keeps a ledger in one or more places of a disk.

pub mod file;

use std::fmt;

use sha2::{Digest, Sha256};

use crate::data_key::KeyId;
use crate::keys::Random;
use crate::sign::{PublicKey, SIGNATURE_BYTES, SigningKey};

/// The length of the header and of every entry in bytes.
pub const ENTRY_BYTES: usize = 128;

const MAGIC: [u8; 8] = *b"spledger";
const FORMAT: u32 = 1;
const SIGNED_BYTES: usize = ENTRY_BYTES - SIGNATURE_BYTES;
const HEADER_DOMAIN: &str = "ledger-header";
const ENTRY_DOMAIN: &str = "ledger-entry";
/// What file systems write at once.
const BLOCK_BYTES: usize = 4096;

/// One erased key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The entry's place: 0, 1, 2 ….
    pub sequence: u64,
    /// The key that was destroyed.
    pub key: KeyId,
    /// When, in unix milliseconds.
    pub erased_at: i64,
    /// SHA-256 of the entry, by which the ledger up to here is known.
    pub hash: [u8; 32],
}

/// Why a ledger is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Not a ledger, or cut short inside its header.
    #[error("this is not a ledger of erased keys")]
    Malformed,
    /// Written by a newer program.
    #[error("the ledger has format {format}, newer than this program knows")]
    Newer { format: u32 },
    /// Signed by another key pair: the ledger of another installation, or the key ring is another.
    #[error("the ledger is signed by another key than this installation's")]
    OtherKey,
    /// The last write was interrupted. What is before it is whole: cut the file to `good_bytes` and go on.
    #[error("the last entry of the ledger was not written to its end; the first {good_bytes} bytes are whole")]
    Torn { entries: Vec<Entry>, good_bytes: u64 },
    /// An entry was changed, exchanged or removed.
    #[error("the ledger was tampered with at entry {sequence}")]
    Tampered { sequence: u64 },
}

/// How far a ledger reaches: how many entries there are, and the hash of the newest, or of the header before there is one.
/// Whoever keeps it elsewhere learns by it if the end of the ledger was cut off, and reads on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub count: u64,
    pub hash: [u8; 32],
}

impl Mark {
    /// Where the bytes of what follows begin in the file.
    pub const fn bytes(&self) -> u64 {
        (self.count + 1) * ENTRY_BYTES as u64
    }

    /// Whether the bytes in front of [`Mark::bytes`], one entry or the header, are what was there.
    pub fn fits(&self, newest: &[u8]) -> bool {
        <[u8; 32]>::from(Sha256::digest(newest)) == self.hash
    }
}

/// Reads a whole ledger and checks every entry.
///
/// # Errors
/// [`LedgerError`].
pub fn verify(bytes: &[u8], public: &PublicKey) -> Result<Vec<Entry>, LedgerError> {
    let start = begin(bytes, public)?;
    read(bytes.get(ENTRY_BYTES..).unwrap_or_default(), start, public)
}

/// Checks a ledger's header: where its first entry follows.
///
/// # Errors
/// [`LedgerError`].
pub fn begin(bytes: &[u8], public: &PublicKey) -> Result<Mark, LedgerError> {
    check_header(bytes, public).map(|hash| Mark { count: 0, hash })
}

/// Reads what follows a place of the ledger that is known to be whole.
///
/// # Errors
/// [`LedgerError`].
pub fn read(bytes: &[u8], from: Mark, public: &PublicKey) -> Result<Vec<Entry>, LedgerError> {
    let mut before = from.hash;
    let mut entries = Vec::with_capacity(bytes.len() / ENTRY_BYTES);
    for (sequence, slot) in (from.count..).zip(bytes.chunks(ENTRY_BYTES)) {
        match read_entry(slot, sequence, &before, public) {
            Some(entry) => {
                before = entry.hash;
                entries.push(entry);
            }
            None if is_torn(slot, bytes.get(entries.len() * ENTRY_BYTES..).unwrap_or_default()) => {
                let good_bytes = from.bytes() + (entries.len() * ENTRY_BYTES) as u64;
                return Err(LedgerError::Torn { entries, good_bytes });
            }
            None => return Err(LedgerError::Tampered { sequence }),
        }
    }
    Ok(entries)
}

/// Makes the entries of one ledger; the caller appends them to the file and syncs it.
pub struct LedgerWriter {
    signer: SigningKey,
    next: u64,
    before: [u8; 32],
}

impl LedgerWriter {
    /// Begins a ledger. Returns the header, which is to be on the disk before the first entry is.
    pub fn new(signer: SigningKey, random: &mut Random<'_>) -> (LedgerWriter, [u8; ENTRY_BYTES]) {
        let header = new_header(&signer, random);
        let before = Sha256::digest(header).into();
        (LedgerWriter { signer, next: 0, before }, header)
    }

    /// Goes on behind a place of the ledger that is known to be whole.
    pub const fn at(signer: SigningKey, mark: Mark) -> LedgerWriter {
        LedgerWriter { signer, next: mark.count, before: mark.hash }
    }

    /// How far the ledger reaches.
    pub const fn mark(&self) -> Mark {
        Mark { count: self.next, hash: self.before }
    }

    /// Goes back, or on, to a place that is known to be whole.
    pub const fn go_to(&mut self, mark: Mark) {
        (self.next, self.before) = (mark.count, mark.hash);
    }

    /// Takes note of what another writer appended behind [`LedgerWriter::mark`].
    ///
    /// # Errors
    /// [`LedgerError`]; of a torn end, what is whole is taken note of.
    pub fn catch_up(&mut self, bytes: &[u8]) -> Result<(), LedgerError> {
        let read = read(bytes, self.mark(), &self.signer.public());
        if let Ok(entries) | Err(LedgerError::Torn { entries, .. }) = &read
            && let Some(newest) = entries.last()
        {
            (self.next, self.before) = (newest.sequence + 1, newest.hash);
        }
        read.map(|_| ())
    }

    /// The next entry: the key `key` was destroyed at `erased_at` (unix milliseconds). Every entry made must be written,
    /// in order.
    pub fn append(&mut self, key: KeyId, erased_at: i64) -> (Entry, [u8; ENTRY_BYTES]) {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..8].copy_from_slice(&self.next.to_be_bytes());
        bytes[8..24].copy_from_slice(key.bytes());
        bytes[24..32].copy_from_slice(&erased_at.to_be_bytes());
        bytes[32..64].copy_from_slice(&self.before);
        seal(&self.signer, ENTRY_DOMAIN, &mut bytes);
        let hash = Sha256::digest(bytes).into();
        let entry = Entry { sequence: self.next, key, erased_at, hash };
        self.next += 1;
        self.before = hash;
        (entry, bytes)
    }

    /// How many further entries may be written before the file must be synced: those that lie in the same block of a
    /// file system, which reaches the disk whole or not at all.
    pub fn room(&self) -> usize {
        let slots = (BLOCK_BYTES / ENTRY_BYTES) as u64;
        usize::try_from(slots - (self.next + 1) % slots).expect("at most 32")
    }
}

impl fmt::Debug for LedgerWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LedgerWriter")
    }
}

fn seal(signer: &SigningKey, domain: &'static str, bytes: &mut [u8; ENTRY_BYTES]) {
    let (signed, signature) = bytes.split_at_mut(SIGNED_BYTES);
    signature.copy_from_slice(&signer.sign(domain, signed));
}

/// The hash of the header, if it is this installation's.
fn new_header(signer: &SigningKey, random: &mut Random<'_>) -> [u8; ENTRY_BYTES] {
    let mut header = [0; ENTRY_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT.to_be_bytes());
    random(&mut header[16..32]);
    header[32..48].copy_from_slice(&signer.public().id());
    seal(signer, HEADER_DOMAIN, &mut header);
    header
}

fn check_header(bytes: &[u8], public: &PublicKey) -> Result<[u8; 32], LedgerError> {
    let header: &[u8; ENTRY_BYTES] = bytes.first_chunk().ok_or(LedgerError::Malformed)?;
    let (signed, signature) = header.split_last_chunk().ok_or(LedgerError::Malformed)?;
    let (magic, rest) = signed.split_first_chunk::<8>().ok_or(LedgerError::Malformed)?;
    let (format, rest) = rest.split_first_chunk::<4>().ok_or(LedgerError::Malformed)?;
    if *magic != MAGIC {
        return Err(LedgerError::Malformed);
    }
    match u32::from_be_bytes(*format) {
        FORMAT => {}
        0 => return Err(LedgerError::Malformed),
        format => return Err(LedgerError::Newer { format }),
    }
    if rest.get(20..36) != Some(&public.id()[..]) {
        return Err(LedgerError::OtherKey);
    }
    if !public.verifies(HEADER_DOMAIN, signed, signature) {
        return Err(LedgerError::Malformed);
    }
    Ok(Sha256::digest(header).into())
}

fn read_entry(slot: &[u8], sequence: u64, before: &[u8; 32], public: &PublicKey) -> Option<Entry> {
    let bytes: &[u8; ENTRY_BYTES] = slot.try_into().ok()?;
    let (signed, signature) = bytes.split_last_chunk::<SIGNATURE_BYTES>()?;
    let (number, rest) = signed.split_first_chunk::<8>()?;
    let (key, rest) = rest.split_first_chunk::<16>()?;
    let (erased_at, chained) = rest.split_first_chunk::<8>()?;
    let fits = u64::from_be_bytes(*number) == sequence && chained == before;
    (fits && public.verifies(ENTRY_DOMAIN, signed, signature)).then(|| Entry {
        sequence,
        key: KeyId::from_bytes(*key),
        erased_at: i64::from_be_bytes(*erased_at),
        hash: Sha256::digest(bytes).into(),
    })
}

/// Whether what stands behind `good` entries is what an interrupted write leaves: less than an entry, or nothing but
/// zeros in the block that was being written. Cutting entries off is all that somebody could achieve by imitating it.
fn is_torn(slot: &[u8], rest: &[u8]) -> bool {
    let zero = rest.len() <= BLOCK_BYTES && rest.iter().all(|byte| *byte == 0);
    slot.len() < ENTRY_BYTES || zero
}

#[cfg(test)]
mod tests;
