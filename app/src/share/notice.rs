//! Pages without a photo to show: a question, an answer, or the reason why there is nothing.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::language::Language;
use shutterpost_model::share::SharePage;

use super::document::{self, Document, Head, Kind};
use super::icons::{self, Icon, icon};
use super::kind::by_kind;
use super::{photo, verify, view, words};
use crate::texts::locale_of;

pub fn confirm_delete(page: &SharePage, language: Language) -> Document {
    let locale = locale_of(language);
    let title = by_kind!(page, language, delete_title, delete_video_title, delete_animation_title);
    let tag = language.tag();
    let head = Head { language, title: title.to_owned(), page: Some(page), kind: Kind::Plain, class: "notice" };
    document::render(head, || {
        view! {
            {view::brand(page)}
            <main>
                {photo::thumb(page, language)}
                <h1>{title}</h1>
                <p>{by_kind!(page, language, delete_what, delete_video_what, delete_animation_what)}</p>
                <p><strong>{td_string!(locale, share.delete_final)}</strong></p>
                <form method="post" action=format!("{}/delete?lang={tag}", page.path)>
                    <button class="button danger" type="submit">{td_string!(locale, share.delete_do)}</button>
                    <a class="button" href=format!("{}?lang={tag}", page.path)>{by_kind!(page, language, delete_keep, keep_video, keep_animation)}</a>
                </form>
            </main>
            {credit(language)}
        }
    })
}

pub fn deleted(language: Language, receipt: Option<&str>) -> Document {
    let locale = locale_of(language);
    let receipt = receipt.map(words::plain);
    let address = receipt.as_deref().map(verify::query).unwrap_or_default();
    notice(
        language,
        icons::DONE,
        td_string!(locale, share.deleted_title),
        td_string!(locale, share.deleted_text),
        || match receipt {
            Some(receipt) => view! {
                <p>{td_string!(locale, share.receipt_keep)}</p>
                {verify::form(verify::Form::Kept, receipt, language)}
            }
            .into_any(),
            None => view! { <p>{td_string!(locale, share.deleted_next)}</p> }.into_any(),
        },
        Some(address),
    )
}

pub fn not_found(language: Language) -> Document {
    let locale = locale_of(language);
    notice(
        language,
        icons::NO_PHOTO,
        td_string!(locale, share.missing_title),
        td_string!(locale, share.missing_text),
        || view! { <p>{td_string!(locale, share.missing_next)}</p> },
        Some(String::new()),
    )
}

pub fn error(language: Language, request_id: &str) -> Document {
    let locale = locale_of(language);
    let reference = words::line(request_id);
    notice(
        language,
        icons::TROUBLE,
        td_string!(locale, share.error_title),
        td_string!(locale, share.error_text),
        || {
            view! {
                <p>{td_string!(locale, share.error_next)}</p>
                <p><code>{reference}</code></p>
            }
        },
        None,
    )
}

/// `address` is where the same is said in another language, an empty one where it is now; after a failed POST there is
/// none, because its address would not answer the same.
fn notice<V: IntoView + 'static>(
    language: Language,
    picture: Icon,
    title: &'static str,
    text: &'static str,
    next: impl FnOnce() -> V,
    address: Option<String>,
) -> Document {
    let head = Head { language, title: title.to_owned(), page: None, kind: Kind::Plain, class: "notice" };
    document::render(head, || {
        // An address that is only a query keeps the path of the page.
        let switch = address.map(|address| view! { <p>{view::other_language(language, Some(address))}</p> });
        view! {
            <main>
                <div class="sign">{icon(picture)}</div>
                <h1>{title}</h1>
                <p>{text}</p>
                {next()}
                {switch}
            </main>
            {credit(language)}
        }
    })
}

pub fn credit(language: Language) -> impl IntoView + use<> {
    view! {
        <footer class="foot">
            <p>{td_string!(locale_of(language), share.credit)}</p>
        </footer>
    }
}
