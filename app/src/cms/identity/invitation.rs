//! The page behind the link of an invitation.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::identity::InvitationView;
use shutterpost_model::language::Language;

use super::fields::{NewPasswordField, WayOut, behind_link};
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::plain::PlainPage;
use crate::texts::{language_of, role, use_locale};
use crate::ui::{Choice, Field, PasswordField, Select, Submit, Tone};

/// Who invites to what, and the form to join.
#[component]
pub fn InvitationPage() -> impl IntoView {
    let locale = use_locale();
    let way_out = WayOut {
        text: td_string!(locale, identity.link_expired_invitation),
        href: "/cms/sign-in",
        label: td_string!(locale, identity.back_to_sign_in),
    };
    behind_link(
        |services, token| async move { services.accounts.invitation(&token).await },
        way_out,
        |invitation| view! { <JoinForm invitation/> }.into_any(),
    )
}

/// The languages as a select offers them.
pub(super) fn languages() -> Vec<Choice> {
    Language::ALL.into_iter().map(|language| Choice::new(language.tag(), language.own_name())).collect()
}

#[component]
fn JoinForm(invitation: InvitationView) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let form = use_form("");
    let email = invitation.email.get().clone();
    let text =
        td_string!(locale, identity.invitation_text, role = role(invitation.role, language), email = email.clone());
    let fields = if invitation.has_account {
        view! {
            <p class="plain-text">{td_string!(locale, identity.invitation_existing)}</p>
            // Ignored where there is an account; the form has the same fields for every invitation.
            <input r#type="hidden" name="language" value=language.tag()/>
            <PasswordField
                name="password"
                label=td_string!(locale, identity.password)
                error=form.error("password")
                autocomplete="current-password"
                autofocus=true
            />
        }
        .into_any()
    } else {
        view! {
            <Field
                name="name"
                label=td_string!(locale, identity.your_name)
                value=form.value("name", "")
                error=form.error("name")
                autocomplete="name"
                required=true
                autofocus=true
            />
            <NewPasswordField label=td_string!(locale, identity.password)/>
            <Select
                name="language"
                label=td_string!(locale, identity.language)
                options=languages()
                value=form.value("language", language.tag())
                error=form.error("language")
            />
        }
        .into_any()
    };
    view! {
        <PlainPage title=td_string!(locale, identity.invitation_heading, organisation = invitation.organisation)>
            <p class="plain-text">{text}</p>
            <OutcomeBanner/>
            <form class="stack" method="post">
                // For password managers: which account the password belongs to.
                <input r#type="hidden" name="username" value=email autocomplete="username"/>
                {fields}
                <Submit tone=Tone::Primary>{td_string!(locale, identity.invitation_join)}</Submit>
            </form>
        </PlainPage>
    }
}
