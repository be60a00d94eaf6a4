//! WebM and Matroska: what is walked, what is kept, and what is refused. Those with real pictures are made by ffmpeg.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use shutterpost_media::convert::webm_poster;
use shutterpost_media::error::{FilmError, MediaError};
use shutterpost_media::rendition::{Encoding, Name};
use shutterpost_media::video::exercise::{Way, exercise, webm, webm_corpus};
use shutterpost_media::video::{AudioCodec, Source, Treatment, Video, VideoCodec, VideoLimits, Webm, probe};

use crate::films::contains;
use crate::synth::{CANARY, Noise, decode, near};
use crate::tools::{Folder, decoded, exiftool, frames, made, sandbox, tags};

fn limits() -> VideoLimits {
    VideoLimits::default()
}

fn accepted(bytes: &[u8]) -> Box<Webm> {
    match probe(bytes, &limits()).unwrap() {
        Video::Webm(webm) => webm,
        other => panic!("{other:?}"),
    }
}

fn cleaned(bytes: &[u8]) -> Vec<u8> {
    let mut clean = Vec::new();
    accepted(bytes).plan().write(bytes, &mut clean).unwrap();
    clean
}

fn refusal(bytes: &[u8]) -> MediaError {
    probe(bytes, &limits()).unwrap_err()
}

fn element(id: &[u8], payload: &[u8]) -> Vec<u8> {
    [id, &(payload.len() as u64 | 1 << 56).to_be_bytes(), payload].concat()
}

/// Where the first element of this name has its length.
fn behind(bytes: &[u8], id: &[u8]) -> usize {
    bytes.windows(id.len()).position(|window| window == id).unwrap() + id.len()
}

const INFO: [u8; 4] = [0x15, 0x49, 0xA9, 0x66];
const TRACKS: [u8; 4] = [0x16, 0x54, 0xAE, 0x6B];
const CLUSTER: [u8; 4] = [0x1F, 0x43, 0xB6, 0x75];
const SEGMENT: [u8; 4] = [0x18, 0x53, 0x80, 0x67];

#[test]
fn every_way_of_writing_becomes_a_clean_film() {
    for way in [Way::Muxed, Way::Recorded, Way::Groups] {
        let bytes = webm(way, CANARY);
        assert!(contains(&bytes, CANARY), "{way:?}");
        let film = accepted(&bytes);
        let info = film.info;
        assert_eq!((info.width, info.height, info.bright), (1280, 720, false), "{way:?}");
        assert_eq!((info.video, info.audio), (VideoCodec::Vp8, Some(AudioCodec::Vorbis)));
        // A recorder does not say how long its last picture is shown.
        assert_eq!(info.duration, Some(if way == Way::Recorded { 200 } else { 240 }), "{way:?}");
        assert_eq!(info.tracks, if way == Way::Groups { 3 } else { 2 });
        let expected = if way == Way::Groups { "video/x-matroska" } else { "video/webm" };
        assert_eq!(film.media_type(), expected);

        let clean = cleaned(&bytes);
        for trace in [CANARY, b"TITLE", b"ger", b"S_TEXT", &[0x5E, 0xC2, 0xE7]] {
            assert!(!contains(&clean, trace), "{way:?}: {}", String::from_utf8_lossy(trace));
        }
        for number in 0..6_u8 {
            assert!(
                contains(&clean, &[number; 40]) && contains(&clean, &[0x80 | (number % 3); 16]),
                "{way:?}: {number}"
            );
        }
        let again = accepted(&clean);
        assert_eq!((again.info.duration, again.info.tracks), (info.duration, 2));
        assert_eq!(cleaned(&clean), clean);
        exercise(&bytes);
    }
}

/// Whatever it is, and wherever it lies.
#[test]
fn what_is_not_known_has_no_way_in() {
    let unknown = element(&[0x4A, 0xBC], CANARY);
    let mut bytes = webm(Way::Recorded, b"");
    // Into the last cluster, and beside it: it ends where tags begin.
    bytes.extend([unknown.clone(), element(&[0x12, 0x54, 0xC3, 0x67], CANARY), unknown.clone()].concat());
    let tracks = behind(&bytes, &TRACKS) - 4;
    bytes.splice(tracks..tracks, unknown);
    assert!(!contains(&cleaned(&bytes), CANARY));
    // Another film behind this one.
    let two = [webm(Way::Recorded, b""), webm(Way::Recorded, CANARY)].concat();
    assert_eq!(cleaned(&two), cleaned(&webm(Way::Recorded, b"")));
    // Bytes behind the segment.
    let longer = [webm(Way::Muxed, b""), CANARY.to_vec()].concat();
    assert_eq!(cleaned(&longer), cleaned(&webm(Way::Muxed, b"")));
}

const TEST: &str = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=2 -f lavfi -i sine=duration=2";

/// What exiftool may find in a cleaned film.
const ALLOWED: &[&str] = &[
    "EBMLVersion",
    "EBMLReadVersion",
    "EBMLMaxIDLength",
    "EBMLMaxSizeLength",
    "DocType",
    "DocTypeVersion",
    "DocTypeReadVersion",
    "TimecodeScale",
    "MuxingApp",
    "WritingApp",
    "Duration",
    "TrackNumber",
    "TrackUID",
    "TrackLanguage",
    "TrackType",
    "CodecID",
    "CodecPrivate",
    "CodecDelay",
    "SeekPreRoll",
    // The same two, whose names exiftool does not know.
    "Matroska_0x16aa",
    "Matroska_0x16bb",
    "VideoCodecID",
    "AudioCodecID",
    "VideoFrameRate",
    "ImageWidth",
    "ImageHeight",
    "DisplayWidth",
    "DisplayHeight",
    "DisplayUnit",
    "VideoScanType",
    "AudioSampleRate",
    "AudioChannels",
    "AudioBitsPerSample",
    "CueTime",
    "CueTrack",
    "CueClusterPosition",
    "ImageSize",
    "Megapixels",
    "AvgBitrate",
    "Warning",
];

#[test]
fn nothing_but_the_film_comes_through() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("font.ttf"), b"SECRET".repeat(500)).unwrap();
    std::fs::write(path("text.srt"), "1\n00:00:00,000 --> 00:00:01,000\nSECRET\n").unwrap();
    std::fs::write(path("chapters.txt"), ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=SECRET\n")
        .unwrap();
    let more = format!(
        "-i {} -i {} -map 0 -map 1 -map 1 -map 2 -map_chapters 3 -c:s copy -attach {} -metadata:s:t mimetype=application/x-font",
        path("text.srt"),
        path("chapters.txt"),
        path("font.ttf")
    );
    let vp8 = "-c:v libvpx -cpu-used 8 -deadline realtime";
    let vp9 = "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime";
    let tagged = "-metadata title=SECRET -metadata artist=SECRET -metadata:s:v title=SECRET -metadata:s:a title=SECRET";
    for (name, words) in [
        ("a.webm", format!("{vp8} -c:a libvorbis {tagged}")),
        ("b.webm", format!("{vp9} -c:a libopus -live 1 {tagged}")),
        ("c.mkv", format!("{more} {vp8} -c:a libvorbis {tagged}")),
        ("d.mkv", format!("-c:v libx264 -pix_fmt yuv420p -c:a aac {tagged}")),
        ("e.mkv", format!("-c:v libx265 -preset ultrafast -x265-params log-level=none -c:a flac {tagged}")),
        ("f.mkv", format!("-c:v mpeg4 -c:a ac3 {tagged}")),
        ("g.mkv", format!("-t 0.3 -c:v libaom-av1 -cpu-used 8 -usage realtime -c:a pcm_s16le {tagged}")),
    ] {
        let words = format!("{TEST} {words}");
        let bytes = made(name, &words.split_whitespace().collect::<Vec<_>>().join(" "));
        assert!(contains(&bytes, b"SECRET") && contains(&bytes, b"Lavf"), "{name}");
        let info = accepted(&bytes).info;
        assert!(info.duration.unwrap().abs_diff(if name == "g.mkv" { 300 } else { 2000 }) < 100, "{name}: {info:?}");
        let clean = cleaned(&bytes);
        assert!(!contains(&clean, b"SECRET") && !contains(&clean, b"Lavf"), "{name}");
        // Some encoders write their names between the pictures.
        let silent = ["a.webm", "b.webm", "c.mkv"].contains(&name);
        assert!(!silent || !(contains(&clean, b"Lavc") || contains(&clean, b"Xiph")), "{name}");
        for (tag, value) in exiftool::read(&clean) {
            assert!(ALLOWED.contains(&tag.as_str()), "{name}: {tag} = {value}");
            assert!(!value.contains("SECRET"), "{name}: {tag} = {value}");
        }
        // The format wants a name of a program; a blank stands for it.
        assert!(tags(&bytes).len() > 1 && tags(&clean) == ["TAG:encoder= "], "{name}: {:?}", tags(&clean));
        for (before, after) in [("0:v:0", "0:v"), ("0:a:0", "0:a")] {
            assert_eq!(frames(&bytes, before), frames(&clean, after), "{name}");
            assert_eq!(decoded(&bytes, before), decoded(&clean, after), "{name}");
        }
        assert_eq!(probe(&clean, &limits()).unwrap().treatment(), Treatment::Convert("WebM or Matroska"));
        exercise(&bytes);
    }
}

/// Players find places in the film by the index that is written anew.
#[test]
fn the_index_names_clusters() {
    let bytes = made("a.webm", &format!("{TEST} -c:v libvpx -g 15 -cpu-used 8 -deadline realtime -c:a libopus"));
    let clean = cleaned(&bytes);
    let segment = behind(&clean, &SEGMENT) + 8;
    let places: Vec<usize> = (0..behind(&clean, &CLUSTER))
        .filter(|at| clean[*at..].starts_with(&[0xF1, 0x88]))
        .map(|at| u64::from_be_bytes(*clean[at + 2..].first_chunk().unwrap()) as usize)
        .collect();
    assert!(places.len() >= 2, "{places:?}");
    for place in places {
        assert_eq!(clean[segment + place..][..4], CLUSTER, "{place}");
    }
}

#[test]
fn when_the_recorder_was_switched_on_is_gone() {
    let words = "-c:v libvpx -g 15 -cpu-used 8 -deadline realtime -c:a libopus -output_ts_offset 10000";
    let bytes = made("a.webm", &format!("{TEST} {words}"));
    // So many seconds, about, in milliseconds, as the time of a cluster.
    let traces = |bytes: &[u8]| contains(bytes, &[0xE7, 0x83, 0x98, 0x96]);
    let clean = cleaned(&bytes);
    assert!(traces(&bytes) && !traces(&clean));
    assert_eq!(frames(&clean, "v"), frames(&bytes, "v"));
    let lasts = accepted(&clean).info.duration.unwrap();
    assert!((1900..2200).contains(&lasts), "{lasts}");
}

#[test]
fn the_poster_is_a_picture_of_the_first_second() {
    let words = "-f lavfi -i color=red:size=320x240:rate=30:duration=0.5 -f lavfi -i color=blue:size=320x240:rate=30:duration=2 \
                 -filter_complex [0][1]concat=n=2 -g 15 -c:v libvpx -cpu-used 8 -deadline realtime -live 1";
    let bytes = made("colours.webm", &words.split_whitespace().collect::<Vec<_>>().join(" "));
    for bytes in [&bytes, &cleaned(&bytes)] {
        let derived = webm_poster(sandbox(), bytes, &accepted(bytes), None).unwrap();
        assert_eq!((derived.width, derived.height, derived.renditions.len()), (320, 240, 7));
        let jpeg =
            |made: &&shutterpost_media::rendition::Rendition| made.name == Name::Web && made.encoding == Encoding::Jpeg;
        let web = derived.renditions.iter().find(jpeg).unwrap();
        let middle = decode(&web.bytes).at(160, 120);
        assert!(near(middle, [0, 0, 255], 16), "{middle:?}");
    }
    // What is made for tests has no pictures in its blocks.
    let bytes = webm(Way::Muxed, b"");
    let failed = webm_poster(sandbox(), &bytes, &accepted(&bytes), None).unwrap_err();
    assert!(matches!(failed, MediaError::Film(FilmError::Conversion(_))), "{failed:?}");
}

#[test]
fn what_is_cut_off_is_no_film_or_a_shorter_one() {
    let real = made("a.webm", &format!("{TEST} -c:v libvpx -cpu-used 8 -deadline realtime -c:a libopus"));
    for bytes in webm_corpus().into_iter().chain([real]) {
        let whole = accepted(&bytes).info.duration;
        for part in 0..50 {
            let cut = &bytes[..bytes.len() * part / 50];
            match probe(cut, &limits()) {
                Ok(video) => assert!(video.info().duration < whole, "{part}"),
                Err(error) => assert!(
                    matches!(error, MediaError::Empty | MediaError::Truncated | MediaError::Film(_)),
                    "{part}: {error:?}"
                ),
            }
            exercise(cut);
        }
    }
}

#[test]
fn damage_never_panics_and_takes_no_memory() {
    let films = webm_corpus();
    let mut noise = Noise(0x3EB);
    let mut accepted = 0;
    for round in 0..10_000 {
        let mut bytes = films[round % films.len()].clone();
        for _ in 0..=noise.below(3) {
            let at = noise.below(bytes.len());
            match noise.below(6) {
                0 => bytes[at] = noise.below(256) as u8,
                1 => bytes[at] ^= 1 << noise.below(8),
                2 => bytes[at] = [0, 0xFF, 0x01, 0x80][noise.below(4)],
                3 if bytes.len() > 1 => drop(bytes.remove(at)),
                3 | 4 => bytes.insert(at, noise.below(256) as u8),
                _ => bytes.truncate(at.max(1)),
            }
        }
        accepted += usize::from(probe(&bytes, &limits()).is_ok());
        exercise(&bytes);
    }
    assert!(accepted > 500, "the damage is too heavy to test anything: {accepted}");
}

/// A source that counts the bytes that are asked for, and says that it is as long as it likes.
struct Counted {
    bytes: Vec<u8>,
    size: u64,
    asked: AtomicU64,
}

impl Source for Counted {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.asked.fetch_add(into.len() as u64, Ordering::Relaxed);
        for (byte, at) in into.iter_mut().zip(offset..) {
            *byte = self.bytes.get(at as usize).copied().unwrap_or(0);
        }
        Ok(())
    }
}

#[test]
fn claims_are_checked_before_anything_is_read() {
    let bytes = webm(Way::Muxed, b"");
    let refused = |bytes: Vec<u8>, size: u64| {
        let source = Counted { bytes, size, asked: AtomicU64::new(0) };
        let error = probe(&source, &limits()).unwrap_err();
        assert!(source.asked.load(Ordering::Relaxed) < 100_000, "{error:?}");
        error
    };
    // The element whose length is at this place becomes so long.
    let claiming = |bytes: &[u8], at: usize, length: u64| {
        let short = bytes[at].leading_zeros() as usize + 1;
        [&bytes[..at], &(1_u64 << 56 | length).to_be_bytes(), &bytes[at + short..]].concat()
    };
    let long_segment = claiming(&bytes, behind(&bytes, &SEGMENT), 5_000_000_000);
    assert_eq!(refused(long_segment.clone(), bytes.len() as u64), MediaError::Truncated);
    for id in [INFO, TRACKS] {
        let long = claiming(&long_segment, behind(&long_segment, &id), 2_000_000);
        assert_eq!(refused(long, 6_000_000_000), MediaError::Malformed("a description larger than any film has"));
    }
    let block = behind(&bytes, &CLUSTER);
    let block = block + bytes[block..].iter().position(|byte| *byte == 0xA3).unwrap() + 1;
    let fits = MediaError::Malformed("an element that does not fit into the one around it");
    assert_eq!(refusal(&claiming(&bytes, block, 5_000_000_000)), fits);
    // Nothing is known to be as long as the file is not.
    let unknown = |id: &[u8]| {
        let at = behind(&bytes, id);
        let long = bytes[at].leading_zeros() as usize + 1;
        [&bytes[..at], &[0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], &bytes[at + long..]].concat()
    };
    for id in [&INFO[..], &TRACKS] {
        assert!(probe(&unknown(id), &limits()).is_err(), "{id:?}");
    }
    // Zeros behind the film, as far as anybody likes.
    let open = webm(Way::Recorded, b"");
    assert_eq!(refused(open, 20_000_000_000), fits);
}

#[test]
fn what_does_not_fit_is_named() {
    let bytes = webm(Way::Muxed, b"");
    let of = |limits: VideoLimits| probe(&bytes, &limits).unwrap_err();
    assert_eq!(of(VideoLimits { max_seconds: 0, ..limits() }), FilmError::TooLong { limit: 0 }.into());
    assert_eq!(of(VideoLimits { max_tracks: 1, ..limits() }), FilmError::TooManyTracks { limit: 1 }.into());
    assert_eq!(of(VideoLimits { max_frame_rate: 20, ..limits() }), FilmError::TooFast { limit: 20 }.into());
    assert_eq!(
        of(VideoLimits { max_samples: 2, ..limits() }),
        MediaError::Malformed("more elements than any film has")
    );
    assert_eq!(of(VideoLimits { max_side: 1000, ..limits() }), MediaError::TooManyPixels { width: 1280, height: 720 });
    let pieces = MediaError::Malformed("more pieces than any film has");
    let scattered = webm(Way::Muxed, b"void");
    assert_eq!(probe(&scattered, &VideoLimits { max_chunks: 3, ..limits() }).unwrap_err(), pieces);
    assert_eq!(
        probe(&bytes, &VideoLimits { max_bytes: 100, ..limits() }).unwrap_err(),
        MediaError::TooLarge { bytes: bytes.len() as u64, limit: 100 }
    );

    let patched = |from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    };
    // A recording whose last cluster is days later.
    let late = patched(&[0xE7, 0x81, 120], &[0xE7, 0x81, 0]);
    assert!(probe(&late, &limits()).is_ok());
    let days = patched(&[0x2A, 0xD7, 0xB1, 0x83, 0x0F, 0x42, 0x40], &[0x2A, 0xD7, 0xB1, 0x83, 0xFF, 0xFF, 0xFF]);
    assert!(probe(&days, &limits()).is_ok(), "a unit of 16 milliseconds is a slow film");
    let short = VideoLimits { max_seconds: 3, ..limits() };
    assert_eq!(probe(&days, &short).unwrap_err(), FilmError::TooLong { limit: 3 }.into());
    assert_eq!(refusal(&patched(b"webm", b"wubm")), FilmError::NotAFilm.into());
    assert_eq!(
        refusal(&patched(b"V_VP8", b"V_XYZ")),
        MediaError::Unsupported("a film in a codec that is not known here")
    );
    assert_eq!(
        refusal(&patched(b"A_VORBIS", b"A_THINGS")),
        MediaError::Unsupported("sound in a codec that is not known here")
    );
    assert_eq!(refusal(&patched(&[0x83, 0x81, 1], &[0x83, 0x81, 9])), FilmError::NoPictures.into());
    let number = patched(&[0xD7, 0x81, 2], &[0xD7, 0x81, 1]);
    assert_eq!(refusal(&number), MediaError::Malformed("two tracks of one number"));
    // Encryption, where language was.
    let packed = patched(&[0x22, 0xB5, 0x9C, 0x83, b'g', b'e', b'r'], &[0x6D, 0x80, 0x84, 0x62, 0x40, 0x81, 0]);
    assert_eq!(refusal(&packed), MediaError::Unsupported("a film that is encrypted or packed once more"));
    let timeless = patched(&[0xE7, 0x81, 0], &[0xEC, 0x81, 0]);
    assert_eq!(refusal(&timeless), MediaError::Malformed("a block before the time of its cluster"));
}
