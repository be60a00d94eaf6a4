//! Stripped files to pixels. All decoders are safe Rust; they see only what the container walk let through.

mod heif;
mod jpeg;
mod png;
mod webp;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::colour;
use crate::container::Container;
use crate::error::MediaError;
use crate::inspect::{Limits, SourceFormat};
use crate::picture::{Picture, Rgb, Rgba};

/// Pixels as they lie in the file.
struct Raw {
    width: u32,
    height: u32,
    pixels: Pixels,
    /// The embedded colour profile.
    icc: Option<Vec<u8>>,
}

pub(crate) enum Pixels {
    Gray(Vec<u8>),
    GrayAlpha(Vec<u8>),
    Rgb(Vec<u8>),
    Rgba(Vec<u8>),
}

/// A decoded file.
pub(crate) struct Decoded<const C: usize> {
    pub(crate) picture: Picture<C>,
    /// The colour profile the pixels are in, if the file has one.
    pub(crate) icc: Option<Vec<u8>>,
    /// How it is to be turned, by the file.
    pub(crate) orientation: u8,
}

/// Decodes a photo; what is transparent lies on white.
pub(crate) fn photo(bytes: &[u8], limits: &Limits) -> Result<Decoded<3>, MediaError> {
    let (mut raw, orientation) = decode(bytes, limits)?;
    raw.pixels = match (raw.pixels, raw.icc.as_deref()) {
        (Pixels::Gray(bytes), Some(icc)) => colour::grey_to_srgb(bytes, icc),
        (pixels, _) => pixels,
    };
    let picture = Rgb { width: raw.width, height: raw.height, bytes: on_white(raw.pixels) };
    Ok(Decoded { picture, icc: raw.icc, orientation })
}

/// Decodes a logo, with its transparency.
pub(crate) fn with_alpha(bytes: &[u8], limits: &Limits) -> Result<Decoded<4>, MediaError> {
    let (raw, orientation) = decode(bytes, limits)?;
    let picture = Rgba { width: raw.width, height: raw.height, bytes: to_rgba(raw.pixels) };
    Ok(Decoded { picture, icc: raw.icc, orientation })
}

fn decode(bytes: &[u8], limits: &Limits) -> Result<(Raw, u8), MediaError> {
    let container = Container::read(bytes, limits)?;
    let stripped = container.stripped(bytes);
    // Foreign code on hostile bytes: a panic in it is a damaged file, not the end of a worker.
    let raw = catch_unwind(AssertUnwindSafe(|| match container.format {
        SourceFormat::Jpeg => jpeg::decode(&stripped),
        SourceFormat::Png => png::decode(&stripped),
        SourceFormat::WebP => webp::decode(&stripped, container.decoded_bytes),
        SourceFormat::Heic => heif::decode(&stripped, limits.max_pixels),
    }))
    .unwrap_or(Err(MediaError::Malformed("the decoder gave up")))?;
    if (raw.width, raw.height) != (container.width, container.height) {
        return Err(MediaError::Malformed("the header and the picture differ in size"));
    }
    let pixels = raw.width as usize * raw.height as usize;
    if raw.pixels.len() != pixels * raw.pixels.channels() {
        return Err(MediaError::Malformed("pixels are missing"));
    }
    Ok((raw, container.orientation))
}

impl Pixels {
    fn channels(&self) -> usize {
        match self {
            Pixels::Gray(_) => 1,
            Pixels::GrayAlpha(_) => 2,
            Pixels::Rgb(_) => 3,
            Pixels::Rgba(_) => 4,
        }
    }

    fn len(&self) -> usize {
        let (Pixels::Gray(bytes) | Pixels::GrayAlpha(bytes) | Pixels::Rgb(bytes) | Pixels::Rgba(bytes)) = self;
        bytes.len()
    }
}

fn on_white(pixels: Pixels) -> Vec<u8> {
    let blend = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    match pixels {
        Pixels::Rgb(bytes) => bytes,
        Pixels::Gray(bytes) => bytes.iter().flat_map(|gray| [*gray; 3]).collect(),
        Pixels::GrayAlpha(bytes) => {
            bytes.as_chunks().0.iter().flat_map(|&[gray, alpha]| [blend(gray, alpha); 3]).collect()
        }
        // In place: RGBA of the largest pictures and a copy of it would not fit side by side.
        Pixels::Rgba(mut bytes) => {
            let pixels = bytes.len() / 4;
            for pixel in 0..pixels {
                let Some(&[red, green, blue, alpha]) = bytes.get(pixel * 4..).and_then(<[u8]>::first_chunk) else {
                    break;
                };
                if let Some(place) = bytes.get_mut(pixel * 3..).and_then(<[u8]>::first_chunk_mut) {
                    *place = [blend(red, alpha), blend(green, alpha), blend(blue, alpha)];
                }
            }
            bytes.truncate(pixels * 3);
            bytes
        }
    }
}

/// RGBA, put on white.
pub(crate) fn rgba_on_white(bytes: Vec<u8>) -> Vec<u8> {
    on_white(Pixels::Rgba(bytes))
}

fn to_rgba(pixels: Pixels) -> Vec<u8> {
    match pixels {
        Pixels::Rgba(bytes) => bytes,
        Pixels::Gray(bytes) => bytes.iter().flat_map(|&gray| [gray, gray, gray, 255]).collect(),
        Pixels::GrayAlpha(bytes) => {
            bytes.as_chunks().0.iter().flat_map(|&[gray, alpha]| [gray, gray, gray, alpha]).collect()
        }
        Pixels::Rgb(bytes) => {
            bytes.as_chunks().0.iter().flat_map(|&[red, green, blue]| [red, green, blue, 255]).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparency_lies_on_white() {
        assert_eq!(on_white(Pixels::Rgba(vec![10, 20, 30, 255, 10, 20, 30, 0])), [10, 20, 30, 255, 255, 255]);
        assert_eq!(on_white(Pixels::Rgba(vec![0, 100, 255, 128])), [127, 177, 255]);
        assert_eq!(on_white(Pixels::GrayAlpha(vec![7, 255, 7, 0])), [7, 7, 7, 255, 255, 255]);
        assert_eq!(on_white(Pixels::Gray(vec![7])), [7, 7, 7]);
    }
}
