//! A cleaned film: index first, then the samples of both tracks in the order in which they lay in the source.

use crate::error::MediaError;
use crate::video::boxes::{HEADER_BYTES, LONG_HEADER_BYTES, boxed, full};
use crate::video::entry::{Sound, Visual};
use crate::video::plan::{Plan, Segment};
use crate::video::tables::Extent;
use crate::video::track::{Edit, Track};
use crate::video::{AudioCodec, VideoCodec};

/// Above, offsets need 64 bits; below by more than the index of any film can take.
const NARROW_BYTES: u64 = 0xF000_0000;

/// No turning, nothing moved; the last of each row counts in 2.30.
const UPRIGHT: [i32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

pub(super) fn plan(scale: u32, pictures: &Track<Visual>, sound: Option<&Track<Sound>>) -> Result<Plan, MediaError> {
    let ranges = merged(&pictures.tables.chunks, sound.map_or(&[], |sound| &sound.tables.chunks));
    let data_bytes: u64 = ranges.iter().map(|range| range.bytes).sum();
    let wide = data_bytes > NARROW_BYTES;
    let kind = brands(pictures, sound);
    // Where offsets begin depends on how long the index is, which does not depend on the offsets.
    let index_bytes = index(scale, pictures, sound, |_| 0, wide).len() as u64;
    let data_header = if wide { LONG_HEADER_BYTES } else { HEADER_BYTES };
    let mut at = kind.len() as u64 + index_bytes + data_header;
    let mut places = Vec::with_capacity(ranges.len());
    for range in &ranges {
        places.push((range.offset, at));
        at += range.bytes;
    }
    let moved = |offset: u64| {
        let after = places.partition_point(|(from, _)| *from <= offset);
        let (from, to) = after.checked_sub(1).and_then(|place| places.get(place)).copied().unwrap_or_default();
        offset - from + to
    };
    let mut head = kind;
    head.extend(index(scale, pictures, sound, moved, wide));
    if wide {
        head.extend_from_slice(&1_u32.to_be_bytes());
        head.extend_from_slice(b"mdat");
        head.extend_from_slice(&(data_bytes + data_header).to_be_bytes());
    } else {
        head.extend_from_slice(&((data_bytes + data_header) as u32).to_be_bytes());
        head.extend_from_slice(b"mdat");
    }
    let mut segments = vec![Segment::Literal(head)];
    segments.extend(ranges.iter().map(|range| Segment::Source(range.offset..range.end())));
    Ok(Plan(segments))
}

/// The chunks of both tracks as ranges that neither touch nor overlap: however often a hostile file names the same bytes,
/// they are copied once.
fn merged(pictures: &[Extent], sound: &[Extent]) -> Vec<Extent> {
    let mut all: Vec<Extent> = pictures.iter().chain(sound).filter(|extent| extent.bytes > 0).copied().collect();
    all.sort_unstable();
    all.dedup_by(|next, last| {
        let touches = next.offset <= last.end();
        if touches {
            last.bytes = last.bytes.max(next.end() - last.offset);
        }
        touches
    });
    all
}

fn brands(pictures: &Track<Visual>, sound: Option<&Track<Sound>>) -> Vec<u8> {
    let common = matches!(pictures.kind.codec, VideoCodec::H264 | VideoCodec::Hevc | VideoCodec::Av1)
        && sound.is_none_or(|sound| matches!(sound.kind.codec, AudioCodec::Aac | AudioCodec::Opus));
    if !common {
        // On its way to a converter, with descriptions that only QuickTime knows.
        return boxed(b"ftyp", &[b"qt  ", &[0; 4], b"qt  "]);
    }
    let codec: &[u8; 4] = match pictures.kind.codec {
        VideoCodec::H264 => b"avc1",
        _ => b"iso6",
    };
    boxed(b"ftyp", &[b"isom", &0x200_u32.to_be_bytes(), b"isom", b"iso2", codec, b"mp41"])
}

/// The `moov`, with every box made here.
fn index(
    scale: u32,
    pictures: &Track<Visual>,
    sound: Option<&Track<Sound>>,
    moved: impl Fn(u64) -> u64,
    wide: bool,
) -> Vec<u8> {
    let lasts = |track_duration: u64, track_scale: u32, edits: &[Edit]| match edits {
        [] => (u128::from(track_duration) * u128::from(scale)).div_ceil(u128::from(track_scale)) as u64,
        edits => edits.iter().map(|edit| edit.duration).sum(),
    };
    let picture_lasts = lasts(pictures.tables.duration, pictures.scale, &pictures.edits);
    let sound_lasts = sound.map(|sound| lasts(sound.tables.duration, sound.scale, &sound.edits));
    let duration = picture_lasts.max(sound_lasts.unwrap_or(0));

    let mut parts = movie_header(scale, duration);
    let samples = pictures.tables.written(&pictures.kind.entries.written(), &moved, wide);
    let about = full(b"vmhd", 0, 1, &[&[0; 8]]);
    parts.extend(track(pictures, 1, picture_lasts, *b"vide", shown(pictures), &about, &samples));
    if let (Some(sound), Some(lasts)) = (sound, sound_lasts) {
        let samples = sound.tables.written(&sound.kind.entries.written(), &moved, wide);
        let about = full(b"smhd", 0, 0, &[&[0; 4]]);
        parts.extend(track(sound, 2, lasts, *b"soun", (0, 0), &about, &samples));
    }
    boxed(b"moov", &[&parts])
}

/// The size to show in 16.16, before turning: the file's, if it makes sense, as pixels may not be square.
fn shown(pictures: &Track<Visual>) -> (u32, u32) {
    let Visual { width, height, .. } = pictures.kind;
    let sane = |shown: u32, coded: u32| {
        let pixels = shown >> 16;
        if pixels * 2 >= coded && pixels <= coded.saturating_mul(2) { shown } else { coded << 16 }
    };
    (sane(pictures.shown.0, width), sane(pictures.shown.1, height))
}

/// Times of creation and change are zero, which stands for unknown.
fn movie_header(scale: u32, duration: u64) -> Vec<u8> {
    let matrix = UPRIGHT.map(i32::to_be_bytes).concat();
    let rest = [
        &0x1_0000_u32.to_be_bytes()[..], // speed
        &0x100_u16.to_be_bytes(),        // volume
        &[0; 10],
        &matrix,
        &[0; 24],
        &3_u32.to_be_bytes(), // next track
    ]
    .concat();
    full(b"mvhd", 1, 0, &[&[0; 16], &scale.to_be_bytes(), &duration.to_be_bytes(), &rest])
}

fn track<K>(
    track: &Track<K>,
    id: u32,
    duration: u64,
    handler: [u8; 4],
    shown: (u32, u32),
    about: &[u8],
    samples: &[u8],
) -> Vec<u8> {
    let volume: u16 = if handler == *b"soun" { 0x100 } else { 0 };
    let (width, height) = shown;
    let header = [
        &[0; 16][..],
        &id.to_be_bytes(),
        &[0; 4],
        &duration.to_be_bytes(),
        &[0; 12],
        &volume.to_be_bytes(),
        &[0; 2],
        &matrix(track.rotation, width, height).map(i32::to_be_bytes).concat(),
        &width.to_be_bytes(),
        &height.to_be_bytes(),
    ]
    .concat();
    const SHOWN: u32 = 3;
    const UNDETERMINED: [u8; 2] = [0x55, 0xC4];
    let media = [
        full(
            b"mdhd",
            1,
            0,
            &[&[0; 16], &track.scale.to_be_bytes(), &track.tables.duration.to_be_bytes(), &UNDETERMINED, &[0; 2]],
        ),
        full(b"hdlr", 0, 0, &[&[0; 4], &handler, &[0; 13]]),
        boxed(
            b"minf",
            &[
                about,
                &boxed(b"dinf", &[&full(b"dref", 0, 0, &[&1_u32.to_be_bytes(), &full(b"url ", 0, 1, &[])])]),
                &boxed(b"stbl", &[samples]),
            ],
        ),
    ]
    .concat();
    let edits = if track.edits.is_empty() { Vec::new() } else { boxed(b"edts", &[&edit_list(&track.edits)]) };
    boxed(b"trak", &[&full(b"tkhd", 1, SHOWN, &[&header]), &edits, &boxed(b"mdia", &[&media])])
}

fn edit_list(edits: &[Edit]) -> Vec<u8> {
    let mut list = (edits.len() as u32).to_be_bytes().to_vec();
    for Edit { duration, from } in edits {
        list.extend_from_slice(&duration.to_be_bytes());
        list.extend_from_slice(&from.map_or(-1, u64::cast_signed).to_be_bytes());
        list.extend_from_slice(&0x1_0000_u32.to_be_bytes());
    }
    full(b"elst", 1, 0, &[&list])
}

/// Turns clockwise around the corner and moves the picture back to where it can be seen.
fn matrix(rotation: u16, width: u32, height: u32) -> [i32; 9] {
    const ONE: i32 = 0x1_0000;
    let (width, height) = (width.cast_signed(), height.cast_signed());
    let [a, b, c, d, x, y] = match rotation {
        90 => [0, ONE, -ONE, 0, height, 0],
        180 => [-ONE, 0, 0, -ONE, width, height],
        270 => [0, -ONE, ONE, 0, 0, width],
        _ => return UPRIGHT,
    };
    [a, b, 0, c, d, 0, x, y, 0x4000_0000]
}
