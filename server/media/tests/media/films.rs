//! Films: what is walked, what is kept, and what is refused. The films with real pictures are made by ffmpeg.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use shutterpost_media::error::{FilmError, MediaError};
use shutterpost_media::video::exercise::{Layout, corpus, exercise, film};
use shutterpost_media::video::{AudioCodec, Film, Source, Treatment, Video, VideoCodec, VideoLimits, probe};

use crate::synth::{CANARY, Noise};
use crate::tools::{ffmpeg, frames, made};

fn limits() -> VideoLimits {
    VideoLimits::default()
}

fn accepted(bytes: &[u8]) -> Box<Film> {
    match probe(bytes, &limits()).unwrap() {
        Video::Film(film) => film,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn cleaned(bytes: &[u8]) -> Vec<u8> {
    let mut clean = Vec::new();
    accepted(bytes).plan().unwrap().write(bytes, &mut clean).unwrap();
    clean
}

fn refusal(bytes: &[u8]) -> MediaError {
    probe(bytes, &limits()).unwrap_err()
}

pub(crate) fn boxed(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32 + 8).to_be_bytes()[..], name, payload].concat()
}

pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Where the payload of the first box of this name begins.
fn payload_of(bytes: &[u8], name: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == name).unwrap() + 4
}

fn patched(bytes: &[u8], name: &[u8; 4], at: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let from = payload_of(&bytes, name) + at;
    bytes[from..from + patch.len()].copy_from_slice(patch);
    bytes
}

#[test]
fn every_layout_becomes_the_same_clean_film() {
    let mut clean = BTreeSet::new();
    for layout in [Layout::IndexFirst, Layout::IndexLast, Layout::LongForms, Layout::Fragments] {
        let bytes = film(layout, CANARY);
        assert!(contains(&bytes, CANARY));
        let film = accepted(&bytes);
        assert_eq!((film.info.width, film.info.height, film.info.rotation), (720, 1280, 90), "{layout:?}");
        assert_eq!((film.info.video, film.info.audio), (VideoCodec::H264, Some(AudioCodec::Aac)));
        assert_eq!((film.info.tracks, film.info.duration), (3, Some(200)), "{layout:?}");
        assert_eq!(film.treatment(), Treatment::Copy);
        let after = cleaned(&bytes);
        assert!(
            !contains(&after, CANARY) && !contains(&after, b"encoder") && !contains(&after, &[0x55; 4]),
            "{layout:?}"
        );
        assert!(payload_of(&after, b"moov") < payload_of(&after, b"mdat"));
        // The data are those of both tracks, and nothing between them.
        let data = &after[payload_of(&after, b"mdat")..];
        let expected: Vec<u8> = (0..6).flat_map(|n: u8| [vec![n; 40], vec![0x80 | n; 16]].concat()).collect();
        assert_eq!(data, expected, "{layout:?}");
        if layout != Layout::Fragments {
            clean.insert(after);
        }
    }
    assert_eq!(clean.len(), 1, "index first, index last and long forms are one film");
    for bytes in corpus() {
        exercise(&bytes);
    }
}

#[test]
fn a_film_that_is_cut_off_is_refused_or_lost_nothing() {
    for layout in [Layout::IndexFirst, Layout::IndexLast, Layout::Fragments] {
        let whole = film(layout, b"x");
        let frames = accepted(&whole).info.duration;
        for length in 0..whole.len() {
            match probe(&whole[..length], &limits()) {
                Err(_) => {}
                // At the border of fragments nothing can tell; of the rest only unused bytes may go.
                Ok(Video::Film(cut)) => {
                    let lost = layout == Layout::Fragments && cut.info.duration == Some(100);
                    assert!(lost || cut.info.duration == frames && length + 1 >= whole.len(), "{layout:?} at {length}");
                }
                Ok(other) => panic!("{other:?}"),
            }
            exercise(&whole[..length]);
        }
    }
}

/// Twenty thousand damaged films: none may panic or hang, and what is accepted becomes a sound film.
#[test]
fn damage_never_panics() {
    let films = corpus();
    let mut noise = Noise(0xF11);
    let mut accepted = 0;
    for round in 0..20_000 {
        let mut bytes = films[round % films.len()].clone();
        for _ in 0..=noise.below(3) {
            let at = noise.below(bytes.len());
            match noise.below(6) {
                0 => bytes[at] = noise.below(256) as u8,
                1 => bytes[at] ^= 1 << noise.below(8),
                2 => bytes[at] = [0, 0xFF, 0x7F, 0x80][noise.below(4)],
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

#[test]
fn what_is_not_a_film_is_named() {
    let not: MediaError = FilmError::NotAFilm.into();
    // Bad input 31: a playlist under the name of a film.
    assert_eq!(refusal(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n"), not);
    assert_eq!(refusal(b"#EXTM3U\n#EXTINF:1,\nhttp://169.254.169.254/latest/meta-data/\n#EXT-X-ENDLIST\n"), not);
    // Bad input 32: lists and protocols that other readers would follow.
    for text in [
        "ffconcat version 1.0\nfile /etc/passwd\n",
        "concat:/etc/passwd|/etc/hosts",
        "data:video/mp4;base64,AAAA",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "tee:/tmp/a|/tmp/b",
        "<?xml version='1.0'?><MPD/>",
        "-i /etc/passwd",
        "%d.mp4",
    ] {
        assert_eq!(refusal(text.as_bytes()), not, "{text}");
    }
    for bytes in [
        &b"PK\x03\x04"[..],
        b"\x89PNG\r\n\x1A\n",
        b"GIF89a",
        b"RIFF\0\0\0\0AVI LIST",
        b"FLV\x01",
        b"\0\0\0\x18ftypheic",
    ] {
        assert_eq!(refusal(bytes), not);
    }
    assert_eq!(refusal(b""), MediaError::Empty);
    let small = VideoLimits { max_bytes: 10, ..limits() };
    assert_eq!(probe(&b"12345678901"[..], &small).unwrap_err(), MediaError::TooLarge { bytes: 11, limit: 10 });
    // An outer box may hide a playlist, but not as a film.
    let hidden = [boxed(b"ftyp", b"isom"), boxed(b"mdat", b"#EXTM3U\nfile:///etc/passwd")].concat();
    assert_eq!(refusal(&hidden), MediaError::Truncated);
}

/// Claims to be large without being so: reading where nothing was written gives zeros.
struct Vast {
    head: Vec<u8>,
    bytes: u64,
}

impl Source for Vast {
    fn size(&self) -> std::io::Result<u64> {
        Ok(self.bytes)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> std::io::Result<()> {
        assert!(into.len() < 1_000_000, "{} bytes at once", into.len());
        into.fill(0);
        if let Some(head) = self.head.get(offset as usize..) {
            let count = head.len().min(into.len());
            into[..count].copy_from_slice(&head[..count]);
        }
        Ok(())
    }
}

/// Bad input 33.
#[test]
fn bombs_are_refused_before_anything_is_allocated() {
    let started = Instant::now();
    let kind = boxed(b"ftyp", b"isom\0\0\0\0isom");
    let two_gigabytes = [&kind[..], &2_000_000_000_u32.to_be_bytes(), b"moov"].concat();
    let vast = Vast { head: two_gigabytes, bytes: 2_100_000_000 };
    assert_eq!(probe(&vast, &limits()).unwrap_err(), MediaError::Malformed("an index larger than any film has"));
    let endless = Vast { head: [&kind[..], &[0, 0, 0, 0], b"moov"].concat(), bytes: 20_000_000_000 };
    assert_eq!(probe(&endless, &limits()).unwrap_err(), MediaError::Malformed("an index larger than any film has"));

    let whole = film(Layout::IndexFirst, b"x");
    let header = &whole[payload_of(&whole, b"mvhd") - 8..][..108];
    let tracks = [header, &boxed(b"trak", &[]).repeat(1_000_000)].concat();
    let many = [kind.clone(), boxed(b"moov", &tracks), boxed(b"mdat", b"x")].concat();
    assert!(matches!(refusal(&many), MediaError::Malformed(_) | MediaError::Film(FilmError::TooManyTracks { .. })));
    let track = &whole[payload_of(&whole, b"trak") - 8..];
    let track = &track[..u32::from_be_bytes(*track.first_chunk().unwrap()) as usize];
    let tracks = [header, &track.repeat(17)].concat();
    let many = [kind.clone(), boxed(b"moov", &tracks), boxed(b"mdat", b"x")].concat();
    assert_eq!(refusal(&many), FilmError::TooManyTracks { limit: 16 }.into());

    let odd_edit = MediaError::Malformed("an edit list that makes no sense");
    let edits =
        |from: i32, rate: u32| patched(&whole, b"elst", 12, &[&from.to_be_bytes()[..], &rate.to_be_bytes()].concat());
    assert_eq!(refusal(&edits(-2, 0x1_0000)), odd_edit);
    assert_eq!(refusal(&edits(i32::MIN, 0x1_0000)), odd_edit);
    assert_eq!(refusal(&edits(100_000, 0x1_0000)), odd_edit);
    assert_eq!(refusal(&edits(0, 0)), odd_edit);
    assert_eq!(refusal(&patched(&whole, b"elst", 4, &u32::MAX.to_be_bytes())), odd_edit);

    // A duration of 2^63 in the index of the film, and of five hours in the tables.
    let long_header =
        [&[1, 0, 0, 0][..], &[0; 16], &600_u32.to_be_bytes(), &(1_u64 << 63).to_be_bytes(), &[0; 80]].concat();
    let last = film(Layout::IndexLast, b"x");
    let at = payload_of(&last, b"mvhd") - 8;
    let mut long = last.clone();
    long.splice(at..at + 108, boxed(b"mvhd", &long_header));
    let grown = (u32::from_be_bytes(*last[at - 8..].first_chunk().unwrap()) + 12).to_be_bytes();
    long[at - 8..at - 4].copy_from_slice(&grown);
    assert_eq!(refusal(&long), FilmError::TooLong { limit: 4 * 3600 }.into());
    let five_hours = patched(&whole, b"stts", 12, &(600_u32 * 5 * 3600 / 6).to_be_bytes());
    assert_eq!(refusal(&five_hours), FilmError::TooLong { limit: 4 * 3600 }.into());
    // 10^9 frames in a second.
    let fast =
        patched(&patched(&whole, b"mdhd", 12, &1_000_000_000_u32.to_be_bytes()), b"stts", 12, &1_u32.to_be_bytes());
    let fast = patched(&fast, b"elst", 4, &[0; 4]);
    assert_eq!(refusal(&fast), FilmError::TooFast { limit: 240 }.into());
    assert_eq!(
        refusal(&patched(&whole, b"mdhd", 12, &[0; 4])),
        MediaError::Malformed("a track without a unit of time")
    );

    let contradiction = MediaError::Malformed("sample tables that contradict each other");
    for (name, at) in [(b"stts", 8), (b"stsz", 8), (b"stco", 4), (b"stsc", 8), (b"stsc", 12), (b"stss", 8)] {
        let result = refusal(&patched(&whole, name, at, &u32::MAX.to_be_bytes()));
        assert!(result == contradiction || matches!(result, MediaError::Malformed(_)), "{name:?} {result:?}");
    }
    assert_eq!(
        refusal(&patched(&whole, b"stco", 8, &0_u32.to_be_bytes())),
        MediaError::Malformed("samples where no data are")
    );
    assert_eq!(refusal(&patched(&whole, b"stco", 8, &u32::MAX.to_be_bytes())), MediaError::Truncated);
    let vast_pictures = patched(&whole, b"stsd", 8 + 8 + 24, &[0xFF; 4]);
    assert_eq!(refusal(&vast_pictures), MediaError::TooManyPixels { width: 65_535, height: 65_535 });
    let count = patched(&film(Layout::Fragments, b"x"), b"trun", 4, &u32::MAX.to_be_bytes());
    assert_eq!(refusal(&count), MediaError::Malformed("a fragment that makes no sense"));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// Bad input 32, inside of the index: pictures that lie in a file of the server's.
#[test]
fn films_that_name_other_files_are_refused() {
    let whole = film(Layout::IndexFirst, b"x");
    let other = patched(&whole, b"url ", 0, &[0; 4]);
    assert_eq!(refusal(&other), MediaError::Unsupported("a film that lies in several files"));
}

#[test]
fn chunks_that_overlap_are_copied_once() {
    let whole = film(Layout::IndexLast, b"x");
    let first = payload_of(&whole, b"mdat") as u32;
    let same: Vec<u8> = (0..6).flat_map(|_| first.to_be_bytes()).collect();
    let looping = patched(&whole, b"stco", 8, &same);
    let clean = cleaned(&looping);
    assert!(clean.len() < whole.len());
    exercise(&looping);
}

#[test]
fn what_hangs_behind_a_film_is_dropped() {
    let whole = film(Layout::IndexFirst, b"x");
    for tail in [&b"PK\x03\x04 an archive"[..], b"<script>alert(1)</script>", b"\0\0\0"] {
        assert_eq!(cleaned(&[&whole, tail].concat()), cleaned(&whole));
    }
}

#[test]
fn real_films_keep_every_frame() {
    let test = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=2 -f lavfi -i sine=duration=2";
    for (name, words) in [
        ("a.mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac"),
        ("b.mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac -g 15 -movflags frag_keyframe+empty_moov+default_base_moof"),
        ("c.mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac -g 15 -movflags frag_keyframe+empty_moov+separate_moof"),
        ("d.mov", "-c:v libx264 -pix_fmt yuv420p -c:a aac -movflags faststart"),
        ("e.mov", "-c:v libx264 -pix_fmt yuv420p -c:a pcm_s16le"),
        ("f.mp4", "-c:v libx264 -pix_fmt yuv420p -an -bf 0"),
    ] {
        let bytes = made(name, &format!("{test} {words}"));
        let clean = cleaned(&bytes);
        assert_eq!(frames(&clean, "0:v"), frames(&bytes, "0:v"), "{name}");
        if !words.contains("-an") {
            assert_eq!(frames(&clean, "0:a"), frames(&bytes, "0:a"), "{name}");
        }
        let expected = if words.contains("pcm") { Treatment::Convert("sound other than AAC") } else { Treatment::Copy };
        assert_eq!(accepted(&clean).treatment(), expected, "{name}");
        assert_eq!(cleaned(&clean), clean, "{name}");
    }
}

#[test]
fn only_what_everything_plays_is_copied() {
    let test = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=0.2";
    for (name, words, expected) in [
        (
            "ten.mp4",
            "-c:v libx264 -pix_fmt yuv420p10le",
            Treatment::Convert("a kind of H.264 that browsers do not play"),
        ),
        ("full.mp4", "-c:v libx264 -pix_fmt yuv444p", Treatment::Convert("a kind of H.264 that browsers do not play")),
        ("hevc.mp4", "-c:v libx265 -x265-params log-level=none -tag:v hvc1", Treatment::Convert("not H.264")),
        (
            "large.mp4",
            "-vf scale=2560:1440 -c:v libx264 -pix_fmt yuv420p",
            Treatment::Convert("larger than 1920 x 1080"),
        ),
        ("fast.mp4", "-r 120 -c:v libx264 -pix_fmt yuv420p", Treatment::Convert("more than 60 frames a second")),
        ("high.mp4", "-vf scale=1080:1920 -c:v libx264 -pix_fmt yuv420p", Treatment::Copy),
    ] {
        assert_eq!(accepted(&made(name, &format!("{test} {words}"))).treatment(), expected, "{name}");
    }
}

#[test]
fn matroska_is_recognised_and_bounded() {
    let test = "-f lavfi -i testsrc2=size=320x240:rate=30:duration=1 -f lavfi -i sine=duration=1";
    let webm = made("a.webm", &format!("{test} -c:v libvpx -cpu-used 8 -deadline realtime -c:a libopus"));
    let video = probe(&webm, &limits()).unwrap();
    let info = video.info();
    assert_eq!((info.width, info.height, info.video, info.audio), (320, 240, VideoCodec::Vp8, Some(AudioCodec::Opus)));
    assert_eq!(probe(&webm, &limits()).unwrap().treatment(), Treatment::Convert("WebM or Matroska"));
    let pictures = webm.windows(4).position(|id| id == [0x1F, 0x43, 0xB6, 0x75]).unwrap();
    for length in 0..pictures {
        assert!(probe(&webm[..length], &limits()).is_err(), "{length}");
    }
    let short = VideoLimits { max_seconds: 0, ..limits() };
    assert_eq!(probe(&webm, &short).unwrap_err(), FilmError::TooLong { limit: 0 }.into());
    let one = VideoLimits { max_tracks: 1, ..limits() };
    assert_eq!(probe(&webm, &one).unwrap_err(), FilmError::TooManyTracks { limit: 1 }.into());
    // Twenty gigabytes of empty elements are not walked through.
    let head = webm[..webm.windows(4).position(|id| id == [0x18, 0x53, 0x80, 0x67]).unwrap()].to_vec();
    let voids = [
        &head[..],
        &[0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0xEC, 0x80].repeat(5000),
    ]
    .concat();
    assert_eq!(refusal(&voids), MediaError::Malformed("more elements than any film has"));
}

#[test]
fn a_file_is_a_source_as_well() {
    let folder = crate::tools::Folder::new();
    let path = folder.path().join("film");
    std::fs::write(&path, film(Layout::IndexLast, b"x")).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let Video::Film(film) = probe(&file, &limits()).unwrap() else { panic!("not a film") };
    let mut clean = Vec::new();
    film.plan().unwrap().write(&file, &mut clean).unwrap();
    assert_eq!(clean, cleaned(&std::fs::read(&path).unwrap()));
    assert!(Path::new(&path).exists() && Command::new(ffmpeg()).arg("-version").output().is_ok());
}
