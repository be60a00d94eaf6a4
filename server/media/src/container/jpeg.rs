//! JPEG: segments up to the end-of-image marker, entropy-coded data skipped byte by byte.

use std::ops::Range;

use crate::container::pieces::Pieces;
use crate::container::{MAX_ICC_BYTES, Walked, be16, check_size, exif, is_icc};
use crate::error::MediaError;
use crate::inspect::Limits;

/// Encoders make a dozen; each further scan is a pass over the whole picture for a few bytes of file.
const MAX_SCANS: u64 = 64;
/// Scans times pixels: a hundred megapixels in 40 scans, some seconds of work.
const MAX_SCANNED_PIXELS: u64 = 4_000_000_000;

const ICC_LABEL: &[u8] = b"ICC_PROFILE\0";
/// What fits a segment beside its length, the label, number and count.
const ICC_CHUNK_BYTES: usize = 65_533 - ICC_LABEL.len() - 2;

struct Frame {
    width: u32,
    height: u32,
    progressive: bool,
    /// The components' identifiers, and whether a scan with the averages of its blocks came yet.
    components: Vec<(u8, bool)>,
    /// Samples of all components, in pixels of the whole picture.
    samples: u64,
}

pub(super) fn walk(bytes: &[u8], limits: &Limits) -> Result<Walked, MediaError> {
    let mut frame: Option<Frame> = None;
    let mut orientation = None;
    let mut adobe: Option<Range<usize>> = None;
    let mut icc = IccChunks::default();
    let mut picture = Pieces::default();
    let (mut scans, mut whole_scans) = (0_u64, true);

    let mut at = 2; // after the start-of-image marker
    loop {
        let (marker, marker_at) = next_marker(bytes, at)?;
        match marker {
            0xD9 => break,
            0xD8 => return Err(MediaError::Malformed("a second start of image")),
            // Restart markers and TEM stand alone; outside a scan they mean nothing.
            0x01 | 0xD0..=0xD7 => {
                at = marker_at + 2;
                continue;
            }
            _ => {}
        }
        let length = usize::from(be16(bytes, marker_at + 2).ok_or(MediaError::Truncated)?);
        if length < 2 {
            return Err(MediaError::Malformed("a segment length below two"));
        }
        let end = marker_at + 2 + length;
        let payload_at = marker_at + 4;
        let payload = bytes.get(payload_at..end).ok_or(MediaError::Truncated)?;
        at = end;
        match marker {
            0xC0..=0xC2 => {
                if frame.is_some() {
                    return Err(MediaError::Malformed("a second frame header"));
                }
                frame = Some(read_frame(marker, payload, limits)?);
                picture.copy(marker_at..end)?;
            }
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xCC | 0xDE => {
                return Err(MediaError::Unsupported("a lossless, arithmetic or hierarchical JPEG"));
            }
            0xDA => {
                let frame = frame.as_mut().ok_or(MediaError::Malformed("a scan before the frame header"))?;
                let in_scan = read_scan(frame, payload)?;
                scans += 1;
                whole_scans &= in_scan == frame.components.len();
                let pixels = u64::from(frame.width) * u64::from(frame.height);
                if scans > MAX_SCANS || scans * pixels > MAX_SCANNED_PIXELS {
                    return Err(MediaError::Malformed("too many scans"));
                }
                at = end_of_scan(bytes, end)?;
                picture.copy(marker_at..at)?;
            }
            // Quantisation tables, Huffman tables, restart interval.
            0xDB | 0xC4 | 0xDD => picture.copy(marker_at..end)?,
            0xE1 if orientation.is_none() && payload.starts_with(b"Exif\0\0") => {
                orientation = Some(exif::orientation(payload));
            }
            0xE2 if payload.starts_with(ICC_LABEL) => icc.add(payload, payload_at),
            // Tells YCCK from CMYK and RGB from YCbCr; twelve bytes of the segment have a meaning.
            0xEE if adobe.is_none() && payload.len() >= 12 && payload.starts_with(b"Adobe") => {
                adobe = Some(payload_at..payload_at + 12);
            }
            _ => {}
        }
    }
    let frame = frame.ok_or(MediaError::Malformed("no frame header"))?;
    if frame.components.iter().any(|(_, came)| !came) {
        return Err(MediaError::Malformed("a component without data"));
    }

    let mut pieces = Pieces::default();
    pieces.make(vec![0xFF, 0xD8])?;
    if let Some(range) = adobe {
        pieces.make(vec![0xFF, 0xEE, 0, 14])?;
        pieces.copy(range)?;
    }
    icc.write(bytes, &mut pieces)?;
    pieces.append(picture)?;
    pieces.make(vec![0xFF, 0xD9])?;

    // Whatever does not come in one scan of all components is kept as 16-bit coefficients until the end.
    let coefficients = if frame.progressive || !whole_scans { frame.samples * 2 } else { 0 };
    // Grey is widened into a second buffer; inks become colours in their own.
    let bytes_a_pixel = if frame.components.len() == 3 { 3 } else { 4 };
    let decoded_bytes = u64::from(frame.width) * u64::from(frame.height) * bytes_a_pixel + coefficients;
    let orientation = orientation.unwrap_or(1);
    Ok(Walked { width: frame.width, height: frame.height, orientation, decoded_bytes, pieces })
}

/// The next marker at or after `at`: its code, and where its last 0xFF lies. Bytes between segments are skipped, as
/// every decoder does; some cameras leave padding there.
fn next_marker(bytes: &[u8], at: usize) -> Result<(u8, usize), MediaError> {
    let rest = bytes.get(at..).ok_or(MediaError::Truncated)?;
    let found = rest.windows(2).position(|pair| matches!(pair, [0xFF, code] if !matches!(code, 0x00 | 0xFF)));
    let marker_at = at + found.ok_or(MediaError::Truncated)?;
    let code = *bytes.get(marker_at + 1).ok_or(MediaError::Truncated)?;
    Ok((code, marker_at))
}

/// Where the marker after a scan's data begins.
fn end_of_scan(bytes: &[u8], at: usize) -> Result<usize, MediaError> {
    let mut at = at;
    loop {
        let rest = bytes.get(at..).ok_or(MediaError::Truncated)?;
        at += rest.iter().position(|byte| *byte == 0xFF).ok_or(MediaError::Truncated)?;
        match bytes.get(at + 1).ok_or(MediaError::Truncated)? {
            0x00 | 0xD0..=0xD7 => at += 2,
            0xFF => at += 1,
            _ => return Ok(at),
        }
    }
}

fn read_frame(marker: u8, payload: &[u8], limits: &Limits) -> Result<Frame, MediaError> {
    const SHORT: MediaError = MediaError::Malformed("a frame header of the wrong length");
    let &[precision, h1, h2, w1, w2, count] = payload.first_chunk().ok_or(SHORT)?;
    if precision != 8 {
        return Err(MediaError::Unsupported("a JPEG of more than 8 bits"));
    }
    let (height, width) = (u16::from_be_bytes([h1, h2]), u16::from_be_bytes([w1, w2]));
    check_size(width.into(), height.into(), limits)?;
    if !matches!(count, 1 | 3 | 4) {
        return Err(MediaError::Unsupported("a JPEG of two components or more than four"));
    }
    let table = payload.get(6..).filter(|table| table.len() == 3 * usize::from(count)).ok_or(SHORT)?;
    let (mut widest, mut highest, mut area) = (1_u64, 1_u64, 0_u64);
    let mut components = Vec::with_capacity(4);
    for component in table.chunks_exact(3) {
        let &[id, factors, _] = component.first_chunk().ok_or(SHORT)?;
        components.push((id, false));
        let (horizontal, vertical) = (u64::from(factors >> 4), u64::from(factors & 15));
        if !(1..=4).contains(&horizontal) || !(1..=4).contains(&vertical) {
            return Err(MediaError::Malformed("a sampling factor out of range"));
        }
        widest = widest.max(horizontal);
        highest = highest.max(vertical);
        area += horizontal * vertical;
    }
    let samples = u64::from(width) * u64::from(height) * area / (widest * highest);
    let progressive = marker == 0xC2;
    Ok(Frame { width: width.into(), height: height.into(), progressive, components, samples })
}

/// Notes which components a scan brings; returns how many.
fn read_scan(frame: &mut Frame, payload: &[u8]) -> Result<usize, MediaError> {
    const WRONG: MediaError = MediaError::Malformed("a scan header that does not fit");
    let count = usize::from(*payload.first().ok_or(WRONG)?);
    let (Some(selectors), Some(&[first_coefficient, ..])) =
        (payload.get(1..1 + 2 * count), payload.get(1 + 2 * count..))
    else {
        return Err(WRONG);
    };
    if count == 0 || payload.len() != 4 + 2 * count {
        return Err(WRONG);
    }
    for selector in selectors.chunks_exact(2) {
        let component = frame.components.iter_mut().find(|(id, _)| selector.first() == Some(id)).ok_or(WRONG)?;
        component.1 |= first_coefficient == 0;
    }
    Ok(count)
}

/// A colour profile, split over numbered segments.
#[derive(Default)]
struct IccChunks {
    chunks: Vec<(u8, u8, Range<usize>)>,
}

impl IccChunks {
    fn add(&mut self, payload: &[u8], payload_at: usize) {
        let header = ICC_LABEL.len();
        // There are at most 255; whoever sends more has no profile we want.
        if let (Some(&[number, count]), true) =
            (payload.get(header..).and_then(<[u8]>::first_chunk), self.chunks.len() < 256)
        {
            self.chunks.push((number, count, payload_at + header + 2..payload_at + payload.len()));
        }
    }

    /// Writes the profile in segments of our own making, if it is whole and sound.
    fn write(mut self, bytes: &[u8], pieces: &mut Pieces) -> Result<(), MediaError> {
        self.chunks.sort_by_key(|(number, ..)| *number);
        let count = self.chunks.len();
        let mut expected = 1..=count;
        let whole = self
            .chunks
            .iter()
            .all(|(number, of, _)| usize::from(*of) == count && expected.next() == Some(usize::from(*number)));
        let total: usize = self.chunks.iter().map(|(.., range)| range.len()).sum();
        if !whole || total > MAX_ICC_BYTES {
            return Ok(());
        }
        let profile: Vec<u8> =
            self.chunks.into_iter().flat_map(|(.., range)| bytes.get(range).unwrap_or_default()).copied().collect();
        if !is_icc(&profile) {
            return Ok(());
        }
        let count = profile.len().div_ceil(ICC_CHUNK_BYTES) as u8; // 1 MiB makes 17
        for (number, chunk) in (1..=count).zip(profile.chunks(ICC_CHUNK_BYTES)) {
            let length = (2 + ICC_LABEL.len() + 2 + chunk.len()) as u16; // at most 65 535 by the chunk's size
            let mut segment = vec![0xFF, 0xE2];
            segment.extend_from_slice(&length.to_be_bytes());
            segment.extend_from_slice(ICC_LABEL);
            segment.extend_from_slice(&[number, count]);
            segment.extend_from_slice(chunk);
            pieces.make(segment)?;
        }
        Ok(())
    }
}
