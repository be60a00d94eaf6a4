//! GIF, WebP and APNG that move, and bursts.

use std::time::{Duration, Instant};

use shutterpost_media::animation::{AnimationFormat, AnimationLimits, derive, inspect, strip};
use shutterpost_media::burst::{self, Order};
use shutterpost_media::error::{FilmError, MediaError};
use shutterpost_media::inspect::Limits;
use shutterpost_media::kind::{Kind, kind};
use shutterpost_media::mark::Mark;
use shutterpost_media::rendition::{Encoding, Name};
use shutterpost_media::video::{Treatment, Video, VideoLimits, probe};

use crate::synth::*;
use crate::tools::{Folder, frames, made, sandbox, streams};

const RED: [u8; 3] = [255, 0, 0];
const LIME: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];

fn limits() -> AnimationLimits {
    AnimationLimits::default()
}

/// One frame of one colour each, with a delay in hundredths.
fn gif_of(side: u16, colours: &[[u8; 3]], delay: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, side, side, &[]).unwrap();
    encoder.set_repeat(gif::Repeat::Infinite).unwrap();
    for colour in colours {
        let pixels = colour.repeat(usize::from(side) * usize::from(side));
        let mut frame = gif::Frame::from_rgb(side, side, &pixels);
        frame.delay = delay;
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    bytes
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The colours in the middle of all frames of a film.
fn colours(film: &[u8]) -> Vec<[u8; 3]> {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("film.mp4"), film).unwrap();
    let raw = made("frames.rgb", &format!("-i {} -vf scale=1:1 -pix_fmt rgb24 -f rawvideo", path("film.mp4")));
    raw.as_chunks().0.to_vec()
}

#[test]
fn a_gif_becomes_a_film_and_a_poster() {
    let bytes = gif_of(65, &[RED, LIME, BLUE], 20);
    assert_eq!(kind(&bytes), Kind::Animation(AnimationFormat::Gif));
    let inspected = inspect(&bytes, &limits()).unwrap();
    assert_eq!((inspected.width, inspected.height, inspected.frames, inspected.duration), (65, 65, 3, 600));
    let moving = derive(sandbox(), &bytes, None, &limits()).unwrap();
    assert_eq!((moving.width, moving.height, moving.duration), (64, 64, 600));
    let film = moving.film.unwrap();
    let Video::Film(walked) = probe(&film, &VideoLimits::default()).unwrap() else { panic!("not a film") };
    assert_eq!((walked.treatment(), walked.info.audio, walked.info.duration), (Treatment::Copy, None, Some(600)));
    assert_eq!(streams(&film), ["h264,64,64,yuv420p"]);
    let shown = colours(&film);
    assert!(shown.len() == 3 && shown.iter().zip([RED, LIME, BLUE]).all(|(a, b)| near(*a, b, 24)), "{shown:?}");
    assert!(!contains(&film, b"x264") && !contains(&film, b"Lavf"));
    let web =
        moving.poster.renditions.iter().find(|made| made.name == Name::Web && made.encoding == Encoding::Jpeg).unwrap();
    assert!(near(decode(&web.bytes).at(30, 30), RED, 8), "the first frame");
}

#[test]
fn all_formats_give_the_same_film() {
    let parts = [RED, LIME, BLUE]
        .map(|[r, g, b]| format!("-f lavfi -i color=#{r:02x}{g:02x}{b:02x}:size=64x48:rate=10:duration=0.3"));
    let words = format!("{} -filter_complex [0][1][2]concat=n=3", parts.join(" "));
    for (name, codec, format) in [
        ("a.gif", "-f gif", AnimationFormat::Gif),
        ("a.webp", "-c:v libwebp_anim -loop 0 -lossless 1 -pix_fmt bgra", AnimationFormat::WebP),
        ("a.png", "-f apng -plays 0 -pix_fmt rgb24", AnimationFormat::Png),
    ] {
        let bytes = made(name, &format!("{words} {codec}"));
        assert_eq!(kind(&bytes), Kind::Animation(format), "{name}");
        let inspected = inspect(&bytes, &limits()).unwrap();
        assert!(inspected.format == format && inspected.frames >= 3 && inspected.width == 64, "{name} {inspected:?}");
        let moving = derive(sandbox(), &bytes, None, &limits()).unwrap();
        let shown = colours(&moving.film.unwrap());
        let distinct = [RED, LIME, BLUE].iter().all(|wanted| shown.iter().any(|shown| near(*shown, *wanted, 24)));
        assert!(distinct && near(shown[0], RED, 24), "{name} {shown:?}");
    }
}

#[test]
fn the_mark_is_on_every_frame() {
    let white = [255; 3];
    let bytes = gif_of(200, &[white, white, white], 10);
    let mark = Mark::from_bytes(&png(40, 40), &Limits::default()).unwrap();
    let plain = derive(sandbox(), &bytes, None, &limits()).unwrap();
    let marked = derive(sandbox(), &bytes, Some(&mark), &limits()).unwrap();
    let (plain, marked) = (colours(&plain.film.unwrap()), colours(&marked.film.unwrap()));
    assert_eq!((plain.len(), marked.len()), (3, 3));
    assert!(plain.iter().zip(&marked).all(|(plain, marked)| plain != marked), "{plain:?} {marked:?}");
}

/// Bad input 21.
#[test]
fn bombs_are_refused_without_decoding() {
    let started = Instant::now();
    let one = gif_of(2, &[RED], 0);
    let frame = one.iter().rposition(|byte| *byte == 0x2C).unwrap();
    let start = one.windows(2).position(|pair| pair == [0x21, 0xF9]).unwrap_or(frame);
    let bomb = [&one[..start], &one[start..one.len() - 1].repeat(100_000), &[0x3B]].concat();
    assert_eq!(inspect(&bomb, &limits()).unwrap_err(), FilmError::TooManyFrames { limit: 500 }.into());
    assert_eq!(derive(sandbox(), &bomb, None, &limits()).unwrap_err(), FilmError::TooManyFrames { limit: 500 }.into());

    let control = chunk(b"fcTL", &[&[0; 7][..], &[1, 0, 0, 0, 1], &[0; 8], &[0, 0, 0, 1], &[0, 0]].concat());
    let announced = |frames: u32| chunk(b"acTL", &[frames.to_be_bytes(), [0; 4]].concat());
    let picture = png(1, 1);
    let apng = |frames: u32| with_chunks(&picture, &[announced(frames), control.repeat(1_000_000)]);
    assert_eq!(inspect(&apng(1_000_000), &limits()).unwrap_err(), FilmError::TooManyFrames { limit: 500 }.into());
    assert!(inspect(&apng(400), &limits()).is_err(), "more than announced");

    let vast = [b"GIF89a", &[0xFF; 4][..], &[0, 0, 0]].concat();
    assert_eq!(inspect(&vast, &limits()).unwrap_err(), MediaError::TooManyPixels { width: 65_535, height: 65_535 });
    // Five hundred frames of nine megapixels would be minutes of work.
    let slow = gif_of(2, &[RED; 400], 1);
    let mut slow = slow;
    slow[6..10].copy_from_slice(&[0xB8, 0x0B, 0xB8, 0x0B]);
    assert_eq!(inspect(&slow, &limits()).unwrap_err(), FilmError::TooManyFrames { limit: 500 }.into());
    assert_eq!(inspect(&gif_of(2, &[RED; 3], 6000), &limits()).unwrap_err(), FilmError::TooLong { limit: 120 }.into());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn frames_without_time_get_a_tenth_of_a_second() {
    assert_eq!(inspect(&gif_of(2, &[RED, BLUE], 0), &limits()).unwrap().duration, 200);
    assert_eq!(inspect(&gif_of(2, &[RED, BLUE], 1), &limits()).unwrap().duration, 200);
    assert_eq!(inspect(&gif_of(2, &[RED, BLUE], 3), &limits()).unwrap().duration, 60);
    let canvas = riff_chunk(b"VP8X", &[0b10, 0, 0, 0, 15, 0, 0, 15, 0, 0]);
    let picture = webp_of(&pixels(16, 16, 3), 16, 16, image_webp::ColorType::Rgb8)[12..].to_vec();
    let frame = riff_chunk(b"ANMF", &[&[0; 6][..], &[15, 0, 0, 15, 0, 0], &[0; 4], &picture].concat());
    let webp = webp_file(&[canvas, riff_chunk(b"ANIM", &[0; 6]), frame.clone(), frame]);
    assert_eq!(inspect(&webp, &limits()).unwrap().duration, 200);
    assert_eq!(frames(&derive(sandbox(), &webp, None, &limits()).unwrap().film.unwrap(), "0:v").len(), 2);
}

#[test]
fn originals_lose_their_metadata_and_nothing_else() {
    let comment = [&[0x21, 0xFE, CANARY.len() as u8][..], CANARY, &[0]].concat();
    let xmp = [&[0x21, 0xFF, 11][..], b"XMP DataXMP", &[CANARY.len() as u8], CANARY, &[0]].concat();
    let gif = gif_of(8, &[RED, BLUE], 10);
    let at = 13 + if gif[10] & 0x80 == 0 { 0 } else { 3 << ((gif[10] & 7) + 1) };
    let dirty = [&gif[..at], &comment, &xmp, &gif[at..], CANARY].concat();
    assert_eq!(strip(&dirty, &limits()).unwrap(), gif);
    assert!(contains(&gif, b"NETSCAPE2.0"));

    let control = |number: u8| {
        chunk(b"fcTL", &[&[0, 0, 0, number][..], &[0, 0, 0, 4, 0, 0, 0, 4], &[0; 8], &[0, 1, 0, 10, 0, 0]].concat())
    };
    let still = png(4, 4);
    let data = still.windows(4).position(|name| name == b"IDAT").unwrap();
    let length = u32::from_be_bytes(*still[data - 4..].first_chunk().unwrap()) as usize;
    let second = chunk(b"fdAT", &[&[0, 0, 0, 2][..], &still[data + 4..data + 4 + length]].concat());
    let end = chunk(b"IEND", b"");
    let body = &still[33..still.len() - end.len()];
    let clean =
        [&still[..33], &chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]), &control(0), body, &control(1), &second, &end]
            .concat();
    let dirty = [
        &still[..33],
        &chunk(b"tEXt", CANARY),
        &chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]),
        &control(0),
        body,
        &chunk(b"eXIf", CANARY),
        &control(1),
        &second,
        &end,
        CANARY,
    ]
    .concat();
    assert_eq!(strip(&dirty, &limits()).unwrap(), clean);
    assert_eq!(frames(&derive(sandbox(), &dirty, None, &limits()).unwrap().film.unwrap(), "0:v").len(), 2);

    let canvas = |flags: u8| riff_chunk(b"VP8X", &[flags, 0, 0, 0, 15, 0, 0, 15, 0, 0]);
    let picture = webp_of(&pixels(16, 16, 3), 16, 16, image_webp::ColorType::Rgb8)[12..].to_vec();
    let frame = |more: &[u8]| {
        riff_chunk(b"ANMF", &[&[0; 6][..], &[15, 0, 0, 15, 0, 0], &[100, 0, 0, 0], &picture, more].concat())
    };
    let anim = riff_chunk(b"ANIM", &[0; 6]);
    let clean = webp_file(&[canvas(0b10), anim.clone(), frame(&[]), frame(&[])]);
    let dirty = webp_file(&[
        canvas(0b10_1110),
        riff_chunk(b"ICCP", CANARY),
        anim,
        frame(&riff_chunk(b"JUNK", CANARY)),
        frame(&[]),
        riff_chunk(b"EXIF", CANARY),
        riff_chunk(b"XMP ", CANARY),
    ]);
    assert_eq!(strip(&[&dirty[..], CANARY].concat(), &limits()).unwrap(), clean);
}

#[test]
fn a_file_that_is_cut_off_or_damaged_is_refused_or_sound() {
    let files = [
        gif_of(8, &[RED, LIME, BLUE], 10),
        made("small.webp", "-f lavfi -i testsrc2=size=16x16:rate=10:duration=0.3 -c:v libwebp_anim -loop 0"),
        made("small.png", "-f lavfi -i testsrc2=size=16x16:rate=10:duration=0.3 -f apng"),
    ];
    for file in &files {
        for length in 0..file.len() {
            assert!(inspect(&file[..length], &limits()).is_err(), "cut at {length} of {}", file.len());
        }
    }
    let mut noise = Noise(0xA11);
    let mut accepted = 0;
    for round in 0..10_000 {
        let mut file = files[round % files.len()].clone();
        for _ in 0..=noise.below(3) {
            let at = noise.below(file.len());
            file[at] = noise.below(256) as u8;
        }
        if let Ok(stripped) = strip(&file, &limits()) {
            accepted += 1;
            assert_eq!(strip(&stripped, &limits()).unwrap(), stripped);
        }
    }
    assert!(accepted > 500, "{accepted}");
    // Sound outside, damaged inside.
    let mut file = gif_of(64, &[RED, LIME, BLUE], 10);
    let image = file.iter().rposition(|byte| *byte == 0x2C).unwrap();
    let end = file.len() - 4;
    file[image + 30..end].fill(0xFF);
    if inspect(&file, &limits()).is_ok() {
        assert!(derive(sandbox(), &file, None, &limits()).is_err());
    }
}

#[test]
fn a_burst_becomes_a_gif_and_a_film() {
    let photo = |colour: [u8; 3]| {
        let bytes = colour.repeat(300 * 200);
        jpeg_of(&bytes, 300, 200, jpeg_encoder::ColorType::Rgb, false)
    };
    let photos = [RED, LIME, BLUE].map(photo);
    let photos: Vec<&[u8]> = photos.iter().map(Vec::as_slice).collect();
    let made = |order| burst::derive(sandbox(), &photos, order, 120, None, &Limits::default()).unwrap();
    for (order, expected) in [(Order::Forward, vec![RED, LIME, BLUE]), (Order::Boomerang, vec![RED, LIME, BLUE, LIME])]
    {
        let burst = made(order);
        let inspected = inspect(&burst.gif, &limits()).unwrap();
        assert_eq!((inspected.width, inspected.height), (300, 200));
        assert_eq!((inspected.frames as usize, inspected.duration), (expected.len(), 120 * expected.len() as u64));
        assert_eq!(strip(&burst.gif, &limits()).unwrap(), burst.gif, "nothing to take away");
        for film in [burst.moving.film.unwrap(), derive(sandbox(), &burst.gif, None, &limits()).unwrap().film.unwrap()]
        {
            let shown = colours(&film);
            assert!(
                shown.len() == expected.len() && shown.iter().zip(&expected).all(|(a, b)| near(*a, *b, 30)),
                "{shown:?}"
            );
        }
    }
    let limit = Limits::default();
    let refused = |photos: &[&[u8]]| burst::derive(sandbox(), photos, Order::Forward, 100, None, &limit).unwrap_err();
    assert_eq!(refused(&photos[..1]), FilmError::NoPictures.into());
    assert_eq!(refused(&vec![photos[0]; 101]), FilmError::TooManyFrames { limit: 100 }.into());
    assert_eq!(refused(&[photos[0], b"no photo"]), MediaError::NotAnImage);
}
