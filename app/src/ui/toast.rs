//! A short confirmation. It needs no press and takes no focus.

use leptos::prelude::*;
use leptos_i18n::td_string;

use super::{Icon, IconName, Text};
use crate::texts::use_locale;

/// Says what was done, and fades after a while by the style sheet. With script it can be closed before.
#[component]
pub fn Toast(
    #[prop(into)] text: Text,
    /// A form that takes it back.
    #[prop(default = None)]
    action: Option<AnyView>,
) -> impl IntoView {
    let locale = use_locale();
    view! {
        <div class="toast" role="status" data-toast="">
            <Icon name=IconName::Check/>
            <span class="toast-text">{text}</span>
            {action}
            <button
                r#type="button"
                class="toast-close"
                hidden=true
                data-with-script=""
                data-closes=".toast"
                aria-label=td_string!(locale, common.close)
            >
                <Icon name=IconName::Close/>
            </button>
        </div>
    }
}
