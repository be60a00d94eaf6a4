//! What `cargo xtask fuzz` runs of this crate: the walks over headers, the stripper, and the decoders behind them; the walks
//! over films, MP4 and WebM; drawings (SVG) of brandings; and the layout of archives.
#![expect(clippy::unwrap_used, reason = "files made here are sound")]

#[path = "../tests/media/synth.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod synth;
#[path = "fuzz/zip_layout.rs"]
mod zip_layout;

use std::process::ExitCode;

use jpeg_encoder::ColorType;
use shutterpost_fuzz::{Target, as_it_is};
use shutterpost_media::branding::drawing::{Drawing, DrawingError};
use shutterpost_media::derive::derive;
use shutterpost_media::inspect::{Limits, inspect};
use shutterpost_media::mark::Mark;
use shutterpost_media::strip::strip;
use shutterpost_media::video::exercise;

use crate::synth::*;

/// Small, so that a damaged size does not turn a search for mistakes into one for memory.
const LIMITS: Limits = Limits { max_bytes: 1_000_000, max_pixels: 60_000, max_side: 4096 };

fn main() -> ExitCode {
    shutterpost_fuzz::main(&[
        Target { name: "inspect", corpus: pictures, mend: mend_checksums, run: walk },
        Target { name: "strip", corpus: pictures, mend: mend_checksums, run: stripper },
        Target { name: "decode", corpus: pictures, mend: mend_checksums, run: decoders },
        Target { name: "walk-as-it-is", corpus: pictures, mend: as_it_is, run: stripper },
        Target { name: "drawings", corpus: drawings, mend: as_it_is, run: draw },
        Target { name: "films", corpus: exercise::corpus, mend: as_it_is, run: exercise::exercise },
        Target { name: "zip-layout", corpus: zip_layout::corpus, mend: as_it_is, run: zip_layout::run },
        Target { name: "webm", corpus: exercise::webm_corpus, mend: as_it_is, run: exercise::exercise },
    ])
}

/// The walk ends, and what it promises is within the limits.
fn walk(bytes: &[u8]) {
    if let Ok(found) = inspect(bytes, &LIMITS) {
        assert!(u64::from(found.width) * u64::from(found.height) <= LIMITS.max_pixels);
        assert!((1..=8).contains(&found.orientation) && found.width >= 1 && found.height >= 1);
    }
}

/// What was stripped holds nothing of what was put in, is not longer but for what is written anew, is the same kind of
/// file, and stays as it is when stripped again.
fn stripper(bytes: &[u8]) {
    let Ok(clean) = strip(bytes) else { return };
    assert!(clean.len() <= bytes.len() * 2 + 4096, "{} of {}", clean.len(), bytes.len());
    let unlimited = Limits { max_bytes: u64::MAX, max_pixels: u64::MAX, max_side: u32::MAX };
    let (before, after) = (inspect(bytes, &unlimited).unwrap(), inspect(&clean, &unlimited).unwrap());
    assert_eq!(before.format, after.format);
    assert_eq!(after.orientation, 1);
    assert!(strip(&clean).is_ok_and(|again| again == clean), "stripping twice is another thing");
}

/// No decoder panics, and all of them find in the stripped file what they find in the whole one.
fn decoders(bytes: &[u8]) {
    let whole = Mark::from_bytes(bytes, &LIMITS);
    if let (Ok(_), Ok(clean)) = (&whole, strip(bytes)) {
        assert!(Mark::from_bytes(&clean, &LIMITS).is_ok(), "the stripped file does not read");
        assert!(derive(&clean, None, None, &LIMITS).is_ok(), "what decodes can be shown");
    }
}

/// A drawing is refused by name or drawn, and the renderer never gives up.
fn draw(bytes: &[u8]) {
    match Drawing::from_bytes(bytes).and_then(|drawing| drawing.draw(96, 64)) {
        Ok(drawn) => {
            let premultiplied = |pixel: &[u8; 4]| pixel[..3].iter().all(|value| *value <= pixel[3]);
            assert!(drawn.bytes.as_chunks().0.iter().all(premultiplied), "a colour above its alpha");
        }
        Err(error) => assert_ne!(error, DrawingError::GaveUp),
    }
}

fn drawings() -> Vec<Vec<u8>> {
    [
        "<style>.a{fill:#f00}</style><g transform='rotate(10 5 5)' opacity='.5'><rect class='a' width='9' height='9'/></g>",
        "<clipPath id='c'><circle r='9'/></clipPath><path d='M0 0C1 2 3 4 5 6S7 8 9 9zm3 4a1 1 0 0 1 5 5' \
         clip-path='url(#c)'/>",
        "<linearGradient id='g' x1='.1'><stop offset='.1' stop-color='red'/></linearGradient><ellipse id='e' rx='9' ry='5' \
         fill='url(#g)' stroke='#00f' stroke-width='2' stroke-dasharray='1 2'/><use href='#e' x='9'/>",
        "<mask id='m' maskUnits='userSpaceOnUse' width='9' height='9'><rect width='5' height='5' fill='#fff'/></mask>\
         <symbol id='s' viewBox='0 0 5 5'><polygon points='0,0 5,0 5,5'/></symbol><use href='#s' mask='url(#m)'/>",
    ]
    .map(|inside| format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 20'>{inside}</svg>").into_bytes())
    .into()
}

fn pictures() -> Vec<Vec<u8>> {
    let (rgb, rgba) = (pixels(48, 40, 3), pixels(48, 40, 4));
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let profile = segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", &icc[..]].concat());
    let lossy = derive(&jpeg(48, 40), None, None, &LIMITS).unwrap().renditions.remove(0).bytes;
    let canvas = riff_chunk(b"VP8X", &[0b0011_1000, 0, 0, 0, 47, 0, 0, 39, 0, 0]);
    vec![
        with_orientation(&with_segments(&jpeg(48, 40), std::slice::from_ref(&profile)), 6),
        jpeg_of(&rgb, 48, 40, ColorType::Rgb, true),
        jpeg_of(&rgba, 48, 40, ColorType::CmykAsYcck, false),
        with_chunks(&png(48, 40), &[chunk(b"eXIf", &exif(5))]),
        png_of(&rgba, 48, 40, png::ColorType::Rgba, png::BitDepth::Eight),
        webp_of(&rgba, 48, 40, image_webp::ColorType::Rgba8),
        lossy.clone(),
        webp_file(&[canvas, riff_chunk(b"ICCP", &icc), lossy[12..].to_vec(), riff_chunk(b"EXIF", &exif(7))]),
        heic_with(&rgb, 48, 40, Some(exif(6)), Some(icc)),
        heic_grid(48, 40, 2, 2),
    ]
}

/// PNG's checksums would hide everything behind them.
fn mend_checksums(file: Vec<u8>) -> Vec<u8> {
    if !file.starts_with(b"\x89PNG\r\n\x1A\n") {
        return file;
    }
    let mut mended = file[..8].to_vec();
    let mut at = 8;
    while let (Some(length), Some(name)) = (file.get(at..at + 4), file.get(at + 4..at + 8)) {
        let length = u32::from_be_bytes(*length.first_chunk().unwrap()) as usize;
        let Some(payload) = at.checked_add(8 + length).and_then(|end| file.get(at + 8..end)) else { break };
        mended.extend(chunk(name.first_chunk().unwrap(), payload));
        at += 12 + length;
    }
    mended.extend_from_slice(file.get(at..).unwrap_or_default());
    mended
}
