//! From an upload to the files that are stored. Runs on the pool's threads.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use sha2::{Digest, Sha256};
use shutterpost_media::animation::{self, AnimationFormat, AnimationLimits, Moving};
use shutterpost_media::convert;
use shutterpost_media::derive::{self, Derived};
use shutterpost_media::error::{FilmError, MediaError};
use shutterpost_media::inspect::{self, Limits};
use shutterpost_media::kind::{Kind, kind};
use shutterpost_media::mark::Mark;
use shutterpost_media::placeholder::Placeholder;
use shutterpost_media::rendition::Rendition;
use shutterpost_media::strip::strip;
use shutterpost_media::video::{Film, Info, Plan, Treatment, Video, VideoLimits, probe};
use shutterpost_model::captures::{CaptureKind, Encoding};
use shutterpost_model::error::Code;

use super::converter::Converter;
use super::pool::Cost;
use crate::error::Failure;
use crate::events::logos_code;

/// What a run of ffmpeg holds, as measured with films of phones; its limit is far above.
const CONVERTER_BYTES: u64 = 250_000_000;
/// What deriving holds beside the picture: master, renditions and encoders.
const DERIVING_BYTES: u64 = 48_000_000;
/// Bytes of a decoded pixel.
const PIXEL_BYTES: u64 = 3;
/// Pictures of an animation in memory at once.
const FRAMES: u64 = 3;
/// Most bytes of a converted film, which is held in memory until it is sealed: half an hour at the highest rate.
const CONVERTED_BYTES: usize = 256 << 20;
/// How many bytes tell the kind.
const HEAD: usize = 64 << 10;

/// What an upload is, before any pixel is decoded.
#[derive(Debug, Clone)]
pub(super) struct Examined {
    pub(super) file_hash: [u8; 32],
    /// What the container says, or why the file is refused.
    pub(super) inspected: Result<Inspected, MediaError>,
}

/// What the container says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Inspected {
    Still(inspect::Inspected),
    Animation(animation::Inspected),
    /// And what it is when it is cleaned.
    Film(Info, &'static str),
}

impl Inspected {
    /// What it is declared as. MOV is stored as MP4.
    pub(super) fn media_type(&self) -> &'static str {
        match self {
            Self::Still(still) => still.format.media_type(),
            Self::Animation(animation) => animation.format.media_type(),
            Self::Film(_, media_type) => media_type,
        }
    }

    /// What there is to know of a film.
    pub(super) const fn film(&self) -> Option<&Info> {
        match self {
            Self::Film(info, _) => Some(info),
            Self::Still(_) | Self::Animation(_) => None,
        }
    }

    /// What working on the file holds in memory at most.
    pub(super) fn cost(&self, bytes: usize) -> Cost {
        let waiting = bytes as u64;
        let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height) * PIXEL_BYTES;
        let working = match self {
            Self::Still(still) => still.memory_bytes,
            Self::Animation(animation::Inspected { width, height, .. }) => {
                CONVERTER_BYTES + DERIVING_BYTES + FRAMES * pixels(*width, *height) + 2 * waiting
            }
            Self::Film(Info { width, height, .. }, _) => {
                CONVERTER_BYTES + DERIVING_BYTES + 2 * pixels(*width, *height) + 2 * waiting
            }
        };
        Cost { waiting, working }
    }
}

fn animation_limits(limits: &Limits) -> AnimationLimits {
    AnimationLimits { max_bytes: limits.max_bytes, ..AnimationLimits::default() }
}

fn video_limits(limits: &Limits) -> VideoLimits {
    VideoLimits { max_bytes: limits.max_bytes, ..VideoLimits::default() }
}

pub(super) fn examine(bytes: &[u8], limits: &Limits) -> Examined {
    Examined { file_hash: Sha256::digest(bytes).into(), inspected: inspected(bytes, limits) }
}

fn inspected(bytes: &[u8], limits: &Limits) -> Result<Inspected, MediaError> {
    match kind(bytes.get(..HEAD).unwrap_or(bytes)) {
        Kind::Still => inspect::inspect(bytes, limits).map(Inspected::Still),
        Kind::Animation(_) => animation::inspect(bytes, &animation_limits(limits)).map(Inspected::Animation),
        Kind::Video => {
            probe(bytes, &video_limits(limits)).map(|video| Inspected::Film(*video.info(), video.media_type()))
        }
    }
}

/// What a stored original is, to be made into renditions once more. How it must be turned was in its metadata, which it has
/// no more.
pub(super) fn inspect_stored(original: &[u8], orientation: u8, limits: &Limits) -> Result<Inspected, Failure> {
    Ok(match inspected(original, limits).map_err(failure)? {
        Inspected::Still(still) => Inspected::Still(inspect::Inspected { orientation, ..still }),
        other => other,
    })
}

/// Everything that is stored of an upload.
#[derive(Debug)]
pub(super) struct Pictures {
    /// The upload without metadata.
    pub(super) original: Vec<u8>,
    pub(super) media_type: &'static str,
    pub(super) kind: CaptureKind,
    /// Milliseconds.
    pub(super) duration: Option<i64>,
    /// Pixels of the upright picture.
    pub(super) width: i32,
    pub(super) height: i32,
    /// How the original must be turned, 1 to 8.
    pub(super) orientation: u8,
    /// Of the picture, or of the first one.
    pub(super) renditions: Vec<Rendition>,
    pub(super) backdrop: [u8; 3],
    pub(super) placeholder: Placeholder,
    pub(super) moves: Moves,
    /// Whether there is more to make of it later.
    pub(super) later: bool,
}

/// What there is of a capture that moves.
#[derive(Debug)]
pub(super) enum Moves {
    /// It does not.
    Not,
    /// A film of it, and the original in this encoding.
    Both { film: Vec<u8>, width: i32, height: i32, original: Encoding },
    /// The original plays everywhere.
    Original,
    /// It has to be made, which takes long.
    Later,
}

fn side(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

fn millis(duration: u64) -> i64 {
    i64::try_from(duration).unwrap_or(i64::MAX)
}

/// Strips and derives. The mark is put on; on a film later, and at once on the picture that stands for it.
pub(super) fn make(
    bytes: &[u8],
    inspected: Inspected,
    mark: Option<&Mark>,
    limits: &Limits,
    converter: &Converter,
) -> Result<Pictures, Failure> {
    match inspected {
        Inspected::Still(still) => make_still(bytes, still, mark, limits),
        Inspected::Animation(moving) => make_animation(bytes, moving, mark, limits, converter),
        Inspected::Film(..) => make_film(bytes, mark, limits, converter),
    }
}

fn make_still(
    bytes: &[u8],
    inspected: inspect::Inspected,
    mark: Option<&Mark>,
    limits: &Limits,
) -> Result<Pictures, Failure> {
    let original = strip(bytes).map_err(failure)?;
    let derived = derive::derive(&original, Some(inspected.orientation), mark, limits).map_err(failure)?;
    let Derived { width, height, renditions, backdrop, placeholder } = derived;
    Ok(Pictures {
        original,
        media_type: inspected.format.media_type(),
        kind: CaptureKind::Still,
        duration: None,
        width: side(width),
        height: side(height),
        orientation: inspected.orientation,
        renditions,
        backdrop,
        placeholder,
        moves: Moves::Not,
        later: true,
    })
}

fn make_animation(
    bytes: &[u8],
    inspected: animation::Inspected,
    mark: Option<&Mark>,
    limits: &Limits,
    converter: &Converter,
) -> Result<Pictures, Failure> {
    let limits = animation_limits(limits);
    let original = animation::strip(bytes, &limits).map_err(failure)?;
    let moving = animation::derive(converter.get()?, &original, mark, &limits).map_err(failure)?;
    let Moving { film, width, height, duration, poster } = moving;
    let Derived { renditions, backdrop, placeholder, .. } = poster;
    let encoding = match inspected.format {
        AnimationFormat::Gif => Encoding::Gif,
        AnimationFormat::WebP => Encoding::WebP,
        AnimationFormat::Png => Encoding::Png,
    };
    let (kind, duration, moves) = match film {
        Some(film) => {
            let moves = Moves::Both { film, width: side(width), height: side(height), original: encoding };
            (CaptureKind::Animation, Some(millis(duration)), moves)
        }
        None => (CaptureKind::Still, None, Moves::Not),
    };
    Ok(Pictures {
        original,
        media_type: inspected.format.media_type(),
        kind,
        duration,
        width: side(inspected.width),
        height: side(inspected.height),
        orientation: 1,
        renditions,
        backdrop,
        placeholder,
        moves,
        later: false,
    })
}

fn make_film(bytes: &[u8], mark: Option<&Mark>, limits: &Limits, converter: &Converter) -> Result<Pictures, Failure> {
    let original = match probe(bytes, &video_limits(limits)).map_err(failure)? {
        Video::Film(film) => cleaned(&film, bytes),
        Video::Webm(webm) => written(webm.plan(), bytes),
    };
    let original = original.map_err(failure)?;
    let video = probe(&original, &VideoLimits::default()).map_err(failure)?;
    let poster = match &video {
        Video::Film(film) => convert::poster(converter.get()?, &original, film, mark),
        Video::Webm(webm) => convert::webm_poster(converter.get()?, &original, webm, mark),
    };
    let Derived { width, height, renditions, backdrop, placeholder } = poster.map_err(failure)?;
    let moves = if plays(video.treatment(), video.info(), mark) { Moves::Original } else { Moves::Later };
    Ok(Pictures {
        original,
        media_type: video.media_type(),
        kind: CaptureKind::Film,
        duration: video.info().duration.map(millis),
        width: side(width),
        height: side(height),
        orientation: 1,
        renditions,
        backdrop,
        placeholder,
        later: matches!(moves, Moves::Later),
        moves,
    })
}

/// Whether a film is shown as it is.
fn plays(treatment: Treatment, info: &Info, mark: Option<&Mark>) -> bool {
    treatment == Treatment::Copy && !mark.is_some_and(|mark| convert::changes(mark, info))
}

/// What a conversion came to, which is an MP4.
fn walked(bytes: &[u8], limits: &VideoLimits) -> Result<Box<Film>, MediaError> {
    match probe(bytes, limits)? {
        Video::Film(film) => Ok(film),
        Video::Webm(_) => Err(FilmError::NotAFilm.into()),
    }
}

/// The film without metadata, its index first.
fn cleaned(film: &Film, bytes: &[u8]) -> Result<Vec<u8>, MediaError> {
    written(&film.plan()?, bytes)
}

fn written(plan: &Plan, bytes: &[u8]) -> Result<Vec<u8>, MediaError> {
    let mut clean = Vec::with_capacity(usize::try_from(plan.bytes()).unwrap_or(0).min(bytes.len() * 2));
    plan.write(bytes, &mut clean).map_err(|error| FilmError::Unreadable(error.kind()))?;
    Ok(clean)
}

/// AVIF of a stored original.
pub(super) fn make_avif(
    original: &[u8],
    orientation: u8,
    mark: Option<&Mark>,
    limits: &Limits,
) -> Result<Vec<Rendition>, Failure> {
    derive::avif(original, Some(orientation), mark, limits, NonZeroUsize::MIN).map_err(failure)
}

/// What [`make_avif`] holds in memory at most.
pub(super) fn avif_cost(original: &[u8], limits: &Limits) -> Result<Cost, Failure> {
    let inspected = inspect::inspect(original, limits).map_err(failure)?;
    Ok(Cost { waiting: original.len() as u64, working: inspected.second_stage_memory_bytes() })
}

/// A film that every browser plays, with what is put on it.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) film: Vec<u8>,
    pub(super) width: i32,
    pub(super) height: i32,
    /// Milliseconds.
    pub(super) duration: Option<i64>,
}

/// Encodes a stored film anew; `None` if it is shown as it is.
pub(super) fn convert_film(
    original: &[u8],
    mark: Option<&Mark>,
    converter: &Converter,
) -> Result<Option<Converted>, Failure> {
    let limits = VideoLimits::default();
    let video = probe(original, &limits).map_err(failure)?;
    if plays(video.treatment(), video.info(), mark) {
        return Ok(None);
    }
    let mut fragments = Bounded(Vec::new());
    let converted = convert::transcode(converter.get()?, original, &video, mark, &limits, &mut fragments);
    converted.map_err(|error| match error {
        // It would be as long another time.
        MediaError::Film(FilmError::Unreadable(io::ErrorKind::FileTooLarge)) => Code::FileLong.into(),
        error => failure(error),
    })?;
    let Bounded(fragments) = fragments;
    let walked = walked(&fragments, &limits).map_err(failure)?;
    let Info { width, height, duration, .. } = walked.info;
    let film = cleaned(&walked, &fragments).map_err(failure)?;
    Ok(Some(Converted { film, width: side(width), height: side(height), duration: duration.map(millis) }))
}

/// What [`convert_film`] holds in memory at most.
pub(super) fn conversion_cost(original: &[u8]) -> Cost {
    let waiting = original.len() as u64;
    // The fragments and the film made of them are there at once, and both may be larger than what came.
    Cost { waiting, working: CONVERTER_BYTES + (4 * waiting).max(2 * CONVERTED_BYTES as u64) }
}

/// Memory that is not filled without an end.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > CONVERTED_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a refused file becomes: a code for the client, and the reason in the log where it is our fault.
pub(super) fn failure(error: MediaError) -> Failure {
    match logos_code(error) {
        Code::Internal => Failure::internal("a file could not be worked on", error),
        Code::Busy => Failure::Busy(format!("a film or animation was not finished: {error}")),
        code => code.into(),
    }
}

/// Whether the declared type is what the file holds. Programs that know no better declare none, or bytes.
pub(super) fn check_declared(declared: Option<&str>, inspected: &Inspected) -> Result<(), Code> {
    let declared = declared.and_then(|text| text.split(';').next()).map(|text| text.trim().to_ascii_lowercase());
    match (declared.as_deref(), inspected.media_type()) {
        (None | Some("" | "application/octet-stream"), _) => Ok(()),
        // Not registered, but sent by many.
        (Some("image/jpg" | "image/pjpeg"), "image/jpeg") => Ok(()),
        // The family's name, which some cameras and browsers use for its one coding that phones write.
        (Some("image/heif"), "image/heic") => Ok(()),
        // Few know the name of its own that a PNG has which moves.
        (Some("image/png"), "image/apng") => Ok(()),
        (Some("video/quicktime" | "video/x-m4v"), "video/mp4") => Ok(()),
        // One family: browsers call by its name what they record in codecs of others, and files by their extension.
        (Some("video/webm" | "video/x-matroska" | "video/matroska"), "video/webm" | "video/x-matroska") => Ok(()),
        (Some(text), is) if text == is => Ok(()),
        (Some(_), _) => Err(Code::FileMismatch),
    }
}

#[cfg(test)]
mod tests {
    use shutterpost_media::inspect::SourceFormat;
    use shutterpost_media::video::exercise;

    use super::*;

    #[test]
    fn a_wrong_declaration_is_refused() {
        let still = |format| inspect::Inspected { format, width: 1, height: 1, orientation: 1, memory_bytes: 0 };
        let [jpeg, png, heic] =
            [SourceFormat::Jpeg, SourceFormat::Png, SourceFormat::Heic].map(|kind| Inspected::Still(still(kind)));
        let moving = animation::Inspected { format: AnimationFormat::Png, width: 1, height: 1, frames: 2, duration: 1 };
        let moving = Inspected::Animation(moving);
        let recorded = exercise::webm(exercise::Way::Recorded, b"");
        let webm = inspected(&recorded, &Limits::default()).expect("is a film");
        for (declared, inspected, expected) in [
            (None, jpeg, Ok(())),
            (Some("image/jpeg"), jpeg, Ok(())),
            (Some("IMAGE/JPG; q=1"), jpeg, Ok(())),
            (Some("application/octet-stream"), jpeg, Ok(())),
            (Some("image/png"), jpeg, Err(Code::FileMismatch)),
            (Some("text/html"), jpeg, Err(Code::FileMismatch)),
            (Some("image/heif"), jpeg, Err(Code::FileMismatch)),
            (Some("image/heic"), heic, Ok(())),
            (Some("image/heif"), heic, Ok(())),
            (Some("image/avif"), heic, Err(Code::FileMismatch)),
            (Some("image/apng"), png, Err(Code::FileMismatch)),
            (Some("image/apng"), moving, Ok(())),
            (Some("image/png"), moving, Ok(())),
            (Some("video/mp4"), moving, Err(Code::FileMismatch)),
            (Some("video/webm;codecs=vp8,opus"), webm, Ok(())),
            (Some("video/matroska"), webm, Ok(())),
            (Some("video/mp4"), webm, Err(Code::FileMismatch)),
            (Some("video/webm"), moving, Err(Code::FileMismatch)),
        ] {
            assert_eq!(check_declared(declared, &inspected), expected, "{declared:?}");
        }
    }

    #[test]
    fn converting_does_not_fill_the_memory() {
        let mut bounded = Bounded(vec![0; CONVERTED_BYTES - 2]);
        assert_eq!(bounded.write(&[1, 2]).expect("fits"), 2);
        assert_eq!(bounded.write(&[3]).expect_err("is too much").kind(), io::ErrorKind::FileTooLarge);
    }
}
