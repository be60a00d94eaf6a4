//! A short confirmation. It needs no press and takes no focus.

use leptos::prelude::*;
use leptos_i18n::td_string;

use super::{Icon, IconName, Text};
use crate::texts::use_locale;

/// Says what was done. Without script it stays until the next page; with it, until it is closed or a while has passed
/// (by the style sheet's animation).
#[component]
pub fn Toast(#[prop(into)] text: Text, #[prop(optional, into)] on_close: Option<Callback<()>>) -> impl IntoView {
    let locale = use_locale();
    view! {
        <div class="toast" role="status">
            <Icon name=IconName::Check/>
            <span>{text}</span>
            {on_close
                .map(|on_close| {
                    view! {
                        <button
                            r#type="button"
                            class="toast-close"
                            aria-label=td_string!(locale, common.close)
                            on:click=move |_| on_close.run(())
                        >
                            <Icon name=IconName::Close/>
                        </button>
                    }
                })}
        </div>
    }
}
