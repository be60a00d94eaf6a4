use jpeg_encoder::ColorType;
use shutterpost_media::inspect::{Limits, inspect};
use shutterpost_media::strip::strip;

use crate::synth::*;

fn has_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY)
}

/// A private picture behind the public one, as phones and Ultra HDR leave it, and archives in disguise.
fn trailers() -> [Vec<u8>; 4] {
    let zip = [b"PK\x03\x04", CANARY, b"PK\x05\x06"].concat();
    let html = [b"<script>", CANARY, b"</script>"].concat();
    [Vec::new(), with_orientation(&jpeg(40, 30), 1), zip, html]
}

#[test]
fn a_jpeg_loses_all_but_the_picture() {
    let thumbnail = segment(0xE0, &[b"JFXX\0\x13", CANARY].concat());
    let xmp = segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", CANARY].concat());
    let padding = [vec![0; 40], CANARY.to_vec(), vec![0xFF, 0xFF]].concat();
    let adobe = segment(0xEE, &[b"Adobe\0\x64\0\0\0\0\x01", CANARY].concat());
    let noise = [thumbnail, xmp, segment(0xED, CANARY), segment(0xFE, CANARY), segment(0xEF, CANARY), adobe, padding];
    for progressive in [false, true] {
        let plain = jpeg_of(&pixels(320, 200, 3), 320, 200, ColorType::Rgb, progressive);
        for trailer in trailers() {
            let dirty = [with_orientation(&with_segments(&plain, &noise), 6), trailer].concat();
            assert!(has_canary(&dirty));
            let clean = strip(&dirty).unwrap();
            assert!(!has_canary(&clean));
            let (markers, ends) = jpeg_markers(&clean);
            assert!(
                ends && markers.iter().all(|code| matches!(code, 0xEE | 0xDB | 0xC0 | 0xC2 | 0xC4)),
                "{markers:x?}"
            );
            assert_eq!(decode(&clean).rgb, decode(&plain).rgb, "lossless");
            assert_eq!(strip(&clean).unwrap(), clean, "stripping twice changes nothing");
            assert_eq!(inspect(&clean, &Limits::default()).unwrap().orientation, 1);
        }
    }
}

#[test]
fn a_png_loses_all_but_the_picture() {
    let name_with_canary = [CANARY, b"\0\0", b"x\x9C\x03\0\0\0\0\x01"].concat();
    let chunks = [
        chunk(b"tEXt", &[b"Comment\0", CANARY].concat()),
        chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", CANARY].concat()),
        chunk(b"eXIf", &exif(8)),
        chunk(b"iCCP", &name_with_canary),
        chunk(b"prVt", CANARY),
        chunk(b"gAMA", &45_455_u32.to_be_bytes()),
    ];
    let plain = png(300, 200);
    for trailer in trailers() {
        let dirty = [with_chunks(&plain, &chunks), trailer].concat();
        let inspected = inspect(&dirty, &Limits::default()).unwrap();
        assert_eq!((inspected.width, inspected.height, inspected.orientation), (200, 300, 8));
        let clean = strip(&dirty).unwrap();
        assert!(!has_canary(&clean));
        let mut names = png_chunks(&clean);
        names.dedup();
        assert_eq!(names, [*b"IHDR", *b"iCCP", *b"gAMA", *b"IDAT", *b"IEND"]);
        assert_eq!(strip(&clean).unwrap(), clean);
        let of = |bytes: &[u8]| {
            let mut reader = png::Decoder::new(std::io::Cursor::new(bytes.to_vec())).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut pixels).unwrap();
            pixels
        };
        assert_eq!(of(&clean), of(&plain));
    }
}

#[test]
fn a_webp_loses_all_but_the_picture() {
    let plain = webp_of(&pixels(301, 200, 3), 301, 200, image_webp::ColorType::Rgb8);
    let picture = plain[12..].to_vec();
    let header = riff_chunk(b"VP8X", &[0b0010_1100, 0, 0, 0, 44, 1, 0, 199, 0, 0]);
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let whole = |icc: &[u8]| {
        webp_file(&[
            header.clone(),
            riff_chunk(b"ICCP", icc),
            picture.clone(),
            riff_chunk(b"EXIF", &exif(3)),
            riff_chunk(b"XMP ", CANARY),
            riff_chunk(b"junk", CANARY),
        ])
    };
    for trailer in trailers() {
        let dirty = [whole(&icc), trailer].concat();
        assert_eq!(inspect(&dirty, &Limits::default()).unwrap().orientation, 3);
        let clean = strip(&dirty).unwrap();
        assert!(!has_canary(&clean));
        assert_eq!(webp_chunks(&clean), [*b"VP8X", *b"ICCP", *b"VP8L"]);
        assert_eq!(decode(&clean).rgb, decode(&plain).rgb);
        assert_eq!(strip(&clean).unwrap(), clean);
    }
    let clean = strip(&whole(CANARY)).unwrap();
    assert_eq!(clean, plain, "what only claims to be a profile goes, and the extended header with it");
}

#[test]
fn a_jpeg_profile_stays_if_it_is_one() {
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let plain = jpeg(64, 64);
    let part = |number: u8, of: u8, bytes: &[u8]| segment(0xE2, &[b"ICC_PROFILE\0", &[number, of][..], bytes].concat());
    let (first, second) = icc.split_at(200);
    let kept = |segments: &[Vec<u8>]| jpeg_markers(&strip(&with_segments(&plain, segments)).unwrap()).0.contains(&0xE2);
    assert!(kept(&[part(1, 1, &icc)]));
    assert!(kept(&[part(2, 2, second), part(1, 2, first)]), "in any order");
    assert!(!kept(&[part(1, 2, first)]), "a part is missing");
    assert!(!kept(&[part(1, 1, &icc), part(1, 1, &icc)]), "twice");
    assert!(!kept(&[part(1, 1, CANARY)]), "not a profile");

    let mut large = icc.clone();
    large.resize(16 * 60_000, 0);
    large[..4].copy_from_slice(&(16 * 60_000_u32).to_be_bytes());
    let parts = |bytes: &[u8]| {
        let count = bytes.chunks(60_000).len() as u8;
        bytes.chunks(60_000).zip(1..).map(|(chunk, number)| part(number, count, chunk)).collect::<Vec<_>>()
    };
    assert!(kept(&parts(&large)));
    large.resize(20 * 60_000, 0);
    large[..4].copy_from_slice(&(20 * 60_000_u32).to_be_bytes());
    assert!(!kept(&parts(&large)), "above one mebibyte");
}
