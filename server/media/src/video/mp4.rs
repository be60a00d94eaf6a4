//! The walk over an MP4 or MOV file: its outer boxes by their headers, its index as a whole.

use std::ops::Range;

use crate::error::{FilmError, MediaError};
use crate::video::boxes::{self, Boxes, Fields, Header, LONG_HEADER_BYTES, Name};
use crate::video::entry::{Sound, Visual};
use crate::video::fragments::{self, Growing};
use crate::video::source::Source;
use crate::video::tables::{Extent, Tables};
use crate::video::track::{self, Edit, Read, Track};
use crate::video::{Film, Info, VideoLimits, check_size, unreadable};

/// Outer boxes: a fragment and its data for every half second of the longest film, and some.
const MAX_OUTER: usize = 65_536;

/// What lies where in the file.
#[derive(Default)]
struct Outer {
    /// Payload of the index.
    index: Option<Range<u64>>,
    /// Payloads of fragments, with where their boxes begin.
    fragments: Vec<(u64, Range<u64>)>,
    /// Payloads of boxes with samples, in order.
    data: Vec<Range<u64>>,
}

pub(super) fn read<S: Source + ?Sized>(source: &S, bytes: u64, limits: &VideoLimits) -> Result<Film, MediaError> {
    let outer = outer(source, bytes, limits)?;
    let index = outer.index.clone().ok_or(MediaError::Truncated)?;
    let index = load(source, &index)?;

    let (mut scale, mut claimed, mut tracks) = (None, None, 0_u32);
    let (mut pictures, mut sound, mut defaults) = (None, None, Vec::new());
    let mut fragmented = false;
    for next in Boxes(&index) {
        let (name, payload) = next?;
        match &name {
            b"mvhd" => (scale, claimed) = movie_header(payload)?,
            b"cmov" => return Err(MediaError::Unsupported("a film with a compressed index")),
            b"mvex" => {
                fragmented = true;
                defaults = fragments::defaults(payload, limits)?;
            }
            b"trak" => {
                tracks += 1;
                if tracks > limits.max_tracks {
                    return Err(FilmError::TooManyTracks { limit: limits.max_tracks }.into());
                }
                match track::read(payload, limits)? {
                    // One of each: a second is a thumbnail, another language, or nobody knows what.
                    Read::Pictures(read) => prefer(&mut pictures, read),
                    Read::Sound(read) => prefer(&mut sound, read),
                    Read::Other => {}
                }
            }
            _ => {}
        }
    }
    drop(index);
    let scale = scale.ok_or(MediaError::Malformed("a box is missing that every film has"))?;
    let mut pictures = pictures.ok_or(FilmError::NoPictures)?;
    fragmented &= !outer.fragments.is_empty();
    if !fragmented && !outer.fragments.is_empty() {
        return Err(MediaError::Malformed("fragments that were not announced"));
    }
    if fragmented {
        let starts = read_fragments(source, &outer, &mut pictures, sound.as_mut(), &defaults, limits)?;
        align(scale, &mut pictures, sound.as_mut(), starts);
    }
    if pictures.tables.samples == 0 {
        return Err(FilmError::NoPictures.into());
    }
    // A microphone that was switched off leaves an empty track.
    let sound = sound.filter(|sound| sound.tables.samples > 0);
    check_data(&outer, bytes, &pictures.tables)?;
    sound.as_ref().map_or(Ok(()), |sound| check_data(&outer, bytes, &sound.tables))?;

    let longest = [Some(seconds(&pictures)), sound.as_ref().map(seconds), claimed]
        .into_iter()
        .flatten()
        .chain(edited(scale, &pictures.edits))
        .chain(sound.as_ref().and_then(|sound| edited(scale, &sound.edits)))
        .fold(0.0, f64::max);
    if longest > limits.max_seconds as f64 {
        return Err(FilmError::TooLong { limit: limits.max_seconds }.into());
    }
    let lasts = seconds(&pictures);
    let frame_rate = (lasts > 0.0).then(|| pictures.tables.samples as f64 / lasts);
    // One picture may last as short as it likes.
    if pictures.tables.samples > 1 && frame_rate.is_none_or(|rate| rate > f64::from(limits.max_frame_rate)) {
        return Err(FilmError::TooFast { limit: limits.max_frame_rate }.into());
    }
    let (width, height) = (pictures.kind.width, pictures.kind.height);
    check_size(width, height, limits)?;
    let (width, height) = if pictures.rotation % 180 == 90 { (height, width) } else { (width, height) };
    let duration = edited(scale, &pictures.edits).unwrap_or(lasts);
    let info = Info {
        width,
        height,
        rotation: pictures.rotation,
        duration: Some((duration * 1000.0).round() as u64),
        frame_rate,
        video: pictures.kind.codec,
        audio: sound.as_ref().map(|sound| sound.kind.codec),
        tracks,
        fragmented,
        bright: pictures.kind.bright,
    };
    Ok(Film { info, plain: pictures.kind.plain, scale, pictures, sound })
}

fn outer<S: Source + ?Sized>(source: &S, bytes: u64, limits: &VideoLimits) -> Result<Outer, MediaError> {
    let mut outer = Outer::default();
    let mut at = 0;
    for _ in 0..MAX_OUTER {
        if at >= bytes {
            return Ok(outer);
        }
        let mut head = vec![0; LONG_HEADER_BYTES.min(bytes - at) as usize];
        source.read_at(at, &mut head).map_err(unreadable)?;
        let parsed = boxes::header(&head).map(|Header { name, header_bytes, bytes: size }| {
            let end = size.map_or(Some(bytes), |size| at.checked_add(size)).filter(|end| *end <= bytes);
            (name, header_bytes, end)
        });
        let Some((name, header_bytes, Some(end))) = parsed else {
            // What hangs behind a whole film is no part of it and goes; the film itself must be all there.
            let ours = parsed.is_some_and(|(name, _, _)| is_ours(&name));
            return if outer.index.is_some() && !outer.data.is_empty() && !ours { Ok(outer) } else { Err(cut(at)) };
        };
        let payload = at + header_bytes..end;
        match &name {
            b"moov" => {
                if payload.end - payload.start > limits.max_index_bytes {
                    return Err(MediaError::Malformed("an index larger than any film has"));
                }
                if outer.index.replace(payload).is_some() {
                    return Err(MediaError::Malformed("a second index"));
                }
            }
            b"moof" => {
                let so_far: u64 = outer.fragments.iter().map(|(_, range)| range.end - range.start).sum();
                if so_far + (payload.end - payload.start) > 4 * limits.max_index_bytes {
                    return Err(MediaError::Malformed("an index larger than any film has"));
                }
                outer.fragments.push((at, payload));
            }
            b"mdat" => outer.data.push(payload),
            _ => {}
        }
        at = end;
    }
    Err(MediaError::Malformed("more boxes than any film has"))
}

/// A first box that makes no sense is not a film that was cut off.
fn cut(at: u64) -> MediaError {
    if at == 0 {
        MediaError::Malformed("a box that does not fit into the one around it")
    } else {
        MediaError::Truncated
    }
}

fn is_ours(name: &Name) -> bool {
    matches!(name, b"moov" | b"moof" | b"mdat" | b"ftyp")
}

fn load<S: Source + ?Sized>(source: &S, range: &Range<u64>) -> Result<Vec<u8>, MediaError> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    source.read_at(range.start, &mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Units of a second, and how many seconds the film claims to last.
fn movie_header(mvhd: &[u8]) -> Result<(Option<u32>, Option<f64>), MediaError> {
    let mut fields = Fields(mvhd);
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 0 { 8 } else { 16 })?;
    let scale = fields.u32()?;
    if scale == 0 {
        return Err(MediaError::Malformed("a film without a unit of time"));
    }
    let claimed = fields.time(version)?;
    Ok((Some(scale), claimed.map(|claimed| claimed as f64 / f64::from(scale))))
}

/// The first one, unless it is switched off or empty and a later one is not.
fn prefer<K>(chosen: &mut Option<Track<K>>, track: Track<K>) {
    let good = |track: &Track<K>| (track.enabled, track.tables.samples > 0);
    if chosen.as_ref().is_none_or(|chosen| good(&track) > good(chosen)) {
        *chosen = Some(track);
    }
}

/// Fills the tables of both tracks; returns when each begins, in seconds.
fn read_fragments<S: Source + ?Sized>(
    source: &S,
    outer: &Outer,
    pictures: &mut Track<Visual>,
    sound: Option<&mut Track<Sound>>,
    defaults: &[fragments::Defaults],
    limits: &VideoLimits,
) -> Result<(f64, f64), MediaError> {
    let growing = |id: u32, tables: &mut Tables| {
        if tables.samples > 0 {
            return Err(MediaError::Unsupported("a film of which only a part is in fragments"));
        }
        let found = defaults.iter().find(|defaults| defaults.track == id).copied();
        let defaults = found.ok_or(MediaError::Malformed("a track without what its fragments need"))?;
        // Not what was read: a size for all samples would stay where each gets its own.
        *tables = Tables::default();
        Ok(Growing { defaults, tables: Tables::default(), starts: None })
    };
    let mut tracks = vec![growing(pictures.id, &mut pictures.tables)?];
    if let Some(sound) = &sound
        && sound.id == pictures.id
    {
        return Err(MediaError::Malformed("two tracks of one number"));
    }
    let mut sound = sound;
    if let Some(sound) = &mut sound {
        tracks.push(growing(sound.id, &mut sound.tables)?);
    }
    for (offset, payload) in &outer.fragments {
        fragments::add(&load(source, payload)?, *offset, &mut tracks, limits)?;
    }
    let mut starts = [0.0; 2];
    for (start, track) in starts.iter_mut().zip(&mut tracks) {
        track.tables.finish();
        *start = track.starts.unwrap_or(0) as f64;
    }
    let mut tracks = tracks.into_iter();
    pictures.tables = tracks.next().map(|track| track.tables).unwrap_or_default();
    let [mut first, mut second] = starts;
    first /= f64::from(pictures.scale);
    if let Some(sound) = sound {
        sound.tables = tracks.next().map(|track| track.tables).unwrap_or_default();
        second /= f64::from(sound.scale);
    } else {
        second = first;
    }
    Ok((first, second))
}

/// Where one track of a fragmented film begins later than the other, it gets a pause in front. An edit of a fragmented
/// film cannot know how long the film is.
fn align(scale: u32, pictures: &mut Track<Visual>, sound: Option<&mut Track<Sound>>, (first, second): (f64, f64)) {
    let from_zero = first.min(second);
    set_edits(scale, pictures, first - from_zero);
    if let Some(sound) = sound {
        set_edits(scale, sound, second - from_zero);
    }
}

fn set_edits<K>(scale: u32, track: &mut Track<K>, late: f64) {
    let from = track.edits.iter().find_map(|edit| edit.from).unwrap_or(0).min(track.tables.duration);
    let units = |seconds: f64| (seconds * f64::from(scale)).round() as u64;
    let pause = units(late);
    let rest = (track.tables.duration - from) as f64 / f64::from(track.scale);
    track.edits.clear();
    if pause > 0 {
        track.edits.push(Edit { duration: pause, from: None });
    }
    if pause > 0 || from > 0 {
        track.edits.push(Edit { duration: units(rest), from: Some(from) });
    }
}

/// Every chunk must lie inside of one box of data.
fn check_data(outer: &Outer, bytes: u64, tables: &Tables) -> Result<(), MediaError> {
    let inside = |chunk: &Extent| {
        let end = chunk.offset.checked_add(chunk.bytes)?;
        let box_of_it = outer.data.partition_point(|data| data.end < end);
        outer.data.get(box_of_it).filter(|data| data.start <= chunk.offset && end <= data.end)
    };
    // A chunk of empty samples lies nowhere.
    for chunk in tables.chunks.iter().filter(|chunk| chunk.bytes > 0) {
        if chunk.offset.checked_add(chunk.bytes).is_some_and(|end| end > bytes) {
            return Err(MediaError::Truncated);
        }
        if inside(chunk).is_none() {
            return Err(MediaError::Malformed("samples where no data are"));
        }
    }
    Ok(())
}

fn seconds<K>(track: &Track<K>) -> f64 {
    track.tables.duration as f64 / f64::from(track.scale)
}

/// How long the edits let a track last.
fn edited(scale: u32, edits: &[Edit]) -> Option<f64> {
    let sum = edits.iter().map(|edit| edit.duration as f64).sum::<f64>() / f64::from(scale);
    (sum > 0.0).then_some(sum)
}
