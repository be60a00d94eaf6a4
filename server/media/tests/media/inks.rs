//! CMYK, grey and deep files: colours as they were meant.

use jpeg_encoder::{ColorType, Encoder};
use shutterpost_media::derive::derive;
use shutterpost_media::inspect::Limits;
use shutterpost_media::rendition::{Encoding, Name};
use shutterpost_media::strip::strip;

use crate::synth::*;

/// A printing profile (a table from four inks to Lab) in which cyan looks like an orange and all else is grey by its black:
/// whoever leaves it out cannot get the colour right.
fn strange_inks() -> Vec<u8> {
    let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
    for value in [1, 0, 0, 0, 1, 0, 0, 0, 1_i32] {
        table.extend_from_slice(&(value << 16).to_be_bytes());
    }
    let straight: Vec<u8> = (0..=255).collect();
    (0..4).for_each(|_| table.extend_from_slice(&straight));
    for corner in 0..16_u8 {
        let (cyan, key) = (corner & 8 != 0, corner & 1 != 0);
        table.extend_from_slice(match (cyan, key) {
            (_, true) => &[0, 128, 128],
            // L 65, a 40, b 60.
            (true, false) => &[166, 168, 188],
            (false, false) => &[255, 128, 128],
        });
    }
    (0..3).for_each(|_| table.extend_from_slice(&straight));
    table.resize(table.len().next_multiple_of(4), 0);

    let white =
        [&b"XYZ \0\0\0\0"[..], &0xF6D6_u32.to_be_bytes(), &0x1_0000_u32.to_be_bytes(), &0xD32D_u32.to_be_bytes()]
            .concat();
    let tags = [(*b"A2B0", &table), (*b"A2B1", &table), (*b"wtpt", &white)];
    let mut header = [0; 128];
    header[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    header[12..24].copy_from_slice(b"prtrCMYKLab ");
    header[36..40].copy_from_slice(b"acsp");
    header[68..80].copy_from_slice(&white[8..20]);
    let mut profile = [&header[..], &(tags.len() as u32).to_be_bytes()].concat();
    let mut at = 128 + 4 + 12 * tags.len();
    for (name, content) in &tags {
        profile.extend([&name[..], &(at as u32).to_be_bytes(), &(content.len() as u32).to_be_bytes()].concat());
        at += content.len();
    }
    tags.iter().for_each(|(_, content)| profile.extend_from_slice(content));
    let length = profile.len() as u32;
    profile[..4].copy_from_slice(&length.to_be_bytes());
    profile
}

fn colour_of(file: &[u8]) -> [u8; 3] {
    let derived = derive(file, None, None, &Limits::default()).unwrap();
    let file = derived.renditions.iter().find(|file| (file.name, file.encoding) == (Name::Large, Encoding::Jpeg));
    decode(&file.unwrap().bytes).at(30, 30)
}

/// Ink is 0 to 255; the encoder takes it as Adobe's files hold it, and inverts.
fn inked(inks: [u8; 4], kind: ColorType, icc: Option<&[u8]>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 95);
    if let Some(icc) = icc {
        encoder.add_icc_profile(icc).unwrap();
    }
    encoder.encode(&inks.repeat(64 * 64), 64, 64, kind).unwrap();
    file
}

#[test]
fn inks_go_through_their_profile_or_a_sane_default() {
    let profile = strange_inks();
    for kind in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        for (inks, plain, profiled) in [
            ([0, 0, 0, 0], [255, 255, 255], [255, 255, 255]),
            ([0, 0, 0, 255], [0, 0, 0], [0, 0, 0]),
            ([255, 0, 0, 0], [0, 255, 255], [224, 136, 53]),
        ] {
            assert!(near(colour_of(&inked(inks, kind, None)), plain, 6), "{kind:?} {inks:?}");
            let tagged = inked(inks, kind, Some(&profile));
            for file in [strip(&tagged).unwrap(), tagged] {
                let found = colour_of(&file);
                assert!(near(found, profiled, 16), "{kind:?} {inks:?}: {found:?} for {profiled:?}");
            }
            // A profile of something else is none.
            let rgb = moxcms::ColorProfile::new_display_p3().encode().unwrap();
            for nonsense in [&rgb[..], &profile[..400], b"nonsense"] {
                assert!(near(colour_of(&inked(inks, kind, Some(nonsense))), plain, 6));
            }
        }
    }
}

#[test]
fn greys_go_through_their_profile() {
    let linear = moxcms::ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let grey = vec![55; 64 * 64];
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 95);
    encoder.add_icc_profile(&linear).unwrap();
    encoder.encode(&grey, 64, 64, ColorType::Luma).unwrap();
    // 55 of 255 of the light is 128 in sRGB.
    assert!(near(colour_of(&jpeg), [128; 3], 4), "{:?}", colour_of(&jpeg));
    let plain = jpeg_of(&grey, 64, 64, ColorType::Luma, false);
    assert!(near(colour_of(&plain), [55; 3], 3));
}

#[test]
fn every_depth_of_png_comes_out() {
    use png::{BitDepth, ColorType};
    for (depth, bytes, expected) in [
        (BitDepth::One, vec![0xFF; 8 * 64], 255),
        (BitDepth::Two, vec![0xAA; 16 * 64], 170),
        (BitDepth::Four, vec![0x88; 32 * 64], 136),
        (BitDepth::Eight, vec![100; 64 * 64], 100),
        (BitDepth::Sixteen, [100, 55].repeat(64 * 64), 100),
    ] {
        let file = png_of(&bytes, 64, 64, ColorType::Grayscale, depth);
        assert!(near(colour_of(&file), [expected; 3], 3), "{depth:?}");
    }
    let deep = [100, 0, 150, 0, 200, 0, 255, 255].repeat(64 * 64);
    assert!(near(colour_of(&png_of(&deep, 64, 64, ColorType::Rgba, BitDepth::Sixteen)), [100, 150, 200], 5));
}
