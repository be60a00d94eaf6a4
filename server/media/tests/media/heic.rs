use shutterpost_media::derive::derive;
use shutterpost_media::error::MediaError;
use shutterpost_media::inspect::{Limits, SourceFormat, inspect};
use shutterpost_media::rendition::{Encoding, Name};
use shutterpost_media::strip::strip;

use crate::synth::*;

fn shown(file: &[u8]) -> Decoded {
    let derived = derive(file, None, None, &Limits::default()).unwrap();
    let web = derived.renditions.iter().find(|file| (file.name, file.encoding) == (Name::Web, Encoding::Jpeg));
    decode(&web.unwrap().bytes)
}

#[test]
fn one_picture_and_a_grid_lose_all_but_the_picture_and_not_a_pixel() {
    for (width, height) in [(301, 200), (700, 530)] {
        let rgb = quadrants(width, height);
        let dirty = heic_with(&rgb, width, height, Some(exif(6)), None);
        assert!(dirty.windows(CANARY.len()).any(|window| window == CANARY));
        let inspected = inspect(&dirty, &Limits::default()).unwrap();
        assert_eq!((inspected.format, inspected.width, inspected.height), (SourceFormat::Heic, width, height));
        assert_eq!(inspected.orientation, 1, "the box turns a HEIC, never Exif");
        let clean = strip(&dirty).unwrap();
        assert!(!clean.windows(CANARY.len()).any(|window| window == CANARY));
        for gone in [&b"Exif"[..], b"mime", b"thmb", b"cdsc"] {
            assert!(!clean.windows(gone.len()).any(|window| window == gone), "{}", String::from_utf8_lossy(gone));
        }
        assert_eq!(strip(&clean).unwrap(), clean, "stripping twice changes nothing");
        let pixels = |file: &[u8]| heifer::decode_rgba8(file, &heifer::Options::default()).unwrap().data;
        assert!(pixels(&dirty) == pixels(&clean), "lossless");
        let shown = shown(&clean);
        assert_eq!((shown.width, shown.height), (width, height));
        for (x, y, expected) in [(1, 1, [230, 20, 20]), (3, 1, [20, 200, 20]), (1, 3, [20, 20, 230])] {
            let found = shown.at(width * x / 4, height * y / 4);
            assert!(near(found, expected, 14), "{found:?} for {expected:?}");
        }
    }
}

#[test]
fn a_grid_as_a_phone_writes_it_is_put_together() {
    let file = heic_grid(64, 48, 3, 2);
    let shown = shown(&file);
    assert_eq!((shown.width, shown.height), (192, 96));
    // Each tile is the same picture.
    for (x, y) in [(1, 0), (2, 0), (0, 1), (2, 1)] {
        for (inner_x, inner_y) in [(10, 10), (50, 12), (30, 40)] {
            assert!(near(shown.at(x * 64 + inner_x, y * 48 + inner_y), shown.at(inner_x, inner_y), 25));
        }
    }
}

#[test]
fn the_box_turns_the_picture() {
    let rgb = quadrants(320, 200);
    let plain = heic(&rgb, 320, 200);
    let at = plain.windows(4).position(|name| name == b"pixi").unwrap();
    for (quarters, corner) in [(1_u8, [20, 200, 20]), (2, [250, 250, 250]), (3, [20, 20, 230])] {
        let mut turned = plain.clone();
        turned[at..at + 5].copy_from_slice(&[b'i', b'r', b'o', b't', quarters]);
        let inspected = inspect(&turned, &Limits::default()).unwrap();
        let sides = if quarters == 2 { (320, 200) } else { (200, 320) };
        assert_eq!((inspected.width, inspected.height), sides);
        for file in [strip(&turned).unwrap(), turned] {
            let shown = shown(&file);
            assert_eq!((shown.width, shown.height), sides);
            // Against the clock: the upper right corner becomes the upper left one.
            assert!(near(shown.at(20, 20), corner, 14), "{quarters}: {:?}", shown.at(20, 20));
        }
    }
}

#[test]
fn display_p3_of_a_phone_is_shown_as_it_was_meant() {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let flat = [200, 100, 100].repeat(64 * 64);
    let file = heic_with(&flat, 64, 64, None, Some(p3));
    for file in [strip(&file).unwrap(), file] {
        let shown = shown(&file);
        assert!(near(shown.at(30, 30), [214, 94, 97], 6), "{:?}", shown.at(30, 30));
    }
    // The same by numbers instead of a profile.
    let mut numbers = heic(&flat, 64, 64);
    let at = numbers.windows(8).position(|name| name == b"colrnclx").unwrap();
    assert!(near(shown(&numbers).at(30, 30), [200, 100, 100], 6));
    numbers[at + 8..at + 10].copy_from_slice(&[0, 12]);
    assert!(near(shown(&numbers).at(30, 30), [214, 94, 97], 6));
    numbers[at + 10..at + 12].copy_from_slice(&[0, 16]);
    assert!(matches!(inspect(&numbers, &Limits::default()), Err(MediaError::Unsupported(_))), "PQ would look wrong");
}

#[test]
fn what_a_container_promises_is_held_against_the_coded_data() {
    let refused = |file: &[u8]| {
        let refused = inspect(file, &Limits::default()).unwrap_err();
        assert!(strip(file).is_err());
        refused
    };
    let (data, decoder, size) = coded(64, 48);
    let one = |data: &[u8], properties: &[Vec<u8>]| {
        let numbers = (1..=properties.len() as u8).collect();
        heic_by_hand(&[(*b"hvc1", data.to_vec(), numbers)], properties, &[])
    };
    assert!(inspect(&one(&data, &[decoder.clone(), size.clone()]), &Limits::default()).is_ok());
    let claimed = |width: u32, height: u32| {
        iso_box(b"ispe", &[&[0; 4][..], &width.to_be_bytes(), &height.to_be_bytes()].concat())
    };
    let differs = MediaError::Malformed("coded data of another size than the picture");
    assert_eq!(refused(&one(&data, &[decoder.clone(), claimed(6400, 4800)])), differs);
    let (long, long_decoder, _) = coded(320, 48);
    assert_eq!(refused(&one(&long, &[long_decoder, claimed(64, 48)])), differs);
    let too_many = MediaError::TooManyPixels { width: 60_000, height: 60_000 };
    assert_eq!(refused(&one(&data, &[decoder.clone(), claimed(60_000, 60_000)])), too_many);
    // Parameters inside of the data would override those that were checked.
    let parameters = [&[0, 0, 0, 3, 0x42, 1, 1][..], &data].concat();
    assert!(matches!(refused(&one(&parameters, &[decoder.clone(), size.clone()])), MediaError::Malformed(_)));
    // Notes go, the picture stays.
    let notes = [&[0, 0, 0, 2 + CANARY.len() as u8, 0x4E, 1][..], CANARY, &data].concat();
    let clean = strip(&one(&notes, &[decoder.clone(), size.clone()])).unwrap();
    assert!(!clean.windows(CANARY.len()).any(|window| window == CANARY));
    assert!(derive(&clean, None, None, &Limits::default()).is_ok());
    // A crop hides what would travel with the original.
    let crop = |width: u32| {
        let fields: Vec<u8> = [width, 1, 48, 1, 0, 1, 0, 1].iter().flat_map(|field| field.to_be_bytes()).collect();
        one(&data, &[decoder.clone(), size.clone(), iso_box(b"clap", &fields)])
    };
    assert_eq!(inspect(&crop(61), &Limits::default()).unwrap().width, 61);
    assert!(derive(&crop(61), None, None, &Limits::default()).is_ok());
    let (data, decoder, size) = coded(192, 48);
    let fields: Vec<u8> = [64_u32, 1, 48, 1, 0, 1, 0, 1].iter().flat_map(|field| field.to_be_bytes()).collect();
    let hides = one(&data, &[decoder, size, iso_box(b"clap", &fields)]);
    assert_eq!(refused(&hides), MediaError::Unsupported("a HEIC that hides a part of its picture"));
}
