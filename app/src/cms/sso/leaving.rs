//! On the way to the provider. A page and no redirection: browsers do not follow one to another site after a form of ours.

use leptos::prelude::*;
use leptos_i18n::td_string;

use crate::cms::context::use_posted;
use crate::cms::plain::PlainPage;
use crate::texts::use_locale;
use crate::ui::{Submit, Tone};

/// Goes on by itself to an address; a form waits for its button.
#[component]
pub fn LeavingPage() -> impl IntoView {
    let locale = use_locale();
    let posted = use_posted();
    let onward = if posted.intent == "form" {
        let hidden = posted
            .values
            .iter()
            .map(|(name, value)| view! { <input r#type="hidden" name=name.clone() value=value.clone()/> })
            .collect_view();
        view! {
            <p class="plain-text">{td_string!(locale, sso.leaving_form)}</p>
            <form class="stack" method="post" action=posted.action>
                {hidden}
                <Submit tone=Tone::Primary>{td_string!(locale, sso.leaving_do)}</Submit>
            </form>
        }
        .into_any()
    } else {
        view! {
            // Read wherever it stands; the head belongs to all pages.
            <meta http-equiv="refresh" content=format!("0;url={}", posted.action)/>
            <p class="plain-text">{td_string!(locale, sso.leaving_text)}</p>
            <a class="button button-primary" href=posted.action.clone() rel="noreferrer">
                {td_string!(locale, sso.leaving_do)}
            </a>
        }
        .into_any()
    };
    view! { <PlainPage title=td_string!(locale, sso.leaving_heading)>{onward}</PlainPage> }
}
