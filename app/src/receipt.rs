//! What an erasure and its receipt say, in words: for the CMS and for the page that checks receipts.

use leptos_i18n::td_string;

use shutterpost_model::privacy::ErasureKind;

use crate::texts::{Locale, language_of};
use crate::words::number;

/// What kind of thing was erased.
pub fn kind(kind: ErasureKind, locale: Locale) -> &'static str {
    match kind {
        ErasureKind::Guest => td_string!(locale, privacy.kind_guest),
        ErasureKind::Capture => td_string!(locale, privacy.kind_capture),
        ErasureKind::Event => td_string!(locale, privacy.kind_event),
        ErasureKind::Organisation => td_string!(locale, privacy.kind_organisation),
    }
}

/// One or many of something.
macro_rules! counted {
    ($locale:ident, $count:ident, $one:ident, $many:ident) => {
        match $count {
            1 => td_string!($locale, privacy.$one).to_owned(),
            _ => td_string!($locale, privacy.$many, n = number(language_of($locale), $count)),
        }
    };
}

/// What was destroyed, each with its number: "3 captures". What there was none of is left out; what has no words here,
/// because a newer version counts it, keeps the name that the receipt gives it.
pub fn destroyed(counts: &[(String, i64)], locale: Locale) -> Vec<String> {
    counts.iter().filter(|(_, count)| *count != 0).map(|(name, count)| one(name, *count, locale)).collect()
}

fn one(name: &str, count: i64, locale: Locale) -> String {
    match name {
        "captures" => counted!(locale, count, captures_one, captures_many),
        "files" => counted!(locale, count, files_one, files_many),
        "guests" => counted!(locale, count, guests_one, guests_many),
        "messages" => counted!(locale, count, messages_one, messages_many),
        "events" => counted!(locale, count, events_one, events_many),
        "accounts" => counted!(locale, count, accounts_one, accounts_many),
        other => format!("{} {}", number(language_of(locale), count), other.replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_said_in_words() {
        let counts = [("captures", 1200), ("guests", 1), ("files", 0), ("visit_reports", 2)];
        let counts = counts.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(destroyed(&counts, Locale::en), ["1,200 captures", "1 guest", "2 visit reports"]);
        assert_eq!(destroyed(&counts, Locale::de), ["1.200 Aufnahmen", "1 Gast", "2 visit reports"]);
    }

    #[test]
    fn every_kind_has_words_in_every_language() {
        for one in ErasureKind::ALL {
            assert!(!kind(one, Locale::en).is_empty() && !kind(one, Locale::de).is_empty());
        }
    }
}
