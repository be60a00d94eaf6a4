//! A blurred idea of a picture in at most 25 bytes (ThumbHash), to be shown until the picture is there.

use std::fmt;

use crate::picture::{Rgb, fit};
use crate::resize::resize;

/// ThumbHash looks at no more.
const SIDE: u32 = 100;
/// The longest that an opaque picture gets.
const MAX_BYTES: usize = 25;

/// The longer side of [`png`]: it is stretched and blurred anyway, and every pixel stands in the page.
const SHOWN_SIDE: u32 = 16;

/// The blurred picture as a PNG of a few hundred bytes; `None` if these are no ThumbHash.
pub fn png(hash: &[u8]) -> Option<Vec<u8>> {
    // Five bytes say how long the rest is.
    if !(5..=MAX_BYTES).contains(&hash.len()) {
        return None;
    }
    let (width, height, rgba) =
        thumbhash::thumb_hash_to_rgba(hash).ok().filter(|(width, height, _)| width * height > 0)?;
    let bytes = rgba.as_chunks::<4>().0.iter().flat_map(|&[red, green, blue, _]| [red, green, blue]).collect();
    let picture = Rgb { width: u32::try_from(width).ok()?, height: u32::try_from(height).ok()?, bytes };
    let (width, height) = fit(picture.width, picture.height, SHOWN_SIDE, SHOWN_SIDE);
    let small = resize(&picture, picture.area(), width, height);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&small.bytes).ok()?;
    writer.finish().ok()?;
    Some(file)
}

/// A ThumbHash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Placeholder {
    bytes: [u8; MAX_BYTES],
    length: usize,
}

impl fmt::Debug for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Placeholder of {} bytes", self.length)
    }
}

impl Placeholder {
    pub(crate) fn of(picture: &Rgb) -> Placeholder {
        let (width, height) = fit(picture.width, picture.height, SIDE, SIDE);
        let small = resize(picture, picture.area(), width, height);
        let rgba: Vec<u8> = small.pixels().iter().flat_map(|&[red, green, blue]| [red, green, blue, 255]).collect();
        let hash = thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &rgba);
        let mut bytes = [0; MAX_BYTES];
        bytes.iter_mut().zip(&hash).for_each(|(place, byte)| *place = *byte);
        Placeholder { bytes, length: hash.len().min(MAX_BYTES) }
    }

    /// The hash, at most 25 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_hash_is_nothing() {
        for bytes in [&[][..], &[7], &[0; 4], &[0xFF; 5], &[0xFF; 26]] {
            assert!(png(bytes).is_none_or(|shown| shown.starts_with(b"\x89PNG")), "{bytes:?}");
        }
        assert_eq!(png(&[]), None);
    }

    #[test]
    fn colours_and_proportions_come_back() {
        for (width, height) in [(320, 240), (240, 320), (320, 1), (1, 1), (1, 320)] {
            let bytes =
                (0..width * height).flat_map(|at| if at % width < width / 2 { [220, 30, 30] } else { [30, 30, 220] });
            let placeholder = Placeholder::of(&Rgb { width, height, bytes: bytes.collect() });
            assert!((5..=40).contains(&placeholder.as_bytes().len()), "{placeholder:?}");
            let shown = png(placeholder.as_bytes()).unwrap();
            assert!(shown.starts_with(b"\x89PNG") && shown.len() < 800, "{} bytes", shown.len());
            let (w, h, rgba) = thumbhash::thumb_hash_to_rgba(placeholder.as_bytes()).unwrap();
            assert_eq!(w > h, width > height);
            if width == 320 && height == 240 {
                let pixel = |x: usize| <[u8; 4]>::try_from(&rgba[(h / 2 * w + x) * 4..][..4]).unwrap();
                let ([left, _, cold, _], [warm, _, right, _]) = (pixel(w / 8), pixel(w * 7 / 8));
                assert!(left > 150 && cold < 110 && right > 150 && warm < 110, "{left} {cold} {warm} {right}");
            }
        }
    }
}
