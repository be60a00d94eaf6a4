//! Sealed files: pictures and films in segments of 64 KiB that open independently, so that a range is read without the
//! rest.
//!
//! A file is a [`Header`] of 118 bytes and its segments, each 16 bytes longer than its plain text; all but the last hold
//! [`SEGMENT_BYTES`], and an empty file has one empty segment. Each file has a key of its own, derived by HKDF from the
//! capture's key, a random salt and the header. Segments are AES-256-GCM (NIST SP 800-38D) under the nonce
//! `prefix(7) | segment number(4) | last(1)`: the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár (2015).
//! The whole header, with the plain length in it, is associated data of every segment. So a file that was cut short,
//! extended, reordered, or mixed with another is noticed.
//!
//! What is not noticed here: that a whole file was put in the place of another sealed under the same key. Whoever
//! remembers the file's id asks [`Opener::of_file`].
//!
//! Nothing here does I/O: callers read and write the bytes, and ask [`Opener::locate`] which ones.

use std::fmt;
use std::ops::Range;

use crate::data_key::{DataKey, OpenError};
use crate::keys::Random;

mod cipher;
mod header;

use cipher::SegmentCipher;
pub use header::{FileId, Header};

/// The plain length of every segment but the last.
pub const SEGMENT_BYTES: usize = 1 << header::LOG2_SEGMENT;
/// How much longer a sealed segment is.
pub const TAG_BYTES: usize = 16;
/// The largest file: 1 TiB. Far below what one key may seal, so that no bound is ever near.
pub const MAX_PLAIN_BYTES: u64 = 1 << 40;

/// Why a file cannot be sealed: mistakes of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Longer than [`MAX_PLAIN_BYTES`].
    #[error("a file of {length} bytes is too long to be sealed")]
    TooLong { length: u64 },
    /// The next segment has another length: the file is not as long as was declared.
    #[error("the next segment has {expected} bytes, not {given}")]
    WrongLength { expected: usize, given: usize },
    /// All segments are sealed already.
    #[error("the file is sealed to its end")]
    Finished,
    /// Segments are missing.
    #[error("the file is not sealed to its end")]
    Unfinished,
}

/// How many segments a file of `plain` bytes has: at least one.
fn segments(plain: u64) -> u64 {
    plain.div_ceil(SEGMENT_BYTES as u64).max(1)
}

/// How many bytes a file of `plain` bytes takes when sealed. Saturates for lengths that cannot be sealed.
pub fn sealed_len(plain: u64) -> u64 {
    (Header::LEN as u64).saturating_add(plain).saturating_add(segments(plain).saturating_mul(TAG_BYTES as u64))
}

/// The plain length of segment `index` of a file of `plain` bytes; `None` past the end.
fn plain_segment_len(plain: u64, index: u32) -> Option<usize> {
    let index = u64::from(index);
    let last = segments(plain) - 1;
    match index.cmp(&last) {
        std::cmp::Ordering::Less => Some(SEGMENT_BYTES),
        std::cmp::Ordering::Equal => usize::try_from(plain - last * SEGMENT_BYTES as u64).ok(),
        std::cmp::Ordering::Greater => None,
    }
}

/// Seals one file, segment after segment.
pub struct Sealer {
    header: Header,
    cipher: SegmentCipher,
    next: u32,
}

impl Sealer {
    /// Begins a file of exactly `length` bytes under a capture's key.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub fn new(key: &DataKey, length: u64, random: &mut Random<'_>) -> Result<Sealer, SealError> {
        if length > MAX_PLAIN_BYTES {
            return Err(SealError::TooLong { length });
        }
        let (header, cipher) = Header::new(key, length, random);
        Ok(Sealer { header, cipher, next: 0 })
    }

    /// The header, to be stored in front of the segments.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many bytes the next segment holds; `None` when the file is complete.
    pub fn next_len(&self) -> Option<usize> {
        plain_segment_len(self.header.length(), self.next)
    }

    /// Seals the next segment where it lies and returns its tag, which is stored behind it.
    ///
    /// # Errors
    /// [`SealError::WrongLength`] unless `plain` has [`Sealer::next_len`] bytes, [`SealError::Finished`]; the buffer is
    /// unchanged then.
    pub fn seal_in_place(&mut self, plain: &mut [u8]) -> Result<[u8; TAG_BYTES], SealError> {
        let expected = self.next_len().ok_or(SealError::Finished)?;
        if plain.len() != expected {
            return Err(SealError::WrongLength { expected, given: plain.len() });
        }
        let tag = self.cipher.seal(&self.header, self.next, plain);
        self.next += 1;
        Ok(tag)
    }

    /// Seals the next segment and appends it, tag included, to `sealed`.
    ///
    /// # Errors
    /// As [`Sealer::seal_in_place`]; nothing is appended then.
    pub fn seal_segment(&mut self, plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), SealError> {
        let start = sealed.len();
        sealed.reserve(plain.len() + TAG_BYTES);
        sealed.extend_from_slice(plain);
        let (_, segment) = sealed.split_at_mut(start);
        match self.seal_in_place(segment) {
            Ok(tag) => sealed.extend_from_slice(&tag),
            Err(error) => {
                sealed.truncate(start);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Makes sure that all segments were sealed.
    ///
    /// # Errors
    /// [`SealError::Unfinished`].
    pub fn finish(self) -> Result<(), SealError> {
        if self.next_len().is_none() { Ok(()) } else { Err(SealError::Unfinished) }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

/// Seals a whole file into one buffer of [`sealed_len`] bytes.
///
/// # Errors
/// [`SealError::TooLong`].
pub fn seal_all(key: &DataKey, plain: &[u8], random: &mut Random<'_>) -> Result<Vec<u8>, SealError> {
    let mut sealer = Sealer::new(key, plain.len() as u64, random)?;
    let mut sealed = Vec::with_capacity(plain.len() + Header::LEN + (plain.len() / SEGMENT_BYTES + 1) * TAG_BYTES);
    sealed.extend_from_slice(sealer.header().bytes());
    let mut rest = plain;
    while let Some(length) = sealer.next_len() {
        let (segment, after) = rest.split_at(length);
        sealer.seal_segment(segment, &mut sealed)?;
        rest = after;
    }
    Ok(sealed)
}

/// Where a range of the plain file lies in the stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The first segment that holds some of it.
    pub first_segment: u32,
    /// The bytes of the stored object to read: whole segments. Empty if the range is.
    pub cipher: Range<u64>,
    /// How many plain bytes of the first segment lie before the range.
    pub skip: usize,
    /// The length of the range in plain bytes: as asked for, cut at the end of the file.
    pub take: u64,
}

/// Opens one file, in any order of segments.
pub struct Opener {
    header: Header,
    cipher: SegmentCipher,
}

impl Opener {
    /// Checks that the header is whole and belongs to the key.
    ///
    /// # Errors
    /// [`OpenError::OtherKey`], [`OpenError::Refused`].
    pub fn new(key: &DataKey, header: Header) -> Result<Opener, OpenError> {
        let cipher = header.cipher(key)?;
        Ok(Opener { header, cipher })
    }

    /// As [`Opener::new`], for the file that was given this id and no other under the same key.
    ///
    /// # Errors
    /// As [`Opener::new`]; [`OpenError::Refused`] for another file.
    pub fn of_file(key: &DataKey, header: Header, id: FileId) -> Result<Opener, OpenError> {
        if header.file_id() == id { Opener::new(key, header) } else { Err(OpenError::Refused) }
    }

    /// The header, now known to be genuine.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The plain length in bytes.
    pub fn length(&self) -> u64 {
        self.header.length()
    }

    /// How long the stored object must be. A shorter or longer one was tampered with, or not written to its end.
    pub fn sealed_len(&self) -> u64 {
        sealed_len(self.length())
    }

    /// Where the plain bytes from `offset`, at most `length` of them, lie.
    pub fn locate(&self, offset: u64, length: u64) -> Located {
        let take = length.min(self.length().saturating_sub(offset));
        if take == 0 {
            let start = Header::LEN as u64;
            return Located { first_segment: 0, cipher: start..start, skip: 0, take };
        }
        let segment = SEGMENT_BYTES as u64;
        let sealed_segment = segment + TAG_BYTES as u64;
        let (first, last) = (offset / segment, (offset + take - 1) / segment);
        let start = Header::LEN as u64 + first * sealed_segment;
        let end = (Header::LEN as u64 + (last + 1) * sealed_segment).min(self.sealed_len());
        let first_segment = u32::try_from(first).expect("MAX_PLAIN_BYTES allows 2^24 segments");
        let skip = usize::try_from(offset % segment).expect("below the length of a segment");
        Located { first_segment, cipher: start..end, skip, take }
    }

    /// The stored length of segment `index`, tag included; `None` past the end.
    pub fn sealed_segment_len(&self, index: u32) -> Option<usize> {
        Some(plain_segment_len(self.length(), index)? + TAG_BYTES)
    }

    /// Opens segment `index` where it lies and returns its plain text, which is the buffer without the last
    /// [`TAG_BYTES`].
    ///
    /// # Errors
    /// [`OpenError::Malformed`] for another length than [`Opener::sealed_segment_len`], [`OpenError::Refused`] for a
    /// segment that is not this one; the buffer's contents are then worthless.
    pub fn open_in_place<'a>(&self, index: u32, sealed: &'a mut [u8]) -> Result<&'a mut [u8], OpenError> {
        if self.sealed_segment_len(index) != Some(sealed.len()) {
            return Err(OpenError::Malformed);
        }
        self.cipher.open(&self.header, index, sealed)
    }

    /// Opens segment `index` and appends its plain text to `plain`.
    ///
    /// # Errors
    /// As [`Opener::open_in_place`]; nothing is appended then.
    pub fn open_segment(&self, index: u32, sealed: &[u8], plain: &mut Vec<u8>) -> Result<(), OpenError> {
        let start = plain.len();
        plain.extend_from_slice(sealed);
        let (_, segment) = plain.split_at_mut(start);
        let opened = self.open_in_place(index, segment).map(|text| text.len());
        plain.truncate(start + *opened.as_ref().unwrap_or(&0));
        opened.map(|_| ())
    }

    /// Opens the bytes that [`Opener::locate`] said to read, and returns the range of the plain file.
    ///
    /// # Errors
    /// As [`Opener::open_in_place`]; also if fewer or more bytes were read.
    pub fn open_range(&self, located: &Located, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        if located.cipher.end.checked_sub(located.cipher.start) != Some(sealed.len() as u64) {
            return Err(OpenError::Malformed);
        }
        // One tag more than the plain text, for a segment is opened where its plain text will stay.
        let mut plain = Vec::with_capacity(sealed.len());
        for (index, segment) in (0..).zip(sealed.chunks(SEGMENT_BYTES + TAG_BYTES)) {
            let index = located.first_segment.checked_add(index).ok_or(OpenError::Malformed)?;
            self.open_segment(index, segment, &mut plain)?;
        }
        plain.drain(..located.skip.min(plain.len()));
        let take = usize::try_from(located.take).map_err(|_| OpenError::Malformed)?;
        if plain.len() < take {
            return Err(OpenError::Malformed);
        }
        plain.truncate(take);
        Ok(plain)
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener")
    }
}

/// Opens a whole file. Nothing of it is returned unless all of it is genuine, the end included.
///
/// # Errors
/// [`OpenError`].
pub fn open_all(key: &DataKey, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (header, body) = Header::parse(sealed)?;
    let opener = Opener::new(key, header)?;
    if sealed.len() as u64 != opener.sealed_len() {
        return Err(OpenError::Malformed);
    }
    let mut plain = Vec::with_capacity(body.len());
    for (index, segment) in (0..).zip(body.chunks(SEGMENT_BYTES + TAG_BYTES)) {
        opener.open_segment(index, segment, &mut plain)?;
    }
    Ok(plain)
}

#[cfg(test)]
mod tests;
