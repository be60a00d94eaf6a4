//! Walks over the containers of animations: structure, size, number and times of frames, and which bytes to keep.
//! Nothing is decoded.

use std::ops::Range;

use crate::animation::{AnimationFormat, AnimationLimits, Inspected};
use crate::container::pieces::Pieces;
use crate::container::{be16, be32, le24, le32};
use crate::error::{FilmError, MediaError};

/// What browsers make of a frame that claims no time, or less than a screen can show.
const USUAL_DELAY: u32 = 100;
const SHORTEST_DELAY: u32 = 20;

/// An animation that is sound.
pub(super) struct Walked {
    pub(super) format: AnimationFormat,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Of each frame, in milliseconds.
    pub(super) delays: Vec<u32>,
    pub(super) pieces: Pieces,
}

impl Walked {
    pub(super) fn inspected(&self) -> Inspected {
        let Walked { format, width, height, ref delays, .. } = *self;
        let duration = delays.iter().copied().map(u64::from).sum();
        Inspected { format, width, height, frames: delays.len() as u32, duration }
    }
}

/// Counts frames while they are met, so that a bomb is refused at its five hundred and first.
struct Counter<'a> {
    limits: &'a AnimationLimits,
    canvas: (u32, u32),
    delays: Vec<u32>,
    pixels: u64,
    duration: u64,
}

impl Counter<'_> {
    fn new(canvas: (u32, u32), limits: &AnimationLimits) -> Result<Counter<'_>, MediaError> {
        let (width, height) = canvas;
        if width == 0 || height == 0 {
            return Err(MediaError::Malformed("a side of zero pixels"));
        }
        if width.max(height) > limits.max_side || u64::from(width) * u64::from(height) > limits.max_pixels {
            return Err(MediaError::TooManyPixels { width, height });
        }
        Ok(Counter { limits, canvas, delays: Vec::new(), pixels: 0, duration: 0 })
    }

    fn frame(&mut self, area: Range<(u32, u32)>, delay: u32) -> Result<(), MediaError> {
        let (width, height) = self.canvas;
        let (right, bottom) = area.end;
        if right <= area.start.0 || bottom <= area.start.1 || right > width || bottom > height {
            return Err(MediaError::Malformed("a frame that lies outside of the picture"));
        }
        // Every frame means a whole canvas to us, whatever part of it changes.
        self.pixels += u64::from(width) * u64::from(height);
        let too_many = FilmError::TooManyFrames { limit: self.limits.max_frames };
        if self.delays.len() >= self.limits.max_frames as usize || self.pixels > self.limits.max_pixels_in_all {
            return Err(too_many.into());
        }
        let delay = if delay < SHORTEST_DELAY { USUAL_DELAY } else { delay };
        self.duration += u64::from(delay);
        if self.duration > self.limits.max_seconds * 1000 {
            return Err(FilmError::TooLong { limit: self.limits.max_seconds }.into());
        }
        self.delays.push(delay);
        Ok(())
    }

    fn done(self, format: AnimationFormat, pieces: Pieces) -> Result<Walked, MediaError> {
        if self.delays.is_empty() {
            return Err(FilmError::NoPictures.into());
        }
        let (width, height) = self.canvas;
        Ok(Walked { format, width, height, delays: self.delays, pieces })
    }
}

pub(super) fn walk(bytes: &[u8], limits: &AnimationLimits) -> Result<Walked, MediaError> {
    let size = bytes.len() as u64;
    if size == 0 {
        return Err(MediaError::Empty);
    }
    if size > limits.max_bytes {
        return Err(MediaError::TooLarge { bytes: size, limit: limits.max_bytes });
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        gif(bytes, limits)
    } else if bytes.starts_with(b"\x89PNG\r\n\x1A\n") {
        png(bytes, limits)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        webp(bytes, limits)
    } else {
        Err(FilmError::NotAFilm.into())
    }
}

/// `count` bytes from here on.
fn part(bytes: &[u8], at: usize, count: usize) -> Result<&[u8], MediaError> {
    bytes.get(at..).and_then(|rest| rest.get(..count)).ok_or(MediaError::Truncated)
}

fn gif(bytes: &[u8], limits: &AnimationLimits) -> Result<Walked, MediaError> {
    let le16 = |at: usize| {
        Ok::<_, MediaError>(u32::from(u16::from_le_bytes(
            *part(bytes, at, 2)?.first_chunk().ok_or(MediaError::Truncated)?,
        )))
    };
    let palette = |flags: u8| if flags & 0x80 != 0 { 3 << ((flags & 7) + 1) } else { 0 };
    let byte = |at: usize| bytes.get(at).copied().ok_or(MediaError::Truncated);
    let mut counter = Counter::new((le16(6)?, le16(8)?), limits)?;
    let mut pieces = Pieces::default();
    let mut at = 13 + palette(byte(10)?);
    part(bytes, 0, at)?;
    pieces.copy(0..at)?;
    let mut delay = 0;
    loop {
        let start = at;
        match byte(at)? {
            0x3B => {
                pieces.copy(at..at + 1)?;
                return counter.done(AnimationFormat::Gif, pieces);
            }
            0x21 => {
                let label = byte(at + 1)?;
                at = blocks_end(bytes, at + 2)?;
                let whole = bytes.get(start..at).unwrap_or_default();
                match label {
                    0xF9 => {
                        let &[_, _, 4, _, low, high, _, 0] = whole else {
                            return Err(MediaError::Malformed("a frame's times of the wrong length"));
                        };
                        delay = u32::from(u16::from_le_bytes([low, high])) * 10;
                        pieces.copy(start..at)?;
                    }
                    // How often to loop, and nothing behind it. Comments, text and other programs' data go.
                    0xFF if whole.len() == 19
                        && (whole.get(3..14) == Some(b"NETSCAPE2.0") || whole.get(3..14) == Some(b"ANIMEXTS1.0")) =>
                    {
                        pieces.copy(start..at)?;
                    }
                    _ => {}
                }
            }
            0x2C => {
                let (left, top) = (le16(at + 1)?, le16(at + 3)?);
                let end = (left + le16(at + 5)?, top + le16(at + 7)?);
                let data = at + 10 + palette(byte(at + 9)?) + 1;
                at = blocks_end(bytes, data)?;
                counter.frame((left, top)..end, delay)?;
                delay = 0;
                pieces.copy(start..at)?;
            }
            _ => return Err(MediaError::Malformed("an unknown block")),
        }
    }
}

/// Where a chain of blocks that begins here ends.
fn blocks_end(bytes: &[u8], mut at: usize) -> Result<usize, MediaError> {
    loop {
        let length = *bytes.get(at).ok_or(MediaError::Truncated)?;
        at += 1 + usize::from(length);
        if length == 0 {
            return Ok(at);
        }
    }
}

fn png(bytes: &[u8], limits: &AnimationLimits) -> Result<Walked, MediaError> {
    let mut pieces = Pieces::default();
    pieces.copy(0..8)?;
    let mut at = 8;
    let mut counter: Option<Counter<'_>> = None;
    let mut announced = None;
    loop {
        let length = be32(bytes, at).ok_or(MediaError::Truncated)? as usize;
        let name: [u8; 4] = *part(bytes, at + 4, 4)?.first_chunk().ok_or(MediaError::Truncated)?;
        let payload = part(bytes, at + 8, length)?;
        let whole = at..at + 12 + length;
        part(bytes, at, whole.len())?;
        at = whole.end;
        match (&name, &mut counter) {
            (b"IHDR", None) if length == 13 => {
                let size = (be32(payload, 0).unwrap_or(0), be32(payload, 4).unwrap_or(0));
                counter = Some(Counter::new(size, limits)?);
            }
            (b"IHDR", _) | (_, None) => return Err(MediaError::Malformed("the first chunk is not the header")),
            (b"acTL", _) => {
                let frames = be32(payload, 0).filter(|_| length == 8).ok_or(MediaError::Truncated)?;
                if frames > limits.max_frames {
                    return Err(FilmError::TooManyFrames { limit: limits.max_frames }.into());
                }
                if announced.replace(frames).is_some() {
                    return Err(MediaError::Malformed("a chunk that may come once came twice"));
                }
            }
            (b"fcTL", Some(counter)) => {
                const WRONG: MediaError = MediaError::Malformed("a frame's header of the wrong length");
                let word = |at: usize| be32(payload, at).ok_or(WRONG);
                let (width, height, left, top) = (word(4)?, word(8)?, word(12)?, word(16)?);
                let (number, of) = (be16(payload, 20).ok_or(WRONG)?, be16(payload, 22).ok_or(WRONG)?);
                let of = if of == 0 { 100 } else { u32::from(of) };
                let delay = u32::from(number) * 1000 / of;
                if length != 26 || announced.is_none() {
                    return Err(WRONG);
                }
                counter.frame((left, top)..(left.saturating_add(width), top.saturating_add(height)), delay)?;
            }
            (b"PLTE" | b"tRNS" | b"sRGB" | b"gAMA" | b"cHRM" | b"IDAT" | b"fdAT", _) => {}
            (b"IEND", _) => {
                pieces.copy(whole)?;
                break;
            }
            ([b'A'..=b'Z', ..], _) => return Err(MediaError::Unsupported("a PNG with unknown critical chunks")),
            // Texts, times, Exif, profiles.
            _ => continue,
        }
        pieces.copy(whole)?;
    }
    let counter = counter.ok_or(MediaError::Truncated)?;
    if announced != Some(counter.delays.len() as u32) {
        return Err(MediaError::Malformed("frames that were not counted right"));
    }
    counter.done(AnimationFormat::Png, pieces)
}

fn webp(bytes: &[u8], limits: &AnimationLimits) -> Result<Walked, MediaError> {
    let riff = le32(bytes, 4).ok_or(MediaError::Truncated)? as usize;
    let riff = bytes.get(..riff.saturating_add(8)).ok_or(MediaError::Truncated)?;
    let mut counter: Option<Counter<'_>> = None;
    let (mut alpha, mut body) = (false, Pieces::default());
    for next in chunks(riff, 12) {
        let (name, whole) = next?;
        let payload = riff.get(whole.start + 8..whole.end).unwrap_or_default();
        match &name {
            b"VP8X" => {
                const ANIMATED: u8 = 0b10;
                const ALPHA: u8 = 0b1_0000;
                let flags = payload.first().copied().ok_or(MediaError::Truncated)?;
                let (Some(width), Some(height)) = (le24(payload, 4), le24(payload, 7)) else {
                    return Err(MediaError::Malformed("a short extended header"));
                };
                if counter.is_some() || flags & ANIMATED == 0 {
                    return Err(MediaError::Malformed("an animation that does not say so"));
                }
                alpha = flags & ALPHA != 0;
                counter = Some(Counter::new((width + 1, height + 1), limits)?);
            }
            b"ANIM" if payload.len() == 6 => body.copy(whole)?,
            b"ANMF" => {
                let counter = counter.as_mut().ok_or(MediaError::Malformed("a frame before the header"))?;
                let word = |at: usize| le24(payload, at).ok_or(MediaError::Truncated);
                let (left, top) = (2 * word(0)?, 2 * word(3)?);
                counter.frame((left, top)..(left + word(6)? + 1, top + word(9)? + 1), word(12)?)?;
                let frame = riff.get(..whole.end).unwrap_or_default();
                let mut kept = Pieces::default();
                kept.copy(whole.start + 8..whole.start + 24)?;
                for next in chunks(frame, whole.start + 24) {
                    let (name, part) = next?;
                    if matches!(&name, b"ALPH" | b"VP8 " | b"VP8L") {
                        padded(&mut kept, part)?;
                    }
                }
                let length = (kept.len() as u32).to_le_bytes();
                body.make([&b"ANMF"[..], &length].concat())?;
                body.append(kept)?;
            }
            _ => {}
        }
    }
    let counter = counter.ok_or(FilmError::NotAFilm)?;
    let (width, height) = counter.canvas;
    let mut pieces = Pieces::default();
    let mut head = b"RIFF".to_vec();
    head.extend_from_slice(&((body.len() + 4 + 18) as u32).to_le_bytes());
    head.extend_from_slice(b"WEBPVP8X\x0A\0\0\0");
    head.extend_from_slice(&[0b10 | u8::from(alpha) << 4, 0, 0, 0]);
    for side in [width, height] {
        let [a, b, c, _] = (side - 1).to_le_bytes(); // at least 1: checked before
        head.extend_from_slice(&[a, b, c]);
    }
    pieces.make(head)?;
    pieces.append(body)?;
    counter.done(AnimationFormat::WebP, pieces)
}

fn padded(pieces: &mut Pieces, chunk: Range<usize>) -> Result<(), MediaError> {
    let odd = chunk.len() % 2 == 1;
    pieces.copy(chunk)?;
    if odd { pieces.make(vec![0]) } else { Ok(()) }
}

/// The chunks of a RIFF file from here on, from their names to the end of their payloads.
fn chunks(riff: &[u8], mut at: usize) -> impl Iterator<Item = Result<([u8; 4], Range<usize>), MediaError>> {
    std::iter::from_fn(move || {
        if at >= riff.len() {
            return None;
        }
        let read = (|| {
            let name = *riff.get(at..)?.first_chunk()?;
            let whole = at..at.checked_add(8)?.checked_add(le32(riff, at + 4)? as usize)?;
            riff.get(whole.clone())?;
            at = whole.end + whole.len() % 2;
            Some((name, whole))
        })();
        if read.is_none() {
            at = usize::MAX;
        }
        Some(read.ok_or(MediaError::Truncated))
    })
}
