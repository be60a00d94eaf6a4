//! What the forms of signing in and joining share, for users and for the staff.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::error::{AppError, Code};
use shutterpost_model::services::Services;

use crate::cms::context::CmsError;
use crate::cms::error_page::ErrorPage;
use crate::cms::forms::use_form;
use crate::cms::load::load_by_token;
use crate::cms::plain::PlainPage;
use crate::texts::use_locale;
use crate::ui::{ButtonLink, Field, PasswordField, Text, Tone};

/// Address and password. After a refusal the address stands there already, and the password is what to type.
#[component]
pub(in crate::cms) fn SignInFields(
    /// What browsers fill the address with.
    #[prop(default = "username")]
    autocomplete: &'static str,
) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("");
    let refused = form.failed();
    view! {
        <Field
            name="email"
            label=td_string!(locale, identity.email)
            kind="email"
            value=form.value("email", "")
            error=form.error("email")
            autocomplete
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
    }
}

/// A password that is chosen here.
#[component]
pub(in crate::cms) fn NewPasswordField(#[prop(into)] label: Text, #[prop(optional)] autofocus: bool) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("");
    view! {
        <PasswordField
            name="password"
            label
            hint=td_string!(locale, identity.new_password_hint)
            error=form.error("password")
            autocomplete="new-password"
            autofocus
        />
    }
}

/// A code of an authenticator app, or what stands in for it.
#[component]
pub(in crate::cms) fn CodeField(
    /// The form's intent; empty on pages with one form.
    #[prop(optional)]
    intent: &'static str,
    #[prop(into)] label: Text,
    #[prop(into)] hint: Text,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let form = use_form(intent);
    view! {
        <Field
            name="code"
            label
            hint
            error=form.error("code")
            autocomplete="one-time-code"
            required=true
            autofocus
        />
    }
}

/// Where somebody goes whose mailed link is no longer good.
#[derive(Clone, Copy)]
pub(in crate::cms) struct WayOut {
    /// Why, and what to do.
    pub(in crate::cms) text: &'static str,
    pub(in crate::cms) href: &'static str,
    pub(in crate::cms) label: &'static str,
}

/// The page behind a mailed link.
pub(in crate::cms) fn behind_link<T, F>(
    fetch: impl FnOnce(Services, String) -> F + Send + 'static,
    way_out: WayOut,
    page: impl FnOnce(T) -> AnyView + Send + 'static,
) -> AnyView
where
    F: Future<Output = Result<T, AppError>> + Send + 'static,
    T: Send + 'static,
{
    load_by_token(fetch, move |found| match found {
        Ok(found) => page(found),
        Err(error) => view! { <DeadLink error way_out/> }.into_any(),
    })
}

#[component]
fn DeadLink(error: CmsError, way_out: WayOut) -> impl IntoView {
    let locale = use_locale();
    let WayOut { text, href, label } = way_out;
    if error.0.code != Code::LinkExpired {
        return view! { <main class="plain"><ErrorPage error/></main> }.into_any();
    }
    view! {
        <PlainPage title=td_string!(locale, identity.link_expired_heading)>
            <p class="plain-text">{text}</p>
            <ButtonLink href=href tone=Tone::Primary>{label}</ButtonLink>
        </PlainPage>
    }
    .into_any()
}
