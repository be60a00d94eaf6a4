//! The frame of every guest page: head, styles and the policy that goes with them.

use leptos::prelude::*;

use shutterpost_model::language::Language;
use shutterpost_model::share::{LinkKind, SharePage};

use super::kind::by_kind;
use super::palette::Palette;
use super::{photo, places, script_path, styles, words};
use crate::texts::locale_of;
use leptos_i18n::td_string;

/// A finished page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The whole HTML document.
    pub html: String,
    /// The value of its `Content-Security-Policy`. It holds the hashes of the styles in the document, so the two
    /// belong together.
    pub csp: String,
}

/// What the frame needs to know.
pub struct Head<'a> {
    pub language: Language,
    pub title: String,
    /// The page it belongs to, for colours; without it the product's own.
    pub page: Option<&'a SharePage>,
    pub kind: Kind,
    /// Class of the body.
    pub class: &'static str,
}

/// What a page may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// May be passed on: announces itself to link previews and loads the script.
    Shared,
    /// A plain page.
    Plain,
    /// Shown in a frame of the CMS.
    Framed,
}

pub fn render<V: IntoView + 'static>(head: Head<'_>, body: impl FnOnce() -> V) -> Document {
    let Head { language, title, page, kind, class } = head;
    let palette = page.map(|page| Palette::of(&page.branding));
    let values =
        page.zip(palette).map(|(page, palette)| styles::values(&palette, photo::size(page), photo::idea(page)));
    let csp = policy(kind, values.as_deref(), page);

    let html = Owner::new().with(|| {
        let theme = palette.map(|palette| palette.backdrop.to_string());
        let shared = page.filter(|_| kind == Kind::Shared);
        let announcement = shared.and_then(|page| Some(announcement(page, places::address(page)?, language)));
        let script = (kind == Kind::Shared).then(script_path);
        view! {
            <!DOCTYPE html>
            <html lang=language.tag()>
                <head>
                    <meta charset="utf-8" />
                    <meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover" />
                    <title>{title}</title>
                    <meta name="robots" content="noindex" />
                    <meta name="format-detection" content="telephone=no" />
                    {theme.map(|theme| view! { <meta name="theme-color" content=theme /> })}
                    {announcement}
                    <style>{styles::sheet()}</style>
                    {values.map(|values| view! { <style>{values}</style> })}
                </head>
                <body class=class>
                    {body()}
                    {script.map(|path| view! { <script src=path defer></script> })}
                </body>
            </html>
        }
        .to_html()
    });
    // Marks for a hydration that never happens. Typed text cannot hold them: its `<` is escaped.
    Document { html: html.replace("<!>", ""), csp }
}

/// Open Graph and card tags. They name the link that may be passed on, never the owner's.
fn announcement(page: &SharePage, address: String, language: Language) -> impl IntoView + use<> {
    let locale = locale_of(language);
    let texts = page.branding.texts(language);
    let event = words::line(&page.event_name);
    let title = by_kind!(page, language, a_photo_from, a_video_from, an_animation_from, event = event.as_str());
    let description = match words::short(&texts.message, 200) {
        message if message.is_empty() => td_string!(locale, share.preview_text).to_owned(),
        message => message,
    };
    let image = format!("{}{}", page.origin, page.og);
    let of_page = [
        ("og:type", if page.plays().is_some() { "video.other" } else { "website" }.to_owned()),
        ("og:site_name", words::line(&page.organisation)),
        (
            "og:locale",
            match language {
                Language::English => "en_GB",
                Language::German => "de_DE",
            }
            .to_owned(),
        ),
        ("og:url", address),
        ("og:title", title.clone()),
        ("og:description", description.clone()),
        ("og:image", image.clone()),
        ("og:image:type", "image/jpeg".to_owned()),
        ("og:image:width", "1200".to_owned()),
        ("og:image:height", "630".to_owned()),
        ("og:image:alt", title.clone()),
    ];
    // The film hangs on the link of this page, so an owner's page does not name it.
    let film = page.plays().filter(|_| page.kind == LinkKind::View).map(|film| {
        [
            ("og:video", format!("{}{}", page.origin, film.mp4)),
            ("og:video:type", "video/mp4".to_owned()),
            ("og:video:width", film.width.to_string()),
            ("og:video:height", film.height.to_string()),
        ]
        .map(property)
        .collect_view()
    });
    // The card tags take title, text and picture from the Open Graph ones.
    let of_card = [("twitter:card", "summary_large_image".to_owned()), ("twitter:image:alt", title)];
    view! {
        <meta name="description" content=description />
        {of_page.map(property).collect_view()}
        {film}
        {of_card.map(|(name, content)| view! { <meta name=name content=content /> }).collect_view()}
    }
}

/// A tag of RDFa, which `view!` does not know.
fn property((name, content): (&'static str, String)) -> impl IntoView {
    leptos::html::meta().attr("property", name).content(content)
}

fn policy(kind: Kind, values: Option<&str>, page: Option<&SharePage>) -> String {
    let mut style = format!("'{}'", styles::style_hash());
    if let Some(values) = values {
        style.push_str(&format!(" '{}'", styles::source(values)));
    }
    // The script fetches the picture in order to hand it to the share sheet.
    let script = if kind == Kind::Shared { "script-src 'self'; connect-src 'self'; " } else { "" };
    // The blurred idea stands in the sheet, as data.
    let data = if page.and_then(photo::idea).is_some() { " data:" } else { "" };
    let media = if page.is_some_and(|page| page.plays().is_some()) { "media-src 'self'; " } else { "" };
    let frame = if kind == Kind::Framed { "'self'" } else { "'none'" };
    let form = if kind == Kind::Framed { "'none'" } else { "'self'" };
    format!(
        "default-src 'none'; style-src {style}; img-src 'self'{data}; {media}{script}form-action {form}; base-uri 'none'; \
         frame-ancestors {frame}"
    )
}
