//! Signing in.

use leptos::prelude::*;
use leptos_i18n::td_string;

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::identity::fields::SignInFields;
use crate::cms::identity::passkeys::PasskeyForm;
use crate::cms::plain::PlainPage;
use crate::texts::use_locale;
use crate::ui::{Checkbox, Submit, Tone};

/// E-mail address and password; the form posts to its own address, so that `next` comes along.
#[component]
pub fn SignInPage() -> impl IntoView {
    let locale = use_locale();
    let form = use_form("");
    view! {
        <PlainPage title=td_string!(locale, identity.sign_in_heading)>
            <OutcomeBanner/>
            <form class="stack" method="post">
                <SignInFields autocomplete="username webauthn"/>
                <div class="spread">
                    <Checkbox
                        name="remember"
                        label=td_string!(locale, identity.remember)
                        checked=form.checked("remember", false)
                    />
                    <a class="link" href="/cms/forgot">{td_string!(locale, identity.forgot_link)}</a>
                </div>
                <Submit tone=Tone::Primary>{td_string!(locale, identity.sign_in)}</Submit>
                // The address alone: whether it leads to a company's own sign-in its domain says.
                <button class="button" name="company" value="on" formnovalidate=true>
                    <span class="button-text">{td_string!(locale, connections.sign_in_company)}</span>
                </button>
            </form>
            <OutcomeBanner intent="passkey"/>
            <PasskeyForm
                ask="/cms/sign-in/passkey"
                autofill=true
                label=td_string!(locale, passkeys.sign_in)
                failed=td_string!(locale, passkeys.sign_in_failed)
            >
                <input r#type="hidden" name="intent" value="passkey"/>
            </PasskeyForm>
        </PlainPage>
    }
}
