//! Copying a value, with a confirmation in place.

use std::time::Duration;

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
    let ready = RwSignal::new(false);
    let copied = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    let copy = move |_| {
        let written = window().navigator().clipboard().write_text(&text);
        leptos::task::spawn_local(async move {
            match wasm_bindgen_futures::JsFuture::from(written).await {
                Ok(_) => {
                    copied.set(true);
                    set_timeout(
                        move || {
                            copied.try_set(false);
                        },
                        Duration::from_secs(2),
                    );
                }
                Err(_) => leptos::logging::warn!("copy: the browser refused"),
            }
        });
    };
    let words = {
        let label = label.clone();
        move || if copied.get() { Text::Borrowed(td_string!(locale, common.copied)) } else { label.clone() }
    };
    view! {
        <button
            r#type="button"
            class=tone.class()
            hidden=move || !ready.get()
            aria-label=icon_only.then(|| label.clone())
            title=icon_only.then_some(label)
            on:click=copy
        >
            {move || {
                let name = if copied.get() { IconName::Check } else { IconName::Copy };
                view! { <Icon name/> }
            }}
            {(!icon_only).then(|| view! { <span class="button-text">{words.clone()}</span> })}
            <span class="visually-hidden" role="status">
                {move || copied.get().then(|| td_string!(locale, common.copied))}
            </span>
        </button>
    }
}
