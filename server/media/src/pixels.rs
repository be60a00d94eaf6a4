//! A photo's pixels, by all that comes before them in [`derive`](crate::derive::derive): the walk, the stripped file and
//! the decoder. What that takes by itself can be measured, and what comes out compared with what others decode.

use std::fmt;

use crate::decode;
use crate::error::MediaError;
use crate::inspect::Limits;

/// Pixels as the file has them: neither turned upright nor in another colour space than its own.
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    /// Red, green and blue of each pixel, row by row without padding.
    pub rgb: Vec<u8>,
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pixels {}x{}", self.width, self.height)
    }
}

/// Decodes a photo; what is transparent lies on white.
///
/// # Errors
/// As [`inspect`](crate::inspect::inspect()), and for pixels that cannot be decoded.
pub fn pixels(bytes: &[u8], limits: &Limits) -> Result<Pixels, MediaError> {
    let picture = decode::photo(bytes, limits)?.picture;
    Ok(Pixels { width: picture.width, height: picture.height, rgb: picture.bytes })
}
