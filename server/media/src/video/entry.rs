//! Sample descriptions: which codec, and its set-up, written anew without names of makers and programs.

use crate::error::MediaError;
use crate::video::boxes::{Boxes, Fields, Name, boxed, full, only};
use crate::video::h264;
use crate::video::{AudioCodec, VideoCodec};

/// Films cut together by a phone have a few.
const MAX_ENTRIES: u32 = 8;
/// Between the entry's header and its own boxes.
const VISUAL_BYTES: usize = 78;
const SOUND_BYTES: usize = 28;

const MIXED: MediaError = MediaError::Unsupported("a film that changes its codec on the way");
const ODD_SETUP: MediaError = MediaError::Malformed("a codec's set-up that makes no sense");

/// The pictures of a track.
pub(super) struct Visual {
    pub(super) codec: VideoCodec,
    /// As coded, in pixels: the largest of all entries.
    pub(super) width: u32,
    pub(super) height: u32,
    /// H.264 in eight bits and 4:2:0.
    pub(super) plain: bool,
    /// Light beyond what usual screens show: PQ or HLG.
    pub(super) bright: bool,
    pub(super) entries: Entries,
}

/// The sound of a track.
pub(super) struct Sound {
    pub(super) codec: AudioCodec,
    /// What one sample of uncompressed sound takes, which QuickTime's tables do not say.
    pub(super) frame_bytes: u32,
    pub(super) entries: Entries,
}

/// Cleaned entries, each with its header.
pub(super) struct Entries {
    pub(super) count: u32,
    pub(super) bytes: Vec<u8>,
}

impl Entries {
    pub(super) fn written(&self) -> Vec<u8> {
        full(b"stsd", 0, 0, &[&self.count.to_be_bytes(), &self.bytes])
    }
}

/// The entries of an `stsd`, without its header.
fn entries(stsd: &[u8]) -> Result<(u32, Boxes<'_>), MediaError> {
    let mut fields = Fields(stsd);
    fields.version_and_flags()?;
    let count = fields.u32()?;
    if count == 0 || count > MAX_ENTRIES || Boxes(fields.0).count() != count as usize {
        return Err(MediaError::Malformed("sample descriptions that were not counted right"));
    }
    Ok((count, Boxes(fields.0)))
}

pub(super) fn visual(stsd: &[u8]) -> Result<Visual, MediaError> {
    let (count, list) = entries(stsd)?;
    let mut all: Option<Visual> = None;
    for next in list {
        let (name, payload) = next?;
        let one = visual_entry(name, payload)?;
        match &mut all {
            None => all = Some(one),
            Some(all) if all.codec != one.codec => return Err(MIXED),
            Some(all) => {
                all.width = all.width.max(one.width);
                all.height = all.height.max(one.height);
                all.plain &= one.plain;
                all.bright |= one.bright;
                all.entries.bytes.extend_from_slice(&one.entries.bytes);
            }
        }
    }
    let mut all = all.ok_or(ODD_SETUP)?;
    all.entries.count = count;
    Ok(all)
}

fn visual_entry(name: Name, payload: &[u8]) -> Result<Visual, MediaError> {
    let codec = match &name {
        b"avc1" | b"avc3" => VideoCodec::H264,
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => VideoCodec::Hevc,
        b"av01" => VideoCodec::Av1,
        b"vp09" => VideoCodec::Vp9,
        b"vp08" => VideoCodec::Vp8,
        b"mp4v" => VideoCodec::Mpeg4,
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => VideoCodec::ProRes,
        b"jpeg" | b"mjpa" | b"mjpb" => VideoCodec::Jpeg,
        b"encv" => return Err(MediaError::Unsupported("an encrypted film")),
        _ => return Err(MediaError::Unsupported("a film in a codec that is not known here")),
    };
    let mut fields = Fields(payload);
    fields.skip(24)?;
    let (mut width, mut height) = (u32::from(fields.u16()?), u32::from(fields.u16()?));
    let inside = payload.get(VISUAL_BYTES..).ok_or(ODD_SETUP)?;

    let mut setup = Vec::new();
    let (mut plain, mut bright) = (false, false);
    for next in Boxes(inside) {
        let (name, payload) = next?;
        match &name {
            b"avcC" if codec == VideoCodec::H264 => {
                let (clean, sequence) = avc_setup(payload)?;
                if let Some(sequence) = sequence {
                    plain = sequence.plain;
                    width = width.max(sequence.width);
                    height = height.max(sequence.height);
                }
                setup.extend(boxed(b"avcC", &[&clean]));
            }
            b"hvcC" | b"av1C" | b"vpcC" => setup.extend(boxed(&name, &[payload])),
            b"esds" => setup.extend(elementary(payload)?.written()),
            // Numbers for primaries, transfer and matrix. A profile, the other kind, can hold anything.
            b"colr" if payload.starts_with(b"nclx") => {
                bright |= is_bright(payload);
                setup.extend(boxed(b"colr", &[payload.get(..11).ok_or(ODD_SETUP)?]));
            }
            b"colr" if payload.starts_with(b"nclc") => {
                bright |= is_bright(payload);
                setup.extend(boxed(b"colr", &[b"nclx", payload.get(4..10).ok_or(ODD_SETUP)?, &[0]]));
            }
            b"pasp" => setup.extend(boxed(b"pasp", &[payload.get(..8).ok_or(ODD_SETUP)?])),
            _ => {}
        }
    }
    if width == 0 || height == 0 {
        return Err(MediaError::Malformed("a side of zero pixels"));
    }
    // Where the codec's set-up may lie in the stream, its absence is no error, but nothing to copy for browsers either.
    let mut header = vec![0; VISUAL_BYTES];
    let [w1, w2] = fitting(width)?.to_be_bytes();
    let [h1, h2] = fitting(height)?.to_be_bytes();
    for (at, bytes) in [
        (7, &[1][..]),                   // data reference
        (24, &[w1, w2, h1, h2]),         // size
        (28, &[0, 0x48, 0, 0, 0, 0x48]), // 72 dpi
        (40, &[0, 1]),                   // frames in a sample
        (74, &[0, 0x18, 0xFF, 0xFF]),    // depth, no palette
    ] {
        if let Some(place) = header.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
    let bytes = boxed(&name, &[&header, &setup]);
    Ok(Visual { codec, width, height, plain, bright, entries: Entries { count: 1, bytes } })
}

/// Whether the transfer that a `colr` names is that of PQ or HLG.
fn is_bright(colr: &[u8]) -> bool {
    matches!(colr.get(6..8), Some([0, 16 | 18]))
}

fn fitting(side: u32) -> Result<u16, MediaError> {
    u16::try_from(side).map_err(|_| MediaError::Malformed("a side that no film has"))
}

/// The set-up of H.264 without what may hang behind it, and what its first parameter set says.
pub(super) fn avc_setup(payload: &[u8]) -> Result<(Vec<u8>, Option<h264::Sequence>), MediaError> {
    let mut fields = Fields(payload);
    let [version, profile, _, _, _] = fields.take()?;
    if version != 1 {
        return Err(ODD_SETUP);
    }
    let mut first = None;
    for sets in [fields.u8()? & 0x1F, 0] {
        // The second count, of picture parameter sets, is a whole byte.
        let sets = if first.is_none() { sets } else { fields.u8()? };
        for _ in 0..sets {
            let length = usize::from(fields.u16()?);
            let unit = fields.bytes(length)?;
            first.get_or_insert(unit);
        }
        if first.is_none() {
            return Err(ODD_SETUP);
        }
    }
    let mut used = payload.len() - fields.0.len();
    // Format of colours and depths; extensions of parameter sets are not used by any camera.
    if !matches!(profile, 66 | 77 | 88) && fields.0.len() >= 4 {
        used += 4;
    }
    let mut clean = payload.get(..used).unwrap_or_default().to_vec();
    if used > payload.len() - fields.0.len()
        && let Some(last) = clean.last_mut()
    {
        *last = 0;
    }
    Ok((clean, first.and_then(h264::sequence)))
}

pub(super) fn sound(stsd: &[u8]) -> Result<Sound, MediaError> {
    let (count, list) = entries(stsd)?;
    let mut all: Option<Sound> = None;
    for next in list {
        let (name, payload) = next?;
        let one = sound_entry(name, payload)?;
        match &mut all {
            None => all = Some(one),
            Some(all) if all.codec != one.codec || all.frame_bytes != one.frame_bytes => return Err(MIXED),
            Some(all) => all.entries.bytes.extend_from_slice(&one.entries.bytes),
        }
    }
    let mut all = all.ok_or(ODD_SETUP)?;
    all.entries.count = count;
    Ok(all)
}

fn sound_entry(name: Name, payload: &[u8]) -> Result<Sound, MediaError> {
    let mut fields = Fields(payload);
    fields.skip(8)?;
    let version = fields.u16()?;
    fields.skip(6)?;
    let (channels, bits) = (fields.u16()?, fields.u16()?);
    fields.skip(4)?;
    let rate = fields.u32()?;
    let more = match version {
        0 => 0,
        1 => 16,
        2 => 36,
        _ => return Err(ODD_SETUP),
    };
    let inside = payload.get(SOUND_BYTES + more..).ok_or(ODD_SETUP)?;
    if &name == b"mp4a" {
        // QuickTime hides it in a box of its own.
        let esds = match only(inside, b"esds")? {
            Some(esds) => Some(esds),
            None => only(inside, b"wave")?.map(|wave| only(wave, b"esds")).transpose()?.flatten(),
        };
        let elementary = elementary(esds.ok_or(ODD_SETUP)?)?;
        let codec = match elementary.object_type {
            0x40 | 0x66..=0x68 => AudioCodec::Aac,
            0x69 | 0x6B => AudioCodec::Mp3,
            _ => AudioCodec::Other,
        };
        let rate = if version == 2 { 48_000 << 16 } else { rate };
        let header = [
            &[0, 0, 0, 0, 0, 0, 0, 1][..],
            &[0; 8],
            &channels.clamp(1, 8).to_be_bytes(),
            &16_u16.to_be_bytes(),
            &[0; 4],
            &rate.to_be_bytes(),
        ];
        let bytes = boxed(b"mp4a", &[&header.concat(), &elementary.written()]);
        return Ok(Sound { codec, frame_bytes: 0, entries: Entries { count: 1, bytes } });
    }
    // These go into a converter only, with everything that it may need.
    let (codec, sample_bytes) = match &name {
        b"sowt" | b"twos" => (AudioCodec::Pcm, u32::from(bits).div_ceil(8)),
        b"raw " | b"NONE" => (AudioCodec::Pcm, u32::from(bits).div_ceil(8)),
        b"in24" => (AudioCodec::Pcm, 3),
        b"in32" | b"fl32" => (AudioCodec::Pcm, 4),
        b"fl64" => (AudioCodec::Pcm, 8),
        b"lpcm" | b"ipcm" | b"fpcm" => (AudioCodec::Pcm, 0),
        b"Opus" => (AudioCodec::Opus, 0),
        b"ac-3" | b"ec-3" => (AudioCodec::Ac3, 0),
        b"alac" => (AudioCodec::Alac, 0),
        b".mp3" => (AudioCodec::Mp3, 0),
        b"enca" => return Err(MediaError::Unsupported("an encrypted film")),
        _ => return Err(MediaError::Unsupported("sound in a codec that is not known here")),
    };
    let bytes = boxed(&name, &[payload]);
    Ok(Sound { codec, frame_bytes: sample_bytes * u32::from(channels), entries: Entries { count: 1, bytes } })
}

/// What an `esds` says that a decoder needs.
struct Elementary {
    object_type: u8,
    stream_type: u8,
    bit_rates: [u8; 8],
    setup: Vec<u8>,
}

fn elementary(esds: &[u8]) -> Result<Elementary, MediaError> {
    let mut fields = Fields(esds);
    fields.version_and_flags()?;
    let mut stream = Fields(descriptor(&mut fields, 3)?);
    stream.skip(2)?;
    let flags = stream.u8()?;
    if flags & 0x80 != 0 {
        stream.skip(2)?;
    }
    if flags & 0x40 != 0 {
        return Err(MediaError::Unsupported("a film that lies in several files"));
    }
    if flags & 0x20 != 0 {
        stream.skip(2)?;
    }
    let mut config = Fields(descriptor(&mut stream, 4)?);
    let [object_type, stream_type, _, _, _] = config.take()?;
    let bit_rates = config.take()?;
    let setup = if config.0.is_empty() { Vec::new() } else { descriptor(&mut config, 5)?.to_vec() };
    if setup.len() > 255 {
        return Err(ODD_SETUP);
    }
    Ok(Elementary { object_type, stream_type, bit_rates, setup })
}

/// The contents of the next descriptor, which must have this tag.
fn descriptor<'a>(fields: &mut Fields<'a>, tag: u8) -> Result<&'a [u8], MediaError> {
    if fields.u8()? != tag {
        return Err(ODD_SETUP);
    }
    let mut length = 0_usize;
    for _ in 0..4 {
        let byte = fields.u8()?;
        length = length << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    fields.bytes(length)
}

impl Elementary {
    fn written(&self) -> Vec<u8> {
        let described = |tag: u8, parts: &[&[u8]]| {
            let length = parts.iter().map(|part| part.len()).sum::<usize>();
            let [_, _, a, b] = (length as u32).to_be_bytes();
            let length = u16::from_be_bytes([a, b]);
            let mut bytes = vec![tag, 0x80, 0x80, 0x80 | (length >> 7) as u8, length as u8 & 0x7F];
            parts.iter().for_each(|part| bytes.extend_from_slice(part));
            bytes
        };
        let setup = if self.setup.is_empty() { Vec::new() } else { described(5, &[&self.setup]) };
        let config = described(4, &[&[self.object_type, self.stream_type, 0, 0, 0], &self.bit_rates, &setup]);
        let stream = described(3, &[&[0, 0, 0], &config, &described(6, &[&[2]])]);
        full(b"esds", 0, 0, &[&stream])
    }
}
