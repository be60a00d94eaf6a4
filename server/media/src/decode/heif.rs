//! HEIC by `heifer`, in safe Rust, on one thread. It sees the file that the walk wrote, whose sizes were checked against
//! those of the coded data.

use heifer::Options;
use moxcms::ColorProfile;

use crate::container::heif::colour_numbers;
use crate::decode::{Pixels, Raw};
use crate::error::MediaError;

const DISPLAY_P3: u16 = 12;

pub(super) fn decode(stripped: &[u8], max_pixels: u64) -> Result<Raw, MediaError> {
    let damaged = |_| MediaError::Malformed("HEIC data");
    // The walk holds sizes to the limit; coded pictures are up to a block larger on both sides.
    let options = Options { max_threads: 1, max_pixels: max_pixels.saturating_add(64 * 65_536) };
    let picture = heifer::decode_rgba8(stripped, &options).map_err(damaged)?;
    let icc = match heifer::read_metadata(stripped).map_err(damaged)?.icc_profile {
        None if colour_numbers(stripped).is_some_and(|(primaries, _)| primaries == DISPLAY_P3) => {
            ColorProfile::new_display_p3().encode().ok()
        }
        profile => profile,
    };
    Ok(Raw { width: picture.width, height: picture.height, pixels: Pixels::Rgba(picture.data), icc })
}
