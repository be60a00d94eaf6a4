//! Copying a value, with a confirmation in place.

use leptos::prelude::*;
use leptos_i18n::td_string;

use super::button::given;
use super::{Icon, IconName, Text, Tone};
use crate::texts::use_locale;

/// Copies the text to the clipboard and says so for two seconds. Hidden without script, where it could do nothing.
#[component]
pub fn CopyButton(
    #[prop(into)] text: Text,
    /// What is copied, e.g. "Copy link".
    #[prop(optional, into)]
    label: Text,
    /// Shows the icon alone.
    #[prop(optional)]
    icon_only: bool,
    #[prop(optional)] tone: Tone,
) -> impl IntoView {
    let locale = use_locale();
    let label = given(label).unwrap_or(Text::Borrowed(td_string!(locale, common.copy)));
    view! {
        <button
            r#type="button"
            class=tone.class()
            hidden=true
            data-with-script=""
            data-copy=text
            data-copied=td_string!(locale, common.copied)
            aria-label=icon_only.then(|| label.clone())
            title=icon_only.then(|| label.clone())
        >
            <span>
                <Icon name=IconName::Copy/>
            </span>
            <span hidden=true>
                <Icon name=IconName::Check/>
            </span>
            {(!icon_only).then(|| view! { <span class="button-text">{label.clone()}</span> })}
            <span class="visually-hidden" role="status"></span>
        </button>
    }
}
