//! The renditions of a capture. The file is decoded once; one master of at most 2048 pixels is turned, corrected and
//! branded, and the smaller ones are made from it.

use crate::error::MediaError;
use crate::inspect::Limits;
use crate::mark::Mark;
use crate::picture::{Rgb, cover, fit};
use crate::rendition::{Encoding, Name, Rendition};
use crate::resize::{linear, resize, srgb};
use crate::{colour, decode, encode, orient};

const LARGE_SIDE: u32 = 2048;
const WEB_SIDE: u32 = 960;
const THUMB_SIDE: u32 = 320;
const OG_WIDTH: u32 = 1200;
const OG_HEIGHT: u32 = 630;

/// What [`derive`] makes of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// Of the whole picture as shown, in pixels; no rendition may have this size.
    pub width: u32,
    /// Of the whole picture as shown, in pixels.
    pub height: u32,
    /// Thumb, web and large as WebP and as JPEG, og as JPEG: seven files.
    pub renditions: Vec<Rendition>,
    /// A quiet colour that goes with the picture, as red, green and blue: shown until it is there, and around it.
    pub backdrop: [u8; 3],
}

/// Makes all renditions. `bytes` may be the file as sent or as stripped; `orientation` (1 to 8) overrides the file's,
/// which a stripped file no longer has. `mark` is blended into the lower right corner of each.
///
/// Runs on one core, about 0.6 s for 12 megapixels; [`Inspected::memory_bytes`](crate::inspect::Inspected::memory_bytes)
/// says how much memory it takes.
///
/// # Errors
/// As [`inspect`](crate::inspect::inspect()), and where pixels are missing or damaged. Nothing half done comes out.
pub fn derive(
    bytes: &[u8],
    orientation: Option<u8>,
    mark: Option<&Mark>,
    limits: &Limits,
) -> Result<Derived, MediaError> {
    let decode::Decoded { picture, icc, orientation: files } = decode::photo(bytes, limits)?;
    made_of(picture, icc.as_deref(), orientation.unwrap_or(files), mark)
}

/// The same of pixels that are upright and sRGB.
pub(crate) fn derive_picture(picture: Rgb, mark: Option<&Mark>) -> Result<Derived, MediaError> {
    made_of(picture, None, 1, mark)
}

fn made_of(picture: Rgb, icc: Option<&[u8]>, orientation: u8, mark: Option<&Mark>) -> Result<Derived, MediaError> {
    let (width, height) =
        if (5..=8).contains(&orientation) { (picture.height, picture.width) } else { (picture.width, picture.height) };

    // Turning and correcting come after shrinking: a fourth of the work.
    let (master_width, master_height) = fit(picture.width, picture.height, LARGE_SIDE, LARGE_SIDE);
    let mut large = if (master_width, master_height) == (picture.width, picture.height) {
        picture
    } else {
        resize(&picture, picture.area(), master_width, master_height)
    };
    large = orient::upright(large, orientation);
    colour::to_srgb(&mut large, icc);

    // The card is a crop, which would cut the mark off: it gets one of its own.
    let mut og = resize(&large, cover(large.width, large.height, OG_WIDTH, OG_HEIGHT), OG_WIDTH, OG_HEIGHT);
    let backdrop = backdrop(&og);
    if let Some(mark) = mark {
        mark.blend_into(&mut og);
        mark.blend_into(&mut large);
    }
    let smaller = |from: &Rgb, side: u32| {
        let (width, height) = fit(width, height, side, side);
        resize(from, from.area(), width, height)
    };
    let web = smaller(&large, WEB_SIDE);
    let thumb = smaller(&web, THUMB_SIDE);

    let mut renditions = Vec::with_capacity(7);
    for (name, picture) in [(Name::Thumb, &thumb), (Name::Web, &web), (Name::Large, &large)] {
        for encoding in Encoding::ALL {
            renditions.push(rendition(name, encoding, picture)?);
        }
    }
    renditions.push(rendition(Name::Og, Encoding::Jpeg, &og)?);
    Ok(Derived { width, height, renditions, backdrop })
}

fn rendition(name: Name, encoding: Encoding, picture: &Rgb) -> Result<Rendition, MediaError> {
    let bytes = match encoding {
        Encoding::WebP => encode::webp(picture)?,
        Encoding::Jpeg => encode::jpeg(picture)?,
    };
    Ok(Rendition { name, encoding, width: picture.width, height: picture.height, bytes })
}

/// The average light, with half of its colour taken out and neither dazzling nor black.
fn backdrop(picture: &Rgb) -> [u8; 3] {
    const STEP: usize = 7; // Every pixel would give the same colour.
    let mut sums = [0_u64; 3];
    let mut count = 0;
    for pixel in picture.pixels().iter().step_by(STEP) {
        sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u64::from(linear(*value)));
        count += 1;
    }
    let mean = sums.map(|sum| u32::from(srgb((sum / count.max(1)) as u16)));
    let [red, green, blue] = mean;
    let grey = (red * 2 + green * 5 + blue) / 8;
    mean.map(|value| ((value + grey) / 2).clamp(24, 216) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(colour: [u8; 3]) -> [u8; 3] {
        backdrop(&Rgb { width: 50, height: 50, bytes: colour.repeat(2500) })
    }

    #[test]
    fn the_backdrop_is_calm() {
        assert_eq!(even([0; 3]), [24; 3]);
        assert_eq!(even([255; 3]), [216; 3]);
        assert_eq!(even([120; 3]), [120; 3]);
        let [red, green, blue] = even([255, 0, 0]);
        assert!(red > green && green == blue && red < 200);
    }
}
