//! What a branding costs, and what it looks like.
//!
//! `cargo run --release -p shutterpost-media --example branding -- --upload PHOTO [--plain] [--times N]` makes what an upload
//! waits for, with a branding that is prepared anew each time, or without. `… -- --preview [PHOTO] [--times N]` makes previews
//! and prints the milliseconds of each as JSON. `… -- --show FOLDER [PHOTO]` writes previews of many brandings, to be looked
//! at.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use shutterpost_media::branding::drawing::Drawing;
use shutterpost_media::branding::{
    Background, Branding, Brandings, Colour, Filter, Fit, Format, Frame, Line, Logo, Overlay, Place, Sample, Weight,
    preview,
};
use shutterpost_media::derive::stage1;
use shutterpost_media::inspect::Limits;
use shutterpost_media::mark::Mark;

type Outcome<T> = Result<T, Box<dyn Error>>;

const WAVE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 1200">
  <defs><linearGradient id="sea" x1="0" x2="1"><stop stop-color="#0b3d5c"/><stop offset="1" stop-color="#1c7c8c"/></linearGradient></defs>
  <path d="M0 1200V1030Q400 930 800 1010T1600 990V1200Z" fill="url(#sea)" opacity=".92"/>
  <path d="M0 1030Q400 930 800 1010T1600 990" fill="none" stroke="#f2c14e" stroke-width="8"/>
  <g fill="#f2c14e" opacity=".8"><circle cx="90" cy="90" r="26"/><circle cx="160" cy="70" r="12"/><circle cx="70" cy="165" r="9"/></g>
</svg>"##;
const SIGN: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100">
  <rect width="200" height="100" rx="50" fill="#fff"/><path d="M30 75L60 25L90 75Z" fill="#e4572e"/>
  <circle cx="140" cy="50" r="28" fill="none" stroke="#0b3d5c" stroke-width="12"/>
</svg>"##;
const ORNAMENT: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 300">
  <path d="M0 0H300V300H0ZM60 60V240H240V60Z" fill="#7a1f3d" fill-rule="evenodd"/>
  <path d="M48 48H252V252H48Z" fill="none" stroke="#f2c14e" stroke-width="6"/>
  <g fill="#f2c14e"><circle cx="24" cy="24" r="14"/><circle cx="276" cy="24" r="14"/><circle cx="24" cy="276" r="14"/><circle cx="276" cy="276" r="14"/></g>
</svg>"##;
const WHITE: Colour = Colour { red: 255, green: 255, blue: 255, alpha: 255 };

fn main() -> Outcome<()> {
    let (mut way, mut files, mut plain, mut times) = (String::new(), Vec::new(), false, 1_u32);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--upload" | "--preview" | "--show" => way = argument,
            "--plain" => plain = true,
            "--times" => times = arguments.next().ok_or("--times N")?.parse()?,
            _ => files.push(argument),
        }
    }
    let photo = |number: usize| files.get(number).map(std::fs::read).transpose();
    match way.as_str() {
        "--upload" => upload(&photo(0)?.ok_or("which photo?")?, plain, times),
        "--preview" => previews(photo(0)?, times),
        "--show" => show(Path::new(files.first().ok_or("which folder?")?), photo(1)?),
        _ => Err("--upload, --preview or --show?".into()),
    }
}

fn upload(photo: &[u8], plain: bool, times: u32) -> Outcome<()> {
    let branding = usual()?;
    for _ in 0..times {
        let mark = if plain { None } else { Some(Mark::from(Brandings::same(&branding.prepare()?))) };
        let made = stage1(photo, None, mark.as_ref(), &Limits::default(), NonZeroUsize::MIN)?;
        if made.renditions.len() != 5 {
            return Err("thumb, web and card were expected".into());
        }
    }
    Ok(())
}

fn previews(photo: Option<Vec<u8>>, times: u32) -> Outcome<()> {
    let branding = usual()?;
    let sample = photo.as_deref().map_or(Sample::Drawn(Format::Landscape), Sample::Photo);
    let mut milliseconds = Vec::new();
    for _ in 0..times {
        let started = Instant::now();
        preview(&branding, sample)?;
        milliseconds.push(format!("{:.1}", started.elapsed().as_secs_f64() * 1000.0));
    }
    println!("{{\"milliseconds\":[{}]}}", milliseconds.join(","));
    Ok(())
}

fn show(folder: &Path, photo: Option<Vec<u8>>) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    for (name, branding) in all()? {
        for format in Format::ALL {
            let sample = match (&photo, format) {
                (Some(photo), Format::Landscape) => Sample::Photo(photo),
                _ => Sample::Drawn(format),
            };
            let shown = preview(&branding, sample)?;
            std::fs::write(folder.join(format!("{name}-{format:?}.jpg").to_lowercase()), shown.bytes)?;
        }
    }
    Ok(())
}

/// As operators have it: an overlay as PNG of the size of large pictures, a logo as SVG, a line of text and a filter.
fn usual() -> Outcome<Branding> {
    let drawn = Drawing::from_bytes(WAVE.as_bytes())?.draw(2048, 1536)?;
    let mut straight = drawn.bytes;
    for [red, green, blue, alpha] in straight.as_chunks_mut::<4>().0 {
        for value in [red, green, blue] {
            *value = (u32::from(*value) * 255).checked_div(u32::from(*alpha)).unwrap_or(0).min(255) as u8;
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, drawn.width, drawn.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header()?.write_image_data(&straight)?;
    Ok(Branding {
        filter: Filter::Warm,
        overlay: Some(Overlay { picture: file.into(), fit: Fit::Stretch }),
        logo: Some(sign(Place::TopRight)),
        line: Some(line("Sommerfest 2026", Place::BottomLeft)),
        ..Branding::default()
    })
}

fn all() -> Outcome<Vec<(String, Branding)>> {
    let mut all = vec![("usual".to_owned(), usual()?)];
    for filter in Filter::ALL {
        all.push((format!("filter-{}", filter.as_str()), Branding { filter, ..Branding::default() }));
    }
    let card = Background { colour: WHITE, top: 40, right: 40, bottom: 180, left: 40 };
    let ink = Colour { red: 30, green: 30, blue: 40, alpha: 255 };
    let caption =
        Line { colour: ink, size: 60, margin: 45, ..line("Größe, Übermut & Café – 2026", Place::Bottom) };
    all.push((
        "background".to_owned(),
        Branding { filter: Filter::Faded, background: Some(card), line: Some(caption), ..Branding::default() },
    ));
    let parts = Frame::Parts { picture: bytes(ORNAMENT), slice: 200, width: 90 };
    all.push((
        "frame".to_owned(),
        Branding { frame: Some(parts), logo: Some(sign(Place::Bottom)), ..Branding::default() },
    ));
    for (name, fit) in [("stretch", Fit::Stretch), ("cover", Fit::Cover), ("contain", Fit::Contain)] {
        let overlay = Some(Overlay { picture: bytes(WAVE), fit });
        all.push((format!("overlay-{name}"), Branding { overlay, ..Branding::default() }));
    }
    let backing = Some(Colour { red: 11, green: 61, blue: 92, alpha: 200 });
    let label = Line { backing, weight: Weight::Regular, ..line("Anna & Tom · AVATAR Type Will", Place::TopLeft) };
    all.push(("text".to_owned(), Branding { line: Some(label), ..Branding::default() }));
    Ok(all)
}

fn bytes(drawing: &str) -> Arc<[u8]> {
    drawing.as_bytes().into()
}

fn sign(place: Place) -> Logo {
    Logo { picture: bytes(SIGN), place, size: 180, margin: 40 }
}

fn line(text: &str, place: Place) -> Line {
    Line { text: text.to_owned(), colour: WHITE, backing: None, weight: Weight::Bold, place, size: 55, margin: 45 }
}
