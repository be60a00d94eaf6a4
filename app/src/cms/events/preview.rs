//! The share page as a guest would see it, beside the form that changes it. The server renders it in a frame from the
//! words and colours in the address, so what is shown is the real page.

use std::time::Duration;

use leptos::prelude::*;
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use shutterpost_model::events::Branding;
use shutterpost_model::id::EventId;
use shutterpost_model::language::Language;

use crate::cms::island::Island;
use crate::texts::use_locale;
use crate::ui::alive::typed_into;
use crate::words::encode;

/// How long after the last key the frame is loaded again.
const PAUSE: Duration = Duration::from_millis(400);

/// What the preview depends on, as it stands in the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub accent: String,
    pub backdrop: String,
    pub english: Words,
    pub german: Words,
}

/// The words of one language that the share page shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Words {
    pub headline: String,
    pub message: String,
    pub legal: String,
}

impl Draft {
    /// The state that is saved.
    #[cfg(feature = "ssr")]
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

    fn words_mut(&mut self, language: Language) -> &mut Words {
        match language {
            Language::English => &mut self.english,
            Language::German => &mut self.german,
        }
    }

    /// Takes over what was typed into a field of the form; tells the language of its words.
    fn take_in(&mut self, field: &str, text: String) -> Option<Language> {
        let Some((tag, name)) = field.split_once('.') else {
            match field {
                "accent" => self.accent = text,
                "backdrop" => self.backdrop = text,
                _ => {}
            }
            return None;
        };
        let language = Language::from_tag(tag)?;
        let words = self.words_mut(language);
        match name {
            "headline" => words.headline = text,
            "message" => words.message = text,
            "legal" => words.legal = text,
            _ => return None,
        }
        Some(language)
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Preview {
    pub event: EventId,
    pub draft: Draft,
    pub language: Language,
}

impl Island for Preview {
    const NAME: &'static str = "preview";

    fn view(self) -> AnyView {
        let locale = use_locale();
        let Self { event, draft, language } = self;
        let language = RwSignal::new(language);
        let draft = RwSignal::new(draft);
        typed_into(move |field, text| {
            let of = draft.try_update(|draft| draft.take_in(field, text)).flatten();
            // Whoever types in a language wants to see that one.
            if let Some(of) = of
                && of != language.get_untracked()
            {
                language.set(of);
            }
        });
        let source = move || draft.with(|draft| draft.href(&event, language.get()));
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
        .into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_carries_what_is_typed() {
        let event = EventId::new(1, [1; 10]);
        let mut draft = Draft::of(&Branding::default());
        assert_eq!(draft.take_in("de.headline", "Schön & gut".into()), Some(Language::German));
        let href = draft.href(&event, Language::German);
        assert_eq!(
            href,
            format!(
                "/cms/preview/{event}?accent=%232f5bd7&backdrop=%2314161c&lang=de&headline=Sch%C3%B6n%20%26%20gut&message=&legal="
            )
        );
        draft.take_in("en.legal", "x".repeat(5000));
        assert!(draft.href(&event, Language::English).len() < 1300);
        assert_eq!(draft.take_in("accent", "#112233".into()), None);
        assert_eq!(draft.take_in("de.mail_subject", "not shown".into()), None);
        assert!(draft.href(&event, Language::English).contains("accent=%23112233"));
    }
}
