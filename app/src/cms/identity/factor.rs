//! The second step of signing in, and being asked once more who one is.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::error::Code;

use crate::cms::context::{use_me, use_posted};
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::plain::PlainPage;
use crate::texts::{self, language_of, use_locale};
use crate::ui::{Field, PasswordField, Submit, Text, Tone};

/// Code of the authenticator app, or a recovery code: one field takes both.
#[component]
pub fn FactorPage() -> impl IntoView {
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
                <a class="link" href="/cms/sign-in">{td_string!(locale, identity.back_to_sign_in)}</a>
            </form>
        </PlainPage>
    }
}

/// In the place of a form that asked for something sensitive: proves who one is and sends the form along, so that
/// nothing has to be typed twice.
#[component]
pub fn ConfirmPage() -> impl IntoView {
    let locale = use_locale();
    let posted = use_posted();
    let two_factor = use_me().is_some_and(|me| me.two_factor);
    let email = use_me().map(|me| me.email.get().clone()).unwrap_or_default();
    let wrong = posted.error.as_ref().and_then(|error| error.of("proof"));
    // Asked for the first time, there is nothing wrong; any other error stands above the form.
    let other = posted.error.clone().filter(|error| error.code != Code::ConfirmNeeded && wrong.is_none());
    let error = wrong.map(|code| Text::Borrowed(texts::error(code, language_of(locale))));
    let hidden = posted
        .values
        .iter()
        .map(|(name, value)| view! { <input r#type="hidden" name=name.clone() value=value.clone()/> })
        .collect_view();
    let back = posted.action.clone();
    let field = if two_factor {
        view! {
            <Field
                name="proof"
                label=td_string!(locale, identity.factor_code)
                hint=td_string!(locale, identity.factor_hint)
                error
                autocomplete="one-time-code"
                required=true
                autofocus=true
            />
        }
        .into_any()
    } else {
        view! {
            <input r#type="hidden" name="username" value=email autocomplete="username"/>
            <PasswordField
                name="proof"
                label=td_string!(locale, identity.current_password)
                error
                autocomplete="current-password"
                autofocus=true
            />
        }
        .into_any()
    };
    view! {
        <PlainPage title=td_string!(locale, identity.confirm_heading)>
            <p class="plain-text">{td_string!(locale, identity.confirm_text)}</p>
            {other
                .map(|error| {
                    let (text, request_id) = crate::cms::refusal::banner(&error, language_of(locale));
                    view! { <crate::ui::ErrorBanner text=text request_id=request_id/> }
                })}
            <form class="stack" method="post" action=posted.action>
                {hidden}
                {field}
                <Submit tone=Tone::Primary>{td_string!(locale, identity.confirm_do)}</Submit>
                <a class="link" href=back>{td_string!(locale, common.cancel)}</a>
            </form>
        </PlainPage>
    }
}
