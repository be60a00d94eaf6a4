//! Setting a new password by mail.

use leptos::prelude::*;
use leptos_i18n::td_string;
use leptos_router::hooks::use_query_map;

use super::fields::{NewPasswordField, WayOut, behind_link};
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::plain::PlainPage;
use crate::texts::use_locale;
use crate::ui::{ButtonLink, Field, Submit, Tone};

/// Asks for the address; afterwards says the same whether or not it has an account.
#[component]
pub fn ForgotPage() -> impl IntoView {
    let locale = use_locale();
    let form = use_form("");
    let sent =
        use_query_map().with_untracked(|query| query.get_str("done") == Some("reset_requested")) && !form.failed();
    if sent {
        return view! {
            <PlainPage title=td_string!(locale, identity.forgot_sent_heading)>
                <p>{td_string!(locale, identity.forgot_sent_text)}</p>
                <ButtonLink href="/cms/sign-in">{td_string!(locale, identity.back_to_sign_in)}</ButtonLink>
            </PlainPage>
        }
        .into_any();
    }
    view! {
        <PlainPage title=td_string!(locale, identity.forgot_heading)>
            <p class="plain-text">{td_string!(locale, identity.forgot_text)}</p>
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
                    autofocus=true
                />
                <Submit tone=Tone::Primary>{td_string!(locale, identity.forgot_send)}</Submit>
                <a class="link" href="/cms/sign-in">{td_string!(locale, identity.back_to_sign_in)}</a>
            </form>
        </PlainPage>
    }
    .into_any()
}

/// The page behind the link in the mail.
#[component]
pub fn ResetPage() -> impl IntoView {
    let locale = use_locale();
    let way_out = WayOut {
        text: td_string!(locale, identity.link_expired_reset),
        href: "/cms/forgot",
        label: td_string!(locale, identity.ask_again),
    };
    behind_link(
        |services, token| async move { services.accounts.check_reset(&token).await },
        way_out,
        |()| view! { <ResetForm/> }.into_any(),
    )
}

#[component]
fn ResetForm() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PlainPage title=td_string!(locale, identity.reset_heading)>
            <p class="plain-text">{td_string!(locale, identity.reset_text)}</p>
            <OutcomeBanner/>
            <form class="stack" method="post">
                <NewPasswordField label=td_string!(locale, identity.new_password) autofocus=true/>
                <Submit tone=Tone::Primary>{td_string!(locale, identity.reset_save)}</Submit>
            </form>
        </PlainPage>
    }
}
