//! The same for WebM and Matroska.

use crate::video::ebml::{head, written, written_number};
use crate::video::exercise::limits;
use crate::video::{Plan, Video, Webm, probe};

/// The cleaned film must be the same film, and cleaning it again must change nothing.
pub(super) fn exercise(bytes: &[u8], webm: &Webm) {
    let clean = laid_out(bytes, webm.plan());
    let again = walked(&clean);
    let (before, after) = (webm.info, again.info);
    assert!(after.tracks == 1 + u32::from(before.audio.is_some()));
    assert_eq!(
        (before.width, before.height, before.video, before.audio),
        (after.width, after.height, after.video, after.audio)
    );
    assert_eq!((before.duration, before.frame_rate, before.bright), (after.duration, after.frame_rate, after.bright));
    assert_eq!(webm.media_type(), again.media_type());
    assert!(laid_out(&clean, again.plan()) == clean, "cleaning twice changes something");
    let still = laid_out(bytes, webm.poster_plan());
    assert!(walked(&still).info.audio.is_none(), "a poster with sound");
    assert!(clean.len() <= bytes.len() * 8 + 4096, "{} of {}", clean.len(), bytes.len());
}

fn walked(bytes: &[u8]) -> Box<Webm> {
    match probe(bytes, &limits()) {
        Ok(Video::Webm(webm)) => webm,
        other => panic!("a cleaned film is refused: {other:?}"),
    }
}

fn laid_out(bytes: &[u8], plan: &Plan) -> Vec<u8> {
    let mut clean = Vec::new();
    plan.write(bytes, &mut clean).expect("the blocks are inside of the file");
    assert_eq!(clean.len() as u64, plan.bytes());
    clean
}

/// How a film was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By a program that could go back: lengths, duration, index, tags.
    Muxed,
    /// By a browser while it was recorded: neither lengths nor a duration.
    Recorded,
    /// Matroska with blocks in groups, chapters and a third track.
    Groups,
}

/// One of each way.
pub fn webm_corpus() -> Vec<Vec<u8>> {
    [Way::Muxed, Way::Recorded, Way::Groups].into_iter().map(|way| webm(way, b"somewhere")).collect()
}

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
const VOID: u32 = 0xEC;

/// A film of six pictures (whose data are no pictures) and as much sound in two clusters, which says `secret` wherever it can.
pub fn webm(way: Way, secret: &[u8]) -> Vec<u8> {
    let doc_type: &[u8] = if way == Way::Groups { b"matroska" } else { b"webm" };
    let head = written(0x1A45_DFA3, &[&written(0x4282, &[doc_type]), &written(VOID, &[secret])]);
    let mut info = [
        written_number(0x2A_D7B1, 1_000_000),
        written(0x4D80, &[secret]),
        written(0x5741, &[secret]),
        written(0x7BA9, &[secret]),
        written(0x73A4, &[secret]),
        written_number(0x4461, 0x1234_5678),
    ]
    .concat();
    if way != Way::Recorded {
        info.extend(written(0x4489, &[&240_f64.to_be_bytes()]));
    }
    let tag = written(0x7373, &[&written(0x67C8, &[&written(0x45A3, &[b"TITLE"]), &written(0x4487, &[secret])])]);
    let attachment = written(0x61A7, &[&written(0x466E, &[secret]), &written(0x465C, &[secret])]);
    let mut inside = vec![written(0x114D_9B74, &[&written(0x4DBB, &[secret])]), written(0x1549_A966, &[&info])];
    inside.push(tracks(way, secret));
    inside.push(written(VOID, &[secret]));
    if way == Way::Groups {
        inside.push(written(0x1043_A770, &[&written(0x45B9, &[secret])]));
        inside.push(written(0x1941_A469, &[&attachment]));
    }
    inside.extend([0, 1].map(|number| cluster(way, number, secret)));
    if way != Way::Recorded {
        inside.push(written(0x1C53_BB6B, &[&written(0xBB, &[&written_number(0xB3, 0), secret])]));
        inside.push(written(0x1254_C367, &[&tag]));
    }
    [head, open(way, SEGMENT, &inside.concat())].concat()
}

/// Of unknown length where it is recorded.
fn open(way: Way, id: u32, payload: &[u8]) -> Vec<u8> {
    match way {
        Way::Recorded => [&id.to_be_bytes()[..], &[0x01], &[0xFF; 7], payload].concat(),
        Way::Muxed | Way::Groups => [&head(id, payload.len() as u64)[..], payload].concat(),
    }
}

fn tracks(way: Way, secret: &[u8]) -> Vec<u8> {
    let track = |number: u64, kind: u64, codec: &[u8], more: &[&[u8]]| {
        let parts = [
            written_number(0xD7, number),
            written_number(0x73C5, 0x5EC2_E700 + number),
            written_number(0x83, kind),
            written(0x536E, &[secret]),
            written(0x22_B59C, &[b"ger"]),
            written(0x25_8688, &[secret]),
            written(0x86, &[codec]),
        ];
        written(0xAE, &[&parts.concat(), &more.concat()])
    };
    let colour = written(0x55B0, &[&written_number(0x55BA, 1), &written(0x55D0, &[secret])]);
    let size = [written_number(0xB0, 1280), written_number(0xBA, 720), colour, written(0x7670, &[secret])];
    let video = [written_number(0x23_E383, 40_000_000), written(0xE0, &[&size.concat()])].concat();
    let audio = written(0xE1, &[&written(0xB5, &[&48_000_f64.to_be_bytes()]), &written_number(0x9F, 2)]);
    // What a set-up of Vorbis says of its encoder.
    let comments = [&b"\x03vorbis"[..], &(secret.len() as u32).to_le_bytes(), secret, &[0, 0, 0, 0, 1]].concat();
    let setup =
        [&[2, 30, comments.len() as u8][..], b"\x01vorbis", &[2; 23], &comments, b"\x05vorbis", &[5; 20]].concat();
    let setup = written(0x63A2, &[&setup]);
    let mut all = vec![track(1, 1, b"V_VP8", &[&video]), track(2, 2, b"A_VORBIS", &[&setup, &audio])];
    if way == Way::Groups {
        all.push(track(3, 17, b"S_TEXT/UTF8", &[]));
    }
    written(0x1654_AE6B, &[&all.concat()])
}

fn cluster(way: Way, number: u8, secret: &[u8]) -> Vec<u8> {
    let mut inside =
        vec![written_number(0xE7, u64::from(number) * 120), written_number(0xAB, 5), written(0xBF, &[&[1; 4]])];
    for picture in 0..3 {
        let flags = if picture == 0 { 0x80 } else { 0 };
        let block = |track: u8, flags: u8, data: &[u8]| [&[0x80 | track, 0, picture * 40, flags][..], data].concat();
        let (image, sound) = ([number * 3 + picture; 40], [0x80 | picture; 16]);
        if way == Way::Groups {
            let mut group = vec![written(0xA1, &[&block(1, 0, &image)]), written_number(0x9B, 40)];
            group.extend((picture > 0).then(|| written(0xFB, &[&[0xD8]])));
            group.push(written(0x75A1, &[secret]));
            inside.push(written(0xA0, &[&group.concat()]));
            inside.push(written(0xA3, &[&block(3, 0x80, secret)]));
            inside.push(written(0xA0, &[&written(0xA1, &[&block(2, 0, &sound)]), &written(0x75A2, &[&[0, 5]])]));
        } else {
            inside.push(written(0xA3, &[&block(1, flags, &image)]));
            inside.push(written(0xA3, &[&block(2, 0x80, &sound)]));
        }
        inside.push(written(VOID, &[secret]));
    }
    open(way, CLUSTER, &inside.concat())
}
