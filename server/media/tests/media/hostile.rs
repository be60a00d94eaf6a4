use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jpeg_encoder::ColorType;
use shutterpost_media::derive::derive;
use shutterpost_media::error::MediaError;
use shutterpost_media::inspect::{Limits, inspect};
use shutterpost_media::mark::Mark;
use shutterpost_media::strip::strip;

use crate::synth::*;

fn refusal(bytes: &[u8]) -> MediaError {
    let inspected = inspect(bytes, &Limits::default()).unwrap_err();
    let derived = derive(bytes, None, None, &Limits::default()).unwrap_err();
    assert_eq!(inspected, derived);
    assert_eq!(inspected, Mark::from_bytes(bytes, &Limits::default()).unwrap_err());
    inspected
}

#[test]
fn what_is_not_a_picture_is_named() {
    assert_eq!(refusal(b""), MediaError::Empty);
    for byte in 0..=255 {
        assert!(matches!(refusal(&[byte]), MediaError::NotAnImage | MediaError::Truncated));
    }
    for (bytes, expected) in [
        (&b"PK\x03\x04 a zip renamed photo.jpg"[..], MediaError::NotAnImage),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", MediaError::NotAnImage),
        (b"<!doctype html><script>", MediaError::NotAnImage),
        (b"MZ\x90\0 a program", MediaError::NotAnImage),
        (b"\0\0\0\x20ftypisom a film", MediaError::NotAnImage),
        (b"%PDF-1.7", MediaError::NotAnImage),
        (b"RIFF\x10\0\0\0WAVEfmt ", MediaError::NotAnImage),
        (b"GIF89a", MediaError::Unsupported("GIF")),
        (b"\0\0\0\x20ftypheic....", MediaError::Truncated),
        (b"\0\0\0\x20ftypavif....", MediaError::Unsupported("AVIF")),
        (b"RIFF\x10\0", MediaError::Truncated),
        (b"\x89PNG\r\n", MediaError::Truncated),
    ] {
        assert_eq!(refusal(bytes), expected);
    }
}

#[test]
fn limits_hold_before_anything_is_decoded() {
    let started = Instant::now();
    assert_eq!(refusal(&claiming_png(65_535, 65_535)), MediaError::TooManyPixels { width: 65_535, height: 65_535 });
    assert_eq!(refusal(&claiming_png(u32::MAX, 1)), MediaError::TooManyPixels { width: u32::MAX, height: 1 });
    assert_eq!(refusal(&claiming_png(32_768, 1)), MediaError::TooManyPixels { width: 32_768, height: 1 });
    assert_eq!(refusal(&claiming_png(10_001, 10_000)), MediaError::TooManyPixels { width: 10_001, height: 10_000 });
    assert_eq!(refusal(&claiming_png(0, 7)), MediaError::Malformed("a side of zero pixels"));
    assert!(inspect(&claiming_png(10_000, 10_000), &Limits::default()).is_ok());

    let mut huge = jpeg(16, 16);
    let frame = huge.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    huge[frame + 5..frame + 9].copy_from_slice(&[0xFF; 4]);
    assert_eq!(refusal(&huge), MediaError::TooManyPixels { width: 65_535, height: 65_535 });
    huge[frame + 5..frame + 9].copy_from_slice(&[0, 0, 0, 16]);
    assert_eq!(refusal(&huge), MediaError::Malformed("a side of zero pixels"));
    assert!(started.elapsed() < Duration::from_millis(500));

    let small = Limits { max_bytes: 100, ..Limits::default() };
    let photo = jpeg(16, 16);
    let expected = MediaError::TooLarge { bytes: photo.len() as u64, limit: 100 };
    assert_eq!(inspect(&photo, &small), Err(expected));
}

#[test]
fn a_jpeg_has_one_frame_and_few_scans() {
    let photo = jpeg(64, 64);
    let frame = photo.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let header = photo[frame..frame + 19].to_vec();
    let scan = photo.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    let second = MediaError::Malformed("a second frame header");
    assert_eq!(refusal(&[&photo[..frame], &header, &photo[frame..]].concat()), second);
    assert_eq!(refusal(&[&photo[..scan], &header, &photo[scan..]].concat()), second);
    let end = photo.len() - 2;
    assert_eq!(refusal(&[&photo[..end], &header, &photo[end..]].concat()), second, "behind the scan, too");
    let again = [&photo[..end], &photo[2..]].concat();
    assert_eq!(refusal(&again), second);
    assert_eq!(refusal(&[&photo[..end], &photo].concat()), MediaError::Malformed("a second start of image"));

    // A file with one scan a component that lacks the last of them, and one that brings a component nobody announced.
    let progressive = jpeg_of(&pixels(64, 64, 3), 64, 64, ColorType::Rgb, true);
    let scans = progressive.windows(2).enumerate().filter(|(_, pair)| *pair == [0xFF, 0xDA]).map(|(at, _)| at);
    let scans: Vec<usize> = scans.collect();
    let two_of_three = [&progressive[..scans[2]], &[0xFF, 0xD9]].concat();
    assert_eq!(refusal(&two_of_three), MediaError::Malformed("a component without data"));
    let averages_only = [&progressive[..scans[3]], &[0xFF, 0xD9]].concat();
    assert!(derive(&averages_only, None, None, &Limits::default()).is_ok(), "coarse, but all there");
    let mut foreign = photo.clone();
    foreign[scan + 5] = 77;
    assert_eq!(refusal(&foreign), MediaError::Malformed("a scan header that does not fit"));

    let one_scan = photo[scan..end].to_vec();
    let many = [&photo[..scan], &one_scan.repeat(1000), &photo[end..]].concat();
    assert_eq!(refusal(&many), MediaError::Malformed("too many scans"));

    let twelve_bits =
        photo.iter().enumerate().map(|(at, byte)| if at == frame + 4 { 12 } else { *byte }).collect::<Vec<_>>();
    assert!(matches!(refusal(&twelve_bits), MediaError::Unsupported(_)));
    let lossless =
        photo.iter().enumerate().map(|(at, byte)| if at == frame + 1 { 0xC3 } else { *byte }).collect::<Vec<_>>();
    assert!(matches!(refusal(&lossless), MediaError::Unsupported(_)));
}

#[test]
fn animations_are_refused() {
    let apng = with_chunks(&png(16, 16), &[chunk(b"acTL", &[0, 0, 0, 9, 0, 0, 0, 0])]);
    assert_eq!(refusal(&apng), MediaError::Animated);
    let picture = webp_of(&pixels(16, 16, 3), 16, 16, image_webp::ColorType::Rgb8)[12..].to_vec();
    let header = riff_chunk(b"VP8X", &[0b10, 0, 0, 0, 15, 0, 0, 15, 0, 0]);
    assert_eq!(refusal(&webp_file(&[header, picture.clone()])), MediaError::Animated);
    assert_eq!(refusal(&webp_file(&[riff_chunk(b"ANIM", &[0; 6]), picture])), MediaError::Animated);
}

#[test]
fn a_file_that_is_cut_off_is_refused_wherever_it_is_cut() {
    let (width, height) = (700, 500);
    let rgb = pixels(width, height, 3);
    let lossy = derive(&jpeg(width, height), None, None, &Limits::default()).unwrap().renditions.remove(2).bytes;
    let files = [
        ("jpeg", jpeg(width, height)),
        ("turned jpeg", with_orientation(&jpeg(width, height), 6)),
        ("progressive", jpeg_of(&rgb, width, height, ColorType::Rgb, true)),
        ("png", png(width, height)),
        ("webp lossless", webp_of(&rgb, width, height, image_webp::ColorType::Rgb8)),
        ("webp lossy", lossy),
        ("heic", heic(&rgb, width, height)),
    ];
    for (kind, file) in files {
        assert!(derive(&file, None, None, &Limits::default()).is_ok(), "{kind}");
        let steps = (0..file.len()).step_by(1024).chain(file.len().saturating_sub(20)..file.len()).chain(1..40);
        for length in steps {
            let cut = &file[..length];
            assert!(derive(cut, None, None, &Limits::default()).is_err(), "{kind} cut at {length} of {}", file.len());
            assert!(inspect(cut, &Limits::default()).is_err(), "{kind} cut at {length}");
            assert!(strip(cut).is_err(), "{kind} cut at {length}");
        }
    }
}

#[test]
fn a_picture_that_lacks_data_inside_is_refused() {
    // The container is whole, the picture in it is not: the decoders must not make up the rest.
    let short_png = {
        let whole = png(300, 300);
        let data = whole.windows(4).position(|name| name == b"IDAT").unwrap();
        let length = u32::from_be_bytes(*whole[data - 4..].first_chunk().unwrap()) as usize;
        let half = chunk(b"IDAT", &whole[data + 4..data + 4 + length / 2]);
        [&whole[..data - 4], &half, &chunk(b"IEND", b"")].concat()
    };
    let short_webp = |whole: Vec<u8>| {
        let name = *whole[12..].first_chunk().unwrap();
        webp_file(&[riff_chunk(&name, &whole[20..20 + (whole.len() - 20) / 2])])
    };
    let lossless = webp_of(&pixels(300, 300, 3), 300, 300, image_webp::ColorType::Rgb8);
    let lossy = derive(&jpeg(300, 300), None, None, &Limits::default()).unwrap().renditions.remove(0).bytes;
    for (kind, file) in [("png", short_png), ("lossless", short_webp(lossless)), ("lossy", short_webp(lossy))] {
        assert!(inspect(&file, &Limits::default()).is_ok(), "{kind}");
        assert!(derive(&file, None, None, &Limits::default()).is_err(), "{kind}");
    }
    let wrong_checksum = {
        let mut whole = png(300, 300);
        let data = whole.windows(4).position(|name| name == b"IDAT").unwrap();
        whole[data + 400] ^= 0x55;
        whole
    };
    assert!(derive(&wrong_checksum, None, None, &Limits::default()).is_err());
}

/// Ten thousand damaged files: none may panic, hang or take long, and what comes out is whole or an error.
#[test]
fn damage_never_panics() {
    let rgb = pixels(48, 40, 3);
    let rgba = pixels(48, 40, 4);
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let profile = segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", &icc[..]].concat());
    let lossy = derive(&jpeg(48, 40), None, None, &Limits::default()).unwrap().renditions.remove(0).bytes;
    let canvas = riff_chunk(b"VP8X", &[0b0011_1000, 0, 0, 0, 47, 0, 0, 39, 0, 0]);
    let files = [
        with_orientation(&with_segments(&jpeg(48, 40), std::slice::from_ref(&profile)), 6),
        jpeg_of(&rgb, 48, 40, ColorType::Rgb, true),
        jpeg_of(&rgba, 48, 40, ColorType::Cmyk, false),
        with_chunks(&png(48, 40), &[chunk(b"eXIf", &exif(5))]),
        png_of(&rgba, 48, 40, png::ColorType::Rgba, png::BitDepth::Eight),
        webp_of(&rgba, 48, 40, image_webp::ColorType::Rgba8),
        lossy.clone(),
        webp_file(&[canvas, riff_chunk(b"ICCP", &icc), lossy[12..].to_vec(), riff_chunk(b"EXIF", &exif(7))]),
        heic_with(&rgb, 48, 40, Some(exif(6)), Some(icc.clone())),
        heic_grid(48, 40, 2, 2),
    ];
    // Small, so that a damaged size does not turn the test into one of memory.
    let limits = Limits { max_pixels: 40_000, ..Limits::default() };
    let mut noise = Noise(0x5EED);
    let (mut accepted, mut slowest) = (0, Duration::ZERO);
    let panics = count_panics();
    for round in 0..10_000 {
        let mut file = files[round % files.len()].clone();
        for _ in 0..=noise.below(4) {
            // Half of the damage hits the headers, where it does most.
            let reach = if noise.below(2) == 0 { file.len().min(200) } else { file.len() };
            let at = noise.below(reach);
            match noise.below(5) {
                0 => file[at] = noise.below(256) as u8,
                1 => file[at] ^= 1 << noise.below(8),
                2 => file[at] = [0, 0xFF, 0x7F, 0x80][noise.below(4)],
                3 => drop(file.remove(at)),
                _ => file.insert(at, noise.below(256) as u8),
            }
        }
        // PNG's checksums would hide everything behind them.
        mend_checksums(&mut file);
        let started = Instant::now();
        let stripped = strip(&file);
        // A mark takes the same way through the decoders as a photo, without seven encodings behind it.
        if Mark::from_bytes(&file, &limits).is_ok() {
            accepted += 1;
            assert!(inspect(&file, &limits).is_ok());
            assert!(stripped.is_ok_and(|stripped| Mark::from_bytes(&stripped, &limits).is_ok()));
            if accepted % 50 == 0 {
                assert_eq!(derive(&file, None, None, &limits).unwrap().renditions.len(), 7);
            }
        }
        slowest = slowest.max(started.elapsed());
    }
    assert!(accepted > 100, "the damage is too heavy to test anything: {accepted}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert_eq!(panics.load(Ordering::SeqCst), 0, "caught, but still panics");
}

/// Counts the panics of this thread, which the crate catches where it calls decoders.
fn count_panics() -> Arc<AtomicUsize> {
    let (count, thread) = (Arc::new(AtomicUsize::new(0)), std::thread::current().id());
    let (counter, next) = (Arc::clone(&count), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == thread {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        next(panic);
    }));
    count
}

fn mend_checksums(file: &mut Vec<u8>) {
    if !file.starts_with(b"\x89PNG\r\n\x1A\n") {
        return;
    }
    let mut mended = file[..8].to_vec();
    let mut at = 8;
    while let (Some(length), Some(name)) = (file.get(at..at + 4), file.get(at + 4..at + 8)) {
        let length = u32::from_be_bytes(*length.first_chunk().unwrap()) as usize;
        let Some(payload) = file.get(at + 8..at + 8 + length) else { break };
        mended.extend(chunk(name.first_chunk().unwrap(), payload));
        at += 12 + length;
    }
    mended.extend_from_slice(file.get(at..).unwrap_or_default());
    *file = mended;
}
