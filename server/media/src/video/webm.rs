//! WebM and Matroska: walked to the last block, and the same film cleaned.
//!
//! What comes out is written anew: a header of our own, the description of one track of pictures and at most one of sound
//! with nothing in it but what decoders need, and clusters that hold the time and the blocks of these tracks. An element
//! that is not named here has no way into it: tags, titles, dates, names of programs, chapters, attachments, further
//! tracks, and what lies in padding. The blocks themselves are ranges of the source, so no film is in memory.

mod clusters;
mod setup;
mod tracks;

use std::fmt;

use crate::error::{FilmError, MediaError};
use crate::video::ebml::{ODD, Window, children, float, head, number, written, written_number};
use crate::video::plan::{Plan, Segment};
use crate::video::source::Source;
use crate::video::webm::clusters::{Block, Clusters, Cue};
use crate::video::webm::tracks::Tracks;
use crate::video::{Info, VideoLimits, check_size};

/// Elements looked at beside the clusters: more than any film has, of which each may be as short as two bytes.
const MAX_ELEMENTS: usize = 1000;
/// Of the header of the file.
const MAX_HEAD_BYTES: u64 = 4096;
/// Of a second and less; a unit of time beyond it is no film's.
const MAX_SCALE: u64 = 1_000_000_000;

const EBML: u32 = 0x1A45_DFA3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const SEGMENT_INFO: u32 = 0x1549_A966;
const SCALE: u32 = 0x2A_D7B1;
const DURATION: u32 = 0x4489;
const TRACKS: u32 = 0x1654_AE6B;
const CUES: u32 = 0x1C53_BB6B;
const CLUSTER: u32 = 0x1F43_B675;
const TIMESTAMP: u32 = 0xE7;

/// A WebM or Matroska file that is sound.
pub struct Webm {
    pub info: Info,
    is_webm: bool,
    plan: Plan,
    still: Plan,
}

impl fmt::Debug for Webm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webm").field("info", &self.info).field("is_webm", &self.is_webm).finish_non_exhaustive()
    }
}

impl Webm {
    /// The film without metadata, its index before its pictures.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A film of one picture to show for this one: the last that can be decoded alone within the first second.
    pub fn poster_plan(&self) -> &Plan {
        &self.still
    }

    /// The media type of the cleaned film.
    pub fn media_type(&self) -> &'static str {
        if self.is_webm { "video/webm" } else { "video/x-matroska" }
    }
}

/// What is said of the film as a whole.
struct Described {
    /// Nanoseconds of a unit of time.
    scale: u64,
    /// In units of time.
    duration: Option<f64>,
}

pub(super) fn read<S: Source + ?Sized>(source: &S, bytes: u64, limits: &VideoLimits) -> Result<Webm, MediaError> {
    let mut window = Window::new(source, bytes);
    let (is_webm, at) = read_head(&mut window, bytes)?;
    let (segment, behind) = window.element(at, bytes)?;
    if segment.id != SEGMENT {
        return Err(ODD);
    }
    // Recorders that do not know how much will come leave the length open.
    let end = behind.unwrap_or(bytes);
    let mut at = segment.from;
    let mut described = Described { scale: 1_000_000, duration: None };
    let (mut tracks, mut clusters): (Option<Tracks>, Option<Clusters>) = (None, None);
    let mut others = 0;
    while at < end {
        let (element, behind) = window.element(at, end)?;
        if element.id == CLUSTER {
            let tracks = tracks.as_ref().ok_or(FilmError::NoPictures)?;
            let clusters = clusters.get_or_insert_with(|| Clusters::new(tracks, &described, limits));
            at = clusters.read(&mut window, element, behind.unwrap_or(end), end)?;
            continue;
        }
        // Another film behind this one.
        if segment.bytes.is_none() && matches!(element.id, EBML | SEGMENT) {
            break;
        }
        others += 1;
        if others > MAX_ELEMENTS {
            return Err(MediaError::Malformed("more elements than any film has"));
        }
        match element.id {
            SEGMENT_INFO if clusters.is_some() => {
                return Err(MediaError::Malformed("a unit of time that comes too late"));
            }
            SEGMENT_INFO => described = read_description(&window.load(element)?)?,
            TRACKS if tracks.is_some() => return Err(MediaError::Malformed("tracks described twice")),
            TRACKS => tracks = Some(tracks::read(&window.load(element)?, limits)?),
            // Attachments, chapters, tags, cues: stepped over.
            _ => {}
        }
        at = behind.ok_or(ODD)?;
    }
    let (Some(tracks), Some(clusters)) = (tracks, clusters) else { return Err(FilmError::NoPictures.into()) };
    finish(is_webm, &described, &tracks, clusters, limits)
}

/// Whether it calls itself WebM, and where the header ends.
fn read_head<S: Source + ?Sized>(window: &mut Window<'_, S>, bytes: u64) -> Result<(bool, u64), MediaError> {
    let (head, behind) = window.element(0, bytes)?;
    if head.id != EBML || head.bytes.is_none_or(|length| length > MAX_HEAD_BYTES) {
        return Err(ODD);
    }
    let loaded = window.load(head)?;
    let doc_type = children(&loaded).find_map(|child| child.ok().filter(|(id, _)| *id == DOC_TYPE));
    // Text may be padded with zeros.
    let is_webm = match doc_type.and_then(|(_, name)| name.split(|byte| *byte == 0).next()) {
        Some(b"webm") => true,
        Some(b"matroska") => false,
        _ => return Err(FilmError::NotAFilm.into()),
    };
    Ok((is_webm, behind.ok_or(ODD)?))
}

fn read_description(info: &[u8]) -> Result<Described, MediaError> {
    let mut described = Described { scale: 1_000_000, duration: None };
    for child in children(info) {
        match child? {
            (SCALE, value) if !value.is_empty() && value.len() <= 8 => described.scale = number(value),
            (DURATION, value) => described.duration = float(value),
            _ => {}
        }
    }
    let Described { scale, duration } = described;
    if scale == 0 || scale > MAX_SCALE {
        return Err(MediaError::Malformed("a unit of time that no film has"));
    }
    if duration.is_some_and(|duration| !duration.is_finite() || duration < 0.0) {
        return Err(MediaError::Malformed("a duration that no film has"));
    }
    Ok(described)
}

/// Checks what all blocks together came to, and lays out the cleaned film.
fn finish(
    is_webm: bool,
    described: &Described,
    tracks: &Tracks,
    clusters: Clusters,
    limits: &VideoLimits,
) -> Result<Webm, MediaError> {
    let unit = described.scale as f64 / 1e9;
    let pictures = clusters.pictures;
    let lasts = clusters.lasts() as f64;
    // What the blocks say, unless the last one lasts a little longer than they tell.
    let claimed = described.duration.filter(|claimed| *claimed >= lasts && (claimed - lasts) * unit < 1.0);
    let duration = claimed.unwrap_or(lasts);
    if [duration, described.duration.unwrap_or(0.0)].into_iter().any(|long| long * unit > limits.max_seconds as f64) {
        return Err(FilmError::TooLong { limit: limits.max_seconds }.into());
    }
    let still = clusters.still.as_ref().ok_or(FilmError::NoPictures)?;
    // Times are rounded to whole units.
    let rate = (pictures.count > 1).then(|| (pictures.count - 1) as f64 / ((pictures.span() + 1) as f64 * unit));
    if [rate, tracks.pictures.claimed_rate()].into_iter().flatten().any(|rate| rate > f64::from(limits.max_frame_rate))
    {
        return Err(FilmError::TooFast { limit: limits.max_frame_rate }.into());
    }
    let (width, height) = (tracks.width, tracks.height);
    check_size(width, height, limits)?;
    // A microphone that was switched off leaves an empty track.
    let sound = tracks.sound.as_ref().filter(|_| clusters.sound.count > 0);
    let info = Info {
        width,
        height,
        rotation: 0,
        duration: Some((duration * unit * 1000.0).round() as u64),
        frame_rate: rate.or(tracks.pictures.claimed_rate()),
        video: tracks.video,
        audio: sound.map(|(_, codec)| *codec),
        tracks: tracks.count,
        fragmented: false,
        bright: tracks.bright,
    };
    let scale = described.scale;
    let pictures = tracks.pictures.entry.as_slice();
    let sound = sound.map_or(&[][..], |(track, _)| track.entry.as_slice());
    let still = film(is_webm, (scale, 0.0), &[pictures], &[], still_cluster(still));
    let plan = film(is_webm, (scale, duration), &[pictures, sound], &clusters.cues, clusters.pieces.done());
    Ok(Webm { info, is_webm, plan, still })
}

/// A whole file around clusters.
fn film(is_webm: bool, (scale, duration): (u64, f64), entries: &[&[u8]], cues: &[Cue], clusters: Vec<Segment>) -> Plan {
    let doc_type: &[u8] = if is_webm { b"webm" } else { b"matroska" };
    let kind = [
        written_number(0x4286, 1), // version of EBML
        written_number(0x42F7, 1), // to be read by
        written_number(0x42F2, 4), // longest name of an element
        written_number(0x42F3, 8), // longest length of one
        written(DOC_TYPE, &[doc_type]),
        written_number(0x4287, 4), // version of the format
        written_number(0x4285, 2), // to be read by
    ];
    let mut info = written_number(SCALE, scale);
    if duration > 0.0 {
        info.extend(written(DURATION, &[&duration.to_be_bytes()]));
    }
    // Two names of programs must be there.
    info.extend([0x4D80, 0x5741].into_iter().flat_map(|name| written(name, &[b" "])));
    let before = [written(SEGMENT_INFO, &[&info]), written(TRACKS, entries)].concat();
    let index = written_cues(before.len() as u64, cues);
    let bytes = (before.len() + index.len()) as u64 + clusters.iter().map(Segment::bytes).sum::<u64>();
    let first = [written(EBML, &[&kind.concat()]), head(SEGMENT, bytes), before, index].concat();
    Plan(std::iter::once(Segment::Literal(first)).chain(clusters).collect())
}

/// Where pictures are that can be decoded alone. Places count from the beginning of the segment's payload, behind which lie
/// so many bytes and this index itself; all its numbers take eight bytes, so that its length is known before them.
fn written_cues(before: u64, cues: &[Cue]) -> Vec<u8> {
    if cues.is_empty() {
        return Vec::new();
    }
    let point = |cue: &Cue, before: u64| {
        let long = |id: u32, value: u64| written(id, &[&value.to_be_bytes()]);
        let place = [long(0xF7, cue.track), long(0xF1, before + cue.place)].concat();
        written(0xBB, &[&long(0xB3, cue.time), &written(0xB7, &[&place])])
    };
    let all = |before: u64| written(CUES, &[&cues.iter().flat_map(|cue| point(cue, before)).collect::<Vec<u8>>()]);
    all(before + all(0).len() as u64)
}

fn still_cluster(still: &Block) -> Vec<Segment> {
    let time = written_number(TIMESTAMP, 0);
    let bytes = time.len() as u64 + still.pieces.iter().map(Segment::bytes).sum::<u64>();
    let first = Segment::Literal([head(CLUSTER, bytes), time].concat());
    std::iter::once(first).chain(still.pieces.iter().cloned()).collect()
}
