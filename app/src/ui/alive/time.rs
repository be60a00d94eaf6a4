//! Times in the reader's zone.

use std::time::Duration;

use leptos::prelude::set_interval;
use leptos_i18n::td_string;

use shutterpost_model::time::{DAY, Millis};

use super::dom::{all, set};
use crate::texts::{Locale, language_of, use_locale};

/// How often "4 min ago" is written anew.
const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn listen() {
    set_interval(localise, MINUTE);
}

/// Writes all times of the page in the reader's zone. Call after new ones came into it.
pub fn localise() {
    let locale = use_locale();
    let now = now();
    for time in all("time[data-at]") {
        let Some(at) = time.get_attribute("data-at").and_then(|at| at.parse().ok()).map(Millis) else { continue };
        let exact = at.readable(language_of(locale), offset_minutes(at));
        let relative = time.has_attribute("data-relative").then(|| relative(locale, at, now)).flatten();
        let text = relative.as_ref().unwrap_or(&exact);
        // Most stay as they are; writing the same again would make the page do its layout.
        if time.text_content().as_ref() != Some(text) {
            time.set_text_content(Some(text));
        }
        set(&time, "title", Some(&exact));
    }
}

/// The time by the browser's clock.
fn now() -> Millis {
    // Whole milliseconds far below 2^53, so the conversion is exact.
    #[expect(clippy::cast_possible_truncation, reason = "a date fits")]
    Millis(js_sys::Date::now() as i64)
}

/// Minutes east of UTC in the browser's zone at that instant.
fn offset_minutes(at: Millis) -> i64 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a date fits")]
    {
        -(js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at.0 as f64)).get_timezone_offset() as i64)
    }
}

/// "4 min ago" up to a day, else nothing. Slightly future times (two clocks) count as now.
fn relative(locale: Locale, at: Millis, now: Millis) -> Option<String> {
    if now.0 - at.0 >= DAY {
        return None;
    }
    let minutes = (now.0 - at.0).div_euclid(60_000);
    match minutes {
        -5..=0 => Some(td_string!(locale, common.just_now).to_owned()),
        1..60 => Some(td_string!(locale, common.minutes_ago, count = minutes)),
        60.. => Some(td_string!(locale, common.hours_ago, count = minutes / 60)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_relative_up_to_a_day() {
        let now = Millis(1_772_560_245_000);
        for (seconds, text) in [
            (-120, Some("just now")),
            (0, Some("just now")),
            (59, Some("just now")),
            (240, Some("4 min ago")),
            (7200, Some("2 h ago")),
            (86_400, None),
            (-3600, None),
        ] {
            assert_eq!(relative(Locale::en, now.plus(-seconds * 1000), now).as_deref(), text, "{seconds}");
        }
        assert_eq!(relative(Locale::de, now.plus(-240_000), now).as_deref(), Some("vor 4 Min."));
    }
}
