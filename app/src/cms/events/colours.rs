//! Accent and backdrop, with a verdict on how well one stands out from the other.

use leptos::prelude::*;
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast;

use shutterpost_model::language::Language;

use super::contrast::{Contrast, judge, ratio_text};
use crate::cms::island::Island;
use crate::texts::{language_of, use_locale};
use crate::ui::{Button, Icon, IconName, Tone};

/// The two colours as they stand in the form, and what is wrong with them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Colours {
    pub accent: String,
    pub backdrop: String,
    pub accent_error: Option<String>,
    pub backdrop_error: Option<String>,
}

impl Island for Colours {
    const NAME: &'static str = "colours";

    fn view(self) -> AnyView {
        let locale = use_locale();
        let Self { accent, backdrop, accent_error, backdrop_error } = self;
        let accent = RwSignal::new(accent);
        let backdrop = RwSignal::new(backdrop);
        let point = match language_of(locale) {
            Language::English => '.',
            Language::German => ',',
        };
        let verdict = Memo::new(move |_| judge(&accent.read(), &backdrop.read()));
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
                let offer = offer.to_string();
                let label = td_string!(locale, events.contrast_use, colour = offer.clone());
                view! {
                    <p class="events-verdict events-verdict-bad">
                        <Icon name=IconName::Warning/>
                        <span>{text}</span>
                    </p>
                    <Button
                        on_press=Callback::new(move |()| type_into("accent", &offer))
                        tone=Tone::Quiet
                        icon=IconName::Brush
                    >
                        {label}
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
                    error=accent_error
                    value=accent
                />
                <ColourField
                    name="backdrop"
                    label=td_string!(locale, events.backdrop)
                    hint=td_string!(locale, events.backdrop_hint)
                    error=backdrop_error
                    value=backdrop
                />
            </div>
            <div role="status">{words}</div>
        }
        .into_any()
    }
}

/// Writes into a field as if somebody typed there, so that all who listen hear it.
fn type_into(id: &str, text: &str) {
    let field = document().get_element_by_id(id).and_then(|field| field.dyn_into::<web_sys::HtmlInputElement>().ok());
    let Some(field) = field else { return };
    field.set_value(text);
    let init = web_sys::EventInit::new();
    init.set_bubbles(true);
    if let Ok(event) = web_sys::Event::new_with_event_init_dict("input", &init) {
        // Tells whether somebody prevented the default; input events have none.
        drop(field.dispatch_event(&event));
    }
}

/// A native colour picker with its value in words beside it.
#[component]
fn ColourField(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    error: Option<String>,
    value: RwSignal<String>,
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
                    value=value.get_untracked()
                    aria-invalid=error.is_some().then_some("true")
                    aria-describedby=described
                    on:input=move |event| value.set(event_target_value(&event))
                />
                <code class="events-colour-value">{move || value.get()}</code>
            </span>
            {error.map(|error| view! { <p class="field-error" id=format!("{name}-error")>{error}</p> })}
            <p class="field-hint" id=format!("{name}-hint")>{hint}</p>
        </div>
    }
}
