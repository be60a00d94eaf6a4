//! Texts that belong to no page: errors, reasons, roles, numbers.
//!
//! Every text is asked for with the language it is wanted in (`td_string!`); leptos_i18n's own context would add 44 kB
//! to the bundle. The language of a page is fixed while it is shown: a change of language is a form, so a new page.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::error::Code;
use shutterpost_model::language::Language;

pub use crate::i18n::Locale;

/// The catalogue's name of a language.
pub const fn locale_of(language: Language) -> Locale {
    match language {
        Language::English => Locale::en,
        Language::German => Locale::de,
    }
}

/// The language of a catalogue.
pub const fn language_of(locale: Locale) -> Language {
    match locale {
        Locale::en => Language::English,
        Locale::de => Language::German,
    }
}

/// The language of the page being shown; English outside of pages.
pub fn use_locale() -> Locale {
    use_context::<Locale>().unwrap_or(Locale::en)
}

/// What an error code means for the reader, in a sentence or two.
pub fn error(code: Code, language: Language) -> &'static str {
    let locale = locale_of(language);
    match code {
        Code::Internal => td_string!(locale, errors.internal),
        _ => td_string!(locale, errors.internal),
    }
}
