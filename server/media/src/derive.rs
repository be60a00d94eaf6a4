//! The renditions of a capture. The file is decoded once a stage; one master of at most 2048 pixels is turned, corrected
//! and branded, and the smaller ones are made from it.
//!
//! [`stage1`] makes what a link needs to be valid. [`stage2`] makes the rest, later and at leisure, from the stored
//! original: large, and AVIF in all sizes. [`derive`] makes what pages ask for today at once: both stages without AVIF.

use std::num::NonZeroUsize;
use std::sync::Mutex;

use crate::error::MediaError;
use crate::inspect::Limits;
use crate::mark::Mark;
use crate::picture::{Rgb, cover, fit};
use crate::placeholder::Placeholder;
use crate::rendition::{Encoding, Name, Rendition};
use crate::resize::{linear, resize, srgb};
use crate::{colour, decode, encode, orient};

pub(crate) const LARGE_SIDE: u32 = 2048;
const WEB_SIDE: u32 = 960;
const THUMB_SIDE: u32 = 320;
const OG_WIDTH: u32 = 1200;
const OG_HEIGHT: u32 = 630;

/// What [`derive`] and [`stage1`] make of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// Of the whole picture as shown, in pixels; no rendition may have this size.
    pub width: u32,
    /// Of the whole picture as shown, in pixels.
    pub height: u32,
    /// Thumb, web and (of [`derive`] alone) large as WebP and as JPEG, og as JPEG.
    pub renditions: Vec<Rendition>,
    /// A quiet colour that goes with the picture, as red, green and blue: shown until it is there, and around it.
    pub backdrop: [u8; 3],
    /// A blurred idea of the picture in a few bytes, to be shown until it is there.
    pub placeholder: Placeholder,
}

/// Makes all renditions but AVIF. `bytes` may be the file as sent or as stripped; `orientation` (1 to 8) overrides the
/// file's, which a stripped file no longer has. `mark` is put on each.
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
    let pictures = Pictures::of(bytes, orientation, mark, limits, Card::Made)?;
    pictures.derived(&[Name::Thumb, Name::Web, Name::Large], ONE_THREAD)
}

/// The same of pixels that are upright and sRGB.
pub(crate) fn derive_picture(picture: Rgb, mark: Option<&Mark>) -> Result<Derived, MediaError> {
    let pictures = Pictures::of_picture(picture, (None, 1), mark, Card::Made);
    pictures.derived(&[Name::Thumb, Name::Web, Name::Large], ONE_THREAD)
}

/// Makes what a link needs to be valid: thumb and web as WebP and as JPEG, the card, backdrop and placeholder. Arguments
/// and errors as of [`derive`]; the encoders run on up to `threads` threads.
///
/// # Errors
/// As [`derive`].
pub fn stage1(
    bytes: &[u8],
    orientation: Option<u8>,
    mark: Option<&Mark>,
    limits: &Limits,
    threads: NonZeroUsize,
) -> Result<Derived, MediaError> {
    let pictures = Pictures::of(bytes, orientation, mark, limits, Card::Made)?;
    pictures.derived(&[Name::Thumb, Name::Web], threads)
}

/// Makes what [`stage1`] left out: large as WebP and as JPEG, and thumb, web and large as AVIF. Meant for later, from the
/// stored original, with the orientation and the mark that the first stage had.
/// [`Inspected::second_stage_memory_bytes`](crate::inspect::Inspected::second_stage_memory_bytes) says how much memory it
/// takes.
///
/// # Errors
/// As [`derive`].
pub fn stage2(
    bytes: &[u8],
    orientation: Option<u8>,
    mark: Option<&Mark>,
    limits: &Limits,
    threads: NonZeroUsize,
) -> Result<Vec<Rendition>, MediaError> {
    let pictures = Pictures::of(bytes, orientation, mark, limits, Card::LeftOut)?;
    // The longest work first, so that two threads end together.
    let mut tasks = vec![(Name::Large, Encoding::Avif, &pictures.large)];
    tasks.extend(Encoding::FIRST.map(|encoding| (Name::Large, encoding, &pictures.large)));
    tasks.push((Name::Web, Encoding::Avif, &pictures.web));
    tasks.push((Name::Thumb, Encoding::Avif, &pictures.thumb));
    encode_all(&tasks, threads)
}

/// Makes AVIF of thumb, web and large: what [`derive`] leaves out because it takes long. Meant for later, from the stored
/// original, with the orientation and the mark that the others had; memory as of [`stage2`].
///
/// # Errors
/// As [`derive`].
pub fn avif(
    bytes: &[u8],
    orientation: Option<u8>,
    mark: Option<&Mark>,
    limits: &Limits,
    threads: NonZeroUsize,
) -> Result<Vec<Rendition>, MediaError> {
    let Pictures { large, web, thumb, .. } = Pictures::of(bytes, orientation, mark, limits, Card::LeftOut)?;
    let tasks = [(Name::Large, &large), (Name::Web, &web), (Name::Thumb, &thumb)];
    encode_all(&tasks.map(|(name, picture)| (name, Encoding::Avif, picture)), threads)
}

const ONE_THREAD: NonZeroUsize = NonZeroUsize::MIN;

/// Whether the card is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Card {
    Made,
    LeftOut,
}

/// Upright, in sRGB and branded.
struct Pictures {
    /// Of the whole picture as shown.
    width: u32,
    height: u32,
    large: Rgb,
    web: Rgb,
    thumb: Rgb,
    og: Option<Rgb>,
    backdrop: [u8; 3],
    placeholder: Placeholder,
}

impl Pictures {
    fn of(
        bytes: &[u8],
        orientation: Option<u8>,
        mark: Option<&Mark>,
        limits: &Limits,
        card: Card,
    ) -> Result<Pictures, MediaError> {
        let decode::Decoded { picture, icc, orientation: files } = decode::photo(bytes, limits)?;
        Ok(Self::of_picture(picture, (icc.as_deref(), orientation.unwrap_or(files)), mark, card))
    }

    /// Pixels as decoded, with the colour profile they are in and how they are to be turned.
    fn of_picture(picture: Rgb, (icc, orientation): (Option<&[u8]>, u8), mark: Option<&Mark>, card: Card) -> Pictures {
        let (width, height) = if (5..=8).contains(&orientation) {
            (picture.height, picture.width)
        } else {
            (picture.width, picture.height)
        };

        // Turning and correcting come after shrinking: a fourth of the work.
        let (master_width, master_height) = fit(picture.width, picture.height, LARGE_SIDE, LARGE_SIDE);
        let mut large = if (master_width, master_height) == (picture.width, picture.height) {
            picture
        } else {
            let large = resize(&picture, picture.area(), master_width, master_height);
            // By far the largest thing in memory: gone before an encoder asks for any.
            drop(picture);
            large
        };
        large = orient::upright(large, orientation);
        colour::to_srgb(&mut large, icc);

        // The card is a crop, which would cut the mark off: it gets one of its own.
        let mut og = (card == Card::Made).then(|| {
            let area = cover(large.width, large.height, OG_WIDTH, OG_HEIGHT);
            resize(&large, area, OG_WIDTH, OG_HEIGHT)
        });
        let backdrop = backdrop(og.as_ref().unwrap_or(&large));
        if let Some(mark) = mark {
            if let Some(og) = &mut og {
                mark.blend_into(og);
            }
            mark.blend_into(&mut large);
        }
        let smaller = |from: &Rgb, side: u32| {
            let (width, height) = fit(width, height, side, side);
            resize(from, from.area(), width, height)
        };
        let web = smaller(&large, WEB_SIDE);
        let thumb = smaller(&web, THUMB_SIDE);
        let placeholder = Placeholder::of(&thumb);
        Pictures { width, height, large, web, thumb, og, backdrop, placeholder }
    }

    fn derived(&self, names: &[Name], threads: NonZeroUsize) -> Result<Derived, MediaError> {
        let mut tasks = Vec::with_capacity(7);
        for name in names {
            let picture = match name {
                Name::Thumb => &self.thumb,
                Name::Web => &self.web,
                Name::Large => &self.large,
                Name::Og => continue,
            };
            tasks.extend(Encoding::FIRST.map(|encoding| (*name, encoding, picture)));
        }
        tasks.extend(self.og.as_ref().map(|og| (Name::Og, Encoding::Jpeg, og)));
        Ok(Derived {
            width: self.width,
            height: self.height,
            renditions: encode_all(&tasks, threads)?,
            backdrop: self.backdrop,
            placeholder: self.placeholder,
        })
    }
}

type Task<'picture> = (Name, Encoding, &'picture Rgb);

/// Encodes on up to `threads` threads; the results are in the order of the tasks.
fn encode_all(tasks: &[Task], threads: NonZeroUsize) -> Result<Vec<Rendition>, MediaError> {
    if threads == ONE_THREAD || tasks.len() < 2 {
        return tasks.iter().copied().map(rendition).collect();
    }
    let waiting = Mutex::new(tasks.iter().copied().enumerate());
    let work = || -> Vec<(usize, Result<Rendition, MediaError>)> {
        // A panic elsewhere has poisoned at most a counter.
        let next = || waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
        std::iter::from_fn(next).map(|(place, task)| (place, rendition(task))).collect()
    };
    let mut done = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.get().min(tasks.len())).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for helper in helpers {
            match helper.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, rendition)| rendition).collect()
}

fn rendition((name, encoding, picture): Task) -> Result<Rendition, MediaError> {
    let bytes = match encoding {
        Encoding::Avif => encode::avif(picture)?,
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
