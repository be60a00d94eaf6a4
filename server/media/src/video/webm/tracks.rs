//! The tracks of WebM and Matroska: which are kept, and what is said of them.

use crate::error::{FilmError, MediaError};
use crate::video::ebml::{ODD, children, float, number, written, written_number};
use crate::video::webm::setup::{self, Pictures};
use crate::video::{AudioCodec, VideoCodec, VideoLimits};

const ENTRY: u32 = 0xAE;
const NUMBER: u32 = 0xD7;
const UID: u32 = 0x73C5;
const TYPE: u32 = 0x83;
const LANGUAGE: u32 = 0x22_B59C;
const CODEC: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63A2;
const ENCODINGS: u32 = 0x6D80;
const FRAME: u32 = 0x23_E383;
const CODEC_DELAY: u32 = 0x56AA;
const SEEK_PREROLL: u32 = 0x56BB;
const VIDEO: u32 = 0xE0;
const WIDTH: u32 = 0xB0;
const HEIGHT: u32 = 0xBA;
const COLOUR: u32 = 0x55B0;
const TRANSFER: u32 = 0x55BA;
const AUDIO: u32 = 0xE1;

/// Of pictures: width and height, those in which they are shown and in which unit, lines, and their order.
const OF_VIDEO: [u32; 7] = [WIDTH, HEIGHT, 0x54B0, 0x54BA, 0x54B2, 0x9A, 0x9D];
/// Matrix, bits, where colours are less and lie, range, transfer, primaries, and how bright it becomes.
const OF_COLOUR: [u32; 13] =
    [0x55B1, 0x55B2, 0x55B3, 0x55B4, 0x55B5, 0x55B6, 0x55B7, 0x55B8, 0x55B9, TRANSFER, 0x55BB, 0x55BC, 0x55BD];
/// Of sound: rates; channels and bits.
const RATES: [u32; 2] = [0xB5, 0x78B5];
const OF_AUDIO: [u32; 2] = [0x9F, 0x6264];
/// PQ and HLG.
const BRIGHT: [u64; 2] = [16, 18];

/// A track that is kept.
pub(super) struct Track {
    pub(super) number: u64,
    /// What is said of it, written anew.
    pub(super) entry: Vec<u8>,
    /// How long a picture is shown in nanoseconds, or zero.
    frame: u64,
}

impl Track {
    /// Pictures in a second, as the file has it.
    pub(super) fn claimed_rate(&self) -> Option<f64> {
        (self.frame > 0).then(|| 1e9 / self.frame as f64)
    }
}

/// What is known of all tracks.
pub(super) struct Tracks {
    pub(super) count: u32,
    pub(super) video: VideoCodec,
    /// In pixels, as coded.
    pub(super) width: u32,
    pub(super) height: u32,
    /// Light beyond what usual screens show: PQ or HLG.
    pub(super) bright: bool,
    pub(super) pictures: Track,
    pub(super) sound: Option<(Track, AudioCodec)>,
}

impl Tracks {
    pub(super) fn sound_number(&self) -> Option<u64> {
        self.sound.as_ref().map(|(track, _)| track.number)
    }
}

/// Reads all tracks and keeps the first with pictures and the first with sound.
pub(super) fn read(tracks: &[u8], limits: &VideoLimits) -> Result<Tracks, MediaError> {
    let mut count = 0;
    let (mut pictures, mut sound) = (None, None);
    for child in children(tracks) {
        let (ENTRY, entry) = child? else { continue };
        count += 1;
        if count > limits.max_tracks {
            return Err(FilmError::TooManyTracks { limit: limits.max_tracks }.into());
        }
        match first(entry, TYPE)?.map(number) {
            Some(1) if pictures.is_none() => pictures = Some(read_pictures(entry)?),
            Some(2) if sound.is_none() => sound = Some(read_sound(entry)?),
            // Subtitles and the rest go.
            _ => {}
        }
    }
    let (pictures, Pictures { codec, width, height, .. }, bright) = pictures.ok_or(FilmError::NoPictures)?;
    if sound.as_ref().is_some_and(|(track, _): &(Track, _)| track.number == pictures.number) {
        return Err(MediaError::Malformed("two tracks of one number"));
    }
    Ok(Tracks { count, video: codec, width, height, bright, pictures, sound })
}

fn read_pictures(entry: &[u8]) -> Result<(Track, Pictures, bool), MediaError> {
    let video = first(entry, VIDEO)?.ok_or(MediaError::Malformed("pictures without a size"))?;
    let mut pictures = setup::pictures(first(entry, CODEC)?.unwrap_or_default(), first(entry, CODEC_PRIVATE)?)?;
    let mut said = numbers(video, &OF_VIDEO)?;
    let mut bright = false;
    if let Some(colour) = first(video, COLOUR)? {
        let transfer = first(colour, TRANSFER)?.map(number);
        bright = transfer.is_some_and(|transfer| BRIGHT.contains(&transfer));
        said.extend(written(COLOUR, &[&numbers(colour, &OF_COLOUR)?]));
    }
    let side = |id: u32| Ok::<u32, MediaError>(first(video, id)?.map_or(0, |side| clamped(number(side))));
    // What the codec's set-up says counts as well: it is what will be decoded.
    pictures.width = pictures.width.max(side(WIDTH)?);
    pictures.height = pictures.height.max(side(HEIGHT)?);
    let parts = [pictures.setup.as_slice(), &written(VIDEO, &[&said])];
    Ok((track(entry, 1, pictures.name, &parts)?, pictures, bright))
}

fn read_sound(entry: &[u8]) -> Result<(Track, AudioCodec), MediaError> {
    let (name, codec, setup) = setup::sound(first(entry, CODEC)?.unwrap_or_default(), first(entry, CODEC_PRIVATE)?)?;
    let audio = first(entry, AUDIO)?.unwrap_or_default();
    let mut said = numbers(audio, &OF_AUDIO)?;
    for id in RATES {
        if let Some(rate) = first(audio, id)?.filter(|rate| !rate.is_empty()) {
            let rate = float(rate).filter(|rate| rate.is_finite() && *rate > 0.0).ok_or(ODD)?;
            said.extend(written(id, &[&rate.to_be_bytes()]));
        }
    }
    Ok((track(entry, 2, name, &[&setup, &written(AUDIO, &[&said])])?, codec))
}

/// A track with a number as its only name.
fn track(entry: &[u8], kind: u64, codec: &str, parts: &[&[u8]]) -> Result<Track, MediaError> {
    if first(entry, ENCODINGS)?.is_some() {
        return Err(MediaError::Unsupported("a film that is encrypted or packed once more"));
    }
    // As many bits as the number of a block may have.
    let number = first(entry, NUMBER)?.map(number).filter(|number| (1..1 << 56).contains(number)).ok_or(ODD)?;
    let said = [
        written_number(NUMBER, number),
        written_number(UID, number),
        written_number(TYPE, kind),
        written(LANGUAGE, &[b"und"]),
        written(CODEC, &[codec.as_bytes()]),
        numbers(entry, &[FRAME, CODEC_DELAY, SEEK_PREROLL])?,
    ];
    let frame = first(entry, FRAME)?.map_or(0, self::number);
    Ok(Track { number, entry: written(ENTRY, &[&said.concat(), &parts.concat()]), frame })
}

/// The first element of this name.
fn first(payload: &[u8], id: u32) -> Result<Option<&[u8]>, MediaError> {
    let mut found = None;
    for child in children(payload) {
        let (name, value) = child?;
        if name == id && found.is_none() {
            found = Some(value);
        }
    }
    Ok(found)
}

/// Those of these elements that are there, which hold numbers, written anew. An empty one stands for what goes without saying.
fn numbers(payload: &[u8], ids: &[u32]) -> Result<Vec<u8>, MediaError> {
    let mut written = Vec::new();
    for id in ids {
        match first(payload, *id)? {
            Some(value) if value.len() > 8 => return Err(ODD),
            Some(value) if !value.is_empty() => written.extend(written_number(*id, number(value))),
            _ => {}
        }
    }
    Ok(written)
}

fn clamped(side: u64) -> u32 {
    u32::try_from(side).unwrap_or(u32::MAX)
}
