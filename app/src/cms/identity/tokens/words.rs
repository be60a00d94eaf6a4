//! Scopes and times of API tokens in plain words.

use leptos_i18n::td_string;

use shutterpost_model::time::{DAY, Millis};
use shutterpost_model::tokens::TokenScope;

use crate::i18n::Locale;
use crate::texts::language_of;
use crate::words::{is_one, number};

const HOUR: i64 = 3_600_000;

/// What a scope lets a program do.
pub fn scope(locale: Locale, scope: TokenScope) -> &'static str {
    match scope {
        TokenScope::EventsRead => td_string!(locale, identity.scope_events_read),
        TokenScope::EventsWrite => td_string!(locale, identity.scope_events_write),
        TokenScope::CapturesRead => td_string!(locale, identity.scope_captures_read),
        TokenScope::CapturesUpload => td_string!(locale, identity.scope_captures_upload),
        TokenScope::CapturesWrite => td_string!(locale, identity.scope_captures_write),
        TokenScope::GuestsRead => td_string!(locale, identity.scope_guests_read),
        TokenScope::GuestsWrite => td_string!(locale, identity.scope_guests_write),
        TokenScope::TrashManage => td_string!(locale, identity.scope_trash_manage),
        TokenScope::PrivacyManage => td_string!(locale, identity.scope_privacy_manage),
    }
}

/// How long it is until then: in days, on the last day in hours. Rounded up, so that nothing ends while it is said to
/// last.
pub fn left(locale: Locale, now: Millis, until: Millis) -> String {
    let millis = (until.0 - now.0).max(0);
    let (days, hours) = (millis.saturating_add(DAY - 1) / DAY, millis.saturating_add(HOUR - 1) / HOUR);
    if millis > DAY {
        return td_string!(locale, identity.token_in_days, count = number(language_of(locale), days));
    }
    if is_one(hours) {
        return td_string!(locale, identity.token_in_hour).to_owned();
    }
    td_string!(locale, identity.token_in_hours, count = hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_words_of_its_own_in_every_language() {
        let mut texts: Vec<_> = [Locale::en, Locale::de]
            .into_iter()
            .flat_map(|locale| TokenScope::ALL.map(|one| scope(locale, one)))
            .collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), 2 * TokenScope::ALL.len());
    }

    #[test]
    fn what_is_left_is_rounded_up() {
        let left = |millis| left(Locale::en, Millis(5), Millis(5 + millis));
        assert_eq!(left(90 * DAY), "in 90 days");
        assert_eq!(left(DAY + 1), "in 2 days");
        assert_eq!(left(DAY), "in 24 hours");
        assert_eq!(left(HOUR + 1), "in 2 hours");
        assert_eq!(left(1), "in an hour");
    }
}
