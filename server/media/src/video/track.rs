//! One track: what it shows or plays, how it is turned, and which part of it.

use crate::error::MediaError;
use crate::video::VideoLimits;
use crate::video::boxes::{Boxes, Fields, needed, only};
use crate::video::entry::{self, Sound, Visual};
use crate::video::tables::Tables;

/// More edits than any camera or phone writes.
const MAX_EDITS: u32 = 16;

const ODD_EDIT: MediaError = MediaError::Malformed("an edit list that makes no sense");

/// A track with pictures or sound; others are not read.
pub(super) struct Track<K> {
    pub(super) kind: K,
    pub(super) id: u32,
    pub(super) enabled: bool,
    /// Units of a second, for everything of the track but its edits.
    pub(super) scale: u32,
    /// Clockwise, in degrees.
    pub(super) rotation: u16,
    /// As the file says, before turning; 16.16 fixed-point numbers.
    pub(super) shown: (u32, u32),
    pub(super) edits: Vec<Edit>,
    pub(super) tables: Tables,
}

/// A stretch of the track; times in the film's units, `from` in the track's. `None`: nothing for that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) duration: u64,
    pub(super) from: Option<u64>,
}

/// What a track turned out to be.
pub(super) enum Read {
    Pictures(Track<Visual>),
    Sound(Track<Sound>),
    /// Text, time code, positions, anything else.
    Other,
}

pub(super) fn read(trak: &[u8], limits: &VideoLimits) -> Result<Read, MediaError> {
    let mdia = needed(trak, b"mdia")?;
    let mut handler = Fields(needed(mdia, b"hdlr")?);
    handler.skip(8)?;
    let kind = handler.name()?;
    if &kind != b"vide" && &kind != b"soun" {
        return Ok(Read::Other);
    }
    let stbl = needed(mdia, b"minf").and_then(|minf| {
        refuse_other_files(minf)?;
        needed(minf, b"stbl")
    })?;
    let stsd = needed(stbl, b"stsd")?;
    if &kind == b"vide" {
        let visual = entry::visual(stsd)?;
        let tables = Tables::read(stbl, visual.entries.count, 0, limits)?;
        return Ok(Read::Pictures(track(trak, mdia, visual, tables)?));
    }
    let sound = entry::sound(stsd)?;
    let tables = Tables::read(stbl, sound.entries.count, sound.frame_bytes, limits)?;
    Ok(Read::Sound(track(trak, mdia, sound, tables)?))
}

fn track<K>(trak: &[u8], mdia: &[u8], kind: K, tables: Tables) -> Result<Track<K>, MediaError> {
    let mut header = Fields(needed(trak, b"tkhd")?);
    let (version, flags) = header.version_and_flags()?;
    header.skip(if version == 0 { 8 } else { 16 })?;
    let id = header.u32()?;
    header.skip(4)?;
    header.time(version)?;
    header.skip(16)?;
    let rotation = rotation(&mut header)?;
    let shown = (header.u32()?, header.u32()?);

    let mut media = Fields(needed(mdia, b"mdhd")?);
    let (version, _) = media.version_and_flags()?;
    media.skip(if version == 0 { 8 } else { 16 })?;
    let scale = media.u32()?;
    let claimed = media.time(version)?;
    if scale == 0 {
        return Err(MediaError::Malformed("a track without a unit of time"));
    }
    // The tables are what counts, but what is far off both is no camera's work.
    if claimed.is_some_and(|claimed| claimed >= 1 << 62) {
        return Err(MediaError::Malformed("a duration that no film has"));
    }
    let edits = match only(trak, b"edts")? {
        Some(edts) => only(edts, b"elst")?.map_or(Ok(Vec::new()), |elst| read_edits(elst, tables.duration))?,
        None => Vec::new(),
    };
    Ok(Track { kind, id, enabled: flags & 1 == 1, scale, rotation, shown, edits, tables })
}

/// Degrees of a matrix that turns; anything else it may do is left out.
fn rotation(header: &mut Fields<'_>) -> Result<u16, MediaError> {
    let [a, b, _, c, d, _, _, _, _] = [(); 9].map(|()| header.i32());
    Ok(match (a?.signum(), b?.signum(), c?.signum(), d?.signum()) {
        (0, 1, -1, 0) => 90,
        (-1, 0, 0, -1) => 180,
        (0, -1, 1, 0) => 270,
        _ => 0,
    })
}

fn read_edits(elst: &[u8], media_duration: u64) -> Result<Vec<Edit>, MediaError> {
    let mut fields = Fields(elst);
    let (version, _) = fields.version_and_flags()?;
    let count = fields.u32()?;
    if count > MAX_EDITS || version > 1 {
        return Err(ODD_EDIT);
    }
    let mut edits = Vec::new();
    for _ in 0..count {
        let (duration, from) = match version {
            0 => (u64::from(fields.u32()?), i64::from(fields.i32()?)),
            _ => (fields.u64()?, fields.i64()?),
        };
        let rate = fields.u32()?;
        if rate != 0x1_0000 || duration >= 1 << 62 {
            return Err(ODD_EDIT);
        }
        let from = match from {
            -1 => None,
            // Fragments come later, so that their duration is not known yet.
            from if from >= 0 && (media_duration == 0 || from.cast_unsigned() <= media_duration) => {
                Some(from.cast_unsigned())
            }
            _ => return Err(ODD_EDIT),
        };
        edits.push(Edit { duration, from });
    }
    Ok(edits)
}

/// Pictures and sound must lie in this file and not in one that it names.
fn refuse_other_files(minf: &[u8]) -> Result<(), MediaError> {
    let Some(dinf) = only(minf, b"dinf")? else { return Ok(()) };
    let Some(dref) = only(dinf, b"dref")? else { return Ok(()) };
    let mut fields = Fields(dref);
    fields.version_and_flags()?;
    fields.skip(4)?;
    for next in Boxes(fields.0) {
        let (_, payload) = next?;
        let (_, flags) = Fields(payload).version_and_flags()?;
        if flags & 1 == 0 {
            return Err(MediaError::Unsupported("a film that lies in several files"));
        }
    }
    Ok(())
}
