//! What a file claims to be, read from its container alone. The gate before any decoder allocates.

use crate::container::Container;
use crate::derive::LARGE_SIDE;
use crate::error::MediaError;
use crate::picture::fit;

/// What is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file in bytes.
    pub max_bytes: u64,
    /// Width times height.
    pub max_pixels: u64,
    /// The longer side in pixels.
    pub max_side: u32,
}

impl Default for Limits {
    /// 40 MB, 100 megapixels, 32 767 pixels a side.
    fn default() -> Limits {
        Limits { max_bytes: 40_000_000, max_pixels: 100_000_000, max_side: 32_767 }
    }
}

/// The formats a capture may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceFormat {
    Jpeg,
    Png,
    WebP,
    Heic,
}

impl SourceFormat {
    /// The media type, such as `image/jpeg`.
    pub fn media_type(self) -> &'static str {
        match self {
            SourceFormat::Jpeg => "image/jpeg",
            SourceFormat::Png => "image/png",
            SourceFormat::WebP => "image/webp",
            SourceFormat::Heic => "image/heic",
        }
    }

    /// The usual ending of a file name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            SourceFormat::Jpeg => "jpg",
            SourceFormat::Png => "png",
            SourceFormat::WebP => "webp",
            SourceFormat::Heic => "heic",
        }
    }
}

/// What the container says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspected {
    pub format: SourceFormat,
    /// In pixels, as shown, that is, after `orientation` was applied.
    pub width: u32,
    /// In pixels, as shown.
    pub height: u32,
    /// 1 to 8 as in Exif; 1 where the file says nothing or nonsense.
    pub orientation: u8,
    /// How many bytes [`derive`](crate::derive::derive) and [`stage1`](crate::derive::stage1) will hold at their peak at
    /// most, for admission: not the sum over a queue but the sum over what runs decides whether the machine copes.
    pub memory_bytes: u64,
}

impl Inspected {
    /// As [`Inspected::memory_bytes`], of [`stage2`](crate::derive::stage2) on one thread. The encoder of AVIF takes by far
    /// the most, and the more the less there is to save.
    pub fn second_stage_memory_bytes(&self) -> u64 {
        let (width, height) = fit(self.width, self.height, LARGE_SIDE, LARGE_SIDE);
        self.memory_bytes.max(u64::from(width) * u64::from(height) * AVIF_BYTES_A_PIXEL + AVIF_BYTES)
    }
}

/// Measured with noise, the worst there is.
const AVIF_BYTES_A_PIXEL: u64 = 48;
const AVIF_BYTES: u64 = 24_000_000;

/// Reads the container of a file and checks it against the limits. Allocates a few kilobytes at most, whatever the
/// file claims.
///
/// # Errors
/// [`MediaError`]: empty, too large, not a picture, unsupported, animated, cut off, damaged, too many pixels.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Inspected, MediaError> {
    let container = Container::read(bytes, limits)?;
    let (width, height) = container.shown_size(container.orientation);
    let memory_bytes = container.decoded_bytes.saturating_add(2 * bytes.len() as u64 + MASTER_BYTES);
    Ok(Inspected { format: container.format, width, height, orientation: container.orientation, memory_bytes })
}

/// Master, renditions and the encoders' own: 2048 x 2048 x 3 bytes, several times.
const MASTER_BYTES: u64 = 48_000_000;
