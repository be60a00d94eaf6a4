//! The share page as a guest would see it, beside the form that changes it. The server renders it in a frame from the
//! words and colours in the address, so what is shown is the real page.

use std::time::Duration;

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::events::Branding;
use shutterpost_model::id::EventId;
use shutterpost_model::language::Language;

use crate::cms::words::encode;
use crate::texts::use_locale;

/// How long after the last key the frame is loaded again.
const PAUSE: Duration = Duration::from_millis(400);

/// What the preview depends on, as it stands in the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub accent: String,
    pub backdrop: String,
    pub english: Words,
    pub german: Words,
}

/// The words of one language that the share page shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    pub headline: String,
    pub message: String,
    pub legal: String,
}

impl Draft {
    /// The state that is saved.
    pub fn of(branding: &Branding) -> Self {
        let words = |language| {
            let texts = branding.texts(language);
            Words { headline: texts.headline.clone(), message: texts.message.clone(), legal: texts.legal.clone() }
        };
        Self {
            accent: branding.accent.to_string(),
            backdrop: branding.backdrop.to_string(),
            english: words(Language::English),
            german: words(Language::German),
        }
    }

    pub fn words_mut(&mut self, language: Language) -> &mut Words {
        match language {
            Language::English => &mut self.english,
            Language::German => &mut self.german,
        }
    }

    /// The address of the preview. Long texts are cut, because an address has its limits; the page itself has not.
    fn href(&self, event: &EventId, language: Language) -> String {
        let words = match language {
            Language::English => &self.english,
            Language::German => &self.german,
        };
        let cut = |text: &str| encode(&text.chars().take(1000).collect::<String>());
        format!(
            "/cms/preview/{event}?accent={}&backdrop={}&lang={}&headline={}&message={}&legal={}",
            encode(&self.accent),
            encode(&self.backdrop),
            language.tag(),
            cut(&words.headline),
            cut(&words.message),
            cut(&words.legal),
        )
    }
}

/// A phone with the share page in it.
#[component]
pub fn Preview(event: EventId, draft: RwSignal<Draft>, language: RwSignal<Language>) -> impl IntoView {
    let locale = use_locale();
    let source = {
        let event = event.clone();
        move || draft.with(|draft| draft.href(&event, language.get()))
    };
    let shown = RwSignal::new(untrack(&source));
    // Waits until nobody has typed for a moment; the frame would flicker otherwise.
    Effect::new(move |before: Option<()>| {
        let href = source();
        if before.is_some()
            && let Ok(timer) = set_timeout_with_handle(move || drop(shown.try_set(href)), PAUSE)
        {
            on_cleanup(move || timer.clear());
        }
    });
    let tab = move |other: Language| {
        view! {
            <button
                r#type="button"
                class="chip"
                aria-pressed=move || if language.get() == other { "true" } else { "false" }
                on:click=move |_| language.set(other)
            >
                {other.own_name()}
            </button>
        }
    };
    view! {
        <aside class="events-preview" aria-label=td_string!(locale, events.preview)>
            <div class="events-preview-head">
                <h2>{td_string!(locale, events.preview)}</h2>
                <div class="chips" role="group" aria-label=td_string!(locale, events.preview_language)>
                    {Language::ALL.map(tab)}
                </div>
            </div>
            <div class="events-phone">
                <iframe
                    class="events-phone-screen"
                    src=shown
                    title=td_string!(locale, events.preview_title)
                    sandbox="allow-same-origin"
                ></iframe>
            </div>
            <p class="field-hint">{td_string!(locale, events.preview_hint)}</p>
        </aside>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_carries_what_is_typed() {
        let event = EventId::new(1, [1; 10]);
        let mut draft = Draft::of(&Branding::default());
        draft.words_mut(Language::German).headline = "Schön & gut".into();
        let href = draft.href(&event, Language::German);
        assert_eq!(
            href,
            format!(
                "/cms/preview/{event}?accent=%232f5bd7&backdrop=%2314161c&lang=de&headline=Sch%C3%B6n%20%26%20gut&message=&legal="
            )
        );
        draft.words_mut(Language::English).legal = "x".repeat(5000);
        assert!(draft.href(&event, Language::English).len() < 1300);
    }
}
