//! Instants, in the reader's zone once the browser can say which that is.

use leptos::prelude::*;
use leptos_i18n::td_string;

use shutterpost_model::time::{DAY, Millis};

use crate::i18n::Locale;
use crate::texts::{language_of, use_locale};

/// The time by the browser's clock. Not for the server, which must not read one here.
pub fn now() -> Millis {
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
    let minutes = (now.0 - at.0).div_euclid(60_000);
    match minutes {
        -5..=0 => Some(td_string!(locale, common.just_now).to_owned()),
        1..60 => Some(td_string!(locale, common.minutes_ago, count = minutes)),
        60..1440 => Some(td_string!(locale, common.hours_ago, count = minutes / 60)),
        _ => None,
    }
}

/// An instant. The server writes it in UTC and says so; the browser shows its own zone, with the exact time on hover.
#[component]
pub fn Time(
    at: Millis,
    /// "4 min ago" up to a day.
    #[prop(optional)]
    relative: bool,
) -> impl IntoView {
    let locale = use_locale();
    let language = language_of(locale);
    // Unset while the server's HTML is taken over, so that both write the same; then minutes east of UTC.
    let local = RwSignal::new(None::<(i64, Millis)>);
    Effect::new(move |_| local.set(Some((offset_minutes(at), now()))));
    let exact = move || match local.get() {
        Some((offset, _)) => at.readable(language, offset),
        None => format!("{} UTC", at.readable(language, 0)),
    };
    let text = move || match local.get() {
        Some((_, now)) if relative && now.0 - at.0 < DAY => self::relative(locale, at, now).unwrap_or_else(exact),
        _ => exact(),
    };
    view! { <time class="time" datetime=at.rfc3339() title=exact>{text}</time> }
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
