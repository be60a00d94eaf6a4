//! Signing in as one of the staff: always in two steps, never remembered.

use leptos::prelude::*;
use leptos_i18n::td_string;

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::plain::PlainPage;
use crate::texts::use_locale;
use crate::ui::{Field, PasswordField, Submit, Tone};

/// E-mail address and password.
#[component]
pub fn StaffSignInPage() -> impl IntoView {
    let locale = use_locale();
    let form = use_form("");
    let refused = form.failed();
    view! {
        <PlainPage title=td_string!(locale, support.sign_in_heading)>
            <p class="plain-text">{td_string!(locale, support.sign_in_text)}</p>
            <OutcomeBanner/>
            <form class="stack" method="post">
                <Field
                    name="email"
                    label=td_string!(locale, identity.email)
                    kind="email"
                    value=form.value("email", "")
                    error=form.error("email")
                    autocomplete="username"
                    required=true
                    autofocus=!refused
                />
                <PasswordField
                    name="password"
                    label=td_string!(locale, identity.password)
                    autocomplete="current-password"
                    error=form.error("password")
                    autofocus=refused
                />
                <Submit tone=Tone::Primary>{td_string!(locale, identity.sign_in)}</Submit>
            </form>
        </PlainPage>
    }
}

/// Code of the authenticator app, or a recovery code.
#[component]
pub fn StaffFactorPage() -> impl IntoView {
    let locale = use_locale();
    let form = use_form("");
    view! {
        <PlainPage title=td_string!(locale, identity.factor_heading)>
            <p class="plain-text">{td_string!(locale, identity.factor_text)}</p>
            <OutcomeBanner/>
            <form class="stack" method="post">
                <Field
                    name="code"
                    label=td_string!(locale, identity.factor_code)
                    hint=td_string!(locale, identity.factor_hint)
                    error=form.error("code")
                    autocomplete="one-time-code"
                    required=true
                    autofocus=true
                />
                <Submit tone=Tone::Primary>{td_string!(locale, identity.sign_in)}</Submit>
                <a class="link" href="/support/sign-in">{td_string!(locale, identity.back_to_sign_in)}</a>
            </form>
        </PlainPage>
    }
}
