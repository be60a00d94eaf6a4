//! JPEG by `zune-jpeg`, in its strict mode: missing data are an error, not grey.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::colour;
use crate::decode::{Pixels, Raw};
use crate::error::MediaError;

pub(super) fn decode(stripped: &[u8]) -> Result<Raw, MediaError> {
    // The walk has checked the size and counted the scans already; these are the format's own bounds.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(65_535)
        .set_max_height(65_535)
        .jpeg_set_max_scans(64);
    let damaged = |_| MediaError::Malformed("JPEG data");
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(stripped), options);
    decoder.decode_headers().map_err(damaged)?;
    let input = decoder.input_colorspace().ok_or(MediaError::Malformed("no JPEG header"))?;
    let output = match input {
        ColorSpace::CMYK | ColorSpace::YCCK => ColorSpace::CMYK,
        ColorSpace::Luma => ColorSpace::Luma,
        _ => ColorSpace::RGB,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(output));
    let bytes = decoder.decode().map_err(damaged)?;
    let info = decoder.info().ok_or(MediaError::Malformed("no JPEG header"))?;
    let mut icc = decoder.icc_profile();
    let pixels = match output {
        // Turned into sRGB at once: a profile of inks fits nothing else.
        ColorSpace::CMYK => Pixels::Rgb(colour::inks_to_srgb(bytes, icc.take().as_deref())),
        ColorSpace::Luma => Pixels::Gray(bytes),
        _ => Pixels::Rgb(bytes),
    };
    Ok(Raw { width: info.width.into(), height: info.height.into(), pixels, icc })
}
