//! A new connection: which provider, by which protocol.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::connections::{Kind, Provider};

use super::words;
use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load;
use crate::texts::use_locale;
use crate::ui::{ButtonLink, Choice, Field, PageHead, PageTitle, Select, Submit, Tone};

#[component]
pub fn NewConnectionPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, connections.new)/>
        // Asked only to learn whether the person may be here.
        {load(
            |services, actor| async move { services.connections.list(&actor).await },
            |_, _| view! { <NewConnection/> }.into_any(),
        )}
    }
}

#[component]
fn NewConnection() -> impl IntoView {
    let locale = use_locale();
    let form = use_form("");
    let providers = Provider::ALL.map(|one| Choice::new(one.as_str(), words::provider(locale, one))).to_vec();
    let kinds = Kind::ALL.map(|one| Choice::new(one.as_str(), words::kind(locale, one))).to_vec();
    view! {
        <PageHead
            title=td_string!(locale, connections.new)
            subtitle=Some(td_string!(locale, connections.new_subtitle).into())
        >
            <ButtonLink href="/cms/sign-in-settings/connections">{td_string!(locale, connections.back)}</ButtonLink>
        </PageHead>
        <div class="sections">
            <form class="card stack" method="post">
                <OutcomeBanner/>
                <Select
                    name="provider"
                    label=td_string!(locale, connections.field_provider)
                    options=providers
                    value=form.value("provider", Provider::Entra.as_str())
                    error=form.error("provider")
                />
                <Select
                    name="kind"
                    label=td_string!(locale, connections.field_kind)
                    hint=td_string!(locale, connections.field_kind_hint)
                    options=kinds
                    value=form.value("kind", Kind::Oidc.as_str())
                    error=form.error("kind")
                />
                <Field
                    name="name"
                    label=td_string!(locale, connections.field_label)
                    hint=td_string!(locale, connections.field_label_hint)
                    value=form.value("name", "")
                    error=form.error("name")
                    autocomplete="off"
                    required=true
                />
                <div class="form-actions">
                    <Submit tone=Tone::Primary>{td_string!(locale, connections.create)}</Submit>
                </div>
            </form>
        </div>
    }
}
