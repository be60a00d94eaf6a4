//! Films in fragments, as recorders and browsers write them so that a cut does not lose what came before. They are put
//! together into the tables that a whole film has.

use crate::error::MediaError;
use crate::video::VideoLimits;
use crate::video::boxes::{Boxes, Fields, needed};
use crate::video::tables::{Sample, Tables};

const ODD: MediaError = MediaError::Malformed("a fragment that makes no sense");

/// What samples of a track are where a fragment says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Defaults {
    pub(super) track: u32,
    duration: u32,
    bytes: u32,
    flags: u32,
}

/// Reads an `mvex`.
pub(super) fn defaults(mvex: &[u8], limits: &VideoLimits) -> Result<Vec<Defaults>, MediaError> {
    let mut all = Vec::new();
    for next in Boxes(mvex) {
        let (name, payload) = next?;
        if &name == b"trex" && all.len() < limits.max_tracks as usize {
            let mut fields = Fields(payload);
            fields.version_and_flags()?;
            let track = fields.u32()?;
            fields.skip(4)?;
            all.push(Defaults { track, duration: fields.u32()?, bytes: fields.u32()?, flags: fields.u32()? });
        }
    }
    Ok(all)
}

/// A track that grows by fragments.
pub(super) struct Growing {
    pub(super) defaults: Defaults,
    pub(super) tables: Tables,
    /// When it begins, in its time scale.
    pub(super) starts: Option<u64>,
}

/// Adds what one `moof` (its payload; it began at this offset of the file) says of the tracks.
pub(super) fn add(moof: &[u8], offset: u64, tracks: &mut [Growing], limits: &VideoLimits) -> Result<(), MediaError> {
    let mut end_of_last = offset;
    for next in Boxes(moof) {
        let (name, payload) = next?;
        if &name == b"traf" {
            add_track(payload, offset, &mut end_of_last, tracks, limits)?;
        }
    }
    Ok(())
}

fn add_track(
    traf: &[u8],
    moof: u64,
    end_of_last: &mut u64,
    tracks: &mut [Growing],
    limits: &VideoLimits,
) -> Result<(), MediaError> {
    const BASE_IS_MOOF: u32 = 0x2_0000;
    let mut fields = Fields(needed(traf, b"tfhd")?);
    let (_, flags) = fields.version_and_flags()?;
    let id = fields.u32()?;
    let base = match flags {
        flags if flags & 1 != 0 => fields.u64()?,
        flags if flags & BASE_IS_MOOF != 0 => moof,
        _ => *end_of_last,
    };
    if flags & 2 != 0 && fields.u32()? != 1 {
        return Err(MediaError::Unsupported("a film that changes its codec on the way"));
    }
    let track = tracks.iter_mut().find(|track| track.defaults.track == id);
    let mut defaults = track.as_ref().map(|track| track.defaults).unwrap_or_default();
    for (bit, value) in [(8, &mut defaults.duration), (0x10, &mut defaults.bytes), (0x20, &mut defaults.flags)] {
        if flags & bit != 0 {
            *value = fields.u32()?;
        }
    }

    let mut track = track;
    let mut at = base;
    for next in Boxes(traf) {
        let (name, payload) = next?;
        match (&name, &mut track) {
            (b"tfdt", Some(track)) => set_time(payload, track)?,
            (b"trun", track) => at = run(payload, base, at, defaults, track.as_deref_mut(), limits)?,
            _ => {}
        }
    }
    *end_of_last = at;
    Ok(())
}

fn set_time(tfdt: &[u8], track: &mut Growing) -> Result<(), MediaError> {
    let mut fields = Fields(tfdt);
    let (version, _) = fields.version_and_flags()?;
    let time = fields.time(version)?.ok_or(ODD)?;
    let starts = *track.starts.get_or_insert(time);
    let so_far = starts.checked_add(track.tables.duration).ok_or(ODD)?;
    // What was recorded is late where the camera paused. Times that go back are those of a joined film: ignored.
    if time > so_far && track.tables.samples > 0 {
        track.tables.pause(time - so_far)?;
    }
    Ok(())
}

/// Adds a run of samples, or only counts its bytes for a track that is dropped; returns where its data end.
fn run(
    trun: &[u8],
    base: u64,
    follows: u64,
    defaults: Defaults,
    mut track: Option<&mut Growing>,
    limits: &VideoLimits,
) -> Result<u64, MediaError> {
    const DEPENDS_ON_OTHERS: u32 = 0x1_0000;
    let mut fields = Fields(trun);
    let (_, flags) = fields.version_and_flags()?;
    let count = fields.u32()?;
    let offset = match flags & 1 {
        0 => follows,
        _ => base.checked_add_signed(fields.i32()?.into()).ok_or(ODD)?,
    };
    let mut first_flags = if flags & 4 != 0 { Some(fields.u32()?) } else { None };
    let per_sample = [0x100, 0x200, 0x400, 0x800].iter().filter(|bit| flags & **bit != 0).count();
    // Before anything is stored: a count that nothing stands behind could be of thousands of millions.
    if fields.0.len() != count as usize * per_sample * 4 || u64::from(count) > limits.max_samples {
        return Err(ODD);
    }
    if count == 0 {
        return Ok(offset);
    }
    if let Some(track) = track.as_deref_mut() {
        track.tables.chunk(offset, count, limits)?;
    }
    let mut end = offset;
    for _ in 0..count {
        let mut field = |bit: u32, otherwise: u32| if flags & bit != 0 { fields.u32() } else { Ok(otherwise) };
        let duration = field(0x100, defaults.duration)?;
        let bytes = field(0x200, defaults.bytes)?;
        let sample_flags = field(0x400, first_flags.take().unwrap_or(defaults.flags))?;
        let offset = field(0x800, 0)?.cast_signed();
        end = end.checked_add(bytes.into()).ok_or(ODD)?;
        if let Some(track) = track.as_deref_mut() {
            let sync = sample_flags & DEPENDS_ON_OTHERS == 0;
            track.tables.sample(Sample { bytes, duration, offset, sync }, limits)?;
        }
    }
    Ok(end)
}
