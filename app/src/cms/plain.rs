//! The frame around the pages before sign-in: one card, and the choice of language.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use shutterpost_model::language::Language;

use super::done::DoneToast;
use super::mark::Mark;
use crate::texts::{language_of, use_locale};
use crate::ui::{PageTitle, Text};

/// A card in the middle of the page.
#[component]
pub fn PlainPage(#[prop(into)] title: Text, children: Children) -> impl IntoView {
    let language = language_of(use_locale());
    let path = use_location().pathname.get_untracked();
    let other = Language::ALL.into_iter().find(|other| *other != language).unwrap_or_default();
    view! {
        <PageTitle text=title.clone()/>
        <main class="plain" id="content">
            <div class="plain-card">
                <div class="plain-mark">
                    <Mark/>
                    <span>"Shutterpost"</span>
                </div>
                <h1 class="plain-title">{title}</h1>
                {children()}
            </div>
            <p class="plain-foot">
                <a
                    href=format!("{path}?lang={}", other.tag())
                    lang=other.tag()
                    hreflang=other.tag()
                >
                    {other.own_name()}
                </a>
            </p>
        </main>
        <DoneToast/>
    }
}
