//! Domains of the organisation: proved by DNS, they lead people to the right connection.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::connections::ConnectionSummary;
use shutterpost_model::connections::domains::DomainView;

use crate::cms::forms::{OutcomeBanner, use_form};
use crate::cms::load::load;
use crate::texts::{language_of, use_locale};
use crate::ui::{
    Badge, Banner, ButtonLink, Choice, CopyButton, Field, Meaning, PageHead, PageTitle, Select, Submit, Tone,
};

#[component]
pub fn DomainsPage() -> impl IntoView {
    let locale = use_locale();
    view! {
        <PageTitle text=td_string!(locale, connections.domains)/>
        {load(
            |services, actor| async move {
                Ok((services.domains.list(&actor).await?, services.connections.list(&actor).await?))
            },
            |_, (domains, connections)| view! { <Domains domains connections/> }.into_any(),
        )}
    }
}

#[component]
fn Domains(domains: Vec<DomainView>, connections: Vec<ConnectionSummary>) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("add");
    let cards = domains
        .into_iter()
        .enumerate()
        .map(|(index, domain)| view! { <Domain index domain connections=connections.clone()/> })
        .collect_view();
    view! {
        <PageHead
            title=td_string!(locale, connections.domains)
            subtitle=Some(td_string!(locale, connections.domains_subtitle).into())
        >
            <ButtonLink href="/cms/sign-in-settings">{td_string!(locale, connections.domains_back)}</ButtonLink>
        </PageHead>
        <div class="sections sections-wide">
            {["verify", "route", "remove"].map(|intent| view! { <OutcomeBanner intent/> }).collect_view()}
            {cards}
            <section class="card" aria-labelledby="add-title">
                <h2 class="section-title" id="add-title">{td_string!(locale, connections.domain_add)}</h2>
                <form class="stack" method="post">
                    <OutcomeBanner intent="add"/>
                    <Field
                        name="domain"
                        label=td_string!(locale, connections.domain)
                        hint=td_string!(locale, connections.domain_hint)
                        value=form.value("domain", "")
                        error=form.error("domain")
                        autocomplete="off"
                        required=true
                    />
                    <div class="form-actions">
                        <Submit intent="add" tone=Tone::Primary>{td_string!(locale, connections.domain_add)}</Submit>
                    </div>
                </form>
            </section>
        </div>
    }
}

#[component]
fn Domain(index: usize, domain: DomainView, connections: Vec<ConnectionSummary>) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    let DomainView { domain: name, record, proof, verified_at, failing_since, connection } = domain;
    let (meaning, text) = match (verified_at, failing_since) {
        (Some(_), None) => (Meaning::Good, td_string!(locale, connections.domain_verified)),
        (Some(_), Some(_)) => (Meaning::Warn, td_string!(locale, connections.domain_failing)),
        (None, _) => (Meaning::Neutral, td_string!(locale, connections.domain_open)),
    };
    let failing = verified_at.and(failing_since).map(|since| {
        let text = td_string!(locale, connections.domain_failing_text, date = since.date().readable(language));
        view! { <Banner meaning=Meaning::Warn><p>{text}</p></Banner> }
    });
    let values = [
        (td_string!(locale, connections.domain_record), record),
        (td_string!(locale, connections.domain_value), proof),
    ];
    let values = values.map(|(label, value)| {
        let copy = td_string!(locale, connections.copy_value, name = label);
        view! {
            <div class="list-row">
                <div>
                    <span class="field-label">{label}</span>
                    <code class="own-value">{value.clone()}</code>
                </div>
                <CopyButton text=value label=copy icon_only=true/>
            </div>
        }
    });
    let mut choices = vec![Choice::new("", td_string!(locale, connections.domain_nowhere))];
    choices.extend(connections.into_iter().map(|one| Choice::new(one.id.to_string(), one.name)));
    let chosen = connection.map(|id| id.to_string()).unwrap_or_default();
    let title = format!("domain-{index}");
    let hidden = {
        let name = name.clone();
        move || view! { <input r#type="hidden" name="domain" value=name.clone()/> }
    };
    view! {
        <section class="card" aria-labelledby=title.clone()>
            <h2 class="section-title" id=title.clone()>{name} " " <Badge meaning>{text}</Badge></h2>
            {failing}
            <p>{td_string!(locale, connections.domain_text)}</p>
            {values.collect_view()}
            <form class="stack" method="post">
                {hidden()}
                <Select
                    id=format!("connection-{index}")
                    name="connection"
                    label=td_string!(locale, connections.domain_connection)
                    hint=td_string!(locale, connections.domain_connection_hint)
                    options=choices
                    value=chosen
                />
                <div class="form-actions">
                    <Submit intent="route">{td_string!(locale, connections.save)}</Submit>
                </div>
            </form>
            <form method="post">
                {hidden()}
                <div class="form-actions">
                    <Submit intent="verify" tone=Tone::Primary>{td_string!(locale, connections.domain_verify)}</Submit>
                    <Submit intent="remove" tone=Tone::Danger>{td_string!(locale, connections.domain_remove)}</Submit>
                </div>
            </form>
        </section>
    }
}
