#![expect(clippy::print_stdout, reason = "what was measured is shown beside what failed")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use shutterpost_media::branding::drawing::{Drawing, DrawingError, MAX_BYTES};
use shutterpost_media::branding::{
    Background, Branding, BrandingError, Brandings, Colour, Filter, Fit, Format, Frame, Line, Logo, Overlay, Part,
    Place, Sample, Weight, preview,
};
use shutterpost_media::derive::{derive, stage1, stage2};
use shutterpost_media::error::MediaError;
use shutterpost_media::inspect::{Limits, inspect};
use shutterpost_media::mark::Mark;
use shutterpost_media::rendition::Name;

use crate::memory::{growth, job_of_child};
use crate::synth::*;

fn svg(inside: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' viewBox='0 0 100 100'>{inside}</svg>"
    )
}

fn refusal(file: impl AsRef<[u8]>) -> DrawingError {
    let started = Instant::now();
    let error = Drawing::from_bytes(file.as_ref()).map(|drawing| format!("{drawing:?}")).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5), "{error} took {:?}", started.elapsed());
    // For clients as for us.
    let overlay = Some(Overlay { picture: file.as_ref().into(), fit: Fit::Stretch });
    let whole = Branding { overlay, ..Branding::default() }.prepare().unwrap_err();
    match whole {
        BrandingError::Drawing { part: Part::Overlay, error: again } => assert_eq!(error, again),
        BrandingError::Picture { error: MediaError::NotAnImage | MediaError::Empty, .. } => {}
        other => panic!("{other}"),
    }
    error
}

fn red_pixels(inside: &str) -> usize {
    let drawn = Drawing::from_bytes(svg(inside).as_bytes()).unwrap().draw(100, 100).unwrap();
    drawn.bytes.as_chunks::<4>().0.iter().filter(|pixel| **pixel == [255, 0, 0, 255]).count()
}

#[test]
fn what_drawing_programs_write_is_drawn() {
    assert_eq!(red_pixels("<rect x='10' y='20' width='30' height='40' fill='red'/>"), 1200);
    assert_eq!(red_pixels("<style>.a{fill:#f00}</style><rect class='a' width='10' height='10'/>"), 100);
    assert_eq!(red_pixels("<g transform='translate(50 50)'><path d='M0 0h10v10h-10z' style='fill:red'/></g>"), 100);
    assert_eq!(
        red_pixels(
            "<defs><rect id='r' width='5' height='5' fill='red'/></defs><use href='#r'/><use xlink:href='#r' x='50'/>"
        ),
        50
    );
    let clipped = "<clipPath id='c'><rect width='10' height='10'/></clipPath>\
                   <rect width='99' height='99' fill='red' clip-path='url(#c)'/>";
    assert_eq!(red_pixels(clipped), 100);
    let masked = "<mask id='m' maskUnits='userSpaceOnUse' x='0' y='0' width='100' height='100'>\
                  <rect width='20' height='10' fill='white'/></mask><rect width='99' height='99' fill='red' mask='url(\"#m\")'/>";
    assert_eq!(red_pixels(masked), 200);
    let even = "<linearGradient id='g'><stop stop-color='red'/><stop offset='1' stop-color='red'/></linearGradient>\
                <rect width='10' height='10' fill='url(#g)'/>";
    assert_eq!(red_pixels(even), 100);
    // What programs note for themselves, in names of their own.
    let notes = "<metadata><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:li/></rdf:RDF></metadata>\
                 <title>Logo</title><i:pgf xmlns:i='http://ns.adobe.com/AdobeIllustrator/10.0/'>x</i:pgf>\
                 <rect width='10' height='10' fill='red'/>";
    assert_eq!(red_pixels(notes), 100);
    let old = "\u{FEFF}<?xml version='1.0' encoding='UTF-8'?>\n<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' \
               'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd'>\n<!-- made by hand -->";
    assert!(
        Drawing::from_bytes([old.as_bytes(), svg("<rect width='9' height='9'/>").as_bytes()].concat().as_slice())
            .is_ok()
    );
}

#[test]
fn a_drawing_is_premultiplied_and_of_the_size_asked_for() {
    let drawing =
        Drawing::from_bytes(svg("<rect width='100' height='50' fill='red' opacity='.5'/>").as_bytes()).unwrap();
    let drawn = drawing.draw(20, 40).unwrap();
    assert_eq!((drawn.width, drawn.height, drawn.bytes.len()), (20, 40, 20 * 40 * 4));
    let pixels = drawn.bytes.as_chunks::<4>().0;
    assert!(pixels[..20 * 20].iter().all(|pixel| *pixel == [128, 0, 0, 128]));
    assert!(pixels[20 * 20..].iter().all(|pixel| *pixel == [0; 4]));
    for (width, height) in [(0, 1), (1, 0), (2049, 1), (1, 2049), (u32::MAX, u32::MAX)] {
        assert_eq!(drawing.draw(width, height), Err(DrawingError::Size));
    }
    let wide = Drawing::from_bytes(b"<svg xmlns='http://www.w3.org/2000/svg' width='300mm' height='100mm'/>").unwrap();
    assert_eq!(
        (wide.fitted(600), wide.fitted(1), wide.fitted(0), wide.fitted(u32::MAX)),
        ((600, 200), (1, 1), (1, 1), (2048, 683))
    );
}

#[test]
fn what_is_no_drawing_is_named() {
    assert!(matches!(refusal(b""), DrawingError::Malformed(_)));
    assert!(matches!(refusal(b"<"), DrawingError::Malformed(_)));
    assert!(matches!(refusal(b"<html/>"), DrawingError::Malformed(_)));
    assert!(matches!(refusal(b"<svg xmlns='http://example.com/'/>"), DrawingError::Malformed(_)));
    assert!(matches!(refusal(svg("<g>")), DrawingError::Malformed(_)));
    assert!(matches!(refusal(b"<svg\xFF/>"), DrawingError::Malformed(_)));
    assert!(matches!(refusal(b"<!DOCTYPE svg"), DrawingError::Malformed(_)));
    // Packed: nothing is unpacked.
    assert!(matches!(refusal(b"\x1F\x8B\x08\0"), DrawingError::Malformed(_)));
    let long = svg(&" ".repeat(MAX_BYTES as usize));
    assert_eq!(refusal(&long), DrawingError::TooLarge { bytes: long.len() as u64, limit: MAX_BYTES });
    for size in
        ["width='0' height='9'", "width='-1' height='9'", "width='1e9' height='9'", "width='1e30' height='1e30'"]
    {
        assert_eq!(refusal(format!("<svg xmlns='http://www.w3.org/2000/svg' {size}/>")), DrawingError::Size, "{size}");
    }
}

#[test]
fn entities_are_refused() {
    let laughs =
        "<!DOCTYPE svg [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>";
    assert_eq!(refusal(format!("{laughs}{}", svg("<title>&c;</title>"))), DrawingError::Entities);
    let file = "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>";
    assert_eq!(refusal(format!("{file}{}", svg("<title>&x;</title>"))), DrawingError::Entities);
    let second = "<!DOCTYPE svg><!DOCTYPE svg [<!ENTITY x 'y'>]>";
    assert_eq!(refusal(format!("{second}{}", svg(""))), DrawingError::Entities);
    assert_eq!(refusal(svg("<title>&unknown;</title>")), DrawingError::Entities);
}

#[test]
fn scripts_are_refused() {
    for inside in [
        "<script>alert(1)</script>",
        "<SCRIPT/>",
        "<g><h:script xmlns:h='http://www.w3.org/1999/xhtml'/></g>",
        "<rect onload='alert(1)' width='1' height='1'/>",
        "<rect ONCLICK='alert(1)' width='1' height='1'/>",
        "<use href='javascript:alert(1)'/>",
        "<use href=' java\nscript:alert(1)'/>",
        "<use xlink:href='JavaScript:alert(1)'/>",
    ] {
        assert_eq!(refusal(svg(inside)), DrawingError::Script, "{inside}");
    }
}

#[test]
fn nothing_outside_of_the_file_is_asked_for() {
    for inside in [
        "<use href='https://example.com/a.svg#b'/>",
        "<use xlink:href='file:///etc/passwd#b'/>",
        "<linearGradient href='//example.com/a.svg#b'/>",
        "<rect fill='url(https://example.com/a.svg#b)' width='1' height='1'/>",
        "<rect style='fill:url( \"http://example.com/a.svg#b\")' width='1' height='1'/>",
        "<rect clip-path='url(a.svg#b)' width='1' height='1'/>",
        "<style>@import url('#a');</style>",
        "<style>@IMPORT 'https://example.com/a.css';</style>",
        "<style>rect{background:url(https://example.com/beacon)}</style>",
        "<style><![CDATA[rect{fill:url(data:image/svg+xml;base64,AA)}]]></style>",
    ] {
        assert_eq!(refusal(svg(inside)), DrawingError::External, "{inside}");
    }
    let sheet = format!("<?xml-stylesheet href='https://example.com/a.css'?>{}", svg(""));
    assert_eq!(refusal(sheet), DrawingError::External);
}

#[test]
fn what_is_not_drawn_is_named_rather_than_left_out() {
    for (inside, named) in [
        ("<text>Fest</text>", "text"),
        ("<image href='#a' width='9' height='9'/>", "a picture inside the drawing"),
        ("<image href='data:image/png;base64,AA' width='9' height='9'/>", "a picture inside the drawing"),
        ("<foreignObject/>", "a web page inside the drawing"),
        ("<filter id='f'><feImage href='file:///etc/passwd'/></filter>", "a filter"),
        ("<g filter='blur(500000)'><rect width='9' height='9'/></g>", "a filter"),
        ("<style>g{filter:blur(9px)}</style><g><rect width='9' height='9'/></g>", "a filter"),
        ("<pattern id='p' width='.0001' height='.0001'/>", "a pattern"),
        ("<marker id='m'/>", "a marker"),
        ("<switch/>", "a switch"),
        ("<rect width='9' height='9'><animate attributeName='x'/></rect>", "an animation"),
        ("<clipPath id='c' clipPathUnits='objectBoundingBox'/>", "a clipping path that fits itself to shapes"),
        ("<mask id='m'/>", "a mask that fits itself to shapes"),
        ("<video/>", "an element that we do not know"),
    ] {
        assert_eq!(refusal(svg(inside)), DrawingError::Unsupported(named), "{inside}");
    }
}

#[test]
fn references_do_not_go_in_circles() {
    for inside in [
        "<use id='a' href='#a'/>",
        "<g id='a'><use href='#a'/></g>",
        "<g id='a'><use href='#b'/></g><g id='b'><use xlink:href=' #a'/></g>",
        "<symbol id='a'><use href='#b'/></symbol><symbol id='b'><use href='#a'/></symbol><use href='#a'/>",
        // The same name twice: each may be meant.
        "<g id='a'/><g id='a'><use href='#a'/></g>",
    ] {
        assert_eq!(refusal(svg(inside)), DrawingError::Loop, "{inside}");
    }
    for inside in [
        "<clipPath id='a' clip-path='url(#b)'><rect width='9' height='9'/></clipPath>\
         <clipPath id='b' clip-path='url(#a)'><rect width='9' height='9'/></clipPath>",
        "<mask id='a' maskUnits='userSpaceOnUse' mask='url( \"#a\" )'><rect width='9' height='9'/></mask>",
        "<mask id='a' maskUnits='userSpaceOnUse'><rect style='mask:url(#a)' width='9' height='9'/></mask>",
        "<style>*{clip-path:url(#a)}</style><clipPath id='a'><rect width='9' height='9'/></clipPath>",
        "<style>.x,.y{clip-path:url(#a)}</style><clipPath id='a'><rect class='z y' width='9' height='9'/></clipPath>",
        "<linearGradient id='a' href='#b'/><linearGradient id='b' href='#a'/>",
    ] {
        assert_eq!(refusal(svg(inside)), DrawingError::Loop, "{inside}");
    }
    // What programs write: a rule for what is cut, and another for what cuts.
    let sound = "<style>.a{fill:#fff}.b{clip-path:url(#c)}</style><clipPath id='c'><rect class='a' width='9' height='9'/>\
                 </clipPath><g class='b'><rect width='50' height='50' fill='red'/></g>";
    assert_eq!(red_pixels(sound), 81);
}

/// Drawings whose names, results and costs are looked at; each is small as a file.
fn bombs() -> Vec<(&'static str, String, DrawingError)> {
    const COMPLEX: fn(&'static str) -> DrawingError = DrawingError::TooComplex;
    let mut laughs = "<g id='a0'><rect width='9' height='9'/></g>".to_owned();
    for level in 1..40 {
        laughs += &format!("<g id='a{level}'>{}</g>", format!("<use href='#a{}'/>", level - 1).repeat(10));
    }
    let mut clips = String::new();
    for level in 0..60 {
        clips += &format!(
            "<clipPath id='c{level}' clip-path='url(#c{})'><rect width='100' height='100'/></clipPath>",
            level + 1
        );
    }
    clips +=
        "<clipPath id='c60'><rect width='9' height='9'/></clipPath><rect width='99' height='99' clip-path='url(#c0)'/>";
    let nested = |count: usize, start: &str| {
        format!("{}<rect width='100' height='100'/>{}", start.repeat(count), "</g>".repeat(count))
    };
    let zigzag: String = (0..60_000).map(|at| format!("L{} {}", at * 7919 % 100, at % 2 * 100)).collect();
    let stops = "<stop offset='.5'/>".repeat(65);
    let style: String = (0..9000).map(|number| format!(".a{number} .b{number}{{x:y}}")).collect();
    let wide = "<g opacity='.5'><rect x='-1000' y='-1000' width='2000' height='2000'/>".repeat(3);
    let masks: String = (0..9)
        .map(|level| {
            format!(
                "<mask id='m{level}' maskUnits='userSpaceOnUse' width='100' height='100'>\
                 <rect width='100' height='100' mask='url(#m{})'/></mask>",
                level + 1
            )
        })
        .collect();
    // Each mask is drawn ten times by the one before it.
    let mut tree = String::new();
    for level in 0..40 {
        let inside = format!("<rect width='1' height='1' mask='url(#m{})'/>", level + 1).repeat(10);
        tree += &format!("<mask id='m{level}' maskUnits='userSpaceOnUse'>{inside}</mask>");
    }
    let chain: String = (0..9000).map(|at| format!("<linearGradient id='g{at}' href='#g{}'/>", at + 1)).collect();
    let same = format!("{}{}", "<use href='#x'/>".repeat(9000), "<g id='x'/>".repeat(9000));
    let attributes: String = (0..100_000).map(|at| format!("a{at}='' ")).collect();
    vec![
        ("masks-tree", svg(&tree), COMPLEX("elements")),
        ("chain", svg(&chain), COMPLEX("groups inside groups")),
        ("same", svg(&same), COMPLEX("elements of one name")),
        ("attributes", svg(&format!("<g {attributes}/>")), COMPLEX("attributes")),
        ("declarations", svg(&format!("<g style='{}'/>", "fill:red;".repeat(200_000))), COMPLEX("rules of style")),
        ("use-laughs", svg(&laughs), COMPLEX("elements")),
        (
            "use-wide",
            svg(&format!("<g id='a'>{}</g>{}", "<g/>".repeat(1000), "<use href='#a'/>".repeat(1000))),
            COMPLEX("elements"),
        ),
        ("deep", svg(&nested(49, "<g>")), COMPLEX("groups inside groups")),
        ("deeper", svg(&nested(25_000, "<g>")), COMPLEX("groups inside groups")),
        ("deepest", svg(&"<g>".repeat(500_000)), COMPLEX("elements")),
        ("many", svg(&"<g/>".repeat(59_000)), COMPLEX("elements")),
        ("more", svg(&"<g/>".repeat(400_000)), COMPLEX("elements")),
        ("layers", svg(&nested(20, "<g opacity='.9'>")), COMPLEX("layers inside layers")),
        ("layers-beyond", svg(&format!("{wide}{}", "</g>".repeat(3))), COMPLEX("layers inside layers")),
        ("clips", svg(&clips), COMPLEX("layers inside layers")),
        (
            "clips-many",
            svg(&(0..129).map(|at| format!("<clipPath id='a{at}'/>")).collect::<String>()),
            COMPLEX("clipping paths and masks"),
        ),
        (
            "masks",
            svg(&format!(
                "{masks}<mask id='m9' maskUnits='userSpaceOnUse' width='100' height='100'><rect width='9' height='9'/></mask><rect width='99' height='99' mask='url(#m0)'/>"
            )),
            COMPLEX("layers inside layers"),
        ),
        ("paint", svg(&"<rect width='100' height='100'/>".repeat(500)), COMPLEX("large shapes and layers")),
        ("lines", svg(&format!("<path d='M0 0{zigzag}'/>")), COMPLEX("lines")),
        ("dashes", svg("<path d='M0 0H1e6' stroke='red' stroke-dasharray='.001'/>"), COMPLEX("lines")),
        (
            "corners",
            svg(&format!(
                "<path stroke='red' stroke-width='90' stroke-linejoin='round' d='M0 0{}'/>",
                "l.1 .1l.1 -.1".repeat(20_000)
            )),
            COMPLEX("lines"),
        ),
        ("stops", svg(&format!("<linearGradient id='g'>{stops}</linearGradient>")), COMPLEX("colours in a gradient")),
        ("style", svg(&format!("<style>{style}</style>{}", "<g/>".repeat(10_000))), COMPLEX("rules of style")),
    ]
}

#[test]
fn what_would_grow_without_end_is_refused_before_it_does() {
    if job_of_child() {
        return;
    }
    let mut wrong = Vec::new();
    for (name, file, expected) in bombs() {
        let started = Instant::now();
        let found = Drawing::from_bytes(file.as_bytes()).map(|drawing| format!("{drawing:?}"));
        let took = started.elapsed();
        let test = "branding::what_would_grow_without_end_is_refused_before_it_does";
        let grew = growth(test, &format!("draw-{name}"), file.as_bytes());
        println!("{name}: {found:?} in {took:?}, {} MB", grew / 1_000_000);
        if found != Err(expected) || took > Duration::from_secs(3) || grew > 120_000_000 {
            wrong.push(format!("{name}: {found:?}, not {expected:?}, in {took:?}, {grew} bytes"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Just within the limits.
fn heavy() -> Vec<(&'static str, String)> {
    let zigzag: String = (0..4900).map(|at| format!("L{} {}", at * 7919 % 100, at % 2 * 100)).collect();
    let nested = |count: usize| {
        format!("{}<rect width='100' height='100'/>{}", "<g opacity='.9'>".repeat(count), "</g>".repeat(count))
    };
    let gradient = "<radialGradient id='g'><stop stop-color='red'/><stop offset='1'/></radialGradient>";
    vec![
        ("paint", svg(&"<circle cx='50' cy='50' r='70.5' opacity='.999'/>".repeat(12))),
        ("gradients", svg(&format!("{gradient}{}", "<rect width='100' height='100' fill='url(#g)'/>".repeat(14)))),
        ("layers", svg(&nested(7))),
        ("lines", svg(&format!("<path d='M0 0{zigzag}'/>"))),
        ("dashes", svg("<path d='M0 50H100' stroke='red' stroke-width='.01' stroke-dasharray='.005'/>")),
        ("shapes", svg(&"<rect x='3' y='5' width='1' height='1' rx='.2'/>".repeat(19_000))),
    ]
}

#[test]
fn what_is_accepted_is_drawn_in_bounded_time_and_memory() {
    if job_of_child() {
        return;
    }
    let mut wrong = Vec::new();
    for (name, file) in heavy() {
        let started = Instant::now();
        let drawn = Drawing::from_bytes(file.as_bytes()).and_then(|drawing| drawing.draw(2048, 2048));
        let took = started.elapsed();
        let test = "branding::what_is_accepted_is_drawn_in_bounded_time_and_memory";
        let grew = growth(test, &format!("draw-{name}"), file.as_bytes());
        println!("{name}: {:?} in {took:?}, {} MB", drawn.as_ref().err(), grew / 1_000_000);
        if drawn.is_err() || took > Duration::from_secs(20) || grew > 180_000_000 {
            wrong.push(format!("{name}: {:?} in {took:?}, {grew} bytes", drawn.err()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Ten thousand damaged drawings: none may panic, hang or take long.
#[test]
fn damage_to_drawings_never_panics() {
    let sound = [
        svg(
            "<style>.a{fill:#f00}</style><g transform='rotate(10 5 5)' opacity='.5'><rect class='a' width='10' height='10'/></g>",
        ),
        svg(
            "<clipPath id='c'><circle r='9'/></clipPath><path d='M0 0C1 2 3 4 5 6S7 8 9 9zm3 4a1 1 0 0 1 5 5' clip-path='url(#c)'/>",
        ),
        svg("<defs><linearGradient id='g' x1='.1'><stop offset='.1' stop-color='red'/></linearGradient></defs>\
             <ellipse rx='9' ry='5' fill='url(#g)' stroke='#00f' stroke-width='2' stroke-dasharray='1 2'/><use href='#g' x='9'/>"),
    ];
    let mut noise = Noise(0xD2A3);
    let (mut drawn, mut slowest) = (0, Duration::ZERO);
    for round in 0..10_000_usize {
        let mut file = sound[round % sound.len()].clone().into_bytes();
        for _ in 0..=noise.below(4) {
            let at = noise.below(file.len());
            match noise.below(3) {
                0 => file[at] = b"0123456789.-eE'<>/#% "[noise.below(21)],
                1 => drop(file.remove(at)),
                _ => {
                    let copied = file[at..(at + noise.below(12)).min(file.len())].to_vec();
                    let to = noise.below(file.len());
                    file.splice(to..to, copied);
                }
            }
        }
        let started = Instant::now();
        match Drawing::from_bytes(&file).and_then(|drawing| drawing.draw(64, 64)) {
            Ok(_) => drawn += 1,
            Err(error) => assert_ne!(error, DrawingError::GaveUp, "{}", String::from_utf8_lossy(&file)),
        }
        slowest = slowest.max(started.elapsed());
    }
    assert!(drawn > 1000, "only {drawn} were drawn: most of it tests nothing");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

/// Everything at once, and large: the overlay reaches over all of the picture.
pub fn whole_branding() -> Branding {
    let white = Colour { red: 255, green: 255, blue: 255, alpha: 255 };
    let overlay = svg("<circle r='1'/><path d='M0 100V88Q50 76 100 88V100Z' fill='#0b3d5c' opacity='.9'/>");
    let logo = svg("<circle cx='50' cy='50' r='50' fill='#fff'/><path d='M20 70L50 20L80 70Z' fill='#e4572e'/>");
    Branding {
        filter: Filter::Warm,
        background: Some(Background { colour: white, top: 10, right: 10, bottom: 30, left: 10 }),
        frame: Some(Frame::Plain { colour: white, width: 15 }),
        overlay: Some(Overlay { picture: overlay.into_bytes().into(), fit: Fit::Stretch }),
        logo: Some(Logo { picture: logo.into_bytes().into(), place: Place::TopRight, size: 140, margin: 40 }),
        line: Some(Line {
            text: "Sommerfest 2026".into(),
            colour: white,
            backing: None,
            weight: Weight::Bold,
            place: Place::BottomLeft,
            size: 50,
            margin: 40,
        }),
    }
}

#[test]
fn a_branding_is_on_every_rendition_and_the_card_has_its_own() {
    let limits = Limits::default();
    let ready = whole_branding().prepare().unwrap();
    let mark = Mark::from(Brandings::same(&ready));
    let photo = jpeg(1500, 1000);
    let (plain, branded) =
        (derive(&photo, None, None, &limits).unwrap(), derive(&photo, None, Some(&mark), &limits).unwrap());
    assert_eq!((plain.width, plain.height, plain.backdrop), (branded.width, branded.height, branded.backdrop));
    for (before, after) in plain.renditions.iter().zip(&branded.renditions) {
        let size =
            |rendition: &shutterpost_media::rendition::Rendition| (rendition.name, rendition.width, rendition.height);
        assert_eq!(size(before), size(after));
        assert_ne!(before.bytes, after.bytes, "{:?}", before.name);
    }
    // The stages make the same.
    let one = std::num::NonZeroUsize::MIN;
    let mut staged = stage1(&photo, None, Some(&mark), &limits, one).unwrap().renditions;
    staged.extend(stage2(&photo, None, Some(&mark), &limits, one).unwrap());
    assert!(branded.renditions.iter().all(|rendition| staged.contains(rendition)));
    // Only portraits have one: the photo stays as it is, and so does its card, which is wide.
    let portrait = Mark::from(Brandings { portrait: Some(ready.clone()), ..Brandings::default() });
    assert_eq!(derive(&photo, None, Some(&portrait), &limits).unwrap(), plain);
    // A photo that stands upright has a card that does not.
    let upright = derive(&photo, Some(6), Some(&portrait), &limits).unwrap();
    let without = derive(&photo, Some(6), None, &limits).unwrap();
    for (before, after) in without.renditions.iter().zip(&upright.renditions) {
        assert_eq!(before == after, before.name == Name::Og, "{:?}", before.name);
    }
}

#[test]
fn putting_a_branding_on_takes_no_more_memory_than_was_said() {
    if job_of_child() {
        return;
    }
    let mark = Mark::from(Brandings::same(&whole_branding().prepare().unwrap()));
    for (name, file) in [("large", jpeg(4000, 3000)), ("middle", jpeg(2048, 2048)), ("small", jpeg(400, 300))] {
        let said = inspect(&file, &Limits::default()).unwrap().memory_bytes + mark.memory_bytes();
        let test = "branding::putting_a_branding_on_takes_no_more_memory_than_was_said";
        let grew = growth(test, &format!("branded-{name}"), &file);
        println!("{name}: {grew} of {said}");
        assert!(grew <= said, "{name}: {grew} of {said}");
    }
}

#[test]
fn pictures_of_a_branding_are_checked() {
    let logo = |picture: Vec<u8>| {
        let logo = Some(Logo { picture: Arc::from(picture), place: Place::Top, size: 100, margin: 0 });
        Branding { logo, ..Branding::default() }.prepare().map(drop)
    };
    let part = Part::Logo;
    assert!(logo(png(9, 9)).is_ok());
    assert_eq!(logo(b"no".to_vec()), Err(BrandingError::Picture { part, error: MediaError::NotAnImage }));
    let (width, height) = (6000, 6000);
    let error = MediaError::TooManyPixels { width, height };
    assert_eq!(logo(claiming_png(width, height)), Err(BrandingError::Picture { part, error }));
    let (bytes, limit) = (20_000_001, 20_000_000);
    assert_eq!(logo(vec![0; bytes]), Err(BrandingError::TooLarge { part, bytes: bytes as u64, limit }));
    assert_eq!(logo(svg("<text/>").into_bytes()).unwrap_err().code(), "drawing_unsupported");
}

#[test]
fn a_preview_is_small_and_like_the_rendition() {
    let branding = whole_branding();
    for (format, size) in
        [(Format::Landscape, (960, 640)), (Format::Portrait, (640, 960)), (Format::Square, (960, 960))]
    {
        let shown = preview(&branding, Sample::Drawn(format)).unwrap();
        assert_eq!((shown.width, shown.height), size);
        assert!(shown.bytes != preview(&Branding::default(), Sample::Drawn(format)).unwrap().bytes);
    }
    let shown = preview(&branding, Sample::Photo(&with_orientation(&jpeg(3000, 2000), 6))).unwrap();
    assert_eq!((shown.width, shown.height), (640, 960));
    assert_eq!(preview(&branding, Sample::Photo(b"no")), Err(BrandingError::Sample(MediaError::NotAnImage)));
}
