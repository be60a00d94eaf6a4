//! What must hold for every file whatever, and small films to begin with: for fuzzing and for tests.

use crate::video::boxes::{boxed, full};
use crate::video::{Film, Video, VideoLimits, probe};

pub use webm::{Way, webm, webm_corpus};

mod webm;

/// Small, so that a claimed size does not turn this into a test of memory.
fn limits() -> VideoLimits {
    VideoLimits { max_index_bytes: 1_000_000, max_samples: 100_000, max_chunks: 10_000, ..VideoLimits::default() }
}

/// Walks the bytes as a film and, if they are accepted, writes the cleaned film and walks that: it must be the same film,
/// and cleaning it again must change nothing. Panics where that does not hold.
pub fn exercise(bytes: &[u8]) {
    let limits = limits();
    let film = match probe(bytes, &limits) {
        Ok(Video::Film(film)) => film,
        Ok(Video::Webm(found)) => return webm::exercise(bytes, &found),
        Err(_) => return,
    };
    let clean = written(bytes, &film);
    let again = match probe(&clean, &limits) {
        Ok(Video::Film(again)) => again,
        other => panic!("a cleaned film is refused: {other:?}"),
    };
    let (before, after) = (film.info, again.info);
    assert_eq!((before.width, before.height, before.rotation), (after.width, after.height, after.rotation));
    assert_eq!((before.video, before.audio), (after.video, after.audio));
    assert!(!after.fragmented && after.tracks == 1 + u32::from(before.audio.is_some()));
    assert_eq!(film.treatment(), again.treatment());
    assert_eq!(written(&clean, &again), clean, "cleaning twice changes something");
    if let Ok(still) = film.poster_plan() {
        let mut poster = Vec::new();
        still.write(bytes, &mut poster).expect("the samples are inside of the file");
        assert!(matches!(probe(&poster, &limits), Ok(Video::Film(_))), "a poster is refused");
    }
}

fn written(bytes: &[u8], film: &Film) -> Vec<u8> {
    let plan = film.plan().expect("what was accepted can be laid out");
    let mut clean = Vec::new();
    plan.write(bytes, &mut clean).expect("the samples are inside of the file");
    assert_eq!(clean.len() as u64, plan.bytes());
    clean
}

/// Where the parts of a film lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    IndexFirst,
    IndexLast,
    /// Sizes in 64 bits, and data to the end of the file.
    LongForms,
    Fragments,
}

/// One film of each layout, and a WebM file.
pub fn corpus() -> Vec<Vec<u8>> {
    let layouts = [Layout::IndexFirst, Layout::IndexLast, Layout::LongForms, Layout::Fragments];
    layouts.into_iter().map(|layout| film(layout, b"somewhere")).chain([webm(Way::Muxed, b"somewhere")]).collect()
}

/// Samples of each track.
const SAMPLES: u32 = 6;
const PICTURE_BYTES: u32 = 40;
const SOUND_BYTES: u32 = 16;

/// A film of two kilobytes: pictures (whose data are no pictures), sound, and a track of positions which says `secret`, as
/// do its user data and the bytes between the samples.
pub fn film(layout: Layout, secret: &[u8]) -> Vec<u8> {
    let kind = boxed(b"ftyp", &[b"isom", &[0; 4], b"isomavc1"]);
    let data: Vec<u8> = (0..SAMPLES)
        .flat_map(|number| {
            let picture = [number as u8; PICTURE_BYTES as usize];
            let sound = [0x80 | number as u8; SOUND_BYTES as usize];
            [&picture[..], &sound, secret].concat()
        })
        .collect();
    let step = PICTURE_BYTES + SOUND_BYTES + secret.len() as u32;
    if layout == Layout::Fragments {
        return [kind, index(None, step, secret), fragments(&data, step)].concat();
    }
    match layout {
        Layout::IndexLast => {
            let from = kind.len() as u32 + 8;
            [kind, boxed(b"mdat", &[&data]), index(Some(from), step, secret)].concat()
        }
        Layout::LongForms => {
            let unused = boxed(b"free", &[secret]);
            let bytes = index(Some(0), step, secret).len();
            let from = (kind.len() + bytes + unused.len() + 8 + 8) as u32;
            let mut index = index(Some(from), step, secret);
            // Eight bytes more of header, which the offsets above know.
            let long = [&1_u32.to_be_bytes()[..], b"moov", &(bytes as u64 + 8).to_be_bytes()].concat();
            index.splice(..8, long);
            [kind, index, unused, [&[0; 4][..], b"mdat", &data].concat()].concat()
        }
        _ => {
            let bytes = index(Some(0), step, secret).len();
            let from = (kind.len() + bytes + 8) as u32;
            [kind, index(Some(from), step, secret), boxed(b"mdat", &[&data])].concat()
        }
    }
}

/// With tables for samples that lie from `from` on, or for fragments.
fn index(from: Option<u32>, step: u32, secret: &[u8]) -> Vec<u8> {
    const SCALE: u32 = 600;
    let header = [&[0x55; 8][..], &SCALE.to_be_bytes(), &(SAMPLES * 20).to_be_bytes(), &[0; 80]].concat();
    let tracks = [
        (b"vide", picture_entry(), PICTURE_BYTES, 0),
        (b"soun", sound_entry(), SOUND_BYTES, PICTURE_BYTES),
        (b"meta", boxed(b"gpmd", &[&[0; 8]]), secret.len() as u32, PICTURE_BYTES + SOUND_BYTES),
    ];
    let mut parts = full(b"mvhd", 0, 0, &[&header]);
    for (number, (handler, entry, bytes, offset)) in (1_u32..).zip(tracks) {
        let tables = match from {
            Some(from) => tables(from + offset, step, bytes),
            None => tables(0, step, 0),
        };
        parts.extend(track(number, handler, &entry, &tables, secret));
    }
    if from.is_none() {
        let defaults = |number: u32| full(b"trex", 0, 0, &[&[number, 1, 20, 0, 0].map(u32::to_be_bytes).concat()]);
        parts.extend(boxed(b"mvex", &[&defaults(1), &defaults(2), &defaults(3)]));
    }
    parts.extend(boxed(b"udta", &[&boxed(b"\xA9xyz", &[secret])]));
    boxed(b"moov", &[&parts])
}

fn tables(from: u32, step: u32, bytes: u32) -> Vec<u8> {
    let samples = if bytes == 0 { 0 } else { SAMPLES };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let offsets: Vec<u8> = (0..samples).flat_map(|number| (from + number * step).to_be_bytes()).collect();
    let entries = u32::from(samples > 0);
    [
        full(b"stts", 0, 0, &[&words(&[entries]), &words(&[samples, 20][..2 * entries as usize])]),
        full(b"stss", 0, 0, &[&words(&[2 * entries]), &words(&[1, 4][..2 * entries as usize])]),
        full(b"stsc", 0, 0, &[&words(&[entries]), &words(&[1, 1, 1][..3 * entries as usize])]),
        full(b"stsz", 0, 0, &[&words(&[bytes, samples])]),
        full(b"stco", 0, 0, &[&samples.to_be_bytes(), &offsets]),
    ]
    .concat()
}

fn track(number: u32, handler: &[u8; 4], entry: &[u8], tables: &[u8], secret: &[u8]) -> Vec<u8> {
    let quarter_turn = [0, 0x1_0000, 0, -0x1_0000_i32, 0, 0, 0, 0, 0x4000_0000].map(i32::to_be_bytes).concat();
    let header = [
        &[0x55; 8][..],
        &number.to_be_bytes(),
        &[0; 4],
        &(SAMPLES * 20).to_be_bytes(),
        &[0; 16],
        &quarter_turn,
        &[5, 0, 0, 0, 2, 0xD0, 0, 0],
    ]
    .concat();
    let edit = [1, SAMPLES * 20, 0, 0x1_0000].map(u32::to_be_bytes).concat();
    let media = [&[0x55; 8][..], &600_u32.to_be_bytes(), &(SAMPLES * 20).to_be_bytes(), &[0; 4]].concat();
    let reference = full(b"dref", 0, 0, &[&1_u32.to_be_bytes(), &full(b"url ", 0, 1, &[])]);
    let samples = [&full(b"stsd", 0, 0, &[&1_u32.to_be_bytes(), entry])[..], tables].concat();
    boxed(
        b"trak",
        &[
            &full(b"tkhd", 0, 3, &[&header]),
            &boxed(b"edts", &[&full(b"elst", 0, 0, &[&edit])]),
            &boxed(
                b"mdia",
                &[
                    &full(b"mdhd", 0, 0, &[&media]),
                    &full(b"hdlr", 0, 0, &[&[0; 4], handler, &[0; 12], secret, &[0]]),
                    &boxed(b"minf", &[&boxed(b"dinf", &[&reference]), &boxed(b"stbl", &[&samples])]),
                ],
            ),
            &boxed(b"meta", &[secret]),
        ],
    )
}

fn picture_entry() -> Vec<u8> {
    // 1280 x 720, High, 4:2:0 in eight bits.
    const SEQUENCE: &[u8] = &[
        0x67, 0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
        0x00, 0x03, 0x03, 0xC0, 0xF1, 0x83, 0x19, 0x60,
    ];
    const PICTURE: &[u8] = &[0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0];
    let setup = [
        &[1, 0x64, 0, 0x1F, 0xFF, 0xE1, 0, SEQUENCE.len() as u8][..],
        SEQUENCE,
        &[1, 0, PICTURE.len() as u8],
        PICTURE,
        &[0xFD, 0xF8, 0xF8, 0],
    ]
    .concat();
    let header = [&[0; 7][..], &[1], &[0; 16], &[5, 0, 2, 0xD0], &[0; 12], &[0, 1], b"\x0Fsome encoder 1.0", &[0; 18]];
    let mut header = header.concat();
    header.resize(74, 0);
    header.extend_from_slice(&[0, 0x18, 0xFF, 0xFF]);
    boxed(b"avc1", &[&header, &boxed(b"avcC", &[&setup])])
}

fn sound_entry() -> Vec<u8> {
    let header = [&[0; 7][..], &[1], &[0; 8], &[0, 2, 0, 16, 0, 0, 0, 0, 0xBB, 0x80, 0, 0]].concat();
    let config = [&[4, 17, 0x40, 0x15][..], &[0; 11], &[5, 2, 0x11, 0x90]].concat();
    let stream = [&[3, 3 + config.len() as u8 + 3, 0, 1, 0][..], &config, &[6, 1, 2]].concat();
    boxed(b"mp4a", &[&header, &full(b"esds", 0, 0, &[&stream])])
}

/// Two fragments of half of the samples each; a run for each sample.
fn fragments(data: &[u8], step: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (half, data) in data.chunks(data.len() / 2).enumerate() {
        let tracks = |from: u32| {
            let mut tracks = Vec::new();
            for (number, bytes, offset) in [
                (1_u32, PICTURE_BYTES, 0),
                (2, SOUND_BYTES, PICTURE_BYTES),
                (3, step - 56, PICTURE_BYTES + SOUND_BYTES),
            ] {
                let header = full(b"tfhd", 0, 0x2_0000, &[&number.to_be_bytes()]);
                let time = full(b"tfdt", 0, 0, &[&(half as u32 * SAMPLES / 2 * 20).to_be_bytes()]);
                let runs: Vec<u8> = (0..SAMPLES / 2)
                    .flat_map(|sample| {
                        let words =
                            [1, from + sample * step + offset, bytes, if sample == 0 { 0 } else { 0x1_0000 }, 0];
                        full(b"trun", 1, 0x1 | 0x200 | 0x400 | 0x800, &[&words.map(u32::to_be_bytes).concat()])
                    })
                    .collect();
                tracks.extend(boxed(b"traf", &[&header, &time, &runs]));
            }
            boxed(b"moof", &[&full(b"mfhd", 0, 0, &[&(half as u32).to_be_bytes()]), &tracks])
        };
        let length = tracks(0).len() as u32;
        bytes.extend(tracks(length + 8));
        bytes.extend(boxed(b"mdat", &[data]));
    }
    bytes
}
