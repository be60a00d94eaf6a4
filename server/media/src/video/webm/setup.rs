//! What codecs need to know before the first block. Encoders write their names into it, and people their titles; only what
//! decoders read comes through.

use crate::error::MediaError;
use crate::video::boxes::Fields;
use crate::video::ebml::written;
use crate::video::entry::avc_setup;
use crate::video::{AudioCodec, VideoCodec};

const CODEC_PRIVATE: u32 = 0x63A2;
const ODD_SETUP: MediaError = MediaError::Malformed("a codec's set-up that makes no sense");

/// How pictures are coded.
pub(super) struct Pictures {
    pub(super) name: &'static str,
    pub(super) codec: VideoCodec,
    /// As far as the set-up says; else zero.
    pub(super) width: u32,
    pub(super) height: u32,
    /// The element, or nothing.
    pub(super) setup: Vec<u8>,
}

/// The set-up of a codec of pictures, cleaned.
pub(super) fn pictures(name: &[u8], private: Option<&[u8]>) -> Result<Pictures, MediaError> {
    let (name, codec) = match name {
        b"V_VP8" => ("V_VP8", VideoCodec::Vp8),
        b"V_VP9" => ("V_VP9", VideoCodec::Vp9),
        b"V_AV1" => ("V_AV1", VideoCodec::Av1),
        b"V_MPEG4/ISO/AVC" => ("V_MPEG4/ISO/AVC", VideoCodec::H264),
        b"V_MPEGH/ISO/HEVC" => ("V_MPEGH/ISO/HEVC", VideoCodec::Hevc),
        b"V_MPEG4/ISO/SP" | b"V_MPEG4/ISO/ASP" | b"V_MPEG4/ISO/AP" => ("V_MPEG4/ISO/ASP", VideoCodec::Mpeg4),
        _ => return Err(MediaError::Unsupported("a film in a codec that is not known here")),
    };
    let (mut width, mut height) = (0, 0);
    let setup = match (codec, private) {
        (VideoCodec::Av1, Some(private)) => Some(av1(private)?),
        (VideoCodec::H264, Some(private)) => {
            let (clean, sequence) = avc_setup(private)?;
            if let Some(sequence) = sequence {
                (width, height) = (sequence.width, sequence.height);
            }
            Some(clean)
        }
        (VideoCodec::Hevc, Some(private)) => Some(hevc(private)?),
        (VideoCodec::Mpeg4, Some(private)) => Some(mpeg4(private)),
        // All that a decoder wants is in the pictures.
        _ => None,
    };
    Ok(Pictures { name, codec, width, height, setup: element(setup) })
}

/// The same of sound: name, codec, and the element.
pub(super) fn sound(name: &[u8], private: Option<&[u8]>) -> Result<(&'static str, AudioCodec, Vec<u8>), MediaError> {
    const AAC: [&str; 9] = [
        "A_AAC",
        "A_AAC/MPEG2/MAIN",
        "A_AAC/MPEG2/LC",
        "A_AAC/MPEG2/LC/SBR",
        "A_AAC/MPEG2/SSR",
        "A_AAC/MPEG4/MAIN",
        "A_AAC/MPEG4/LC",
        "A_AAC/MPEG4/LC/SBR",
        "A_AAC/MPEG4/LTP",
    ];
    let named = |all: &[&'static str]| all.iter().copied().find(|one| one.as_bytes() == name);
    let (name, codec) = if let Some(name) = named(&AAC) {
        (name, AudioCodec::Aac)
    } else if let Some(name) = named(&["A_PCM/INT/LIT", "A_PCM/INT/BIG", "A_PCM/FLOAT/IEEE"]) {
        (name, AudioCodec::Pcm)
    } else if let Some(name) = named(&["A_AC3", "A_EAC3"]) {
        (name, AudioCodec::Ac3)
    } else if let Some(name) = named(&["A_FLAC", "A_MPEG/L2"]) {
        (name, AudioCodec::Other)
    } else {
        match name {
            b"A_OPUS" => ("A_OPUS", AudioCodec::Opus),
            b"A_VORBIS" => ("A_VORBIS", AudioCodec::Vorbis),
            b"A_MPEG/L3" => ("A_MPEG/L3", AudioCodec::Mp3),
            _ => return Err(MediaError::Unsupported("sound in a codec that is not known here")),
        }
    };
    let setup = match (name, private) {
        ("A_OPUS", Some(private)) => Some(opus(private)?),
        // There is no sound without it.
        ("A_VORBIS", private) => Some(vorbis(private.unwrap_or_default()).ok_or(ODD_SETUP)?),
        ("A_FLAC", private) => Some(flac(private.unwrap_or_default()).ok_or(ODD_SETUP)?),
        (_, Some(private)) if codec == AudioCodec::Aac => {
            Some(private).filter(|private| private.len() <= 64).map(<[u8]>::to_vec)
        }
        _ => None,
    };
    Ok((name, codec, element(setup)))
}

fn element(setup: Option<Vec<u8>>) -> Vec<u8> {
    setup.map_or(Vec::new(), |setup| written(CODEC_PRIVATE, &[&setup]))
}

/// Without what may follow: the same is in the pictures.
fn av1(private: &[u8]) -> Result<Vec<u8>, MediaError> {
    private.first_chunk::<4>().map(|head| head.to_vec()).ok_or(ODD_SETUP)
}

/// The parameter sets alone; encoders add a message with their names and settings.
fn hevc(private: &[u8]) -> Result<Vec<u8>, MediaError> {
    const SETS: std::ops::RangeInclusive<u8> = 32..=34;
    let mut fields = Fields(private);
    let mut clean = fields.bytes(22)?.to_vec();
    let arrays = fields.u8()?;
    let (mut kept, mut sets) = (0_u8, Vec::new());
    for _ in 0..arrays {
        let kind = fields.u8()?;
        let before = fields.0;
        for _ in 0..fields.u16()? {
            let length = fields.u16()?;
            fields.skip(usize::from(length))?;
        }
        if SETS.contains(&(kind & 0x3F)) {
            kept += 1;
            sets.push(kind);
            sets.extend_from_slice(before.get(..before.len() - fields.0.len()).unwrap_or_default());
        }
    }
    clean.push(kept);
    clean.extend(sets);
    Ok(clean)
}

/// Without user data, in which encoders write their names.
fn mpeg4(private: &[u8]) -> Vec<u8> {
    const START: [u8; 3] = [0, 0, 1];
    const USER_DATA: u8 = 0xB2;
    let starts = private.windows(3).enumerate().filter(|(_, window)| *window == START).map(|(at, _)| at);
    let mut starts = starts.peekable();
    let mut clean = Vec::new();
    while let Some(start) = starts.next() {
        let end = starts.peek().copied().unwrap_or(private.len());
        let part = private.get(start..end).unwrap_or_default();
        if part.get(3) != Some(&USER_DATA) {
            clean.extend_from_slice(part);
        }
    }
    clean
}

/// The head, whose length follows from the number of channels.
fn opus(private: &[u8]) -> Result<Vec<u8>, MediaError> {
    let channels = private.get(9).copied().map_or(0, usize::from);
    let length = if private.get(18) == Some(&0) { 19 } else { 21 + channels };
    let head = private.get(..length).filter(|head| head.starts_with(b"OpusHead")).ok_or(ODD_SETUP)?;
    Ok(head.to_vec())
}

/// The description of the sound alone: pictures and comments may follow on it.
fn flac(private: &[u8]) -> Option<Vec<u8>> {
    // The only description, of 34 bytes.
    const ONLY: [u8; 4] = [0x80, 0, 0, 34];
    let rest = private.strip_prefix(b"fLaC").unwrap_or(private);
    let head = rest.get(..38).filter(|head| matches!(head, [0 | 0x80, 0, 0, 34, ..]))?;
    Some([&b"fLaC"[..], &ONLY, head.get(4..)?].concat())
}

/// Three packets in a row; that in the middle names the encoder and may hold any tag, and becomes an empty one.
fn vorbis(private: &[u8]) -> Option<Vec<u8>> {
    const COMMENTS: &[u8] = b"\x03vorbis\0\0\0\0\0\0\0\0\x01";
    let (count, rest) = private.split_first()?;
    let (first, rest) = laced(rest)?;
    let (second, rest) = laced(rest)?;
    let (head, rest) = rest.split_at_checked(first)?;
    let (comments, books) = rest.split_at_checked(second)?;
    let kinds = [(head, b"\x01vorbis"), (comments, b"\x03vorbis"), (books, b"\x05vorbis")];
    let sound = *count == 2 && head.len() == 30 && kinds.iter().all(|(packet, kind)| packet.starts_with(*kind));
    sound.then(|| [&[2, 30, COMMENTS.len() as u8][..], head, COMMENTS, books].concat())
}

/// A length of which every byte but the last is 255.
fn laced(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let at = bytes.iter().position(|byte| *byte != 255)?;
    let (length, rest) = bytes.split_at_checked(at + 1)?;
    Some((length.iter().map(|byte| usize::from(*byte)).sum(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|window| window == part)
    }

    #[test]
    fn names_and_tags_are_not_in_set_ups() {
        let head = [&b"\x01vorbis"[..], &[7; 23]].concat();
        let comments = [&b"\x03vorbis"[..], &b"SECRET".repeat(100)].concat();
        let books = [&b"\x05vorbis"[..], &[9; 40]].concat();
        let private = [&[2, 30, 255, 255, 97][..], &head, &comments, &books].concat();
        let clean = vorbis(&private).unwrap();
        assert!(contains(&private, b"SECRET") && !contains(&clean, b"SECRET"));
        assert!(clean.starts_with(&[&[2, 30, 16][..], &head].concat()) && clean.ends_with(&books));
        assert_eq!(vorbis(&clean).unwrap(), clean);

        let sets = |kind: u8, set: &[u8]| [&[kind, 0, 1, 0, set.len() as u8][..], set].concat();
        let first = [&[1; 22][..], &[3], &sets(0x20, b"VPS")].concat();
        let private = [&first[..], &sets(39, b"SECRET"), &sets(0xA2, b"PPS")].concat();
        let clean = hevc(&private).unwrap();
        assert_eq!(clean, [&[1; 22][..], &[2], &sets(0x20, b"VPS"), &sets(0xA2, b"PPS")].concat());

        let private = b"\0\0\x01\xB0\x01\0\0\x01\xB2SECRET\0\0\x01\x20abc";
        assert_eq!(mpeg4(private), b"\0\0\x01\xB0\x01\0\0\x01\x20abc");

        let opening = [&b"OpusHead\x01\x02"[..], &[0; 8], &[0], b"SECRET"].concat();
        assert_eq!(opus(&opening).unwrap(), opening[..19]);
        let opening = [&b"fLaC\0\0\0\x22"[..], &[5; 34], &[0x84, 0, 0, 6], b"SECRET"].concat();
        assert_eq!(flac(&opening).unwrap(), [&b"fLaC\x80\0\0\x22"[..], &[5; 34]].concat());
        assert_eq!(av1(b"\x81\x05\x0C\x00SECRET").unwrap(), b"\x81\x05\x0C\x00");
        let long = sound(b"A_AAC", Some(&[0x11; 65])).unwrap();
        assert_eq!((long.0, long.1, long.2.len()), ("A_AAC", AudioCodec::Aac, 0));
    }

    #[test]
    fn what_is_cut_off_is_refused_and_what_is_unknown_too() {
        for length in 0..19 {
            assert!(opus(&b"OpusHead\x01\x02\0\0\0\0\0\0\0\0\0"[..length]).is_err(), "{length}");
        }
        assert!(vorbis(&[2, 30]).is_none() && vorbis(&[2, 255, 255]).is_none() && flac(b"fLaC").is_none());
        assert!(hevc(&[0; 22]).is_err() && av1(&[0x81]).is_err());
        for name in [&b"V_MJPEG"[..], b"V_UNCOMPRESSED", b"", b"V_VP8\0"] {
            assert!(matches!(pictures(name, None), Err(MediaError::Unsupported(_))), "{name:?}");
        }
        assert!(matches!(sound(b"A_QUICKTIME", None), Err(MediaError::Unsupported(_))));
    }
}
