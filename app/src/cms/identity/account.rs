//! One's own name, language, password and organisations.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::identity::Me;

use super::invitation::languages;
use crate::cms::context::use_me;
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::texts::{language_of, role, use_locale};
use crate::ui::{Badge, ButtonLink, Field, Meaning, PageHead, PageTitle, PasswordField, Select, Submit, Tone};

/// The account of the signed-in person.
#[component]
pub fn AccountPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, identity.account)/>
        {use_me().map(|me| view! { <Account me/> })}
    }
}

#[component]
fn Account(me: Me) -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageHead title=td_string!(locale, identity.account)/>
        <div class="sections">
            <Profile me=me.clone()/>
            <SecurityCard/>
            <ChangePassword email=me.email.get().clone()/>
            {(me.organisations.len() > 1).then(|| view! { <MyOrganisations me/> })}
        </div>
    }
}

#[component]
fn Profile(me: Me) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("profile");
    view! {
        <section class="card" aria-labelledby="profile-title">
            <h2 class="section-title" id="profile-title">{td_string!(locale, identity.profile)}</h2>
            <OutcomeBanner intent="profile"/>
            <form class="stack" method="post">
                <Field
                    name="name"
                    label=td_string!(locale, identity.name)
                    value=form.value("name", me.name.get().clone())
                    error=form.error("name")
                    autocomplete="name"
                    required=true
                />
                <Field
                    name="email"
                    label=td_string!(locale, identity.email)
                    kind="email"
                    value=me.email.get().clone()
                    hint=td_string!(locale, identity.email_fixed)
                    readonly=true
                />
                <Select
                    name="language"
                    label=td_string!(locale, identity.language)
                    options=languages()
                    value=form.value("language", me.language.tag())
                    error=form.error("language")
                />
                <div class="form-actions">
                    <Submit intent="profile" tone=Tone::Primary>{td_string!(locale, identity.profile_save)}</Submit>
                </div>
            </form>
        </section>
    }
}

#[component]
fn SecurityCard() -> impl IntoView {
    let locale = use_locale();
    view! {
        <section class="card" aria-labelledby="security-title">
            <h2 class="section-title" id="security-title">{td_string!(locale, identity.security)}</h2>
            <p>{td_string!(locale, identity.security_text)}</p>
            <div class="form-actions">
                <ButtonLink href="/cms/account/security">{td_string!(locale, identity.security_open)}</ButtonLink>
            </div>
        </section>
    }
}

#[component]
fn ChangePassword(email: String) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("password");
    view! {
        <section class="card" aria-labelledby="password-title">
            <h2 class="section-title" id="password-title">{td_string!(locale, identity.change_password)}</h2>
            <OutcomeBanner intent="password"/>
            <form class="stack" method="post">
                <input r#type="hidden" name="username" value=email autocomplete="username"/>
                <PasswordField
                    name="current"
                    label=td_string!(locale, identity.current_password)
                    error=form.error("current")
                    autocomplete="current-password"
                />
                <PasswordField
                    name="new"
                    label=td_string!(locale, identity.new_password)
                    hint=td_string!(locale, identity.new_password_hint)
                    error=form.error("new")
                    autocomplete="new-password"
                />
                <p class="field-hint">{td_string!(locale, identity.change_password_hint)}</p>
                <div class="form-actions">
                    <Submit intent="password">{td_string!(locale, identity.change_password)}</Submit>
                </div>
            </form>
        </section>
    }
}

#[component]
fn MyOrganisations(me: Me) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let current = me.current.map(|current| current.id);
    let rows = me
        .organisations
        .into_iter()
        .map(|one| {
            let action = if current.as_ref() == Some(&one.id) {
                view! {
                    <Badge meaning=Meaning::Good>{td_string!(locale, identity.organisation_current)}</Badge>
                }
                .into_any()
            } else {
                view! {
                    <form method="post">
                        <input r#type="hidden" name="organisation" value=one.id.into_string()/>
                        <Submit intent="organisation">{td_string!(locale, identity.organisation_switch)}</Submit>
                    </form>
                }
                .into_any()
            };
            view! {
                <li class="list-row">
                    <span>
                        <span class="cell-main">{one.name}</span>
                        <span class="cell-sub">{role(one.role, language)}</span>
                    </span>
                    {action}
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="organisations-title">
            <h2 class="section-title" id="organisations-title">{td_string!(locale, identity.organisations)}</h2>
            <p class="muted">{td_string!(locale, identity.organisations_text)}</p>
            <OutcomeBanner intent="organisation"/>
            <ul class="list">{rows}</ul>
        </section>
    }
}
