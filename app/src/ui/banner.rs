//! What concerns a whole page or form.

use leptos::prelude::*;
use leptos_i18n::td_string;

use super::badge::Meaning;
use super::{Icon, IconName, Text};
use crate::texts::use_locale;

/// A message above a page or a form.
#[component]
pub fn Banner(#[prop(optional)] meaning: Meaning, children: Children) -> impl IntoView {
    let (icon, role) = match meaning {
        Meaning::Bad => (IconName::Warning, "alert"),
        Meaning::Warn => (IconName::Warning, "status"),
        Meaning::Good => (IconName::Check, "status"),
        Meaning::Neutral | Meaning::Info => (IconName::Info, "status"),
    };
    view! {
        <div class=format!("banner banner-{}", meaning.name()) role=role>
            <Icon name=icon/>
            <div class="banner-text">{children()}</div>
        </div>
    }
}

/// What went wrong, with the id under which our log knows more.
#[component]
pub fn ErrorBanner(#[prop(into)] text: Text, #[prop(default = None)] request_id: Option<String>) -> impl IntoView {
    let locale = use_locale();
    view! {
        <Banner meaning=Meaning::Bad>
            <p>{text}</p>
            {request_id
                .map(|id| view! { <p class="reference">{td_string!(locale, common.reference, id = id)}</p> })}
        </Banner>
    }
}
