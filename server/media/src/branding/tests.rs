use super::*;
use crate::branding::layer::{Laid, pixel};
use crate::encode;
use crate::mark::Mark;
use crate::picture::{Area, Rgb, Rgba};

const RED: Colour = Colour { red: 255, green: 0, blue: 0, alpha: 255 };
const WHITE: Colour = Colour { red: 255, green: 255, blue: 255, alpha: 255 };
const GREY: [u8; 3] = [100; 3];

fn grey(width: u32, height: u32) -> Rgb {
    Rgb { width, height, bytes: GREY.repeat(width as usize * height as usize) }
}

/// A PNG whose pixels are chosen by their place.
fn drawn(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Arc<[u8]> {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let bytes = places.flat_map(|(x, y)| pixel(x, y)).collect();
    encode::png(&Rgba { width, height, bytes }).unwrap().into()
}

fn red(width: u32, height: u32) -> Arc<[u8]> {
    drawn(width, height, |_, _| [255, 0, 0, 255])
}

fn put_on(branding: Branding, mut picture: Rgb) -> Rgb {
    let mark = Mark::from(Brandings::same(&branding.prepare().unwrap()));
    mark.blend_into(&mut picture);
    picture
}

fn at(picture: &Rgb, x: u32, y: u32) -> [u8; 3] {
    picture.pixels()[(y * picture.width + x) as usize]
}

/// The smallest area outside of which all is as `under`, and whether all inside of it is `over`.
fn changed(picture: &Rgb, under: [u8; 3], over: [u8; 3]) -> (Area, bool) {
    let places: Vec<(u32, u32)> = (0..picture.height)
        .flat_map(|y| (0..picture.width).map(move |x| (x, y)))
        .filter(|(x, y)| at(picture, *x, *y) != under)
        .collect();
    let (left, right) = (places.iter().map(|(x, _)| *x).min().unwrap(), places.iter().map(|(x, _)| *x).max().unwrap());
    let (top, bottom) = (places.iter().map(|(_, y)| *y).min().unwrap(), places.iter().map(|(_, y)| *y).max().unwrap());
    let area = Area { left, top, width: right - left + 1, height: bottom - top + 1 };
    let all = places.iter().all(|(x, y)| at(picture, *x, *y) == over);
    (area, all && places.len() == (area.width * area.height) as usize)
}

#[test]
fn colours_are_read() {
    let colour = |red, green, blue, alpha| Some(Colour { red, green, blue, alpha });
    assert_eq!(Colour::parse("#0a80FF"), colour(10, 128, 255, 255));
    assert_eq!(Colour::parse("#0a80ff40"), colour(10, 128, 255, 64));
    for wrong in ["", "#", "0a80ff", "#0a80f", "#+a80ff", "#0a80ff4", "#0a80ffg0", "#ä80ff"] {
        assert_eq!(Colour::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn formats_go_by_proportions() {
    for (size, format) in [
        ((4000, 3000), Format::Landscape),
        ((3000, 4000), Format::Portrait),
        ((2048, 2048), Format::Square),
        ((2048, 2040), Format::Square),
        ((1000, 1020), Format::Square),
        ((1000, 1021), Format::Portrait),
        ((1200, 630), Format::Landscape),
        ((1, 1), Format::Square),
    ] {
        assert_eq!(Format::of(size.0, size.1), format, "{size:?}");
    }
}

#[test]
fn the_picture_chooses_by_its_format() {
    let plain = |colour| {
        let frame = Some(Frame::Plain { colour, width: 100 });
        Branding { frame, ..Branding::default() }.prepare().unwrap()
    };
    let brandings = Brandings { portrait: Some(plain(RED)), landscape: Some(plain(WHITE)), square: None };
    let mark = Mark::from(brandings);
    let corner = |width, height| {
        let mut picture = grey(width, height);
        mark.blend_into(&mut picture);
        at(&picture, 0, 0)
    };
    assert_eq!([corner(20, 40), corner(40, 20), corner(40, 40)], [[255, 0, 0], [255; 3], GREY]);
}

#[test]
fn a_logo_lies_in_each_of_nine_places() {
    // The shorter side is 80: the logo is 20 x 10 pixels, 4 from the edges.
    let places = [
        (Place::TopLeft, 4, 4),
        (Place::Top, 40, 4),
        (Place::TopRight, 76, 4),
        (Place::Left, 4, 35),
        (Place::Centre, 40, 35),
        (Place::Right, 76, 35),
        (Place::BottomLeft, 4, 66),
        (Place::Bottom, 40, 66),
        (Place::BottomRight, 76, 66),
    ];
    for (place, left, top) in places {
        let logo = Some(Logo { picture: red(40, 20), place, size: 250, margin: 50 });
        let picture = put_on(Branding { logo, ..Branding::default() }, grey(100, 80));
        let expected = Area { left, top, width: 20, height: 10 };
        assert_eq!(changed(&picture, GREY, [255, 0, 0]), (expected, true), "{place:?}");
    }
}

#[test]
fn a_margin_gives_way_where_there_is_no_room() {
    let logo = Some(Logo { picture: red(10, 10), place: Place::BottomRight, size: 1000, margin: 400 });
    let picture = put_on(Branding { logo, ..Branding::default() }, grey(50, 40));
    // Ten pixels are left across: half of them are the margin.
    assert_eq!(changed(&picture, GREY, [255, 0, 0]), (Area { left: 5, top: 0, width: 40, height: 40 }, true));
    // Down to a single pixel nothing breaks.
    for (width, height) in [(1, 1), (1, 100), (100, 1), (2, 3)] {
        for place in [Place::TopLeft, Place::Centre, Place::BottomRight] {
            let logo = Some(Logo { picture: red(9, 3), place, size: 20, margin: 400 });
            let background = Some(Background { colour: WHITE, top: 300, right: 300, bottom: 300, left: 300 });
            let frame = Some(Frame::Parts { picture: red(3, 3), slice: 499, width: 250 });
            let overlay = Some(Overlay { picture: red(3, 2), fit: Fit::Contain });
            let line = Some(line("Fest", place));
            let filter = Filter::Vivid;
            let branding = Branding { filter, background, frame, overlay, logo, line };
            assert_eq!(put_on(branding, grey(width, height)).bytes.len(), (width * height * 3) as usize);
        }
    }
}

#[test]
fn a_plain_frame_covers_the_edges() {
    let frame = Some(Frame::Plain { colour: RED, width: 100 });
    let picture = put_on(Branding { frame, ..Branding::default() }, grey(40, 20));
    for y in 0..20 {
        for x in 0..40 {
            let edge = !(2..38).contains(&x) || !(2..18).contains(&y);
            assert_eq!(at(&picture, x, y), if edge { [255, 0, 0] } else { GREY }, "{x} {y}");
        }
    }
    // Half of it shows what is below: 100 * 127 / 255 and 255 * 128 / 255.
    let frame = Some(Frame::Plain { colour: Colour { alpha: 128, ..RED }, width: 100 });
    let picture = put_on(Branding { frame, ..Branding::default() }, grey(40, 20));
    assert_eq!(at(&picture, 0, 0), [178, 50, 50]);
}

#[test]
fn a_frame_of_nine_parts_keeps_its_corners() {
    let colour = |x: u32, y: u32| match (x / 10, y / 10) {
        (1, 1) => [0, 0, 255, 255],
        (1, _) => [0, 255, 0, 255],
        (_, 1) => [255, 255, 0, 255],
        _ => [255, 0, 0, 255],
    };
    let frame = Some(Frame::Parts { picture: drawn(30, 30, colour), slice: 333, width: 250 });
    let picture = put_on(Branding { frame, ..Branding::default() }, grey(60, 40));
    for y in 0..40 {
        for x in 0..60 {
            let expected = match ((10..50).contains(&x), (10..30).contains(&y)) {
                (true, true) => GREY,
                (true, false) => [0, 255, 0],
                (false, true) => [255, 255, 0],
                (false, false) => [255, 0, 0],
            };
            assert_eq!(at(&picture, x, y), expected, "{x} {y}");
        }
    }
}

#[test]
fn a_background_surrounds_the_picture() {
    let background = Some(Background { colour: RED, top: 100, right: 100, bottom: 300, left: 100 });
    let branding = Branding { background, ..Branding::default() };
    let picture = put_on(branding, grey(40, 20));
    // Room for 36 x 12 pixels, of which 24 x 12 are of the picture's proportions.
    assert_eq!((picture.width, picture.height), (40, 20));
    assert_eq!(changed(&picture, [255, 0, 0], GREY), (Area { left: 8, top: 2, width: 24, height: 12 }, true));
    let none = Some(Background { colour: RED, top: 0, right: 0, bottom: 0, left: 0 });
    assert_eq!(put_on(Branding { background: none, ..Branding::default() }, grey(4, 2)).bytes, grey(4, 2).bytes);
}

#[test]
fn an_overlay_is_stretched_covers_or_is_contained() {
    let laid = |picture, fit| {
        let overlay = Some(Overlay { picture, fit });
        put_on(Branding { overlay, ..Branding::default() }, grey(40, 60))
    };
    let area = |left, top, width, height| (Area { left, top, width, height }, true);
    let wide = red(20, 10);
    assert_eq!(changed(&laid(wide.clone(), Fit::Contain), GREY, [255, 0, 0]), area(0, 20, 40, 20));
    assert_eq!(changed(&laid(wide.clone(), Fit::Stretch), GREY, [255, 0, 0]), area(0, 0, 40, 60));
    assert_eq!(changed(&laid(wide, Fit::Cover), GREY, [255, 0, 0]), area(0, 0, 40, 60));
    // What cannot be seen is not kept, and the rest stays where it was.
    let below = drawn(40, 60, |_, y| if y >= 48 { [255, 0, 0, 255] } else { [9, 9, 9, 0] });
    for fit in [Fit::Stretch, Fit::Cover, Fit::Contain] {
        assert_eq!(changed(&laid(below.clone(), fit), GREY, [255, 0, 0]), area(0, 48, 40, 12), "{fit:?}");
    }
    // Through the middle of an overlay of half alpha, the picture.
    let half = laid(drawn(40, 60, |_, _| [255, 0, 0, 128]), Fit::Stretch);
    assert!(half.pixels().iter().all(|pixel| *pixel == [178, 50, 50]));
    let nothing = laid(drawn(8, 8, |_, _| [255, 0, 0, 0]), Fit::Cover);
    assert!(nothing.pixels().iter().all(|pixel| *pixel == GREY));
}

#[test]
fn an_overlay_that_covers_is_cut_alike_on_both_sides() {
    // Left third red, middle green, right blue: on a square only the middle remains.
    let thirds = drawn(300, 100, |x, _| match x / 100 {
        0 => [255, 0, 0, 255],
        1 => [0, 255, 0, 255],
        _ => [0, 0, 255, 255],
    });
    let overlay = Some(Overlay { picture: thirds, fit: Fit::Cover });
    let picture = put_on(Branding { overlay, ..Branding::default() }, grey(50, 50));
    for y in 0..50 {
        assert!((3..47).all(|x| at(&picture, x, y) == [0, 255, 0]), "row {y}");
    }
}

#[test]
fn laying_over_rounds_as_numbers_do() {
    for alpha in 0..=255 {
        for value in 0..=255 {
            let laid = Laid {
                layer: Layer {
                    width: 1,
                    height: 1,
                    bytes: pixel(Colour { red: value, green: 0, blue: 255, alpha }).to_vec(),
                },
                left: 0,
                top: 0,
            };
            let mut picture = Rgb { width: 1, height: 1, bytes: vec![0, 255, value] };
            laid.lay_over(&mut picture);
            let round = |product: u32| ((2 * product + 255) / 510) as u8;
            let (alpha, value) = (u32::from(alpha), u32::from(value));
            let under = |under: u32| round(under * (255 - alpha));
            let expected = [round(value * alpha), under(255), alpha as u8 + under(value)];
            assert_eq!(picture.bytes, expected, "{value} {alpha}");
        }
    }
    assert_eq!(pixel(WHITE), [255; 4]);
}

fn line(text: &str, place: Place) -> Line {
    let weight = Weight::Regular;
    Line { text: text.into(), colour: WHITE, backing: None, weight, place, size: 100, margin: 50 }
}

#[test]
fn a_line_of_text_is_set_in_its_place() {
    let set = |line| put_on(Branding { line: Some(line), ..Branding::default() }, grey(400, 200));
    let (area, _) = changed(&set(line("Sommerfest 2026", Place::BottomLeft)), GREY, [255; 3]);
    // Letters of 20 pixels, 10 from the edges: a digit is about three quarters of that high.
    assert!((10..14).contains(&area.left) && area.width > 120 && area.width < 200, "{area:?}");
    assert!((14..24).contains(&area.height) && (183..=186).contains(&(area.top + area.height)), "{area:?}");
    let (right, _) = changed(&set(line("Sommerfest 2026", Place::TopRight)), GREY, [255; 3]);
    assert!((386..=390).contains(&(right.left + right.width)) && right.top < 20, "{right:?}");
    assert_eq!((right.width, right.height), (area.width, area.height));
    let bold = Line { weight: Weight::Bold, ..line("Sommerfest 2026", Place::BottomLeft) };
    assert!(changed(&set(bold), GREY, [255; 3]).0.width > area.width, "bold letters are wider");

    // What is behind reaches around the letters, and is of its colour where they are not.
    let backing = Some(Colour { red: 0, green: 0, blue: 0, alpha: 255 });
    let backed = set(Line { backing, ..line("Sommerfest 2026", Place::BottomLeft) });
    let (behind, _) = changed(&backed, GREY, [255; 3]);
    assert_eq!((behind.left, behind.top + behind.height), (10, 190));
    assert!(behind.width >= area.width + 10 && at(&backed, 10, 189) == [0; 3] && at(&backed, 9, 189) == GREY);

    // Kerning: two letters that lean to each other come closer.
    let width = |text| changed(&set(line(text, Place::Centre)), GREY, [255; 3]).0.width;
    assert!(width("AVAV") < width("AAVV"));

    // A long line gets smaller; it does not leave the picture.
    let long = line(&"Wir feiern gemeinsam ".repeat(5), Place::Bottom);
    let (area, _) = changed(&set(long), GREY, [255; 3]);
    assert!(area.left >= 9 && area.left + area.width <= 391 && area.height < 15, "{area:?}");
}

#[test]
fn a_line_that_cannot_be_set_is_named() {
    let fault = |text: &str| {
        let line = Some(line(text, Place::Top));
        Branding { line, ..Branding::default() }.prepare().unwrap_err()
    };
    assert_eq!(fault(" \t\n "), BrandingError::Text(TextFault::Empty));
    assert_eq!(fault(&"a".repeat(121)), BrandingError::Text(TextFault::TooLong { characters: 121, limit: 120 }));
    assert_eq!(fault("Fest 🎉"), BrandingError::Text(TextFault::NoLetter { place: 6 }));
    assert_eq!(fault("a\nb"), BrandingError::Text(TextFault::NoLetter { place: 2 }));
    assert_eq!(fault("祭"), BrandingError::Text(TextFault::NoLetter { place: 1 }));
    let good = Some(line("Größe, Übermut & “Café” – 100 €", Place::Top));
    assert!(Branding { line: good, ..Branding::default() }.prepare().is_ok());
}

#[test]
fn every_number_has_its_limits() {
    let number = |branding: Branding| match branding.prepare() {
        Err(BrandingError::Number { field, value, .. }) => Some((field, value)),
        _ => None,
    };
    let background = |top, right, bottom, left| Branding {
        background: Some(Background { colour: RED, top, right, bottom, left }),
        ..Branding::default()
    };
    assert_eq!(number(background(301, 0, 0, 0)), Some(("top", 301)));
    assert_eq!(number(background(0, 301, 0, 0)), Some(("right", 301)));
    assert_eq!(number(background(0, 0, 301, 0)), Some(("bottom", 301)));
    assert_eq!(number(background(0, 0, 0, u16::MAX)), Some(("left", u16::MAX)));
    assert_eq!(number(background(300, 300, 300, 300)), None);
    let plain = |width| Branding { frame: Some(Frame::Plain { colour: RED, width }), ..Branding::default() };
    assert_eq!([number(plain(0)), number(plain(251))], [Some(("frame width", 0)), Some(("frame width", 251))]);
    let parts = |slice, width| {
        let frame = Some(Frame::Parts { picture: red(9, 9), slice, width });
        number(Branding { frame, ..Branding::default() })
    };
    assert_eq!(parts(0, 10), Some(("frame slice", 0)));
    assert_eq!(parts(500, 10), Some(("frame slice", 500)));
    assert_eq!(parts(100, 300), Some(("frame width", 300)));
    let logo = |size, margin| {
        let logo = Some(Logo { picture: red(9, 9), place: Place::Top, size, margin });
        number(Branding { logo, ..Branding::default() })
    };
    assert_eq!([logo(19, 0), logo(1001, 0)], [Some(("logo size", 19)), Some(("logo size", 1001))]);
    assert_eq!(logo(20, 401), Some(("logo margin", 401)));
    let text = |size, margin| {
        let line = Some(Line { size, margin, ..line("Fest", Place::Top) });
        number(Branding { line, ..Branding::default() })
    };
    assert_eq!([text(9, 0), text(301, 0)], [Some(("text size", 9)), Some(("text size", 301))]);
    assert_eq!(text(10, 401), Some(("text margin", 401)));
}

#[test]
fn a_fitted_branding_goes_on_many_pictures() {
    let logo = Some(Logo { picture: red(8, 8), place: Place::Centre, size: 500, margin: 0 });
    let ready = Branding { filter: Filter::Warm, logo, ..Branding::default() }.prepare().unwrap();
    let mark = Mark::from(Brandings::same(&ready));
    let placed = mark.placed(64, 32);
    let (mut first, mut second, mut alone) = (grey(64, 32), grey(64, 32), grey(64, 32));
    placed.blend_into(&mut first);
    placed.blend_into(&mut second);
    mark.blend_into(&mut alone);
    assert!(first.bytes == second.bytes && first.bytes == alone.bytes && first.bytes != grey(64, 32).bytes);
}

#[test]
fn nothing_of_it_is_printed() {
    let secret: Arc<[u8]> = (*b"secret").into();
    let branding = Branding {
        frame: Some(Frame::Parts { picture: secret.clone(), slice: 1, width: 1 }),
        overlay: Some(Overlay { picture: secret.clone(), fit: Fit::Cover }),
        logo: Some(Logo { picture: secret, place: Place::Top, size: 20, margin: 0 }),
        line: Some(line("secret", Place::Top)),
        ..Branding::default()
    };
    let printed = format!("{branding:?}");
    assert!(!printed.contains("secret") && !printed.contains("115"), "{printed}");
}

#[test]
fn the_base_of_a_preview_is_turned_as_it_is_told() {
    let mut picture = grey(1920, 960);
    picture.bytes[..3].copy_from_slice(&[255, 255, 255]);
    let photo = encode::jpeg(&picture).unwrap();
    for (orientation, size) in [(None, (960, 480)), (Some(1), (960, 480)), (Some(6), (480, 960))] {
        let base = base(&photo, orientation).unwrap();
        let inspected = crate::inspect::inspect(&base, &PART_LIMITS).unwrap();
        assert_eq!((inspected.width, inspected.height), size, "{orientation:?}");
    }
}
