//! The fields of the branding form. The preview listens to what is typed into them.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::events::{BrandTexts, Branding, Logo};
use shutterpost_model::language::Language;

use crate::cms::forms::FormState;
use crate::texts::{language_of, use_locale};
use crate::ui::{Checkbox, Field, TextArea};

/// The client's words in one language: those of the page, or those of the mail.
#[component]
pub fn LanguageTexts(form: FormState, language: Language, texts: BrandTexts, mail: bool) -> impl IntoView {
    let locale = use_locale();
    let tag = language.tag();
    let heading = match language {
        Language::English => td_string!(locale, events.texts_en),
        Language::German => td_string!(locale, events.texts_de),
    };
    let name = |part: &str| format!("{tag}.{part}");
    let fields = if mail {
        view! {
            <Field
                name=name("mail_subject")
                label=td_string!(locale, events.mail_subject)
                hint=td_string!(locale, events.mail_subject_hint)
                value=form.value(&name("mail_subject"), texts.mail_subject)
                error=form.error(&name("mail_subject"))
            />
            <TextArea
                name=name("mail_message")
                label=td_string!(locale, events.mail_message)
                hint=td_string!(locale, events.mail_message_hint)
                value=form.value(&name("mail_message"), texts.mail_message)
                error=form.error(&name("mail_message"))
            />
        }
        .into_any()
    } else {
        view! {
            <Field
                name=name("headline")
                label=td_string!(locale, events.headline)
                hint=td_string!(locale, events.headline_hint)
                value=form.value(&name("headline"), texts.headline)
                error=form.error(&name("headline"))
            />
            <TextArea
                name=name("message")
                label=td_string!(locale, events.message)
                hint=td_string!(locale, events.message_hint)
                value=form.value(&name("message"), texts.message)
                error=form.error(&name("message"))
            />
            <TextArea
                name=name("legal")
                label=td_string!(locale, events.legal)
                hint=td_string!(locale, events.legal_hint)
                rows=2
                value=form.value(&name("legal"), texts.legal)
                error=form.error(&name("legal"))
            />
        }
        .into_any()
    };
    view! {
        <fieldset class="events-language" lang=tag>
            <legend lang=language_of(locale).tag()>{heading}</legend>
            {fields}
        </fieldset>
    }
}

/// Where guests read what the law wants them to be able to read.
#[component]
pub fn Addresses(form: FormState, branding: Branding) -> impl IntoView {
    let locale = use_locale();
    view! {
        <div class="events-pair">
            <Field
                name="privacy_url"
                label=td_string!(locale, events.privacy_url)
                hint=td_string!(locale, events.url_hint)
                kind="url"
                value=form.value("privacy_url", branding.privacy_url)
                error=form.error("privacy_url")
                placeholder="https://"
            />
            <Field
                name="imprint_url"
                label=td_string!(locale, events.imprint_url)
                hint=td_string!(locale, events.url_hint)
                kind="url"
                value=form.value("imprint_url", branding.imprint_url)
                error=form.error("imprint_url")
                placeholder="https://"
            />
        </div>
    }
}

/// The logo and whether it goes into the pictures.
#[component]
pub fn Picture(form: FormState, logo: Option<Logo>, mark: bool) -> impl IntoView {
    let locale = use_locale();
    view! {
        {match logo {
            Some(Logo { url, width, height, .. }) => {
                view! {
                    <div class="events-logo">
                        <img
                            src=url
                            width=width.to_string()
                            height=height.to_string()
                            alt=td_string!(locale, events.logo_now)
                        />
                    </div>
                    <Checkbox
                        name="remove_logo"
                        label=td_string!(locale, events.logo_remove)
                        checked=form.checked("remove_logo", false)
                    />
                }
                    .into_any()
            }
            None => view! { <p class="muted">{td_string!(locale, events.logo_none)}</p> }.into_any(),
        }}
        <Field
            name="logo"
            label=td_string!(locale, events.logo)
            hint=td_string!(locale, events.logo_hint)
            kind="file"
            accept="image/png,image/webp,image/jpeg"
            error=form.error("logo")
        />
        <Checkbox
            name="mark_pictures"
            label=td_string!(locale, events.mark_pictures)
            hint=td_string!(locale, events.mark_hint)
            checked=form.checked("mark_pictures", mark)
        />
    }
}
