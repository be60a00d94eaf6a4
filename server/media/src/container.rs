//! Walks over file containers. A walk checks structure, finds size and orientation, and lists the byte ranges that
//! make up the stripped file. It decodes nothing.

mod exif;
pub(crate) mod heif;
mod jpeg;
pub(crate) mod pieces;
mod png;
mod webp;

use crate::container::pieces::Pieces;
use crate::error::MediaError;
use crate::inspect::{Limits, SourceFormat};

/// Larger colour profiles are dropped: nothing a camera or an editor embeds for RGB comes near, and whatever is hidden
/// in one travels no further.
const MAX_ICC_BYTES: usize = 1024 * 1024;

/// A file whose structure is sound and whose size is within the limits.
pub(crate) struct Container {
    pub(crate) format: SourceFormat,
    /// As stored, before the orientation.
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) orientation: u8,
    /// What decoding will allocate, about.
    pub(crate) decoded_bytes: u64,
    pieces: Pieces,
}

/// What a walk of one format finds.
struct Walked {
    width: u32,
    height: u32,
    orientation: u8,
    decoded_bytes: u64,
    pieces: Pieces,
}

impl Container {
    pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Container, MediaError> {
        let size = bytes.len() as u64;
        if size == 0 {
            return Err(MediaError::Empty);
        }
        if size > limits.max_bytes {
            return Err(MediaError::TooLarge { bytes: size, limit: limits.max_bytes });
        }
        let format = recognise(bytes)?;
        let Walked { width, height, orientation, decoded_bytes, pieces } = match format {
            SourceFormat::Jpeg => jpeg::walk(bytes, limits),
            SourceFormat::Png => png::walk(bytes, limits),
            SourceFormat::WebP => webp::walk(bytes, limits),
            SourceFormat::Heic => heif::walk(bytes, limits),
        }?;
        Ok(Container { format, width, height, orientation, decoded_bytes, pieces })
    }

    /// The file without metadata. `bytes` are those the container was read from.
    pub(crate) fn stripped(&self, bytes: &[u8]) -> Vec<u8> {
        self.pieces.join(bytes)
    }

    /// Width and height as shown under an orientation.
    pub(crate) fn shown_size(&self, orientation: u8) -> (u32, u32) {
        if orientation >= 5 { (self.height, self.width) } else { (self.width, self.height) }
    }
}

/// The format by its first bytes; neither name nor declared type count.
fn recognise(bytes: &[u8]) -> Result<SourceFormat, MediaError> {
    const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF];
    const PNG: &[u8] = b"\x89PNG\r\n\x1A\n";
    const RIFF: &[u8] = b"RIFF";
    if bytes.starts_with(JPEG) {
        return Ok(SourceFormat::Jpeg);
    }
    if bytes.starts_with(PNG) {
        return Ok(SourceFormat::Png);
    }
    if bytes.starts_with(RIFF) && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(SourceFormat::WebP);
    }
    // Which of them it is can only be told by the coding of its picture: the brands overlap.
    const HEIF: [&[u8]; 7] =
        [b"ftypheic", b"ftypheix", b"ftypheim", b"ftyphevc", b"ftyphevx", b"ftypmif1", b"ftypmsf1"];
    if bytes.get(4..12).is_some_and(|brand| HEIF.contains(&brand)) {
        return Ok(SourceFormat::Heic);
    }
    if [JPEG, PNG].iter().any(|magic| magic.starts_with(bytes)) || bytes.starts_with(RIFF) && bytes.len() < 12 {
        return Err(MediaError::Truncated);
    }
    Err(foreign(bytes))
}

/// Names the formats people do send, so that the answer can say what is wrong with them.
fn foreign(bytes: &[u8]) -> MediaError {
    let brand = bytes.get(4..12).unwrap_or_default();
    if bytes.starts_with(b"GIF8") {
        MediaError::Unsupported("GIF")
    } else if brand == b"ftypavif" || brand == b"ftypavis" {
        MediaError::Unsupported("AVIF")
    } else if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") {
        MediaError::Unsupported("TIFF or a camera's raw format")
    } else {
        MediaError::NotAnImage
    }
}

/// Checks dimensions before anything is allocated for them.
fn check_size(width: u32, height: u32, limits: &Limits) -> Result<(), MediaError> {
    if width == 0 || height == 0 {
        return Err(MediaError::Malformed("a side of zero pixels"));
    }
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > limits.max_side || pixels > limits.max_pixels {
        return Err(MediaError::TooManyPixels { width, height });
    }
    Ok(())
}

/// What pixels take. Saturating: where no limits hold, a file may claim more than there are numbers for.
fn decoded_bytes(width: u32, height: u32, bytes_a_pixel: u64) -> u64 {
    (u64::from(width) * u64::from(height)).saturating_mul(bytes_a_pixel)
}

/// Whether an embedded profile is worth keeping: of bounded size, and a profile at all.
fn is_icc(profile: &[u8]) -> bool {
    let claimed = be32(profile, 0).map(|length| length as usize);
    profile.len() <= MAX_ICC_BYTES && claimed == Some(profile.len()) && profile.get(36..40) == Some(b"acsp")
}

pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    let &[a, b, c] = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
