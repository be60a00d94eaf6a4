//! What is shown, by name: a photo, a video or an animation.

use leptos_i18n::td_string;

use shutterpost_model::captures::CaptureKind;
use shutterpost_model::language::Language;
use shutterpost_model::share::{ShareFilm, SharePage};

use crate::texts::locale_of;

/// The text for a still, for a film and for an animation, with the same values.
macro_rules! by_kind {
    ($page:expr, $language:expr, $still:ident, $film:ident, $animation:ident $(, $name:ident = $value:expr)*) => {{
        let locale = $crate::texts::locale_of($language);
        match $page.capture_kind {
            shutterpost_model::captures::CaptureKind::Still => leptos_i18n::td_string!(locale, share.$still $(, $name = $value)*),
            shutterpost_model::captures::CaptureKind::Film => leptos_i18n::td_string!(locale, share.$film $(, $name = $value)*),
            shutterpost_model::captures::CaptureKind::Animation => {
                leptos_i18n::td_string!(locale, share.$animation $(, $name = $value)*)
            }
        }
    }};
}
pub(super) use by_kind;

/// What can be saved: its address, a neutral name that tells neither date nor event, and what the button says.
pub struct Saved {
    pub address: String,
    pub name: String,
    pub label: &'static str,
}

pub fn saved(page: &SharePage, language: Language) -> Saved {
    let locale = locale_of(language);
    let picture = |label| Saved { address: page.large.jpeg.clone(), name: "photo.jpg".to_owned(), label };
    match (&page.film, page.capture_kind) {
        (_, CaptureKind::Still) => picture(td_string!(locale, share.save)),
        (None, _) => picture(td_string!(locale, share.save_picture)),
        (Some(film), CaptureKind::Film) => Saved {
            address: film.mp4.clone(),
            name: "video.mp4".to_owned(),
            label: td_string!(locale, share.save_video),
        },
        (Some(film), CaptureKind::Animation) => {
            let address = film.original.as_ref().unwrap_or(&film.mp4);
            let extension = address.rsplit_once('.').map_or("mp4", |(_, extension)| extension);
            Saved {
                name: format!("animation.{extension}"),
                label: td_string!(locale, share.save_animation),
                address: address.clone(),
            }
        }
    }
}

/// The file to hand to other apps, with its type and name. A film is too large to be fetched before somebody asks for it;
/// there the link is handed on.
pub fn handed_on(page: &SharePage) -> Option<(String, &'static str, &'static str)> {
    match (page.capture_kind, &page.film) {
        (CaptureKind::Still, _) | (CaptureKind::Animation, None) => {
            Some((page.large.jpeg.clone(), "image/jpeg", "photo.jpg"))
        }
        (CaptureKind::Animation, Some(ShareFilm { mp4, .. })) => Some((mp4.clone(), "video/mp4", "animation.mp4")),
        (CaptureKind::Film, _) => None,
    }
}
