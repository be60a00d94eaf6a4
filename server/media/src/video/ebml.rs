//! WebM and Matroska: just enough of their elements to know what is inside, and that it is no bomb. They are always
//! converted, so that nothing of them is kept.

use crate::error::{FilmError, MediaError};
use crate::video::source::Source;
use crate::video::{AudioCodec, Info, VideoCodec, VideoLimits, check_size, unreadable};

/// Elements looked at before the first pictures.
const MAX_ELEMENTS: usize = 1000;
/// Of the description of all tracks, and of the film's.
const MAX_LOADED_BYTES: u64 = 1_000_000;

const ODD: MediaError = MediaError::Malformed("an element that does not fit into the one around it");

const EBML: u32 = 0x1A45_DFA3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const SEGMENT_INFO: u32 = 0x1549_A966;
const TRACKS: u32 = 0x1654_AE6B;
const CLUSTER: u32 = 0x1F43_B675;

/// An element without its payload.
struct Element {
    id: u32,
    header_bytes: u64,
    /// Of the payload; `None` where the writer did not know.
    bytes: Option<u64>,
}

pub(super) fn probe<S: Source + ?Sized>(source: &S, bytes: u64, limits: &VideoLimits) -> Result<Info, MediaError> {
    let head = read_element(source, 0, bytes)?;
    let length = head.bytes.filter(|length| *length <= 4096).ok_or(ODD)?;
    let doc = load(source, head.header_bytes, length, bytes)?;
    let doc_type = children(&doc).find_map(|child| child.ok().filter(|(id, _)| *id == DOC_TYPE));
    if head.id != EBML || !doc_type.is_some_and(|(_, name)| name == b"webm" || name == b"matroska") {
        return Err(FilmError::NotAFilm.into());
    }
    let mut at = head.header_bytes + length;
    let segment = read_element(source, at, bytes)?;
    if segment.id != SEGMENT {
        return Err(ODD);
    }
    at += segment.header_bytes;
    if segment.bytes.is_some_and(|length| length > bytes - at.min(bytes)) {
        return Err(MediaError::Truncated);
    }

    let (mut duration, mut tracks) = (None, None);
    for _ in 0..MAX_ELEMENTS {
        let element = read_element(source, at, bytes)?;
        at += element.header_bytes;
        if element.id == CLUSTER {
            let tracks: Tracks = tracks.ok_or(FilmError::NoPictures)?;
            return tracks.info(duration, limits);
        }
        let length = element.bytes.ok_or(ODD)?;
        let end = at.checked_add(length).filter(|end| *end <= bytes).ok_or(MediaError::Truncated)?;
        match element.id {
            SEGMENT_INFO => duration = read_duration(&load(source, at, length, bytes)?)?,
            TRACKS if tracks.is_some() => return Err(MediaError::Malformed("tracks described twice")),
            TRACKS => tracks = Some(read_tracks(&load(source, at, length, bytes)?, limits)?),
            // Attachments, chapters, tags, cues: stepped over.
            _ => {}
        }
        at = end;
    }
    Err(MediaError::Malformed("more elements than any film has"))
}

/// What the tracks say.
struct Tracks {
    count: u32,
    video: VideoCodec,
    audio: Option<AudioCodec>,
    width: u32,
    height: u32,
    frame_rate: Option<f64>,
}

impl Tracks {
    fn info(self, duration: Option<f64>, limits: &VideoLimits) -> Result<Info, MediaError> {
        let Tracks { count, video, audio, width, height, frame_rate } = self;
        check_size(width, height, limits)?;
        if duration.is_some_and(|seconds| seconds > limits.max_seconds as f64) {
            return Err(FilmError::TooLong { limit: limits.max_seconds }.into());
        }
        if frame_rate.is_some_and(|rate| rate > f64::from(limits.max_frame_rate)) {
            return Err(FilmError::TooFast { limit: limits.max_frame_rate }.into());
        }
        Ok(Info {
            width,
            height,
            rotation: 0,
            duration: duration.map(|seconds| (seconds * 1000.0).round() as u64),
            frame_rate,
            video,
            audio,
            tracks: count,
            fragmented: false,
            bright: false,
        })
    }
}

fn read_element<S: Source + ?Sized>(source: &S, at: u64, bytes: u64) -> Result<Element, MediaError> {
    let left = bytes.checked_sub(at).filter(|left| *left > 0).ok_or(MediaError::Truncated)?;
    let mut head = vec![0; left.min(12) as usize];
    source.read_at(at, &mut head).map_err(unreadable)?;
    element(&head).ok_or(if left < 12 { MediaError::Truncated } else { ODD })
}

fn element(bytes: &[u8]) -> Option<Element> {
    let first = *bytes.first()?;
    let id_bytes = first.leading_zeros() as usize + 1;
    let id = bytes.get(..id_bytes).filter(|_| id_bytes <= 4)?;
    let rest = bytes.get(id_bytes..)?;
    let marker = *rest.first()?;
    let length_bytes = marker.leading_zeros() as usize + 1;
    let length = rest.get(..length_bytes).filter(|_| length_bytes <= 8)?;
    let all_ones = (1_u64 << (7 * length_bytes)) - 1;
    let length = number(length) & all_ones;
    Some(Element {
        id: number(id) as u32,
        header_bytes: (id_bytes + length_bytes) as u64,
        bytes: (length != all_ones).then_some(length),
    })
}

fn load<S: Source + ?Sized>(source: &S, at: u64, length: u64, bytes: u64) -> Result<Vec<u8>, MediaError> {
    if length > MAX_LOADED_BYTES {
        return Err(MediaError::Malformed("a description larger than any film has"));
    }
    if at.checked_add(length).is_none_or(|end| end > bytes) {
        return Err(MediaError::Truncated);
    }
    let mut loaded = vec![0; length as usize];
    source.read_at(at, &mut loaded).map_err(unreadable)?;
    Ok(loaded)
}

fn children(bytes: &[u8]) -> impl Iterator<Item = Result<(u32, &[u8]), MediaError>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let read = element(rest).and_then(|element| {
            let from = element.header_bytes as usize;
            let end = from.checked_add(usize::try_from(element.bytes?).ok()?)?;
            let payload = rest.get(from..end)?;
            rest = rest.get(end..)?;
            Some((element.id, payload))
        });
        if read.is_none() {
            rest = &[];
        }
        Some(read.ok_or(ODD))
    })
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn float(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => Some(f64::from(f32::from_bits(number(bytes) as u32))),
        8 => Some(f64::from_bits(number(bytes))),
        _ => None,
    }
}

/// In seconds; a recorder that was cut off never wrote it.
fn read_duration(info: &[u8]) -> Result<Option<f64>, MediaError> {
    const SCALE: u32 = 0x2A_D7B1;
    const DURATION: u32 = 0x4489;
    let (mut nanoseconds, mut duration) = (1_000_000, None);
    for child in children(info) {
        match child? {
            (SCALE, value) => nanoseconds = number(value),
            (DURATION, value) => duration = float(value),
            _ => {}
        }
    }
    let seconds = duration.map(|duration| duration * nanoseconds as f64 / 1e9);
    match seconds {
        Some(seconds) if !seconds.is_finite() || seconds < 0.0 => {
            Err(MediaError::Malformed("a duration that no film has"))
        }
        seconds => Ok(seconds),
    }
}

fn read_tracks(tracks: &[u8], limits: &VideoLimits) -> Result<Tracks, MediaError> {
    const ENTRY: u32 = 0xAE;
    const TYPE: u32 = 0x83;
    const CODEC: u32 = 0x86;
    const FRAME: u32 = 0x23_E383;
    const VIDEO: u32 = 0xE0;
    const WIDTH: u32 = 0xB0;
    const HEIGHT: u32 = 0xBA;
    let (mut count, mut video, mut audio) = (0, None, None);
    let (mut width, mut height, mut frame_rate) = (0, 0, None);
    for child in children(tracks) {
        let (ENTRY, entry) = child? else { continue };
        count += 1;
        if count > limits.max_tracks {
            return Err(FilmError::TooManyTracks { limit: limits.max_tracks }.into());
        }
        let (mut kind, mut codec, mut nanoseconds) = (0, &[][..], 0);
        let (mut across, mut down) = (0, 0);
        for child in children(entry) {
            match child? {
                (TYPE, value) => kind = number(value),
                (CODEC, value) => codec = value,
                (FRAME, value) => nanoseconds = number(value),
                (VIDEO, value) => {
                    for child in children(value) {
                        match child? {
                            (WIDTH, value) => across = number(value),
                            (HEIGHT, value) => down = number(value),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        match kind {
            1 if video.is_none() => {
                video = Some(video_codec(codec));
                width = u32::try_from(across).unwrap_or(u32::MAX);
                height = u32::try_from(down).unwrap_or(u32::MAX);
                frame_rate = (nanoseconds > 0).then(|| 1e9 / nanoseconds as f64);
            }
            2 if audio.is_none() => audio = Some(audio_codec(codec)),
            // Subtitles and the rest go.
            _ => {}
        }
    }
    let video = video.ok_or(FilmError::NoPictures)?;
    Ok(Tracks { count, video, audio, width, height, frame_rate })
}

fn video_codec(name: &[u8]) -> VideoCodec {
    match name {
        b"V_MPEG4/ISO/AVC" => VideoCodec::H264,
        b"V_MPEGH/ISO/HEVC" => VideoCodec::Hevc,
        b"V_AV1" => VideoCodec::Av1,
        b"V_VP9" => VideoCodec::Vp9,
        b"V_VP8" => VideoCodec::Vp8,
        _ => VideoCodec::Other,
    }
}

fn audio_codec(name: &[u8]) -> AudioCodec {
    match name {
        b"A_OPUS" => AudioCodec::Opus,
        b"A_VORBIS" => AudioCodec::Vorbis,
        b"A_MPEG/L3" => AudioCodec::Mp3,
        name if name.starts_with(b"A_AAC") => AudioCodec::Aac,
        name if name.starts_with(b"A_PCM") => AudioCodec::Pcm,
        name if name.starts_with(b"A_AC3") => AudioCodec::Ac3,
        _ => AudioCodec::Other,
    }
}
