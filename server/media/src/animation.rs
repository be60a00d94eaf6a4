//! Animations: GIF, animated WebP and APNG. Walked and counted before anything is decoded, decoded one picture after the
//! other, and shown as a muted film that loops, which is a tenth of the size. The cleaned original stays for download.

mod frames;
mod walk;

use std::fmt;
use std::io::Read;

use crate::convert::{even, film_of, fit_either_way};
use crate::derive::{Derived, derive_picture};
use crate::error::{FilmError, MediaError};
use crate::mark::{Mark, Placed};
use crate::picture::Rgb;
use crate::resize::resize;
use crate::sandbox::Sandbox;

/// What is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnimationLimits {
    /// Size of the file in bytes.
    pub max_bytes: u64,
    /// Width times height.
    pub max_pixels: u64,
    /// The longer side in pixels.
    pub max_side: u32,
    pub max_frames: u32,
    /// Pixels of all frames together: what decoding costs.
    pub max_pixels_in_all: u64,
    /// How long one round lasts, in seconds.
    pub max_seconds: u64,
}

impl Default for AnimationLimits {
    /// 100 MB, 9 megapixels, 4096 pixels a side, 500 frames, 1000 megapixels in all, two minutes.
    fn default() -> AnimationLimits {
        AnimationLimits {
            max_bytes: 100_000_000,
            max_pixels: 9_000_000,
            max_side: 4096,
            max_frames: 500,
            max_pixels_in_all: 1_000_000_000,
            max_seconds: 120,
        }
    }
}

/// The formats an animation may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnimationFormat {
    Gif,
    WebP,
    /// APNG.
    Png,
}

impl AnimationFormat {
    /// The media type, such as `image/gif`.
    pub fn media_type(self) -> &'static str {
        match self {
            AnimationFormat::Gif => "image/gif",
            AnimationFormat::WebP => "image/webp",
            AnimationFormat::Png => "image/apng",
        }
    }

    /// The usual ending of a file name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            AnimationFormat::Gif => "gif",
            AnimationFormat::WebP => "webp",
            AnimationFormat::Png => "png",
        }
    }
}

/// What the container says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspected {
    pub format: AnimationFormat,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    pub frames: u32,
    /// Of one round, in milliseconds, as browsers play it: frames that claim no time take a tenth of a second.
    pub duration: u64,
}

/// Reads the container and checks it against the limits. Decodes nothing.
///
/// # Errors
/// [`MediaError`]: empty, too large, not an animation, cut off, damaged, beyond a limit.
pub fn inspect(bytes: &[u8], limits: &AnimationLimits) -> Result<Inspected, MediaError> {
    let walked = walk::walk(bytes, limits)?;
    Ok(walked.inspected())
}

/// The same animation without comments, profiles and other metadata, frame by frame bit for bit.
///
/// # Errors
/// As [`inspect`].
pub fn strip(bytes: &[u8], limits: &AnimationLimits) -> Result<Vec<u8>, MediaError> {
    Ok(walk::walk(bytes, limits)?.pieces.join(bytes))
}

/// What [`derive`] makes of an animation.
#[derive(Clone, PartialEq, Eq)]
pub struct Moving {
    /// A cleaned MP4 without sound, to be looped; its sides are even. `None` for a single frame.
    pub film: Option<Vec<u8>>,
    /// Of the film, in pixels.
    pub width: u32,
    /// Of the film, in pixels.
    pub height: u32,
    /// Of one round, in milliseconds.
    pub duration: u64,
    /// The renditions of its first picture.
    pub poster: Derived,
}

impl fmt::Debug for Moving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moving { film, width, height, duration, .. } = self;
        let bytes = film.as_ref().map_or(0, Vec::len);
        write!(f, "Moving {width}x{height}, {duration} ms, {bytes} bytes")
    }
}

/// Makes the film and its poster. `mark` is put on every picture. Holds two or three pictures at a time, whatever
/// the number of frames, and the finished film.
///
/// # Errors
/// As [`inspect`], where a frame cannot be decoded, and [`FilmError::Conversion`].
pub fn derive(
    sandbox: &Sandbox,
    bytes: &[u8],
    mark: Option<&Mark>,
    limits: &AnimationLimits,
) -> Result<Moving, MediaError> {
    let walked = walk::walk(bytes, limits)?;
    let clean = walked.pieces.join(bytes);
    let first = frames::open(&clean, &walked)?.next().ok_or(FilmError::NoPictures)??;
    let poster = derive_picture(first, mark)?;
    let mut frames = frames::open(&clean, &walked)?;
    film(sandbox, (walked.width, walked.height), &walked.delays, poster, mark, &mut frames)
}

/// Pictures with their times, in milliseconds, as a film.
pub(crate) fn film(
    sandbox: &Sandbox,
    (width, height): (u32, u32),
    delays: &[u32],
    poster: Derived,
    mark: Option<&Mark>,
    frames: &mut (dyn Iterator<Item = Result<Rgb, MediaError>> + Send),
) -> Result<Moving, MediaError> {
    let (width, height) = even(fit_either_way(width, height));
    let duration = delays.iter().copied().map(u64::from).sum();
    if delays.len() < 2 {
        return Ok(Moving { film: None, width, height, duration, poster });
    }
    let (step, repeats) = beats(delays);
    let mark = mark.map(|mark| mark.placed(width, height));
    let mut reader = FrameReader {
        frames,
        repeats: repeats.into_iter(),
        size: (width, height),
        mark,
        frame: Vec::new(),
        at: 0,
        again: 0,
        error: None,
    };
    let film = film_of(sandbox, (width, height), (1, step), duration, &mut reader);
    // Why there was no more to read is the better answer.
    reader.error.map_or(Ok(()), Err)?;
    Ok(Moving { film: Some(film?), width, height, duration, poster })
}

/// Milliseconds of a beat, and how many beats each frame lasts. Films of a constant rate play everywhere alike; a frame
/// that is shown again costs a few bytes.
fn beats(delays: &[u32]) -> (u32, Vec<u32>) {
    const SHORTEST: u32 = 20;
    const USUAL: u32 = 40;
    let common = delays.iter().fold(0, |common, delay| greatest_common_divisor(common, *delay));
    if common >= SHORTEST {
        return (common, delays.iter().map(|delay| delay / common).collect());
    }
    let beat = |time: u64| ((time + u64::from(USUAL) / 2) / u64::from(USUAL)) as u32;
    let mut time = 0;
    let mut repeats: Vec<u32> = Vec::with_capacity(delays.len());
    for delay in delays {
        let end = time + u64::from(*delay);
        repeats.push(beat(end) - beat(time));
        time = end;
    }
    if let Some(first) = repeats.first_mut() {
        *first = (*first).max(1);
    }
    (USUAL, repeats)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The frames as one stream of pixels.
struct FrameReader<'a> {
    frames: &'a mut (dyn Iterator<Item = Result<Rgb, MediaError>> + Send),
    repeats: std::vec::IntoIter<u32>,
    size: (u32, u32),
    mark: Option<Placed>,
    frame: Vec<u8>,
    at: usize,
    /// How often the frame comes once more.
    again: u32,
    error: Option<MediaError>,
}

impl FrameReader<'_> {
    /// Makes the next frame the current one; false at the end.
    fn advance(&mut self) -> Result<bool, MediaError> {
        loop {
            let Some(repeats) = self.repeats.next() else { return Ok(false) };
            let frame = self.frames.next().ok_or(MediaError::Truncated)??;
            if repeats == 0 {
                continue;
            }
            let (width, height) = self.size;
            let mut frame = if (frame.width, frame.height) == self.size {
                frame
            } else {
                resize(&frame, frame.area(), width, height)
            };
            if let Some(mark) = &self.mark {
                mark.blend_into(&mut frame);
            }
            self.frame = frame.bytes;
            self.again = repeats - 1;
            self.at = 0;
            return Ok(true);
        }
    }
}

impl Read for FrameReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.frame.len() {
            if self.again > 0 {
                self.again -= 1;
                self.at = 0;
            } else {
                match self.advance() {
                    Ok(true) => {}
                    Ok(false) => return Ok(0),
                    Err(error) => {
                        self.error = Some(error);
                        return Err(std::io::ErrorKind::InvalidData.into());
                    }
                }
            }
        }
        let rest = self.frame.get(self.at..).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(into), Some(from)) = (into.get_mut(..count), rest.get(..count)) {
            into.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_keep_the_time() {
        assert_eq!(beats(&[100, 100, 100]), (100, vec![1, 1, 1]));
        assert_eq!(beats(&[40, 120, 80]), (40, vec![1, 3, 2]));
        let (step, repeats) = beats(&[30, 50, 70, 110, 33]);
        assert_eq!((step, repeats.iter().sum::<u32>()), (40, 7));
        let (_, repeats) = beats(&[10; 100]);
        assert!((25..=26).contains(&repeats.iter().sum::<u32>()) && repeats[0] == 1);
    }
}
