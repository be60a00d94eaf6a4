//! The share page itself: the photo, a bar within reach of the thumb, the client's words, and what guests have a right
//! to know and to do.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::captures::CaptureKind;
use shutterpost_model::language::Language;
use shutterpost_model::share::{LinkKind, SharePage};

use super::document::{self, Document, Head, Kind};
use super::icons::{self, icon};
use super::kind::{self, by_kind};
use super::{photo, places, words};
use crate::texts::locale_of;

/// Whether links lead anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Live,
    /// Everything looks the same and nothing can be followed or sent.
    Preview,
}

impl Mode {
    /// An address to follow; nothing in a preview, which makes the link a mere word.
    fn link(self, address: impl Into<String>) -> Option<String> {
        (self == Self::Live).then(|| address.into())
    }
}

pub fn page(page: &SharePage, language: Language, mode: Mode) -> Document {
    let kind = match mode {
        Mode::Live => Kind::Shared,
        Mode::Preview => Kind::Framed,
    };
    let head = Head { language, title: photo::alt(page, language), page: Some(page), kind, class: "share" };
    document::render(head, || {
        view! {
            {brand(page)}
            <main>
                {pending(page, language)}
                <div class="stage">{photo::shown(page, language)}</div>
                {story(page, language)}
                {bar(page, language, mode)}
                {care(page, language, mode)}
            </main>
            {foot(page, language, mode)}
        }
    })
}

/// What is said while what moves is not there yet, and where it never will be.
fn pending(page: &SharePage, language: Language) -> Option<impl IntoView + use<>> {
    let locale = locale_of(language);
    let text = match (&page.film, page.capture_kind, page.unplayable) {
        (_, CaptureKind::Still, _) | (Some(_), _, false) => return None,
        (Some(_), _, true) => td_string!(locale, share.video_unplayable),
        (None, _, true) => td_string!(locale, share.video_unplayable_picture),
        // A still never waits; the macro has a word for it all the same.
        (None, _, false) => by_kind!(page, language, preview_text, video_pending, animation_pending),
    };
    Some(view! { <p class="pending" role="status">{text}</p> })
}

/// The client's logo, or name.
pub fn brand(page: &SharePage) -> impl IntoView + use<> {
    let name = words::line(&page.organisation);
    view! {
        <header class="brand">
            {match photo::logo(page) {
                Some(logo) => logo.into_any(),
                None => view! { <span dir="auto">{name}</span> }.into_any(),
            }}
        </header>
    }
}

fn story(page: &SharePage, language: Language) -> impl IntoView + use<> {
    let texts = page.branding.texts(language);
    let own = words::line(&texts.headline);
    // The product's own headline names the event already.
    let event = (!own.is_empty()).then(|| words::line(&page.event_name));
    let headline = if own.is_empty() { photo::alt(page, language) } else { own };
    let message = words::plain(&texts.message);
    view! {
        <section class="story">
            <p class="when">
                {event.map(|event| view! { <bdi>{event}</bdi> })}
                <time datetime=page.taken_on.to_string()>{page.taken_on.readable(language)}</time>
            </p>
            <h1 dir="auto">{headline}</h1>
            {(!message.is_empty()).then(|| view! { <p class="message" dir="auto">{message}</p> })}
        </section>
    }
}

/// Save and share.
fn bar(page: &SharePage, language: Language, mode: Mode) -> impl IntoView + use<> {
    let kind::Saved { address: saved, name, label } = kind::saved(page, language);
    let address = places::address(page);
    let class = if address.is_some() { "bar two" } else { "bar" };
    view! {
        <div class=class>
            <a class="button main" href=mode.link(saved) download=name>
                {icon(icons::SAVE)}
                <span>{label}</span>
            </a>
            {address.map(|address| sharing(page, address, language, mode))}
        </div>
    }
}

/// "Share" opens a sheet with plain links; on a phone the script hands the file to the system instead.
fn sharing(page: &SharePage, address: String, language: Language, mode: Mode) -> impl IntoView + use<> {
    let locale = locale_of(language);
    let places = places::places(page, &address, language)
        .into_iter()
        .map(|place| {
            // The mail program is no page: a new tab would stay empty.
            let target = place.url.starts_with("https:").then_some("_blank");
            view! {
                <li>
                    <a class="place" href=mode.link(place.url) target=target rel="noopener noreferrer" aria-label=place.label>
                        {icon(place.icon)}
                        <span>{place.name}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    let (file, media_type, name) = kind::handed_on(page)
        .map_or((None, None, None), |(file, media_type, name)| (mode.link(file), Some(media_type), Some(name)));
    view! {
        <details
            class="sharing"
            data-file=file
            data-type=media_type
            data-name=name
            data-url=address.clone()
            data-title=photo::alt(page, language)
        >
            <summary class="button">
                {icon(icons::SHARE)}
                <span>{td_string!(locale, share.share)}</span>
            </summary>
            <div class="sheet">
                <h2>{by_kind!(page, language, share_photo, share_video, share_animation)}</h2>
                <ul class="places">
                    {places}
                    <li hidden>
                        <button class="place" type="button" data-native="">
                            {icon(icons::APPS)}
                            <span>{td_string!(locale, share.more_apps)}</span>
                        </button>
                    </li>
                </ul>
                <label for="link">{by_kind!(page, language, link_label, video_link_label, animation_link_label)}</label>
                <div class="copying">
                    <input id="link" type="text" readonly value=address.clone() aria-describedby="note" />
                    <button class="button" type="button" hidden data-copied=td_string!(locale, share.copied)>
                        {icon(icons::LINK)}
                        <span role="status">{td_string!(locale, share.copy)}</span>
                    </button>
                </div>
                <p class="note" id="note">{by_kind!(page, language, link_note, video_link_note, animation_link_note)}</p>
            </div>
        </details>
    }
}

/// How long the photo stays, and the way to end that now.
fn care(page: &SharePage, language: Language, mode: Mode) -> impl IntoView + use<> {
    let date = page.kept_until.readable(language);
    let kept = by_kind!(page, language, kept_until, video_kept_until, animation_kept_until, date = date.as_str());
    let delete = (page.kind == LinkKind::Owner).then(|| {
        let href = mode.link(format!("{}/delete?lang={}", page.path, language.tag()));
        view! { <a class="delete" href=href rel="nofollow">{by_kind!(page, language, delete_mine, delete_my_video, delete_my_animation)}</a> }
    });
    view! {
        <section class="care">
            <p>{kept}</p>
            {delete}
        </section>
    }
}

fn foot(page: &SharePage, language: Language, mode: Mode) -> impl IntoView + use<> {
    let locale = locale_of(language);
    let branding = &page.branding;
    let legal = words::plain(&branding.texts(language).legal);
    let organisation = words::line(&page.organisation);
    let pages = [
        (td_string!(locale, share.privacy), &branding.privacy_url),
        (td_string!(locale, share.imprint), &branding.imprint_url),
    ]
    .into_iter()
    .filter_map(|(name, url)| Some((name, words::https(url)?)))
    .map(|(name, url)| {
        view! { <li><a href=mode.link(url) target="_blank" rel="noopener noreferrer">{name}</a></li> }
    })
    .collect_view();
    view! {
        <footer class="foot">
            {(!legal.is_empty()).then(|| view! { <p class="legal" dir="auto">{legal}</p> })}
            <ul class="links">
                {pages}
                <li>{other_language(language, mode.link(page.path.clone()))}</li>
            </ul>
            <p>{td_string!(locale, share.provided_by, organisation = organisation.as_str())}</p>
            <p>{td_string!(locale, share.credit)}</p>
        </footer>
    }
}

/// A plain link to the same page in the other language, by that language's own name.
pub fn other_language(language: Language, path: Option<String>) -> impl IntoView + use<> {
    let other = match language {
        Language::English => Language::German,
        Language::German => Language::English,
    };
    let href = path.map(|path| {
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}lang={}", other.tag())
    });
    view! {
        <a href=href hreflang=other.tag() lang=other.tag() rel="nofollow">
            {other.own_name()}
        </a>
    }
}
