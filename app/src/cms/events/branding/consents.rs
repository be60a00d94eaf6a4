//! What guests are asked: a purpose and its wording in each language.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::events::ConsentText;

use crate::cms::forms::{FormState, use_form};
use crate::texts::use_locale;
use crate::ui::{Badge, Field, Submit, TextArea, Tone};

/// All purposes, and an empty one to add the next. A purpose left empty is not sent on.
#[component]
pub fn Consents(consents: Vec<ConsentText>) -> impl IntoView {
    let locale = use_locale();
    let form = use_form("consents");
    let next = consents.len();
    let blank = ConsentText { purpose: String::new(), version: 0, english: String::new(), german: String::new() };
    view! {
        <p class="field-hint">{td_string!(locale, events.consents_hint)}</p>
        <form method="post" enctype="multipart/form-data" class="stack">
            {consents
                .into_iter()
                .enumerate()
                .map(|(index, consent)| view! { <Purpose form=form.clone() index consent/> })
                .collect_view()}
            <Purpose form=form.clone() index=next consent=blank/>
            <div class="form-actions">
                <Submit intent="consents" tone=Tone::Primary>
                    {td_string!(locale, events.consents_save)}
                </Submit>
            </div>
        </form>
    }
}

#[component]
fn Purpose(form: FormState, index: usize, consent: ConsentText) -> impl IntoView {
    let locale = use_locale();
    let ConsentText { purpose, version, english, german } = consent;
    let name = |part: &str| format!("{part}.{index}");
    let legend = if version == 0 {
        view! { <span>{td_string!(locale, events.purpose_new)}</span> }.into_any()
    } else {
        view! {
            <span>{purpose.clone()}</span>
            <Badge>{td_string!(locale, events.consent_version, n = version)}</Badge>
        }
        .into_any()
    };
    view! {
        <fieldset class="events-language">
            <legend>{legend}</legend>
            <Field
                name=name("purpose")
                label=td_string!(locale, events.purpose)
                hint=td_string!(locale, events.purpose_hint)
                value=form.value(&name("purpose"), purpose)
                error=form.error(&name("purpose"))
                readonly=version != 0
            />
            <TextArea
                name=name("english")
                label=td_string!(locale, events.consent_english)
                rows=2
                value=form.value(&name("english"), english)
                error=form.error(&name("english"))
            />
            <TextArea
                name=name("german")
                label=td_string!(locale, events.consent_german)
                rows=2
                value=form.value(&name("german"), german)
                error=form.error(&name("german"))
            />
        </fieldset>
    }
}
