//! When signing in by the provider went wrong.

use leptos::prelude::*;
use leptos_i18n::td_string;

use super::words::meaning;
use crate::cms::context::use_posted;
use crate::cms::plain::PlainPage;
use crate::texts::use_locale;

/// What was wrong in plain words, and its stable name with the request's id for whoever has to mend it.
#[component]
pub fn RefusedPage() -> impl IntoView {
    let locale = use_locale();
    let posted = use_posted();
    let reference = posted.error.and_then(|error| error.request_id).unwrap_or_default();
    let check = posted.intent;
    view! {
        <PlainPage title=td_string!(locale, sso.refused_heading)>
            <p class="plain-text">{meaning(locale, &check)}</p>
            <a class="button button-primary" href="/cms/sign-in">{td_string!(locale, identity.back_to_sign_in)}</a>
            <p class="reference">
                {td_string!(locale, sso.refused_reference, check = check.clone(), id = reference)}
            </p>
        </PlainPage>
    }
}
