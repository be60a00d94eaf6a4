//! What is put on pictures: a branding, or the logo of an event alone. And the logo as a file of its own for pages.

use std::fmt;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::branding::{Brandings, Filter, Fitted, Format};
use crate::error::MediaError;
use crate::inspect::Limits;
use crate::picture::{Area, Rgb, Rgba, fit};
use crate::{colour, decode, encode, orient};

/// Of the picture's width.
const WIDTH: f64 = 0.16;
/// Of the picture's height, for logos that are as high as wide.
const HEIGHT: f64 = 0.12;
/// Distance from the right and the lower edge, of the picture's width.
const MARGIN: f64 = 0.04;
/// Larger than any rendition shows it; bounds what a kept mark holds to 4 MB.
const KEPT_SIDE: u32 = 1024;
/// An overlay at the size of the largest rendition, what is needed to resize it, and a smaller copy of the picture.
const BRANDING_BYTES: u64 = 2048 * 2048 * (4 + 4 + 3) + 8_000_000;
/// Of [`Logo`].
const LOGO_SIDE: u32 = 512;

/// What is put on every picture of a capture: a logo in the lower right corner, or a whole branding. Decode it once for an
/// event and share it. A logo holds at most 4 MB.
#[derive(Clone)]
pub struct Mark(Kind);

#[derive(Clone)]
enum Kind {
    Logo(Rgba),
    Brandings(Brandings),
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Logo(logo) => write!(f, "Mark {}x{}", logo.width, logo.height),
            Kind::Brandings(brandings) => write!(f, "Mark of {brandings:?}"),
        }
    }
}

impl From<Brandings> for Mark {
    /// The picture's format chooses among them; the card has a format of its own.
    fn from(brandings: Brandings) -> Mark {
        Mark(Kind::Brandings(brandings))
    }
}

impl Mark {
    /// Decodes a logo from PNG, WebP or JPEG; transparency is kept.
    ///
    /// # Errors
    /// As [`inspect`](crate::inspect::inspect()), and for pixels that cannot be decoded.
    pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Mark, MediaError> {
        Ok(Mark(Kind::Logo(read(bytes, limits, KEPT_SIDE)?)))
    }

    /// How much memory putting it on a capture takes, in bytes, beyond what
    /// [`Inspected::memory_bytes`](crate::inspect::Inspected::memory_bytes) and
    /// [`Inspected::second_stage_memory_bytes`](crate::inspect::Inspected::second_stage_memory_bytes) say. What the mark
    /// itself holds is not in it.
    pub fn memory_bytes(&self) -> u64 {
        match self.0 {
            Kind::Logo(_) => 0,
            Kind::Brandings(_) => BRANDING_BYTES,
        }
    }

    /// Whether it changes pictures of this size in pixels: a branding may have nothing for their format.
    pub fn changes(&self, picture_width: u32, picture_height: u32) -> bool {
        match &self.0 {
            Kind::Logo(_) => true,
            Kind::Brandings(brandings) => brandings.of(Format::of(picture_width, picture_height)).is_some(),
        }
    }

    /// Puts the mark on a picture.
    pub(crate) fn blend_into(&self, picture: &mut Rgb) {
        self.placed(picture.width, picture.height).blend_into(picture);
    }

    /// The mark as it goes onto pictures of this size, for many of them.
    pub(crate) fn placed(&self, picture_width: u32, picture_height: u32) -> Placed {
        let logo = match &self.0 {
            Kind::Logo(logo) => logo,
            Kind::Brandings(brandings) => return Placed::Branding(brandings.fitted(picture_width, picture_height)),
        };
        let share = |side: u32, share: f64| ((f64::from(side) * share).round() as u32).max(1);
        let (box_width, box_height) = (share(picture_width, WIDTH), share(picture_height, HEIGHT));
        let (width, height) = fit(logo.width, logo.height, box_width, box_height);
        let margin = (f64::from(picture_width) * MARGIN).round() as u32;
        // Saturating: in a picture of a few pixels the margin gives way.
        let area = Area {
            left: picture_width.saturating_sub(width + margin),
            top: picture_height.saturating_sub(height + margin),
            width,
            height,
        };
        Placed::Logo(PlacedLogo { mark: resize(logo, width, height), area })
    }
}

/// A mark of the right size in the right place.
pub(crate) enum Placed {
    Logo(PlacedLogo),
    /// `None` if there is none for the pictures' format.
    Branding(Option<Fitted>),
}

impl Placed {
    /// The picture must have the size that was said.
    pub(crate) fn blend_into(&self, picture: &mut Rgb) {
        match self {
            Placed::Logo(logo) => logo.blend_into(picture),
            Placed::Branding(fitted) => fitted.iter().for_each(|fitted| fitted.put_on(picture)),
        }
    }

    /// How it changes colours first.
    pub(crate) fn filter(&self) -> Filter {
        match self {
            Placed::Branding(Some(fitted)) => fitted.filter(),
            Placed::Logo(_) | Placed::Branding(None) => Filter::None,
        }
    }

    /// Where the picture goes then, if it is made smaller.
    pub(crate) fn room(&self) -> Option<Area> {
        match self {
            Placed::Branding(Some(fitted)) => fitted.room(),
            Placed::Logo(_) | Placed::Branding(None) => None,
        }
    }

    /// What lies over the pixels after that. The picture must have the size that was said.
    pub(crate) fn lay_over(&self, picture: &mut Rgb) {
        match self {
            Placed::Logo(logo) => logo.blend_into(picture),
            Placed::Branding(fitted) => fitted.iter().for_each(|fitted| fitted.lay_over(picture)),
        }
    }
}

/// A logo in the lower right corner.
pub(crate) struct PlacedLogo {
    mark: Rgba,
    area: Area,
}

impl PlacedLogo {
    /// Touches only the pixels under it.
    fn blend_into(&self, picture: &mut Rgb) {
        for row in 0..self.area.height {
            let marks = self.mark.row(self.mark.area(), row).as_chunks::<4>().0;
            let pixels = picture.row_mut(self.area, row).as_chunks_mut::<3>().0;
            for (pixel, [red, green, blue, alpha]) in pixels.iter_mut().zip(marks) {
                let over = [red, green, blue];
                for (value, over) in pixel.iter_mut().zip(over) {
                    let (under, over, alpha) = (u32::from(*value), u32::from(*over), u32::from(*alpha));
                    *value = ((over * alpha + under * (255 - alpha) + 127) / 255) as u8;
                }
            }
        }
    }
}

/// A logo as a file for pages: a PNG with transparency, without metadata.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    /// In pixels, at most 512.
    pub width: u32,
    /// In pixels, at most 512.
    pub height: u32,
    /// A PNG file.
    pub bytes: Vec<u8>,
}

impl Logo {
    /// The media type of [`Logo::bytes`].
    pub const MEDIA_TYPE: &str = "image/png";
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo {}x{}, {} bytes", self.width, self.height, self.bytes.len())
    }
}

/// Re-encodes a logo (PNG, WebP or JPEG) for pages: fitted into 512 x 512 pixels, never enlarged.
///
/// # Errors
/// As [`Mark::from_bytes`].
pub fn logo(bytes: &[u8], limits: &Limits) -> Result<Logo, MediaError> {
    let picture = read(bytes, limits, LOGO_SIDE)?;
    let bytes = encode::png(&picture)?;
    Ok(Logo { width: picture.width, height: picture.height, bytes })
}

/// A picture with its transparency, upright, in sRGB and fitted into `side` x `side` pixels.
pub(crate) fn read(bytes: &[u8], limits: &Limits, side: u32) -> Result<Rgba, MediaError> {
    let decoded = decode::with_alpha(bytes, limits)?;
    let (width, height) = fit(decoded.picture.width, decoded.picture.height, side, side);
    let mut picture = orient::upright(resize(&decoded.picture, width, height), decoded.orientation);
    colour::to_srgb(&mut picture, decoded.icc.as_deref());
    Ok(picture)
}

/// Resizes with alpha taken into account, so that the colour of invisible pixels does not bleed into the edges. Logos
/// are flat colours: sRGB values as they are will do.
fn resize(source: &Rgba, width: u32, height: u32) -> Rgba {
    if (source.width, source.height) == (width, height) {
        return source.clone();
    }
    let from: Vec<U8x4> = source.pixels().iter().map(|pixel| U8x4::new(*pixel)).collect();
    let from = TypedImageRef::new(source.width, source.height, &from).expect("one for each pixel");
    let mut to = TypedImage::<U8x4>::new(width, height);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize_typed(&from, &mut to, &options).expect("both are whole pictures of one pixel type");
    Rgba { width, height, bytes: to.pixels().iter().flat_map(|pixel| pixel.0).collect() }
}
