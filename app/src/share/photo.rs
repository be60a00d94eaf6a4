//! The photo or film: the right file for the screen, its box reserved before the first byte of it arrives.

use leptos::prelude::*;

use shutterpost_model::language::Language;
use shutterpost_model::share::{ShareFilm, SharePage, SharePicture};

use super::kind::by_kind;
use super::words;
use crate::texts::locale_of;
use leptos_i18n::td_string;

/// Width and height of what is shown, in pixels.
pub fn size(page: &SharePage) -> (i32, i32) {
    let (width, height) = page.plays().map_or((page.large.width, page.large.height), |film| (film.width, film.height));
    (width.max(1), height.max(1))
}

/// The blurred idea of the picture, if it is nothing else: it stands in a style sheet, where a stray sign would be a rule.
pub fn idea(page: &SharePage) -> Option<&str> {
    let address = page.placeholder.as_deref()?;
    let data = address.strip_prefix("data:image/png;base64,")?;
    let fits = data.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    (fits && data.len() < 4096).then_some(address)
}

/// What the photo is called where it cannot be seen.
pub fn alt(page: &SharePage, language: Language) -> String {
    let event = words::line(&page.event_name);
    by_kind!(page, language, photo_from, video_from, animation_from, event = event.as_str())
}

/// What the page is about, where it stands.
pub fn shown(page: &SharePage, language: Language) -> AnyView {
    match page.plays() {
        Some(shown) => film(page, shown, language).into_any(),
        None => photo(page, language).into_any(),
    }
}

/// A film waits for a tap. An animation would begin by itself and go on for ever, which not everybody can bear: the script
/// starts it for those who do not mind, and without one there are controls.
fn film(page: &SharePage, film: &ShareFilm, language: Language) -> impl IntoView + use<> {
    let (width, height) = size(page);
    let ShareFilm { mp4, looped, .. } = film.clone();
    view! {
        <video
            class="photo"
            controls=true
            playsinline=true
            muted=looped
            r#loop=looped
            preload="metadata"
            poster=page.web.jpeg.clone()
            src=mp4
            width=width.to_string()
            height=height.to_string()
            aria-label=alt(page, language)
        >
            <p>{td_string!(locale_of(language), share.cannot_play)}</p>
        </video>
    }
}

/// The picture of the share page.
///
/// Phones get at most the web rendition, however dense their screen: the eye does not tell the difference at arm's
/// length, and the photo is there in a fifth of the bytes. "Save" gives the large one.
fn photo(page: &SharePage, language: Language) -> impl IntoView + use<> {
    let all = [&page.thumb, &page.web, &page.large];
    let for_phones = [&page.thumb, &page.web];
    let webp = |picture: &SharePicture| picture.webp.clone();
    let jpeg = |picture: &SharePicture| picture.jpeg.clone();
    let (width, height) = size(page);
    // The same arithmetic as `.photo` in share.css, so that the browser picks the file that fits the box.
    let phone = format!("min(100vw,calc((100vh - 9rem)*{width}/{height}))");
    let desk = format!("min(100vw - 29rem,calc((100vh - 5rem)*{width}/{height}))");
    let sizes = format!("(min-width:64rem) {desk},{phone}");
    let avif = |media: Option<&'static str>, pictures: &[&SharePicture], sizes: &str| {
        avif_candidates(pictures).map(|candidates| {
            view! { <source media=media type="image/avif" srcset=candidates sizes=sizes.to_owned() /> }
        })
    };
    view! {
        <picture>
            {avif(Some("(max-width:40rem)"), &for_phones, &phone)}
            <source media="(max-width:40rem)" type="image/webp" srcset=candidates(&for_phones, webp) sizes=phone />
            {avif(None, &all, &sizes)}
            <source type="image/webp" srcset=candidates(&all, webp) sizes=sizes.clone() />
            <img
                class="photo"
                src=page.web.jpeg.clone()
                srcset=candidates(&all, jpeg)
                sizes=sizes
                width=width.to_string()
                height=height.to_string()
                alt=alt(page, language)
                fetchpriority="high"
                decoding="async"
            />
        </picture>
    }
}

/// The small picture beside a question about it.
pub fn thumb(page: &SharePage, language: Language) -> impl IntoView + use<> {
    view! {
        <picture>
            <source type="image/webp" srcset=page.thumb.webp.clone() />
            <img
                class="thumb"
                src=page.thumb.jpeg.clone()
                width=page.thumb.width.to_string()
                height=page.thumb.height.to_string()
                alt=alt(page, language)
            />
        </picture>
    }
}

/// The client's logo, as large as its shape deserves: wide ones are low, square ones are high.
pub fn logo(page: &SharePage) -> Option<impl IntoView + use<>> {
    let (path, width, height) = page.logo.clone()?;
    let (width, height) = logo_box(width, height);
    let name = words::line(&page.organisation);
    Some(view! { <img class="logo" src=path width=width.to_string() height=height.to_string() alt=name /> })
}

/// Width and height of a logo as shown, in CSS pixels: about the same area for every shape.
pub fn logo_box(width: i32, height: i32) -> (i32, i32) {
    let ratio = f64::from(width.max(1)) / f64::from(height.max(1));
    let shown_height = (5200.0 / ratio).sqrt().clamp(20.0, 48.0).min(220.0 / ratio).max(1.0);
    // Both lie between 1 and 220, so the conversion loses nothing.
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    let whole = |value: f64| value.round() as i32;
    (whole(shown_height * ratio).max(1), whole(shown_height))
}

/// As AVIF, as soon as the largest of them is: before that the others would be chosen for screens they are too small for.
fn avif_candidates(pictures: &[&SharePicture]) -> Option<String> {
    pictures.last()?.avif.as_ref()?;
    let made = pictures.iter().filter_map(|picture| Some(format!("{} {}w", picture.avif.as_ref()?, picture.width)));
    Some(made.collect::<Vec<_>>().join(", "))
}

fn candidates(pictures: &[&SharePicture], path: impl Fn(&SharePicture) -> String) -> String {
    pictures.iter().map(|picture| format!("{} {}w", path(picture), picture.width)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logos_of_all_shapes_weigh_the_same() {
        assert_eq!(logo_box(1000, 250), (144, 36));
        assert_eq!(logo_box(500, 500), (48, 48));
        assert_eq!(logo_box(3000, 100), (220, 7));
        assert_eq!(logo_box(0, 0), (48, 48));
    }
}
