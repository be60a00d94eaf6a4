use jpeg_encoder::ColorType;
use shutterpost_media::derive::{Derived, derive};
use shutterpost_media::inspect::{Limits, SourceFormat, inspect};
use shutterpost_media::mark::{Mark, logo};
use shutterpost_media::rendition::{Encoding, Name, Rendition};

use crate::synth::*;

fn derived(bytes: &[u8]) -> Derived {
    derive(bytes, None, None, &Limits::default()).unwrap()
}

fn find(derived: &Derived, name: Name, encoding: Encoding) -> &Rendition {
    derived.renditions.iter().find(|rendition| (rendition.name, rendition.encoding) == (name, encoding)).unwrap()
}

#[test]
fn sizes_are_exact_and_nothing_is_enlarged() {
    use Name::{Large, Og, Thumb, Web};
    for (width, height, expected) in [
        (2400, 1800, [(Thumb, 320, 240), (Web, 960, 720), (Large, 2048, 1536), (Og, 1200, 630)]),
        (1800, 2400, [(Thumb, 240, 320), (Web, 720, 960), (Large, 1536, 2048), (Og, 1200, 630)]),
        (500, 400, [(Thumb, 320, 256), (Web, 500, 400), (Large, 500, 400), (Og, 1200, 630)]),
        (3, 2, [(Thumb, 3, 2), (Web, 3, 2), (Large, 3, 2), (Og, 1200, 630)]),
        (1, 1, [(Thumb, 1, 1), (Web, 1, 1), (Large, 1, 1), (Og, 1200, 630)]),
        (4000, 3, [(Thumb, 320, 1), (Web, 960, 1), (Large, 2048, 2), (Og, 1200, 630)]),
    ] {
        let derived = derived(&jpeg(width, height));
        assert_eq!((derived.width, derived.height), (width, height));
        assert_eq!(derived.renditions.len(), 7);
        for (name, width, height) in expected {
            for rendition in derived.renditions.iter().filter(|rendition| rendition.name == name) {
                assert_eq!((rendition.width, rendition.height), (width, height), "{rendition:?}");
                let decoded = decode(&rendition.bytes);
                assert_eq!((decoded.width, decoded.height), (width, height), "{rendition:?}");
            }
        }
    }
}

#[test]
fn no_rendition_holds_metadata() {
    let source = with_orientation(&jpeg(1500, 1000), 6);
    let canaries = [segment(0xFE, CANARY), segment(0xED, CANARY), segment(0xE1, CANARY)];
    let derived = derived(&[with_segments(&source, &canaries), CANARY.to_vec()].concat());
    for rendition in &derived.renditions {
        match rendition.encoding {
            Encoding::Jpeg => {
                let (markers, ends) = jpeg_markers(&rendition.bytes);
                // JFIF's header says nothing but that it is one; no other application segment, no comment.
                assert!(markers.iter().all(|code| matches!(code, 0xE0 | 0xDB | 0xC2 | 0xC4)), "{markers:x?}");
                assert_eq!(rendition.bytes[2..20][..11], *b"\xFF\xE0\0\x10JFIF\0\x01\x02");
                assert!(ends);
            }
            Encoding::WebP => assert_eq!(webp_chunks(&rendition.bytes), [*b"VP8 "]),
            Encoding::Avif => unreachable!("comes in the second stage"),
        }
        assert!(!rendition.bytes.windows(CANARY.len()).any(|window| window == CANARY));
    }
}

#[test]
fn all_orientations_come_out_upright() {
    // How a picture shown as red, green / blue, white lies in the file: the corner colours clockwise from the top left.
    let (red, green, blue, white) = ([230, 20, 20], [20, 200, 20], [20, 20, 230], [250, 250, 250]);
    let stored = [
        [red, green, white, blue],
        [green, red, blue, white],
        [white, blue, red, green],
        [blue, white, green, red],
        [red, blue, white, green],
        [green, white, blue, red],
        [white, green, red, blue],
        [blue, red, green, white],
    ];
    for (orientation, [top_left, top_right, bottom_right, bottom_left]) in (1_u16..).zip(stored) {
        // 600 x 400 as shown; from 5 on the file lies on its side.
        let (width, height) = if orientation >= 5 { (400_u32, 600_u32) } else { (600, 400) };
        let colour = |x, y| match (x < width / 2, y < height / 2) {
            (true, true) => top_left,
            (false, true) => top_right,
            (false, false) => bottom_right,
            (true, false) => bottom_left,
        };
        let pixels: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| colour(x, y))).collect();
        let plain = jpeg_of(&pixels, width, height, ColorType::Rgb, false);
        let turned = with_orientation(&plain, orientation);

        let inspected = inspect(&turned, &Limits::default()).unwrap();
        assert_eq!((inspected.width, inspected.height), (600, 400));
        assert_eq!((inspected.orientation, inspected.format), (orientation as u8, SourceFormat::Jpeg));

        let from_file = derived(&turned);
        let told = derive(&plain, Some(orientation as u8), None, &Limits::default()).unwrap();
        for derived in [from_file, told] {
            assert_eq!((derived.width, derived.height), (600, 400));
            for rendition in derived.renditions.iter().filter(|rendition| rendition.name != Name::Og) {
                let shown = decode(&rendition.bytes);
                let (x, y) = (shown.width, shown.height);
                assert!(x > y);
                for (x, y, expected) in [(1, 1, red), (3, 1, green), (1, 3, blue), (3, 3, white)] {
                    let found = shown.at(shown.width * x / 4, shown.height * y / 4);
                    assert!(near(found, expected, 12), "orientation {orientation}, {rendition:?}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn the_mark_is_blended_once_in_the_lower_right_corner() {
    let grey = jpeg_of(&vec![100; 2400 * 1600 * 3], 2400, 1600, ColorType::Rgb, false);
    // Twice as wide as high; the left half opaque magenta, the right half invisible green.
    let pixels: Vec<u8> = (0..100)
        .flat_map(|_| (0..200).flat_map(|x| if x < 100 { [255, 0, 255, 255] } else { [0, 255, 0, 0] }))
        .collect();
    let limits = Limits::default();
    for file in [
        png_of(&pixels, 200, 100, png::ColorType::Rgba, png::BitDepth::Eight),
        webp_of(&pixels, 200, 100, image_webp::ColorType::Rgba8),
    ] {
        let mark = Mark::from_bytes(&file, &limits).unwrap();
        let derived = derive(&grey, None, Some(&mark), &limits).unwrap();
        for rendition in &derived.renditions {
            let shown = decode(&rendition.bytes);
            let part = |x: f64, y: f64| {
                // From the lower right corner, in shares of the width.
                let width = f64::from(shown.width);
                shown.at((width - x * width) as u32, (f64::from(shown.height) - y * width) as u32)
            };
            // Never larger than the logo itself: 200 pixels on the master of 2048, less than 16 per cent.
            let mark_width = if rendition.name == Name::Og { 0.16 } else { 200.0 / 2048.0 };
            let middle = 0.04 + mark_width / 4.0;
            let tolerance = if rendition.name == Name::Thumb { 60 } else { 30 };
            let visible = part(0.04 + mark_width * 0.75, middle);
            assert!(near(visible, [255, 0, 255], tolerance), "{rendition:?}: {visible:?}");
            assert!(near(part(0.04 + mark_width * 0.25, middle), [100; 3], 12), "{rendition:?}");
            assert!(near(part(0.02, 0.02), [100; 3], 4), "{rendition:?}");
            assert!(near(shown.at(5, 5), [100; 3], 4), "{rendition:?}");
        }
    }
    // A mark in a picture of one pixel finds its place, too.
    let mark = Mark::from_bytes(&png(300, 300), &limits).unwrap();
    assert_eq!(derive(&jpeg(1, 1), None, Some(&mark), &limits).unwrap().renditions.len(), 7);
}

#[test]
fn every_kind_of_file_gives_the_same_picture() {
    let (width, height) = (400, 300);
    let rgb = quadrants(width, height);
    let grey: Vec<u8> = rgb.chunks(3).map(|pixel| pixel[1]).collect();
    let rgba: Vec<u8> = rgb.chunks(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect();
    let wide: Vec<u8> = rgb.iter().flat_map(|value| [*value, 0x7F]).collect();
    // jpeg-encoder takes ink as 255 minus what the file holds, which is Adobe's way.
    let cmyk: Vec<u8> = rgb.chunks(3).flat_map(|pixel| [255 - pixel[0], 255 - pixel[1], 255 - pixel[2], 0]).collect();
    let lossy =
        find(&derived(&jpeg_of(&rgb, width, height, ColorType::Rgb, false)), Name::Web, Encoding::WebP).bytes.clone();
    use png::{BitDepth, ColorType as Png};
    let coloured = [
        ("jpeg", jpeg_of(&rgb, width, height, ColorType::Rgb, false)),
        ("progressive", jpeg_of(&rgb, width, height, ColorType::Rgb, true)),
        ("cmyk", jpeg_of(&cmyk, width, height, ColorType::Cmyk, false)),
        ("ycck", jpeg_of(&cmyk, width, height, ColorType::CmykAsYcck, false)),
        ("png", png_of(&rgb, width, height, Png::Rgb, BitDepth::Eight)),
        ("png 16", png_of(&wide, width, height, Png::Rgb, BitDepth::Sixteen)),
        ("png alpha", png_of(&rgba, width, height, Png::Rgba, BitDepth::Eight)),
        ("webp lossless", webp_of(&rgb, width, height, image_webp::ColorType::Rgb8)),
        ("webp alpha", webp_of(&rgba, width, height, image_webp::ColorType::Rgba8)),
        ("webp lossy", lossy),
        ("heic", heic(&rgb, width, height)),
    ];
    for (kind, file) in coloured {
        let derived = derived(&file);
        let shown = decode(&find(&derived, Name::Web, Encoding::Jpeg).bytes);
        for (x, y, expected) in [(100, 75, [230, 20, 20]), (300, 75, [20, 200, 20]), (100, 225, [20, 20, 230])] {
            assert!(near(shown.at(x, y), expected, 14), "{kind}: {:?} for {expected:?}", shown.at(x, y));
        }
    }
    let grey_kinds = [
        ("grey jpeg", jpeg_of(&grey, width, height, ColorType::Luma, false)),
        ("grey png", png_of(&grey, width, height, Png::Grayscale, BitDepth::Eight)),
    ];
    for (kind, file) in grey_kinds {
        let shown = decode(&find(&derived(&file), Name::Web, Encoding::Jpeg).bytes);
        assert!(near(shown.at(300, 75), [200; 3], 6) && near(shown.at(100, 75), [20; 3], 6), "{kind}");
    }
}

#[test]
fn what_is_transparent_lies_on_white() {
    let rgba = [0, 0, 0, 0].repeat(64 * 64);
    let grey_alpha = [0, 0].repeat(64 * 64);
    for file in [
        png_of(&rgba, 64, 64, png::ColorType::Rgba, png::BitDepth::Eight),
        png_of(&grey_alpha, 64, 64, png::ColorType::GrayscaleAlpha, png::BitDepth::Eight),
        webp_of(&rgba, 64, 64, image_webp::ColorType::Rgba8),
    ] {
        let shown = decode(&find(&derived(&file), Name::Large, Encoding::Jpeg).bytes);
        assert!(near(shown.at(30, 30), [255; 3], 1));
    }
}

#[test]
fn display_p3_is_shown_as_it_was_meant() {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let flat = [200, 100, 100].repeat(64 * 64);
    let mut tagged = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut tagged, 95);
    encoder.add_icc_profile(&p3).unwrap();
    encoder.encode(&flat, 64, 64, ColorType::Rgb).unwrap();
    let stripped = shutterpost_media::strip::strip(&tagged).unwrap();
    for file in [&tagged, &stripped] {
        let shown = decode(&find(&derived(file), Name::Large, Encoding::WebP).bytes);
        assert!(near(shown.at(30, 30), [214, 94, 97], 5), "{:?}", shown.at(30, 30));
    }
    let untagged = jpeg_of(&flat, 64, 64, ColorType::Rgb, false);
    let shown = decode(&find(&derived(&untagged), Name::Large, Encoding::WebP).bytes);
    assert!(near(shown.at(30, 30), [200, 100, 100], 5));
}

#[test]
fn the_card_is_filled_and_the_backdrop_fits() {
    for (width, height) in [(400, 1600), (1600, 400), (50, 50)] {
        let file = jpeg_of(&[180, 60, 60].repeat((width * height) as usize), width, height, ColorType::Rgb, false);
        let derived = derived(&file);
        let card = decode(&find(&derived, Name::Og, Encoding::Jpeg).bytes);
        for (x, y) in [(0, 0), (1199, 0), (0, 629), (1199, 629), (600, 315)] {
            assert!(near(card.at(x, y), [180, 60, 60], 6), "no bars at any edge");
        }
        let [red, green, blue] = derived.backdrop;
        assert!(red > green && green.abs_diff(blue) <= 3);
    }
}

#[test]
fn a_logo_for_pages_is_small_and_clean() {
    let text = chunk(b"tEXt", &[b"Comment\0", CANARY].concat());
    let rgba: Vec<u8> = [10, 20, 30, 0].repeat(1500 * 300);
    let source = with_chunks(&png_of(&rgba, 1500, 300, png::ColorType::Rgba, png::BitDepth::Eight), &[text]);
    let large = logo(&source, &Limits::default()).unwrap();
    assert_eq!((large.width, large.height), (512, 102));
    assert!(png_chunks(&large.bytes).iter().all(|name| [b"IHDR", b"IDAT", b"IEND"].contains(&name)));
    let small = logo(&png(100, 40), &Limits::default()).unwrap();
    assert_eq!((small.width, small.height), (100, 40));
    let mut reader = png::Decoder::new(std::io::Cursor::new(large.bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert!(pixels.chunks(4).all(|pixel| pixel[3] == 0), "transparency stays");
}

#[test]
fn names_survive_their_text() {
    for name in Name::ALL {
        assert_eq!(Name::parse(name.as_str()), Some(name));
    }
    for encoding in Encoding::ALL {
        assert_eq!(Encoding::parse(encoding.extension()), Some(encoding));
    }
    assert_eq!(Name::parse("Thumb"), None);
    assert_eq!(Encoding::parse("png"), None);
}
