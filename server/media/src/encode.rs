//! Pixels to files: AVIF by libaom, JPEG by `jpeg-encoder`, WebP by libwebp, PNG by `png`. None of them adds metadata.

mod avif;
mod webp;

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, QuantizationTableType, SamplingFactor};

use crate::error::MediaError;
use crate::picture::{Rgb, Rgba};

/// Quality as libjpeg counts it.
const JPEG_QUALITY: u8 = 80;
/// One scan for the averages of all blocks, one for the rest: there at once on a slow line, and as small as a file of
/// one scan. Further scans only add bytes, as this encoder does not refine.
const JPEG_SCANS: u8 = 2;

pub(crate) use avif::avif;
pub(crate) use webp::webp;

pub(crate) fn jpeg(picture: &Rgb) -> Result<Vec<u8>, MediaError> {
    const FAILED: MediaError = MediaError::Encode("JPEG");
    let width = u16::try_from(picture.width).map_err(|_| FAILED)?;
    let height = u16::try_from(picture.height).map_err(|_| FAILED)?;
    let pixels = u64::from(picture.width) * u64::from(picture.height);
    let mut bytes = Vec::with_capacity((pixels / 4) as usize);
    let mut encoder = Encoder::new(&mut bytes, JPEG_QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_progressive_scans(JPEG_SCANS);
    // Robidoux's tables, as in ImageMagick and mozjpeg: an eighth smaller than the standard's for the same look.
    encoder.set_quantization_tables(QuantizationTableType::ImageMagick, QuantizationTableType::ImageMagick);
    encoder.encode(&picture.bytes, width, height, ColorType::Rgb).map_err(|_| FAILED)?;
    bytes.shrink_to_fit();
    Ok(bytes)
}

pub(crate) fn png(picture: &Rgba) -> Result<Vec<u8>, MediaError> {
    let failed = |_| MediaError::Encode("PNG");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&picture.bytes).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
