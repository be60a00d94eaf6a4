//! PNG by `png`, which checks the checksums of all that matters. 16 bits become 8, palettes become colours.

use std::io::Cursor;

use png::{ColorType, Decoder, DecodingError, Transformations};

use crate::decode::{Pixels, Raw};
use crate::error::MediaError;

pub(super) fn decode(stripped: &[u8]) -> Result<Raw, MediaError> {
    let mut decoder = Decoder::new(Cursor::new(stripped));
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(refusal)?;
    let size = reader.output_buffer_size().ok_or(MediaError::Malformed("PNG size"))?;
    let mut bytes = vec![0; size];
    let output = reader.next_frame(&mut bytes).map_err(refusal)?;
    // Reads to the end, so that damage behind the last row counts as well.
    reader.finish().map_err(refusal)?;
    bytes.truncate(output.buffer_size());
    let pixels = match output.color_type {
        ColorType::Grayscale => Pixels::Gray(bytes),
        ColorType::GrayscaleAlpha => Pixels::GrayAlpha(bytes),
        ColorType::Rgb => Pixels::Rgb(bytes),
        ColorType::Rgba => Pixels::Rgba(bytes),
        ColorType::Indexed => return Err(MediaError::Malformed("a palette that was not resolved")),
    };
    let icc = reader.info().icc_profile.as_ref().map(|profile| profile.to_vec());
    Ok(Raw { width: output.width, height: output.height, pixels, icc })
}

fn refusal(error: DecodingError) -> MediaError {
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => MediaError::Truncated,
        DecodingError::LimitsExceeded => MediaError::Malformed("a PNG chunk that unpacks to too much"),
        _ => MediaError::Malformed("PNG data"),
    }
}
