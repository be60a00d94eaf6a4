//! WebP by `image-webp`: safe Rust for what strangers send; libwebp only encodes.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use crate::decode::{Pixels, Raw};
use crate::error::MediaError;

pub(super) fn decode(stripped: &[u8], memory_bytes: u64) -> Result<Raw, MediaError> {
    let mut decoder = WebPDecoder::new(Cursor::new(stripped)).map_err(refusal)?;
    decoder.set_memory_limit(usize::try_from(memory_bytes).unwrap_or(usize::MAX).saturating_add(16 * 1024 * 1024));
    let (width, height) = decoder.dimensions();
    let size = decoder.output_buffer_size().ok_or(MediaError::Malformed("WebP size"))?;
    let has_alpha = decoder.has_alpha();
    let mut bytes = vec![0; size];
    decoder.read_image(&mut bytes).map_err(refusal)?;
    let icc = decoder.icc_profile().ok().flatten();
    let pixels = if has_alpha { Pixels::Rgba(bytes) } else { Pixels::Rgb(bytes) };
    Ok(Raw { width, height, pixels, icc })
}

fn refusal(error: DecodingError) -> MediaError {
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => MediaError::Truncated,
        _ => MediaError::Malformed("WebP data"),
    }
}
