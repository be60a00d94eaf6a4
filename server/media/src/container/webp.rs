//! WebP: the chunks of its RIFF container.

use std::ops::Range;

use crate::container::pieces::Pieces;
use crate::container::{Walked, check_size, exif, is_icc, le24, le32};
use crate::error::MediaError;
use crate::inspect::Limits;

const RIFF_HEADER_BYTES: usize = 12;
const CHUNK_HEADER_BYTES: usize = 8;

/// Chunk ranges run from the chunk's name to the end of its payload, without padding.
#[derive(Default)]
struct Chunks {
    canvas: Option<(u32, u32)>,
    icc: Option<Range<usize>>,
    alpha: Option<Range<usize>>,
    picture: Option<Bitstream>,
    orientation: Option<u8>,
}

struct Bitstream {
    range: Range<usize>,
    width: u32,
    height: u32,
    has_alpha: bool,
}

pub(super) fn walk(bytes: &[u8], limits: &Limits) -> Result<Walked, MediaError> {
    let riff_bytes = le32(bytes, 4).ok_or(MediaError::Truncated)? as usize;
    // Whatever lies behind the RIFF chunk is not part of the picture.
    let riff = bytes.get(..riff_bytes.saturating_add(8)).ok_or(MediaError::Truncated)?;

    let chunks = read_chunks(riff)?;
    let picture = chunks.picture.ok_or(MediaError::Malformed("no picture data"))?;
    let (width, height) = (picture.width, picture.height);
    if chunks.canvas.is_some_and(|canvas| canvas != (width, height)) {
        return Err(MediaError::Malformed("the canvas and the picture differ in size"));
    }
    check_size(width, height, limits)?;

    let has_alpha = picture.has_alpha || chunks.alpha.is_some();
    let icc =
        chunks.icc.filter(|range| is_icc(riff.get(range.start + CHUNK_HEADER_BYTES..range.end).unwrap_or_default()));
    let mut body = Pieces::default();
    if icc.is_some() || chunks.alpha.is_some() {
        body.make(extended_header(width, height, icc.is_some(), has_alpha))?;
    }
    for range in [icc, chunks.alpha, Some(picture.range)].into_iter().flatten() {
        let odd = range.len() % 2 == 1;
        body.copy(range)?;
        if odd {
            body.make(vec![0])?;
        }
    }
    let mut pieces = Pieces::default();
    let mut head = b"RIFF".to_vec();
    head.extend_from_slice(&((body.len() + 4) as u32).to_le_bytes()); // no longer than the original, which fitted
    head.extend_from_slice(b"WEBP");
    pieces.make(head)?;
    pieces.append(body)?;

    // The decoder's planes or the ARGB of a lossless picture, and the pixels.
    let decoded_bytes = u64::from(width) * u64::from(height) * 8;
    Ok(Walked { width, height, orientation: chunks.orientation.unwrap_or(1), decoded_bytes, pieces })
}

fn read_chunks(riff: &[u8]) -> Result<Chunks, MediaError> {
    let mut chunks = Chunks::default();
    let mut at = RIFF_HEADER_BYTES;
    while at < riff.len() {
        let name: [u8; 4] = *riff.get(at..).and_then(<[u8]>::first_chunk).ok_or(MediaError::Truncated)?;
        let length = le32(riff, at + 4).ok_or(MediaError::Truncated)? as usize;
        let range = at..(at + CHUNK_HEADER_BYTES).saturating_add(length);
        let payload = riff.get(range.clone()).and_then(|chunk| chunk.get(CHUNK_HEADER_BYTES..));
        let payload = payload.ok_or(MediaError::Truncated)?;
        at = range.end + length % 2;

        match &name {
            b"VP8X" => once(&mut chunks.canvas, read_extended(payload)?)?,
            b"ANIM" | b"ANMF" => return Err(MediaError::Animated),
            b"ICCP" => once(&mut chunks.icc, range)?,
            b"ALPH" => once(&mut chunks.alpha, range)?,
            b"VP8 " => once(&mut chunks.picture, read_lossy(payload, range)?)?,
            b"VP8L" => once(&mut chunks.picture, read_lossless(payload, range)?)?,
            b"EXIF" => chunks.orientation = Some(exif::orientation(payload)),
            _ => {}
        }
    }
    Ok(chunks)
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), MediaError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(MediaError::Malformed("a chunk that may come once came twice")),
    }
}

/// Canvas size of an extended file.
fn read_extended(payload: &[u8]) -> Result<(u32, u32), MediaError> {
    const ANIMATION: u8 = 0b10;
    match (payload.first(), le24(payload, 4), le24(payload, 7)) {
        (Some(flags), ..) if flags & ANIMATION != 0 => Err(MediaError::Animated),
        (Some(_), Some(width), Some(height)) => Ok((width + 1, height + 1)),
        _ => Err(MediaError::Malformed("a short extended header")),
    }
}

fn read_lossy(payload: &[u8], range: Range<usize>) -> Result<Bitstream, MediaError> {
    let &[tag, _, _, 0x9D, 0x01, 0x2A, w1, w2, h1, h2] = payload.first_chunk().ok_or(MediaError::Truncated)? else {
        return Err(MediaError::Malformed("not a VP8 picture"));
    };
    if tag & 1 == 1 {
        return Err(MediaError::Malformed("a VP8 picture that builds on another"));
    }
    // The upper two bits of each are a hint for scaling.
    let (width, height) = (u16::from_le_bytes([w1, w2]) & 0x3FFF, u16::from_le_bytes([h1, h2]) & 0x3FFF);
    Ok(Bitstream { range, width: width.into(), height: height.into(), has_alpha: false })
}

fn read_lossless(payload: &[u8], range: Range<usize>) -> Result<Bitstream, MediaError> {
    let &[0x2F, a, b, c, d] = payload.first_chunk().ok_or(MediaError::Truncated)? else {
        return Err(MediaError::Malformed("not a VP8L picture"));
    };
    let bits = u32::from_le_bytes([a, b, c, d]);
    let (width, height) = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
    Ok(Bitstream { range, width, height, has_alpha: bits >> 28 & 1 == 1 })
}

fn extended_header(width: u32, height: u32, icc: bool, alpha: bool) -> Vec<u8> {
    let mut chunk = b"VP8X\x0A\0\0\0".to_vec();
    chunk.extend_from_slice(&[u8::from(icc) << 5 | u8::from(alpha) << 4, 0, 0, 0]);
    for side in [width, height] {
        let [a, b, c, _] = (side - 1).to_le_bytes(); // at least 1: checked before
        chunk.extend_from_slice(&[a, b, c]);
    }
    chunk
}
