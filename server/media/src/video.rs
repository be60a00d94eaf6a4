//! Films: what a file claims to be, and the same film cleaned, without decoding anything and without ffmpeg.
//!
//! [`probe`] walks the boxes of an MP4 or MOV file, or the elements of WebM and Matroska, from any [`Source`]. It reads
//! the index of the film, or the heads of its blocks, never its pictures. What it accepts has one track of pictures, at most
//! one of sound, and tables that agree with each other; the film that [`Film::plan`] or [`Webm::plan`] describes is written
//! anew from those: index first, nothing of the original but the samples of both tracks and the set-up of their codecs.
//! Places, dates, names of makers and programs, further tracks (positions, time code, thumbnails) and bytes between the
//! samples have no way into it.

mod boxes;
mod ebml;
mod entry;
mod fragments;
mod h264;
mod mp4;
mod plan;
mod source;
mod tables;
mod track;
mod webm;
mod write;

pub mod exercise;

use std::fmt;

pub use plan::{Plan, PlanReader, Segment};
pub use source::Source;
pub use webm::Webm;

use crate::error::{FilmError, MediaError};
use crate::video::entry::{Sound, Visual};
use crate::video::track::Track;

/// What is accepted. The limits hold before anything of that size is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoLimits {
    /// Size of the file in bytes.
    pub max_bytes: u64,
    /// How long it lasts, in seconds.
    pub max_seconds: u64,
    /// Tracks of any kind.
    pub max_tracks: u32,
    /// The longer side in pixels.
    pub max_side: u32,
    /// Width times height.
    pub max_pixels: u64,
    /// Pictures in a second, on average.
    pub max_frame_rate: u32,
    /// Size of the index in bytes: it is read as a whole.
    pub max_index_bytes: u64,
    /// Samples of a track in fragments, where the index grows while it is read.
    pub max_samples: u64,
    /// Places in the file where samples of a track begin.
    pub max_chunks: u64,
}

impl Default for VideoLimits {
    /// 20 GB, four hours, 16 tracks, 8192 pixels a side, 36 megapixels, 240 pictures a second, an index of 32 MB.
    fn default() -> VideoLimits {
        VideoLimits {
            max_bytes: 20_000_000_000,
            max_seconds: 4 * 3600,
            max_tracks: 16,
            max_side: 8192,
            max_pixels: 36_000_000,
            max_frame_rate: 240,
            max_index_bytes: 32_000_000,
            max_samples: 4_000_000,
            max_chunks: 1_000_000,
        }
    }
}

/// How pictures are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    H264,
    Hevc,
    Av1,
    Vp9,
    Vp8,
    /// MPEG-4 part 2.
    Mpeg4,
    ProRes,
    /// A JPEG for each picture.
    Jpeg,
    Other,
}

/// How sound is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AudioCodec {
    Aac,
    Mp3,
    Opus,
    Vorbis,
    Pcm,
    Ac3,
    Alac,
    Other,
}

/// What a film is, as far as its container says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Info {
    /// In pixels, as shown, that is, after turning.
    pub width: u32,
    /// In pixels, as shown.
    pub height: u32,
    /// Clockwise, in degrees: 0, 90, 180 or 270.
    pub rotation: u16,
    /// In milliseconds; `None` where only playing it would tell.
    pub duration: Option<u64>,
    /// Pictures in a second, on average, if the container says.
    pub frame_rate: Option<f64>,
    pub video: VideoCodec,
    pub audio: Option<AudioCodec>,
    /// Of all kinds, also those that a cleaned film does not have.
    pub tracks: u32,
    /// Recorded in pieces; a cleaned film never is.
    pub fragmented: bool,
    /// Recorded with more light than usual screens show (HDR: PQ or HLG), as far as the container says.
    pub bright: bool,
}

/// What has to be done with a film so that every browser plays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// [`Film::plan`] is enough.
    Copy,
    /// It must be encoded again, for this reason.
    Convert(&'static str),
}

/// A file with moving pictures and sound.
#[derive(Debug)]
pub enum Video {
    /// MP4 or MOV.
    Film(Box<Film>),
    /// WebM or Matroska, which are always converted.
    Webm(Box<Webm>),
}

impl Video {
    pub fn info(&self) -> &Info {
        match self {
            Video::Film(film) => &film.info,
            Video::Webm(webm) => &webm.info,
        }
    }

    pub fn treatment(&self) -> Treatment {
        match self {
            Video::Film(film) => film.treatment(),
            Video::Webm(_) => Treatment::Convert("WebM or Matroska"),
        }
    }

    /// The media type of the film when it is cleaned: MOV becomes MP4.
    pub fn media_type(&self) -> &'static str {
        match self {
            Video::Film(_) => "video/mp4",
            Video::Webm(webm) => webm.media_type(),
        }
    }
}

/// An MP4 or MOV file that is sound.
pub struct Film {
    pub info: Info,
    /// H.264 as every browser decodes it.
    plain: bool,
    /// Units of a second for the edits of tracks.
    scale: u32,
    pictures: Track<Visual>,
    sound: Option<Track<Sound>>,
}

impl fmt::Debug for Film {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Film").field("info", &self.info).field("plain", &self.plain).finish_non_exhaustive()
    }
}

impl Film {
    /// Whether copying will do. H.264 of 8 bits and 4:2:0 in at most 1920 x 1080 and 60 pictures a second, with AAC or
    /// without sound, is played by everything; the rest is not.
    pub fn treatment(&self) -> Treatment {
        let Info { width, height, frame_rate, video, audio, .. } = self.info;
        if video != VideoCodec::H264 {
            Treatment::Convert("not H.264")
        } else if self.info.bright {
            Treatment::Convert("light that usual screens do not show")
        } else if !self.plain {
            Treatment::Convert("a kind of H.264 that browsers do not play")
        } else if width.max(height) > 1920 || width.min(height) > 1088 {
            Treatment::Convert("larger than 1920 x 1080")
        } else if frame_rate.is_some_and(|rate| rate > 61.0) {
            Treatment::Convert("more than 60 frames a second")
        } else if audio.is_some_and(|audio| audio != AudioCodec::Aac) {
            Treatment::Convert("sound other than AAC")
        } else {
            Treatment::Copy
        }
    }

    /// The film without metadata, its index first.
    ///
    /// # Errors
    /// Where the pieces of the tracks cannot be laid out; a film that was probed can.
    pub fn plan(&self) -> Result<Plan, MediaError> {
        write::plan(self.scale, &self.pictures, self.sound.as_ref())
    }

    /// A film of one picture to show for this one: the last that can be decoded alone within the first second.
    ///
    /// # Errors
    /// [`FilmError::NoPictures`] where there is none.
    pub fn poster_plan(&self) -> Result<Plan, MediaError> {
        let Track { kind, id, enabled, scale, rotation, shown, tables, .. } = &self.pictures;
        let tables = tables.still(u64::from(*scale)).ok_or(FilmError::NoPictures)?;
        let kind = Visual {
            codec: kind.codec,
            width: kind.width,
            height: kind.height,
            plain: kind.plain,
            bright: kind.bright,
            entries: entry::Entries { count: kind.entries.count, bytes: kind.entries.bytes.clone() },
        };
        let (id, enabled, rotation, shown) = (*id, *enabled, *rotation, *shown);
        let still = Track { kind, id, enabled, scale: 1, rotation, shown, edits: Vec::new(), tables };
        write::plan(1, &still, None)
    }
}

/// Looks at a film. Reads its index, at most [`VideoLimits::max_index_bytes`], and of WebM and Matroska the head of every
/// block, in pieces of a few kilobytes.
///
/// # Errors
/// [`MediaError`]: empty, too large, not a film, unsupported, cut off, damaged, beyond a limit.
pub fn probe<S: Source + ?Sized>(source: &S, limits: &VideoLimits) -> Result<Video, MediaError> {
    let bytes = source.size().map_err(unreadable)?;
    if bytes == 0 {
        return Err(MediaError::Empty);
    }
    if bytes > limits.max_bytes {
        return Err(MediaError::TooLarge { bytes, limit: limits.max_bytes });
    }
    let mut head = vec![0; bytes.min(12) as usize];
    source.read_at(0, &mut head).map_err(unreadable)?;
    if is_webm(&head) {
        return Ok(Video::Webm(Box::new(webm::read(source, bytes, limits)?)));
    }
    if is_film(&head) {
        return Ok(Video::Film(Box::new(mp4::read(source, bytes, limits)?)));
    }
    Err(FilmError::NotAFilm.into())
}

/// Whether a file begins as MP4 or MOV do. HEIC and AVIF begin so as well and are pictures.
pub(crate) fn is_film(head: &[u8]) -> bool {
    const PICTURES: [&[u8]; 8] = [b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"avif", b"avis"];
    match head.get(4..8) {
        Some(b"ftyp") => head.get(8..12).is_some_and(|brand| !PICTURES.contains(&brand) && brand != b"msf1"),
        // QuickTime once knew no `ftyp`.
        Some(b"moov" | b"mdat" | b"wide" | b"free" | b"skip") => true,
        _ => false,
    }
}

/// Whether a file begins as WebM and Matroska do.
pub(crate) fn is_webm(head: &[u8]) -> bool {
    head.starts_with(&[0x1A, 0x45, 0xDF, 0xA3])
}

fn unreadable(error: std::io::Error) -> MediaError {
    FilmError::Unreadable(error.kind()).into()
}

/// Checks the size of pictures before anybody decodes them.
fn check_size(width: u32, height: u32, limits: &VideoLimits) -> Result<(), MediaError> {
    if width == 0 || height == 0 {
        return Err(MediaError::Malformed("a side of zero pixels"));
    }
    if width.max(height) > limits.max_side || u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(MediaError::TooManyPixels { width, height });
    }
    Ok(())
}
