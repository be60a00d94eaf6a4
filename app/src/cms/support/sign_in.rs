//! Signing in as one of the staff: always in two steps, never remembered.

use leptos::prelude::*;
use leptos_i18n::td_string;

use crate::cms::forms::OutcomeBanner;
use crate::cms::identity::fields::{CodeField, SignInFields};
use crate::cms::plain::PlainPage;
use crate::texts::use_locale;
use crate::ui::{Submit, Tone};

/// E-mail address and password.
#[component]
pub fn StaffSignInPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PlainPage title=td_string!(locale, support.sign_in_heading)>
            <p class="plain-text">{td_string!(locale, support.sign_in_text)}</p>
            <OutcomeBanner/>
            <form class="stack" method="post">
                <SignInFields/>
                <Submit tone=Tone::Primary>{td_string!(locale, identity.sign_in)}</Submit>
            </form>
        </PlainPage>
    }
}

/// Code of the authenticator app, or a recovery code.
#[component]
pub fn StaffFactorPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PlainPage title=td_string!(locale, identity.factor_heading)>
            <p class="plain-text">{td_string!(locale, identity.factor_text)}</p>
            <OutcomeBanner/>
            <form class="stack" method="post">
                <CodeField
                    label=td_string!(locale, identity.factor_code)
                    hint=td_string!(locale, identity.factor_hint)
                    autofocus=true
                />
                <Submit tone=Tone::Primary>{td_string!(locale, identity.sign_in)}</Submit>
                <a class="link" href="/support/sign-in">{td_string!(locale, identity.back_to_sign_in)}</a>
            </form>
        </PlainPage>
    }
}
