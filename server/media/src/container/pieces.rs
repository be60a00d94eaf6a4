//! The stripped file as a list of ranges of the original and of bytes made anew.

use std::ops::Range;

use crate::error::MediaError;

/// Sound files have a few dozen; the bound keeps a file of millions of tiny segments from growing a list of them.
const MAX_PIECES: usize = 4096;

enum Piece {
    Copied(Range<usize>),
    Made(Vec<u8>),
}

#[derive(Default)]
pub(crate) struct Pieces(Vec<Piece>);

impl Pieces {
    /// Keeps a range of the original; neighbours become one.
    pub(crate) fn copy(&mut self, range: Range<usize>) -> Result<(), MediaError> {
        if let Some(Piece::Copied(last)) = self.0.last_mut()
            && last.end == range.start
        {
            last.end = range.end;
            return Ok(());
        }
        self.push(Piece::Copied(range))
    }

    /// Adds bytes that are not in the original.
    pub(crate) fn make(&mut self, bytes: Vec<u8>) -> Result<(), MediaError> {
        self.push(Piece::Made(bytes))
    }

    pub(crate) fn append(&mut self, other: Pieces) -> Result<(), MediaError> {
        other.0.into_iter().try_for_each(|piece| self.push(piece))
    }

    /// Length of the stripped file in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Piece::len).sum()
    }

    pub(crate) fn join(&self, original: &[u8]) -> Vec<u8> {
        let mut joined = Vec::with_capacity(self.len());
        for piece in &self.0 {
            joined.extend_from_slice(match piece {
                Piece::Copied(range) => original.get(range.clone()).unwrap_or_default(),
                Piece::Made(bytes) => bytes,
            });
        }
        joined
    }

    fn push(&mut self, piece: Piece) -> Result<(), MediaError> {
        if self.0.len() >= MAX_PIECES {
            return Err(MediaError::Malformed("too many segments"));
        }
        self.0.push(piece);
        Ok(())
    }
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Piece::Copied(range) => range.len(),
            Piece::Made(bytes) => bytes.len(),
        }
    }
}
