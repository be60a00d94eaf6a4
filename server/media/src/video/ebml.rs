//! Elements, of which WebM and Matroska are made: read without trusting what they claim, and written.

use crate::error::MediaError;
use crate::video::source::Source;
use crate::video::unreadable;

/// Of the description of all tracks, and of the film's.
const MAX_LOADED_BYTES: u64 = 1_000_000;
/// Read from the source at once: headers lie between large pictures, or close to each other.
const WINDOW_BYTES: u64 = 4096;
/// Of the longest header: four bytes that name the element, eight for its length.
const HEADER_BYTES: usize = 12;

pub(super) const ODD: MediaError = MediaError::Malformed("an element that does not fit into the one around it");

/// An element without its payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) id: u32,
    /// Where its payload begins.
    pub(super) from: u64,
    /// Of the payload; `None` where the writer did not know.
    pub(super) bytes: Option<u64>,
}

/// Reads a little here and there, mostly forward.
pub(super) struct Window<'a, S: ?Sized> {
    source: &'a S,
    /// Of the whole source.
    bytes: u64,
    from: u64,
    held: Vec<u8>,
}

impl<'a, S: Source + ?Sized> Window<'a, S> {
    pub(super) fn new(source: &'a S, bytes: u64) -> Self {
        Window { source, bytes, from: 0, held: Vec::new() }
    }

    /// Up to `most` bytes, at most [`WINDOW_BYTES`]; fewer only where `end` or the source's end is near.
    pub(super) fn get(&mut self, at: u64, most: usize, end: u64) -> Result<&[u8], MediaError> {
        let end = end.min(self.bytes);
        let wanted = end.saturating_sub(at).min(most as u64).min(WINDOW_BYTES);
        if wanted == 0 {
            return Ok(&[]);
        }
        let held_to = self.from + self.held.len() as u64;
        if at < self.from || at + wanted > held_to {
            self.held.resize(self.bytes.saturating_sub(at).min(WINDOW_BYTES) as usize, 0);
            self.from = at;
            self.source.read_at(at, &mut self.held).map_err(unreadable)?;
        }
        let from = (at - self.from) as usize;
        self.held.get(from..from + wanted as usize).ok_or(MediaError::Truncated)
    }

    /// The header of the element at a place before `end`, and where the element ends if it says so. That is not behind `end`.
    pub(super) fn element(&mut self, at: u64, end: u64) -> Result<(Element, Option<u64>), MediaError> {
        let too_short = self.cut(end);
        let head = self.get(at, HEADER_BYTES, end)?;
        let (id, header_bytes, bytes) = header(head).ok_or(if head.len() < HEADER_BYTES { too_short } else { ODD })?;
        let from = at + header_bytes as u64;
        let behind = match bytes {
            Some(bytes) => Some(from.checked_add(bytes).filter(|behind| *behind <= end).ok_or(too_short)?),
            None => None,
        };
        Ok((Element { id, from, bytes }, behind))
    }

    /// What an element is that goes beyond `end`.
    fn cut(&self, end: u64) -> MediaError {
        if end >= self.bytes { MediaError::Truncated } else { ODD }
    }

    /// The payload of an element that is small.
    pub(super) fn load(&mut self, element: Element) -> Result<Vec<u8>, MediaError> {
        let length = element.bytes.ok_or(ODD)?;
        if length > MAX_LOADED_BYTES {
            return Err(MediaError::Malformed("a description larger than any film has"));
        }
        if element.from.checked_add(length).is_none_or(|end| end > self.bytes) {
            return Err(MediaError::Truncated);
        }
        let mut loaded = vec![0; length as usize];
        self.source.read_at(element.from, &mut loaded).map_err(unreadable)?;
        Ok(loaded)
    }

    /// The payload as a number.
    pub(super) fn number(&mut self, element: Element, end: u64) -> Result<u64, MediaError> {
        let length = element.bytes.filter(|length| *length <= 8).ok_or(ODD)?;
        self.get(element.from, length as usize, end).map(number)
    }
}

/// A number that says itself how long it is: its value, and how many bytes it takes.
pub(super) fn variable(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let whole = bytes.get(..length).filter(|_| length <= 8)?;
    Some((number(whole) & all_ones(length), length))
}

/// The largest value of so many bytes, which stands for an unknown length.
fn all_ones(length: usize) -> u64 {
    (1_u64 << (7 * length)) - 1
}

/// Name, length of the header, and length of the payload unless that is unknown.
fn header(bytes: &[u8]) -> Option<(u32, usize, Option<u64>)> {
    let id_bytes = bytes.first()?.leading_zeros() as usize + 1;
    let id = bytes.get(..id_bytes).filter(|_| id_bytes <= 4)?;
    let (length, length_bytes) = variable(bytes.get(id_bytes..)?)?;
    let known = (length != all_ones(length_bytes)).then_some(length);
    Some((number(id) as u32, id_bytes + length_bytes, known))
}

/// The elements in a payload, by name.
pub(super) fn children(bytes: &[u8]) -> impl Iterator<Item = Result<(u32, &[u8]), MediaError>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let read = header(rest).and_then(|(id, from, length)| {
            let end = from.checked_add(usize::try_from(length?).ok()?)?;
            let payload = rest.get(from..end)?;
            rest = rest.get(end..)?;
            Some((id, payload))
        });
        if read.is_none() {
            rest = &[];
        }
        Some(read.ok_or(ODD))
    })
}

pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

pub(super) fn float(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => Some(f64::from(f32::from_bits(number(bytes) as u32))),
        8 => Some(f64::from_bits(number(bytes))),
        _ => None,
    }
}

/// The header of an element with a payload of so many bytes.
pub(super) fn head(id: u32, bytes: u64) -> Vec<u8> {
    let mut head = shortest(u64::from(id));
    match u8::try_from(bytes) {
        Ok(bytes) if bytes < 0x7F => head.push(0x80 | bytes),
        _ => head.extend_from_slice(&(bytes | 1 << 56).to_be_bytes()),
    }
    head
}

/// A whole element.
pub(super) fn written(id: u32, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = head(id, parts.iter().map(|part| part.len() as u64).sum());
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

/// An element that holds a number.
pub(super) fn written_number(id: u32, value: u64) -> Vec<u8> {
    written(id, &[&shortest(value)])
}

/// Without zeros before it, but at least one byte.
fn shortest(value: u64) -> Vec<u8> {
    let zeros = (value.leading_zeros() as usize / 8).min(7);
    value.to_be_bytes().into_iter().skip(zeros).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (id, length) in [(0xA3_u32, 0_usize), (0x4282, 126), (0x2A_D7B1, 127), (0x1A45_DFA3, 70_000)] {
            let bytes = written(id, &[&vec![7; length]]);
            let all: Vec<_> = children(&bytes).collect::<Result<_, _>>().unwrap();
            assert_eq!(all, [(id, &vec![7; length][..])]);
            let mut window = Window::new(&bytes, bytes.len() as u64);
            let (element, behind) = window.element(0, bytes.len() as u64).unwrap();
            assert_eq!((element.id, element.bytes, behind), (id, Some(length as u64), Some(bytes.len() as u64)));
            assert_eq!(window.element(0, bytes.len() as u64 - 1).unwrap_err(), ODD);
        }
        assert_eq!(written_number(0xE7, 0), [0xE7, 0x81, 0]);
        assert_eq!(written_number(0xE7, 0x1234), [0xE7, 0x82, 0x12, 0x34]);
        assert_eq!(number(&u64::MAX.to_be_bytes()), u64::MAX);
        assert_eq!(
            (variable(&[0x81]), variable(&[0x40, 5]), variable(&[0]), variable(&[])),
            (Some((1, 1)), Some((5, 2)), None, None)
        );
    }

    #[test]
    fn a_window_gives_what_the_source_has() {
        let bytes: Vec<u8> = (0..10_000_u32).map(|number| (number % 251) as u8).collect();
        let mut window = Window::new(&bytes, bytes.len() as u64);
        for at in [0, 5, 4090, 4100, 9_995, 3, 9_000] {
            let expected = &bytes[at..(at + 12).min(bytes.len())];
            assert_eq!(window.get(at as u64, 12, u64::MAX).unwrap(), expected, "{at}");
        }
        assert_eq!(window.get(10_000, 12, u64::MAX).unwrap(), [0_u8; 0]);
        assert_eq!(window.get(20_000, 12, u64::MAX).unwrap(), [0_u8; 0]);
        assert_eq!(window.get(100, 12, 104).unwrap(), &bytes[100..104]);
    }
}
