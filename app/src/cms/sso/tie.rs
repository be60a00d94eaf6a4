//! Somebody whom the provider has proved has an account here already, and proves once that it is theirs.

use leptos::prelude::*;
use leptos_i18n::td_string;

use crate::cms::context::use_posted;
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::plain::PlainPage;
use crate::texts::use_locale;
use crate::ui::{Field, PasswordField, Submit, Tone};

/// The password, and the code where there is a second factor.
#[component]
pub fn TiePage() -> impl IntoView {
    let locale = use_locale();
    let form = use_form("");
    let posted = use_posted();
    let value = |wanted: &str| {
        posted.values.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (connection, email, two_factor) = (value("connection"), value("email"), !value("two_factor").is_empty());
    let code = two_factor.then(|| {
        view! {
            <Field
                name="code"
                label=td_string!(locale, identity.factor_code)
                hint=td_string!(locale, identity.factor_hint)
                error=form.error("code")
                autocomplete="one-time-code"
                required=true
            />
        }
    });
    view! {
        <PlainPage title=td_string!(locale, sso.tie_heading)>
            <p class="plain-text">
                {td_string!(locale, sso.tie_text, connection = connection, email = email.clone())}
            </p>
            <OutcomeBanner/>
            <form class="stack" method="post">
                <input r#type="hidden" name="username" value=email autocomplete="username"/>
                <PasswordField
                    name="password"
                    label=td_string!(locale, identity.password)
                    error=form.error("password")
                    autocomplete="current-password"
                    autofocus=true
                />
                {code}
                <Submit tone=Tone::Primary>{td_string!(locale, sso.tie_do)}</Submit>
                <a class="link" href="/cms/forgot">{td_string!(locale, identity.forgot_link)}</a>
            </form>
        </PlainPage>
    }
}
