//! What a branding looks like, at once: on a photo of the event, or on one that is drawn here where there is none.

use crate::branding::{Branding, BrandingError, Format};
use crate::error::MediaError;
use crate::inspect::Limits;
use crate::picture::{Rgb, fit};
use crate::rendition::{Encoding, Name, Rendition};
use crate::resize::resize;
use crate::{colour, decode, encode, orient};

/// The longer side of a preview.
const SIDE: u32 = 960;

/// What a branding is shown on.
#[derive(Clone, Copy)]
pub enum Sample<'a> {
    /// A photo (JPEG, PNG, WebP or HEIC). A rendition of at most 960 pixels is as good as the original, and much faster.
    Photo(&'a [u8]),
    /// A drawn picture of this format: a quiet one, with light and dark parts.
    Drawn(Format),
}

impl std::fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Sample::Photo(bytes) => write!(f, "Photo of {} bytes", bytes.len()),
            Sample::Drawn(format) => write!(f, "Drawn({format:?})"),
        }
    }
}

/// The sample with the branding on it, as JPEG of at most 960 pixels a side.
///
/// # Errors
/// As [`Branding::prepare`], and [`BrandingError::Sample`].
pub fn preview(branding: &Branding, sample: Sample<'_>) -> Result<Rendition, BrandingError> {
    let ready = branding.prepare_for(SIDE)?;
    let mut picture = match sample {
        Sample::Photo(bytes) => photo(bytes, None).map_err(BrandingError::Sample)?,
        Sample::Drawn(format) => drawn(format),
    };
    ready.0.fitted(picture.width, picture.height).put_on(&mut picture);
    let bytes = encode::jpeg(&picture).map_err(BrandingError::Sample)?;
    let Rgb { width, height, .. } = picture;
    Ok(Rendition { name: Name::Web, encoding: Encoding::Jpeg, width, height, bytes })
}

/// A photo in the size of previews, as JPEG: what [`Sample::Photo`] is quickest with. `orientation` (1 to 8) is how it must be
/// turned, if that is not told by its own metadata.
///
/// # Errors
/// For a photo that cannot be read.
pub fn base(photo: &[u8], orientation: Option<u8>) -> Result<Vec<u8>, MediaError> {
    encode::jpeg(&self::photo(photo, orientation)?)
}

fn photo(bytes: &[u8], turned: Option<u8>) -> Result<Rgb, MediaError> {
    let decode::Decoded { picture, icc, orientation } = decode::photo(bytes, &Limits::default())?;
    let orientation = turned.unwrap_or(orientation);
    let (width, height) = fit(picture.width, picture.height, SIDE, SIDE);
    let mut small = if (width, height) == (picture.width, picture.height) {
        picture
    } else {
        resize(&picture, picture.area(), width, height)
    };
    small = orient::upright(small, orientation);
    colour::to_srgb(&mut small, icc.as_deref());
    Ok(small)
}

/// An evening sky over two hills and a light: something of every brightness.
fn drawn(format: Format) -> Rgb {
    let (width, height) = match format {
        Format::Portrait => (SIDE * 2 / 3, SIDE),
        Format::Landscape => (SIDE, SIDE * 2 / 3),
        Format::Square => (SIDE, SIDE),
    };
    let scale = width.min(height) as f32;
    let mut bytes = Vec::with_capacity(width as usize * height as usize * 3);
    let ridge = |x: f32, shift: f32, rise: f32| rise * (x * 3.1 + shift).sin() + 0.5 * rise * (x * 7.3 + shift).sin();
    for row in 0..height {
        let y = row as f32 / height as f32;
        for column in 0..width {
            let x = column as f32 / scale;
            let from_light = ((x - 0.68).powi(2) + (y * height as f32 / scale - 0.36).powi(2)).sqrt();
            let glow = (1.0 - from_light * 1.9).max(0.0).powi(2);
            let (mut red, mut green, mut blue) = (70.0 + 150.0 * y, 105.0 + 60.0 * y, 165.0 - 40.0 * y);
            (red, green, blue) = (red + 120.0 * glow, green + 105.0 * glow, blue + 60.0 * glow);
            if y > 0.66 + ridge(x, 0.4, 0.05) {
                (red, green, blue) = (74.0, 82.0, 104.0);
            }
            if y > 0.8 + ridge(x, 2.1, 0.045) {
                (red, green, blue) = (38.0, 46.0, 52.0);
            }
            bytes.extend([red, green, blue].map(|value: f32| value as u8));
        }
    }
    Rgb { width, height, bytes }
}
