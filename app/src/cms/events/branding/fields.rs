//! The fields of the branding form. Each input also goes to the draft that the preview shows.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::events::{BrandTexts, Branding, Logo};
use shutterpost_model::language::Language;

use super::super::contrast::{Contrast, judge, ratio_text};
use super::super::preview::{Draft, Words};
use crate::cms::forms::FormState;
use crate::texts::{language_of, use_locale};
use crate::ui::{Button, Checkbox, Field, Icon, IconName, Text, TextArea, Tone};

/// Accent and backdrop, with a verdict on how well one stands out from the other.
#[component]
pub fn Colours(form: FormState, branding: Branding, draft: RwSignal<Draft>) -> impl IntoView {
    let locale = use_locale();
    let accent = form.value("accent", branding.accent.to_string());
    let backdrop = form.value("backdrop", branding.backdrop.to_string());
    let point = match language_of(locale) {
        Language::English => '.',
        Language::German => ',',
    };
    let verdict = Memo::new(move |_| draft.with(|draft| judge(&draft.accent, &draft.backdrop)));
    let words = move || match verdict.get() {
        Contrast::Unknown => ().into_any(),
        Contrast::Good(ratio) => {
            let text = td_string!(locale, events.contrast_good, ratio = ratio_text(ratio, point));
            view! {
                <p class="events-verdict events-verdict-good">
                    <Icon name=IconName::Check/>
                    <span>{text}</span>
                </p>
            }
            .into_any()
        }
        Contrast::Bad(ratio, offer) => {
            let text = td_string!(locale, events.contrast_bad, ratio = ratio_text(ratio, point));
            let use_offer = Callback::new(move |()| draft.update(|draft| draft.accent = offer.to_string()));
            view! {
                <p class="events-verdict events-verdict-bad">
                    <Icon name=IconName::Warning/>
                    <span>{text}</span>
                </p>
                <Button on_press=use_offer tone=Tone::Quiet icon=IconName::Brush>
                    {td_string!(locale, events.contrast_use, colour = offer.to_string())}
                </Button>
            }
            .into_any()
        }
    };
    view! {
        <div class="events-pair">
            <ColourField
                name="accent"
                label=td_string!(locale, events.accent)
                hint=td_string!(locale, events.accent_hint)
                value=accent
                error=form.error("accent")
                typed=Signal::derive(move || draft.with(|draft| draft.accent.clone()))
                on_input=Callback::new(move |text| draft.update(|draft| draft.accent = text))
            />
            <ColourField
                name="backdrop"
                label=td_string!(locale, events.backdrop)
                hint=td_string!(locale, events.backdrop_hint)
                value=backdrop
                error=form.error("backdrop")
                typed=Signal::derive(move || draft.with(|draft| draft.backdrop.clone()))
                on_input=Callback::new(move |text| draft.update(|draft| draft.backdrop = text))
            />
        </div>
        <div role="status">{words}</div>
    }
}

/// A native colour picker with its value in words beside it.
#[component]
fn ColourField(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: Text,
    error: Option<Text>,
    typed: Signal<String>,
    on_input: Callback<String>,
) -> impl IntoView {
    let described = if error.is_some() { format!("{name}-error {name}-hint") } else { format!("{name}-hint") };
    view! {
        <div class="field">
            <label class="field-label" for=name>{label}</label>
            <span class="events-colour">
                <input
                    class="events-colour-input"
                    r#type="color"
                    id=name
                    name=name
                    value=value
                    prop:value=move || typed.get()
                    aria-invalid=error.is_some().then_some("true")
                    aria-describedby=described
                    on:input=move |event| on_input.run(event_target_value(&event))
                />
                <code class="events-colour-value">{move || typed.get()}</code>
            </span>
            {error.map(|error| view! { <p class="field-error" id=format!("{name}-error")>{error}</p> })}
            <p class="field-hint" id=format!("{name}-hint")>{hint}</p>
        </div>
    }
}

/// The client's words in one language: those of the page, or those of the mail.
#[component]
pub fn LanguageTexts(
    form: FormState,
    language: Language,
    texts: BrandTexts,
    mail: bool,
    draft: RwSignal<Draft>,
    shown_language: RwSignal<Language>,
) -> impl IntoView {
    let locale = use_locale();
    let tag = language.tag();
    let heading = match language {
        Language::English => td_string!(locale, events.texts_en),
        Language::German => td_string!(locale, events.texts_de),
    };
    // Whoever types in a language wants to see that one.
    let typed = move |place: fn(&mut Words) -> &mut String| {
        Callback::new(move |text: String| {
            draft.update(|draft| *place(draft.words_mut(language)) = text);
            if shown_language.get_untracked() != language {
                shown_language.set(language);
            }
        })
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
                on_input=typed(|words| &mut words.headline)
            />
            <TextArea
                name=name("message")
                label=td_string!(locale, events.message)
                hint=td_string!(locale, events.message_hint)
                value=form.value(&name("message"), texts.message)
                error=form.error(&name("message"))
                on_input=typed(|words| &mut words.message)
            />
            <TextArea
                name=name("legal")
                label=td_string!(locale, events.legal)
                hint=td_string!(locale, events.legal_hint)
                rows=2
                value=form.value(&name("legal"), texts.legal)
                error=form.error(&name("legal"))
                on_input=typed(|words| &mut words.legal)
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
