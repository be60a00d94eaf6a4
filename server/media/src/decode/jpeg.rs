//! JPEG by `zune-jpeg`, in its strict mode: missing data are an error, not grey.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::decode::{Pixels, Raw};
use crate::error::MediaError;

pub(super) fn decode(stripped: &[u8]) -> Result<Raw, MediaError> {
    // The walk has checked the size and counted the scans already; these are the format's own bounds.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(65_535)
        .set_max_height(65_535)
        .jpeg_set_max_scans(64)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(stripped), options);
    let damaged = |_| MediaError::Malformed("JPEG data");
    let bytes = decoder.decode().map_err(damaged)?;
    let info = decoder.info().ok_or(MediaError::Malformed("no JPEG header"))?;
    // CMYK was turned into RGB without its profile, which describes inks and no longer fits.
    let in_rgb = decoder.input_colorspace().is_some_and(|space| space.num_components() == 3);
    let icc = if in_rgb { decoder.icc_profile() } else { None };
    Ok(Raw { width: info.width.into(), height: info.height.into(), pixels: Pixels::Rgb(bytes), icc })
}
