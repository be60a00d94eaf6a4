//! PNG: chunks up to IEND.

use std::ops::Range;

use crate::container::pieces::Pieces;
use crate::container::{MAX_ICC_BYTES, Walked, be32, check_size, decoded_bytes, exif};
use crate::error::MediaError;
use crate::inspect::Limits;

const SIGNATURE_BYTES: usize = 8;
/// Length, type and checksum.
const CHUNK_OVERHEAD: usize = 12;

pub(super) fn walk(bytes: &[u8], limits: &Limits) -> Result<Walked, MediaError> {
    let mut header: Option<Header> = None;
    let mut orientation = 1;
    let mut pieces = Pieces::default();
    pieces.copy(0..SIGNATURE_BYTES)?;
    let mut data = Data::None;
    let mut kept: Vec<[u8; 4]> = Vec::new();

    let mut at = SIGNATURE_BYTES;
    loop {
        let length = be32(bytes, at).ok_or(MediaError::Truncated)? as usize;
        let name: [u8; 4] = *bytes.get(at + 4..).and_then(<[u8]>::first_chunk).ok_or(MediaError::Truncated)?;
        let whole: Range<usize> = at..at.saturating_add(length).saturating_add(CHUNK_OVERHEAD);
        let payload = bytes.get(whole.clone()).and_then(|chunk| chunk.get(8..8 + length));
        let payload = payload.ok_or(MediaError::Truncated)?;
        at = whole.end;

        if header.is_none() && &name != b"IHDR" {
            return Err(MediaError::Malformed("the first chunk is not the header"));
        }
        if data == Data::Open && &name != b"IDAT" {
            data = Data::Closed;
        }
        match &name {
            b"IHDR" => {
                if header.is_some() {
                    return Err(MediaError::Malformed("a second header"));
                }
                header = Some(read_header(payload, limits)?);
                pieces.copy(whole)?;
            }
            b"IDAT" => {
                if data == Data::Closed {
                    return Err(MediaError::Malformed("picture data in two places"));
                }
                data = Data::Open;
                pieces.copy(whole)?;
            }
            b"IEND" => {
                pieces.copy(whole)?;
                break;
            }
            b"acTL" | b"fcTL" | b"fdAT" => return Err(MediaError::Animated),
            // What decides about the colours shown. The rest that a decoder may meet is text, time and taste.
            b"PLTE" | b"tRNS" | b"sRGB" | b"gAMA" | b"cHRM" | b"iCCP" => {
                if kept.contains(&name) {
                    return Err(MediaError::Malformed("a chunk that may come once came twice"));
                }
                kept.push(name);
                if &name != b"iCCP" {
                    pieces.copy(whole)?;
                } else if length <= MAX_ICC_BYTES
                    && let Some(chunk) = anonymous_profile(payload)
                {
                    pieces.make(chunk)?;
                }
            }
            b"eXIf" => orientation = exif::orientation(payload),
            // An upper-case first letter: the picture cannot be shown without understanding this chunk.
            [b'A'..=b'Z', ..] => return Err(MediaError::Unsupported("a PNG with unknown critical chunks")),
            _ => {}
        }
    }
    let Some(Header { width, height, decoded_bytes }) = header.filter(|_| data != Data::None) else {
        return Err(MediaError::Malformed("no picture data"));
    };
    Ok(Walked { width, height, orientation, decoded_bytes, pieces })
}

#[derive(Clone, Copy, PartialEq)]
enum Data {
    None,
    Open,
    Closed,
}

struct Header {
    width: u32,
    height: u32,
    decoded_bytes: u64,
}

fn read_header(payload: &[u8], limits: &Limits) -> Result<Header, MediaError> {
    const WRONG: MediaError = MediaError::Malformed("a header of the wrong length");
    let (Some(width), Some(height), 13) = (be32(payload, 0), be32(payload, 4), payload.len()) else {
        return Err(WRONG);
    };
    check_size(width, height, limits)?;
    let &[depth, colour] = payload.get(8..).and_then(<[u8]>::first_chunk).ok_or(WRONG)?;
    // Gray is widened into a second buffer, the others stay in their own; palettes may turn out to have alpha.
    let bytes_a_pixel = match colour {
        0 => 1 + 3,
        2 => 3,
        4 => 2 + 3,
        3 | 6 => 4,
        _ => return Err(MediaError::Malformed("an unknown colour type")),
    };
    if !matches!(depth, 1 | 2 | 4 | 8 | 16) {
        return Err(MediaError::Malformed("an unknown bit depth"));
    }
    Ok(Header { width, height, decoded_bytes: decoded_bytes(width, height, bytes_a_pixel) })
}

/// The colour profile's chunk with its free-text name replaced.
fn anonymous_profile(payload: &[u8]) -> Option<Vec<u8>> {
    let name_end = payload.iter().take(80).position(|byte| *byte == 0)?;
    let compressed = payload.get(name_end..)?; // from the name's terminator on
    let mut typed = b"iCCPicc".to_vec();
    typed.extend_from_slice(compressed);
    let mut chunk = ((typed.len() - 4) as u32).to_be_bytes().to_vec(); // bounded by MAX_ICC_BYTES
    chunk.extend_from_slice(&typed);
    chunk.extend_from_slice(&crc32(&typed).to_be_bytes());
    Some(chunk)
}

/// PNG's checksum; bit by bit, as it runs over a few kilobytes at most once a file.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b"IEND"), 0xAE42_6082);
    }
}
