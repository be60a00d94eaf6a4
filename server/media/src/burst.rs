//! A burst of photos as a GIF and as a film: one after the other, or there and back again (a boomerang).

use gif::{Encoder, Frame, Repeat};

use crate::animation::{Moving, film};
use crate::convert::{even, fit_either_way};
use crate::derive::derive_picture;
use crate::error::{FilmError, MediaError};
use crate::inspect::Limits;
use crate::mark::Mark;
use crate::picture::{Rgb, cover, fit};
use crate::resize::resize;
use crate::sandbox::Sandbox;
use crate::{colour, decode, orient};

/// Photos of one burst.
const MAX_PHOTOS: u32 = 100;
/// The longer side of the GIF, whose size grows with every pixel.
const GIF_SIDE: u32 = 720;
/// Of the quantiser: 1 is best, 30 fastest. Up to 10 nobody sees a difference.
const SPEED: i32 = 10;

/// In which order the photos are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    Forward,
    /// Forward, and back without showing the first and the last twice.
    Boomerang,
}

/// What [`derive`] makes of a burst.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Burst {
    /// To be downloaded; without metadata.
    pub gif: Vec<u8>,
    pub moving: Moving,
}

/// Makes a GIF, a film and a poster of photos (JPEG, PNG or WebP), each shown for `delay` milliseconds (20 to 5000). The
/// first photo decides about the size; others are cut to it. Holds one decoded photo at a time.
///
/// # Errors
/// As [`inspect`](crate::inspect::inspect()) for each photo, [`FilmError::TooManyFrames`] above 100 of them,
/// [`FilmError::NoPictures`] for fewer than two, and [`FilmError::Conversion`].
pub fn derive(
    sandbox: &Sandbox,
    photos: &[&[u8]],
    order: Order,
    delay: u32,
    mark: Option<&Mark>,
    limits: &Limits,
) -> Result<Burst, MediaError> {
    if photos.len() > MAX_PHOTOS as usize {
        return Err(FilmError::TooManyFrames { limit: MAX_PHOTOS }.into());
    }
    let (Some(first), true) = (photos.first(), photos.len() > 1) else {
        return Err(FilmError::NoPictures.into());
    };
    let delay = delay.clamp(20, 5000) / 10 * 10;
    let poster = photo(first, limits)?;
    let (width, height) = (poster.width, poster.height);
    let size = even(fit_either_way(width, height));
    let poster = derive_picture(poster, mark)?;
    let shown = sequence(photos.len(), order);

    let mut frames = shown.iter().filter_map(|number| photos.get(*number)).map(|bytes| {
        let photo = photo(bytes, limits)?;
        Ok(resize(&photo, cover(photo.width, photo.height, size.0, size.1), size.0, size.1))
    });
    let moving = film(sandbox, (width, height), &vec![delay; shown.len()], poster, mark, &mut frames)?;
    let gif = gif(photos, &shown, delay, fit(width, height, GIF_SIDE, GIF_SIDE), mark, limits)?;
    Ok(Burst { gif, moving })
}

/// Numbers of the photos as they are shown.
fn sequence(photos: usize, order: Order) -> Vec<usize> {
    match order {
        Order::Forward => (0..photos).collect(),
        Order::Boomerang => (0..photos).chain((1..photos.saturating_sub(1)).rev()).collect(),
    }
}

/// A photo upright and in sRGB, at most as large as a film.
fn photo(bytes: &[u8], limits: &Limits) -> Result<Rgb, MediaError> {
    let decode::Decoded { picture, icc, orientation } = decode::photo(bytes, limits)?;
    let (width, height) = fit_either_way(picture.width, picture.height);
    let mut small = resize(&picture, picture.area(), width, height);
    drop(picture);
    small = orient::upright(small, orientation);
    colour::to_srgb(&mut small, icc.as_deref());
    Ok(small)
}

fn gif(
    photos: &[&[u8]],
    shown: &[usize],
    delay: u32,
    (width, height): (u32, u32),
    mark: Option<&Mark>,
    limits: &Limits,
) -> Result<Vec<u8>, MediaError> {
    let failed = |_| MediaError::Encode("GIF");
    let mark = mark.map(|mark| mark.placed(width, height));
    let (across, down) = (width as u16, height as u16); // at most GIF_SIDE
    let mut encoded: Vec<Frame<'static>> = Vec::with_capacity(photos.len());
    for bytes in photos {
        let photo = photo(bytes, limits)?;
        let mut small = resize(&photo, cover(photo.width, photo.height, width, height), width, height);
        if let Some(mark) = &mark {
            mark.blend_into(&mut small);
        }
        let mut frame = Frame::from_rgb_speed(across, down, &small.bytes, SPEED);
        frame.delay = (delay / 10) as u16; // at most 500
        // On the way back it is shown once more: packed once, and small while it waits.
        frame.make_lzw_pre_encoded();
        encoded.push(frame);
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, across, down, &[]).map_err(failed)?;
    encoder.set_repeat(Repeat::Infinite).map_err(failed)?;
    for frame in shown.iter().filter_map(|number| encoded.get(*number)) {
        encoder.write_lzw_pre_encoded_frame(frame).map_err(failed)?;
    }
    drop(encoder);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boomerang_shows_its_ends_once() {
        assert_eq!(sequence(4, Order::Forward), [0, 1, 2, 3]);
        assert_eq!(sequence(4, Order::Boomerang), [0, 1, 2, 3, 2, 1]);
        assert_eq!(sequence(2, Order::Boomerang), [0, 1]);
    }
}
