//! Where a photo can be shared without a script: plain links that carry the view link, never the owner's.

use shutterpost_model::language::Language;
use shutterpost_model::share::SharePage;

use super::icons::{self, Icon};
use super::kind::by_kind;
use super::words;
use crate::texts::locale_of;
use leptos_i18n::td_string;

/// A place to share to.
#[derive(Debug, Clone)]
pub struct Place {
    pub name: String,
    /// What a screen reader says.
    pub label: String,
    pub url: String,
    pub icon: Icon,
}

/// The whole address that may be passed on, if one may.
pub fn address(page: &SharePage) -> Option<String> {
    page.share_path.as_ref().map(|path| format!("{}{path}", page.origin))
}

/// Where the address can be passed on to.
pub fn places(page: &SharePage, address: &str, language: Language) -> Vec<Place> {
    let locale = locale_of(language);
    let event = words::line(&page.event_name);
    let text = by_kind!(page, language, a_photo_from, a_video_from, an_animation_from, event = event.as_str());
    let url = words::encode(address);
    let both = words::encode(&format!("{text}\n{address}"));
    let title = words::encode(&text);
    let place = |name: &str, icon: Icon, url: String| Place {
        name: name.to_owned(),
        label: td_string!(locale, share.share_on, place = name),
        url,
        icon,
    };
    vec![
        place("WhatsApp", icons::WHATSAPP, format!("https://wa.me/?text={both}")),
        place("Facebook", icons::FACEBOOK, format!("https://www.facebook.com/sharer/sharer.php?u={url}")),
        place("X", icons::X, format!("https://x.com/intent/post?text={title}&url={url}")),
        place("LinkedIn", icons::LINKEDIN, format!("https://www.linkedin.com/sharing/share-offsite/?url={url}")),
        Place {
            name: td_string!(locale, share.email).to_owned(),
            label: td_string!(locale, share.share_by_email).to_owned(),
            url: format!("mailto:?subject={title}&body={both}"),
            icon: icons::MAIL,
        },
    ]
}
