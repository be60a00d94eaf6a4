//! A film as it will be written: bytes made anew and ranges of the source, in order.

use std::io::{self, Read, Write};
use std::ops::Range;

use crate::video::source::Source;

/// Of one read from the source. More would not be faster, and this is all that a copy holds.
const PIECE_BYTES: u64 = 256 * 1024;

/// A piece of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// These bytes.
    Literal(Vec<u8>),
    /// These bytes of the source.
    Source(Range<u64>),
}

impl Segment {
    /// Length in bytes.
    pub fn bytes(&self) -> u64 {
        match self {
            Segment::Literal(bytes) => bytes.len() as u64,
            Segment::Source(range) => range.end - range.start,
        }
    }
}

/// What to write, in order. Reading it needs no more memory than the plan itself, however large the film is, and whoever
/// seals the result may seal it piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(pub(super) Vec<Segment>);

impl Plan {
    /// The pieces.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Length of the whole in bytes.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(Segment::bytes).sum()
    }

    /// Writes the film.
    ///
    /// # Errors
    /// Of the source or of `to`.
    pub fn write<S: Source + ?Sized>(&self, source: &S, to: &mut impl Write) -> io::Result<()> {
        let mut piece = Vec::new();
        for segment in &self.0 {
            match segment {
                Segment::Literal(bytes) => to.write_all(bytes)?,
                Segment::Source(range) => {
                    let mut at = range.start;
                    while at < range.end {
                        let count = PIECE_BYTES.min(range.end - at);
                        piece.resize(count as usize, 0);
                        source.read_at(at, &mut piece)?;
                        to.write_all(&piece)?;
                        at += count;
                    }
                }
            }
        }
        Ok(())
    }

    /// The film as a stream.
    pub fn reader<'a, S: Source + ?Sized>(&'a self, source: &'a S) -> PlanReader<'a, S> {
        PlanReader { plan: self, source, segment: 0, at: 0 }
    }
}

/// Reads a [`Plan`] from its beginning.
#[derive(Debug)]
pub struct PlanReader<'a, S: ?Sized> {
    plan: &'a Plan,
    source: &'a S,
    segment: usize,
    /// Inside of the segment.
    at: u64,
}

impl<S: Source + ?Sized> Read for PlanReader<'_, S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(segment) = self.plan.0.get(self.segment) {
            let left = segment.bytes().saturating_sub(self.at);
            if left == 0 {
                self.segment += 1;
                self.at = 0;
                continue;
            }
            let count = left.min(into.len() as u64);
            let Some(into) = into.get_mut(..count as usize) else { break };
            match segment {
                Segment::Literal(bytes) => {
                    let from = self.at as usize;
                    into.copy_from_slice(bytes.get(from..from + into.len()).unwrap_or_default());
                }
                Segment::Source(range) => self.source.read_at(range.start + self.at, into)?,
            }
            self.at += count;
            return Ok(into.len());
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_and_reading_give_the_same() {
        let source: Vec<u8> = (0..700_000_u32).map(|number| (number % 251) as u8).collect();
        let plan = Plan(vec![
            Segment::Literal(b"head".to_vec()),
            Segment::Source(5..600_005),
            Segment::Literal(Vec::new()),
            Segment::Source(699_000..700_000),
        ]);
        let mut written = Vec::new();
        plan.write(&source, &mut written).unwrap();
        assert_eq!(written, [b"head", &source[5..600_005], &source[699_000..]].concat());
        assert_eq!(plan.bytes(), written.len() as u64);
        let mut read = Vec::new();
        plan.reader(&source).read_to_end(&mut read).unwrap();
        assert_eq!(read, written);
        let beyond = Plan(vec![Segment::Source(699_999..700_001)]);
        assert!(beyond.write(&source, &mut Vec::new()).is_err());
    }
}
