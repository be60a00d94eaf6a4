//! What is put on the pictures of films.

use shutterpost_media::branding::{
    Background, Branding, Brandings, Colour, Filter, Fit, Format, Frame, Line, Overlay, Place, Weight,
};
use shutterpost_media::convert::{changes, poster};
use shutterpost_media::inspect::Limits;
use shutterpost_media::mark::Mark;
use shutterpost_media::rendition::{Encoding, Name};
use shutterpost_media::video::Treatment;

use crate::conversions::{converted_with, film, turned};
use crate::synth::{decode, near, png_of};
use crate::tools::{Folder, made, sandbox, shown, streams};

const RED: [u8; 3] = [255, 0, 0];
const GREY: [u8; 3] = [128; 3];

/// An opaque red rectangle over the upper left quarter, and half a green one in the lower right corner.
fn overlay() -> Option<Overlay> {
    let picture = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 100' preserveAspectRatio='none'>\
                   <rect width='50' height='50' fill='#f00'/>\
                   <rect x='80' y='80' width='20' height='20' fill='#0f0' fill-opacity='0.5'/></svg>";
    Some(Overlay { picture: picture.as_bytes().into(), fit: Fit::Stretch })
}

fn mark(branding: &Branding) -> Mark {
    Mark::from(Brandings::same(&branding.prepare().unwrap()))
}

fn grey(size: &str, more: &str) -> Vec<u8> {
    let words = format!(
        "-f lavfi -i color=0x808080:size={size}:rate=10:duration=2 -f lavfi -i sine=duration=2 \
         -c:v libx264 -pix_fmt yuv420p -c:a aac {more}"
    );
    made("grey.mp4", words.trim())
}

#[test]
fn an_overlay_lies_on_every_picture_and_leaves_the_rest_alone() {
    let bytes = grey("320x240", "");
    let clean = converted_with(&bytes, Some(&mark(&Branding { overlay: overlay(), ..Branding::default() }))).unwrap();
    let plain = shown(&converted_with(&bytes, None).unwrap());
    assert_eq!(film(&clean).treatment(), Treatment::Copy);
    assert_eq!(streams(&clean), ["h264,320,240,yuv420p", "aac"]);
    assert!(film(&clean).info.duration.unwrap().abs_diff(2000) < 100, "{:?}", film(&clean).info);
    let pictures = shown(&clean);
    assert_eq!((pictures.len(), plain.len()), (20, 20));
    for (number, (picture, plain)) in pictures.iter().zip(&plain).enumerate() {
        let at = |x: usize, y: usize| picture[y * 320 + x];
        for (x, y) in [(2, 2), (100, 60), (156, 116)] {
            assert!(near(at(x, y), RED, 12), "{number}: {:?} at {x} {y}", at(x, y));
        }
        assert!(near(at(300, 230), [64, 192, 64], 14), "{number}: {:?}", at(300, 230));
        for (x, y) in [(170, 60), (200, 150), (60, 200), (100, 130)] {
            assert!(near(at(x, y), plain[y * 320 + x], 3), "{number}: {:?} at {x} {y}", at(x, y));
        }
    }
}

#[test]
fn a_film_that_is_turned_gets_it_upright() {
    // Stored lying, shown standing.
    let bytes = turned(grey("320x240", "-an"), 240);
    assert_eq!((film(&bytes).info.width, film(&bytes).info.height), (240, 320));
    // What only standing pictures get.
    let ready = Branding { overlay: overlay(), ..Branding::default() }.prepare().unwrap();
    let mark = Mark::from(Brandings { portrait: Some(ready), ..Brandings::default() });
    assert!(changes(&mark, &film(&bytes).info) && !changes(&mark, &film(&grey("320x240", "")).info));
    let clean = converted_with(&bytes, Some(&mark)).unwrap();
    let info = film(&clean).info;
    assert_eq!((info.width, info.height, info.rotation), (240, 320, 0));
    for picture in shown(&clean) {
        let at = |x: usize, y: usize| picture[y * 240 + x];
        assert!(near(at(10, 10), RED, 12) && near(at(110, 150), RED, 12), "{:?} {:?}", at(10, 10), at(110, 150));
        assert!(near(at(130, 10), GREY, 12) && near(at(10, 170), GREY, 12), "{:?} {:?}", at(130, 10), at(10, 170));
    }
}

/// A format that has nothing gives the film as it would be without.
#[test]
fn a_format_without_a_design_changes_nothing() {
    let bytes = grey("320x240", "");
    let ready = Branding { filter: Filter::Warm, ..Branding::default() }.prepare().unwrap();
    let mark = Mark::from(Brandings { portrait: Some(ready), ..Brandings::default() });
    assert_eq!(Format::of(320, 240), Format::Landscape);
    assert!(converted_with(&bytes, Some(&mark)).unwrap() == converted_with(&bytes, None).unwrap());
}

/// The poster has it by what draws on pictures, and is a picture of the plain film: both look the same.
#[test]
fn a_film_looks_like_its_poster() {
    let words = "-f lavfi -i testsrc2=size=640x360:rate=10:duration=1 -c:v libx264 -crf 10 -pix_fmt yuv420p \
                 -vf scale=out_color_matrix=bt709:out_range=tv -colorspace bt709";
    let bytes = made("test.mp4", &words.split_whitespace().collect::<Vec<_>>().join(" "));
    let colour = |red, green, blue| Colour { red, green, blue, alpha: 255 };
    let background = Some(Background { colour: colour(20, 40, 160), top: 41, right: 61, bottom: 203, left: 61 });
    let frame = Some(Frame::Plain { colour: colour(250, 210, 0), width: 25 });
    let line = Some(Line {
        text: "Summer party".into(),
        colour: colour(255, 255, 255),
        backing: None,
        weight: Weight::Bold,
        place: Place::Bottom,
        size: 90,
        margin: 60,
    });
    for filter in Filter::ALL {
        let whole = Branding { filter, background, frame: frame.clone(), line: line.clone(), ..Branding::default() };
        for branding in [whole, Branding { filter, ..Branding::default() }] {
            let mark = mark(&branding);
            let derived = poster(sandbox(), &bytes, &film(&bytes), Some(&mark)).unwrap();
            let web = |made: &&shutterpost_media::rendition::Rendition| {
                made.name == Name::Web && made.encoding == Encoding::Jpeg
            };
            let expected = decode(&derived.renditions.iter().find(web).unwrap().bytes);
            let clean = converted_with(&bytes, Some(&mark)).unwrap();
            let first = &shown(&clean)[0];
            let differences = (0..360_u32).flat_map(|y| (0..640_u32).map(move |x| (x, y))).map(|(x, y)| {
                let (film, poster) = (first[(y * 640 + x) as usize], expected.at(x, y));
                film.iter().zip(poster).map(|(a, b)| u64::from(a.abs_diff(b))).sum::<u64>()
            });
            // Two encoders, and colours for two by two pixels: seven of 255 steps on average.
            let mean = differences.sum::<u64>() as f64 / (640.0 * 360.0 * 3.0);
            assert!(mean < 7.0, "{filter:?}: {mean}");
        }
    }
}

#[test]
fn a_logo_lies_in_the_lower_right_corner() {
    let logo = png_of(&RED.repeat(40 * 40), 40, 40, png::ColorType::Rgb, png::BitDepth::Eight);
    let mark = Mark::from_bytes(&logo, &Limits::default()).unwrap();
    let clean = converted_with(&grey("320x240", ""), Some(&mark)).unwrap();
    for picture in shown(&clean) {
        // 29 pixels, 13 from the edges.
        let at = |x: usize, y: usize| picture[y * 320 + x];
        assert!(near(at(292, 212), RED, 14), "{:?}", at(292, 212));
        assert!(near(at(250, 212), GREY, 12) && near(at(315, 235), GREY, 12));
    }
}

/// A film that changes its size half-way would lose what is read once.
#[test]
fn it_stays_where_a_film_changes_its_size() {
    let raw = |size: &str| {
        made(
            "part.h264",
            &format!("-f lavfi -i color=0x808080:size={size}:rate=10:duration=1 -c:v libx264 -pix_fmt yuv420p"),
        )
    };
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("both.h264"), [raw("320x240"), raw("640x480")].concat()).unwrap();
    let bytes = made("both.mp4", &format!("-f h264 -i {} -c copy", path("both.h264")));
    let clean = converted_with(&bytes, Some(&mark(&Branding { overlay: overlay(), ..Branding::default() }))).unwrap();
    let pictures = shown(&clean);
    assert!(pictures.len() >= 15, "{}", pictures.len());
    for picture in pictures {
        assert!(near(picture[20 * 320 + 20], RED, 12) && near(picture[200 * 320 + 60], GREY, 14));
    }
}

/// WebM is converted by other words; the layer comes beside it all the same.
#[test]
fn matroska_gets_it_too() {
    let words = "-f lavfi -i color=0x808080:size=320x240:rate=10:duration=1 -c:v libvpx -cpu-used 8 -deadline realtime";
    let bytes = made("a.webm", words);
    let clean = converted_with(&bytes, Some(&mark(&Branding { overlay: overlay(), ..Branding::default() }))).unwrap();
    let pictures = shown(&clean);
    assert_eq!(pictures.len(), 10);
    assert!(pictures.iter().all(|picture| near(picture[20 * 320 + 20], RED, 14)));
}
