//! The same picture without metadata. Lossless: pixel data are copied, not encoded again.

use crate::container::Container;
use crate::error::MediaError;
use crate::inspect::Limits;

/// Drops everything that is not needed to show the picture: Exif, XMP, IPTC, comments, thumbnails, private and unknown
/// chunks, further pictures and other bytes after the end. Colour profiles of up to 1 MiB stay. The orientation goes
/// with the Exif data, so the caller keeps [`Inspected::orientation`](crate::inspect::Inspected::orientation).
///
/// # Errors
/// [`MediaError`] where the container is not sound. No limits are checked: that is the business of
/// [`inspect`](crate::inspect::inspect()).
pub fn strip(bytes: &[u8]) -> Result<Vec<u8>, MediaError> {
    let unlimited = Limits { max_bytes: u64::MAX, max_pixels: u64::MAX, max_side: u32::MAX };
    Ok(Container::read(bytes, &unlimited)?.stripped(bytes))
}
