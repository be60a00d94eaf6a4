//! What strangers send on purpose. The numbers are those of the list that the project is checked against; each has one
//! result that is named here.

use std::time::{Duration, Instant};

use jpeg_encoder::ColorType;
use shutterpost_media::derive::derive;
use shutterpost_media::error::MediaError;
use shutterpost_media::inspect::{Limits, inspect};
use shutterpost_media::strip::strip;

use crate::memory::{growth, job_of_child};
use crate::synth::*;

const MEMORY: u64 = 64 * 1024 * 1024;

fn refusal(bytes: &[u8]) -> MediaError {
    let refused = inspect(bytes, &Limits::default()).unwrap_err();
    assert_eq!(derive(bytes, None, None, &Limits::default()).unwrap_err(), refused);
    refused
}

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// Neither the stripped file nor a rendition holds any of it.
fn assert_gone(file: &[u8], what: &[&[u8]]) {
    let clean = strip(file).unwrap();
    let derived = derive(file, None, None, &Limits::default()).unwrap();
    let again = derive(&clean, None, None, &Limits::default()).unwrap();
    assert_eq!(derived.renditions.len(), again.renditions.len());
    for what in what {
        assert!(has(file, what), "the test puts it in");
        assert!(!has(&clean, what), "{}", String::from_utf8_lossy(what));
        assert!(derived.renditions.iter().all(|file| !has(&file.bytes, what)));
    }
}

#[test]
fn input_19_a_png_of_4_gigapixels_is_refused_before_it_is_decoded() {
    if job_of_child() {
        return;
    }
    // One colour, 1 bit: half a gigabyte of rows in 50 kB. The data do not even have to be sound.
    let header = [&65_535_u32.to_be_bytes()[..], &65_535_u32.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
    let parts = [chunk(b"IHDR", &header), chunk(b"IDAT", &[0; 50_000]), chunk(b"IEND", b"")];
    let file = [b"\x89PNG\r\n\x1A\n".to_vec(), parts.concat()].concat();
    assert_eq!(refusal(&file), MediaError::TooManyPixels { width: 65_535, height: 65_535 });
    // Found by fuzzing: the stripper knows no limits, and a size that no number holds must not stop it.
    assert!(strip(&claiming_png(u32::MAX, u32::MAX)).is_ok());
    let name = "bad_inputs::input_19_a_png_of_4_gigapixels_is_refused_before_it_is_decoded";
    assert!(growth(name, "derive-19", &file) < MEMORY);
}

#[test]
fn input_20_a_second_frame_header_is_refused() {
    let small = jpeg(1, 1);
    let at = small.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let mut second = small[at..at + 19].to_vec();
    second[5..9].copy_from_slice(&[0xEA, 0x60, 0xEA, 0x60]);
    for place in [at, at + 19, small.len() - 2] {
        let file = [&small[..place], &second, &small[place..]].concat();
        let expected = if place == at {
            MediaError::TooManyPixels { width: 60_000, height: 60_000 }
        } else {
            MediaError::Malformed("a second frame header")
        };
        assert_eq!(refusal(&file), expected);
    }
}

#[test]
fn input_21_a_million_frames_are_refused_at_the_first() {
    if job_of_child() {
        return;
    }
    // Films of the web have a way of their own; as a picture they are refused.
    let gif = [
        b"GIF89a\x01\0\x01\0\0\0\0".to_vec(),
        b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0".repeat(100_000),
        b";".to_vec(),
    ];
    assert_eq!(refusal(&gif.concat()), MediaError::Unsupported("GIF"));

    let control = chunk(b"fcTL", &[0; 26]);
    let plain = png(16, 16);
    let apng = [&plain[..33], &control.repeat(1_000_000), &plain[33..]].concat();
    let started = Instant::now();
    assert_eq!(refusal(&apng), MediaError::Animated);
    // Nor do a million chunks that mean nothing cost more than reading them.
    let filler = chunk(b"fiLl", &[0; 26]);
    let padded = [&plain[..33], &filler.repeat(1_000_000), &plain[33..]].concat();
    assert!(inspect(&padded, &Limits::default()).is_ok());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let name = "bad_inputs::input_21_a_million_frames_are_refused_at_the_first";
    assert!(growth(name, "derive-21", &apng) < MEMORY);

    let frame = riff_chunk(
        b"ANMF",
        &[&[0; 16][..], &webp_of(&pixels(4, 4, 3), 4, 4, image_webp::ColorType::Rgb8)[12..]].concat(),
    );
    let animation = webp_file(&[
        riff_chunk(b"VP8X", &[0b10, 0, 0, 0, 3, 0, 0, 3, 0, 0]),
        riff_chunk(b"ANIM", &[0; 6]),
        frame.repeat(10_000),
    ]);
    assert_eq!(refusal(&animation), MediaError::Animated);
}

#[test]
fn input_22_what_is_a_picture_and_something_else_leaves_as_a_picture() {
    let html = b"<script>fetch('//evil.test')</script>";
    let zip = b"PK\x03\x04evil.exePK\x05\x06";
    let phar = b"<?php __HALT_COMPILER(); ?>";
    for trailer in [&html[..], zip, phar, b"%PDF-1.7 evil"] {
        for file in [jpeg(64, 64), png(64, 64), webp_of(&pixels(64, 64, 3), 64, 64, image_webp::ColorType::Rgb8)] {
            assert_gone(&[&file, trailer].concat(), &[trailer]);
        }
        assert_gone(&with_segments(&jpeg(64, 64), &[segment(0xFE, trailer)]), &[trailer]);
        assert_gone(&with_chunks(&png(64, 64), &[chunk(b"tEXt", trailer)]), &[trailer]);
        let heic = heic(&pixels(64, 64, 3), 64, 64);
        assert_gone(&[&heic[..], &iso_box(b"free", trailer)].concat(), &[trailer]);
    }
    assert_eq!(refusal(&[b"GIF89a\x01\0\x01\0\0\0\0;", &zip[..]].concat()), MediaError::Unsupported("GIF"));
    assert_eq!(refusal(&[b"%PDF-1.7\n".to_vec(), jpeg(64, 64)].concat()), MediaError::NotAnImage);
}

#[test]
fn input_23_neither_a_name_nor_a_type_makes_a_picture() {
    for bytes in [
        &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
        b"<!doctype html><img src=x onerror=alert(1)>",
        b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0",
        b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41",
        b"#!/bin/sh\nrm -rf /",
        b"\x7FELF\x02\x01\x01",
        b"<?php system($_GET['c']);",
    ] {
        assert_eq!(refusal(bytes), MediaError::NotAnImage, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn input_24_drawings_with_programs_in_them_are_no_pictures() {
    for svg in [
        "<svg xmlns='http://www.w3.org/2000/svg'><script>fetch('//evil.test')</script></svg>",
        "<svg xmlns='http://www.w3.org/2000/svg'><foreignObject><iframe src='//evil.test'/></foreignObject></svg>",
        "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><use href='//evil.test/x.svg#a'/></svg>",
        "<!DOCTYPE svg [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><svg>&b;</svg>",
        "<svg><style>@import '//evil.test/x.css';</style></svg>",
        "<svg><rect style=\"fill:url('//evil.test/beacon')\"/></svg>",
        "\u{feff}  <svg onload='alert(1)'/>",
    ] {
        assert_eq!(refusal(svg.as_bytes()), MediaError::NotAnImage, "{svg}");
    }
}

#[test]
fn input_25_all_that_a_camera_writes_about_people_and_places_goes() {
    let maker_note = b"MAKER-SERIAL-4711 ".repeat(3_600);
    let uncropped = [&b"UNCROPPED"[..], &jpeg(320, 240)].concat();
    let mut whole = b"Exif\0\0".to_vec();
    whole.extend(exif(6));
    whole.extend_from_slice(b"OWNER-Jane-Doe");
    whole.extend_from_slice(&uncropped);
    let history = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><xmpMM:History>EDITED-BY-JANE</xmpMM:History></x:xmpmeta>";
    let segments = [
        segment(0xE1, &whole),
        segment(0xE1, history),
        segment(0xE1, &[b"Exif\0\0", &maker_note[..60_000]].concat()),
        segment(0xED, &[b"Photoshop 3.0\08BIM", CANARY].concat()),
        segment(0xE2, &[b"MPF\0", CANARY].concat()),
    ];
    let gone: [&[u8]; 5] = [CANARY, b"MAKER-SERIAL", b"OWNER-Jane", b"UNCROPPED", b"EDITED-BY"];
    assert_gone(&with_segments(&jpeg(200, 150), &segments), &gone);
    let chunks =
        [chunk(b"eXIf", &[&exif(6)[..], b"OWNER-Jane", &uncropped, &maker_note].concat()), chunk(b"iTXt", history)];
    assert_gone(&with_chunks(&png(200, 150), &chunks), &gone);
    let notes = [exif(1), b"OWNER-Jane-Doe".to_vec(), uncropped, maker_note, history.to_vec()].concat();
    assert_gone(&heic_with(&pixels(200, 150, 3), 200, 150, Some(notes), None), &gone);
}

#[test]
fn input_26_loops_and_lies_in_exif_leave_the_picture_upright() {
    let directory = |offset: u32, entries: u16, count: u32, orientation: u16, next: u32| {
        let mut tiff = [b"MM\0*", &offset.to_be_bytes()[..], &entries.to_be_bytes()].concat();
        tiff.extend_from_slice(&[0x01, 0x12, 0, 3]);
        tiff.extend_from_slice(&count.to_be_bytes());
        tiff.extend_from_slice(&orientation.to_be_bytes());
        tiff.extend_from_slice(&[0, 0]);
        tiff.extend_from_slice(&next.to_be_bytes());
        tiff
    };
    let started = Instant::now();
    for tiff in [
        directory(8, 1, 1, 9, 8),
        directory(8, 1, 1, 0, 8),
        directory(8, 1, u32::MAX, 6, 0),
        directory(u32::MAX, 1, 1, 6, 0),
        directory(0, 1, 1, 6, 0),
        directory(8, u16::MAX, 2, 6, 8),
        directory(26, 1, 1, 6, 26),
    ] {
        for file in [
            with_segments(&jpeg(60, 40), &[segment(0xE1, &[b"Exif\0\0", &tiff[..]].concat())]),
            with_chunks(&png(60, 40), &[chunk(b"eXIf", &tiff)]),
        ] {
            let inspected = inspect(&file, &Limits::default()).unwrap();
            assert_eq!((inspected.orientation, inspected.width), (1, 60));
            assert!(derive(&file, None, None, &Limits::default()).is_ok());
        }
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn input_27_odd_colours_and_a_thousand_scans_end_in_time() {
    let started = Instant::now();
    let fine = |file: &[u8]| assert!(derive(file, None, None, &Limits::default()).is_ok());
    // 16 MB of a profile, whole by its numbers and no profile at all.
    let parts: Vec<_> = (1..=255_u8)
        .map(|number| segment(0xE2, &[b"ICC_PROFILE\0", &[number, 255][..], &[7; 65_000]].concat()))
        .collect();
    let large = with_segments(&jpeg(64, 64), &parts);
    fine(&large);
    assert!(strip(&large).unwrap().len() < 64_000);
    fine(&with_segments(&jpeg(64, 64), &[segment(0xE2, b"ICC_PROFILE\0\x01\x01malformed")]));
    let mut sick = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let length = sick.len();
    sick[128..length].fill(0xFF);
    fine(&with_segments(&jpeg(64, 64), &[segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", &sick[..]].concat())]));

    let inks = pixels(64, 64, 4);
    fine(&jpeg_of(&inks, 64, 64, ColorType::Cmyk, false));
    fine(&jpeg_of(&inks, 64, 64, ColorType::CmykAsYcck, false));
    fine(&png_of(&pixels(64, 64, 3).repeat(2), 64, 64, png::ColorType::Rgb, png::BitDepth::Sixteen));
    fine(&png_of(&pixels(64, 64, 2), 64, 64, png::ColorType::GrayscaleAlpha, png::BitDepth::Eight));

    let photo = jpeg(64, 64);
    let scan = photo.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    let end = photo.len() - 2;
    let many = [&photo[..scan], &photo[scan..end].repeat(1000), &photo[end..]].concat();
    assert_eq!(refusal(&many), MediaError::Malformed("too many scans"));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn input_28_grids_without_end_are_refused() {
    if job_of_child() {
        return;
    }
    let (data, decoder, size) = coded(64, 64);
    let grid = |columns: u8, rows: u8, side: u16| {
        let sides = [(side).to_be_bytes(), side.to_be_bytes()].concat();
        (*b"grid", [&[0, 0, rows - 1, columns - 1][..], &sides].concat(), vec![])
    };
    let tile = (*b"hvc1", data, vec![1, 2]);
    let properties = [decoder, size];
    let too_many = MediaError::Malformed("too many items");
    let mut items = vec![grid(255, 255, 16_320)];
    items.extend(std::iter::repeat_n((*b"hvc1", vec![0; 4], vec![1, 2]), 65_000));
    let file = heic_by_hand(&items, &properties, &(2..65_001).collect::<Vec<u16>>());
    assert_eq!(refusal(&file), too_many);
    let name = "bad_inputs::input_28_grids_without_end_are_refused";
    assert!(growth(name, "derive-28", &file) < MEMORY);
    // Few items, named again and again.
    let file = heic_by_hand(&[grid(255, 255, 16_320), tile.clone()], &properties, &[2; 65_025]);
    assert_eq!(refusal(&file), too_many);
    let file = heic_by_hand(&[grid(40, 40, 2_560), tile.clone()], &properties, &[2; 1600]);
    assert_eq!(refusal(&file), MediaError::Malformed("a grid of too many or too few tiles"));
    // 100 000 entries in the list of items alone.
    let mut list = [&[1, 0, 0, 0][..], &100_000_u32.to_be_bytes()].concat();
    list.extend(iso_box(b"infe", b"\x02\0\0\0\0\x01\0\0hvc1\0").repeat(100_000));
    let whole = heic_by_hand(&[grid(2, 1, 64), tile.clone()], &properties, &[2, 2]);
    let at = whole.windows(4).position(|name| name == b"iinf").unwrap() - 4;
    let old = u32::from_be_bytes(*whole[at..].first_chunk().unwrap()) as usize;
    let mut swollen = [&whole[..at], &iso_box(b"iinf", &list), &whole[at + old..]].concat();
    let meta = swollen.windows(4).position(|name| name == b"meta").unwrap() - 4;
    let length = u32::from_be_bytes(*swollen[meta..].first_chunk().unwrap()) + (list.len() + 8 - old) as u32;
    swollen[meta..meta + 4].copy_from_slice(&length.to_be_bytes());
    assert_eq!(refusal(&swollen), too_many);

    // A picture made of itself, and a grid of grids.
    let file = heic_by_hand(&[grid(1, 1, 64), tile.clone()], &properties, &[1]);
    assert_eq!(refusal(&file), MediaError::Malformed("a picture that is made of itself"));
    let file = heic_by_hand(&[grid(1, 1, 64), grid(1, 1, 64), tile.clone()], &properties, &[2]);
    assert_eq!(refusal(&file), MediaError::Malformed("a tile that is no coded picture"));
    // A tile that decodes to a hundred times what the grid needs of it.
    let file = heic_by_hand(&[grid(2, 1, 8), tile.clone(), tile.clone()], &properties, &[2, 3]);
    assert_eq!(refusal(&file), MediaError::Malformed("tiles that do not cover the grid"));
    // AVIF is not taken, whatever it refers to.
    let av1 = |kind: &[u8; 4]| heic_by_hand(&[(*kind, vec![0; 4], vec![2])], &properties, &[1]);
    assert_eq!(refusal(&av1(b"av01")), MediaError::Malformed("a picture that is made of itself"));
    assert_eq!(refusal(b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miafMA1B"), MediaError::Unsupported("AVIF"));
}

#[test]
fn input_29_a_file_cut_at_any_kilobyte_is_refused() {
    assert_eq!(refusal(b""), MediaError::Empty);
    assert!(matches!(refusal(b"\xFF"), MediaError::Truncated));
    let (width, height) = (640, 480);
    let rgb = pixels(width, height, 3);
    for file in [
        jpeg(width, height),
        jpeg_of(&rgb, width, height, ColorType::Rgb, true),
        png(width, height),
        webp_of(&rgb, width, height, image_webp::ColorType::Rgb8),
        heic(&rgb, width, height),
    ] {
        for length in (1024..file.len()).step_by(1024) {
            let cut = &file[..length];
            assert!(matches!(refusal(cut), MediaError::Truncated), "{:?} at {length}", refusal(cut));
            assert!(strip(cut).is_err());
        }
    }
}

#[test]
fn input_30_what_a_crop_left_behind_the_end_goes() {
    let old = png(600, 400);
    let data = old.windows(4).position(|name| name == b"IDAT").unwrap();
    let rest = &old[data + 4 + 2000..];
    let cropped = png(60, 40);
    let file = [&cropped[..], rest].concat();
    assert_gone(&file, &[&rest[..64]]);
    assert_eq!(strip(&file).unwrap(), cropped);
}
