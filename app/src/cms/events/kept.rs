//! The last day on which an event's captures exist, as end and retention are typed.

use leptos::prelude::*;
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

use shutterpost_model::events::RETENTION_RANGE;
use shutterpost_model::time::Date;

use crate::cms::island::Island;
use crate::texts::{language_of, use_locale};
use crate::ui::alive::typed_into;

/// What follows from the fields `ends_on` and `retention_days` of the form around.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    pub ends_on: String,
    pub retention_days: String,
}

impl Island for Kept {
    const NAME: &'static str = "kept";

    fn view(self) -> AnyView {
        let locale = use_locale();
        let ends_on = RwSignal::new(self.ends_on);
        let retention = RwSignal::new(self.retention_days);
        typed_into(move |field, text| match field {
            "ends_on" => ends_on.set(text),
            "retention_days" => retention.set(text),
            _ => {}
        });
        let consequence = move || {
            let date = kept_until(&ends_on.read(), &retention.read())?;
            Some(td_string!(locale, events.kept_until, date = date.readable(language_of(locale))))
        };
        view! { <p class="events-consequence" role="status">{consequence}</p> }.into_any()
    }
}

/// What follows from end and retention as typed: the last day on which the captures exist.
fn kept_until(ends_on: &str, retention_days: &str) -> Option<Date> {
    let ends_on: Date = ends_on.parse().ok()?;
    let days: i32 = retention_days.trim().parse().ok()?;
    RETENTION_RANGE.contains(&days).then(|| ends_on.plus_days(i64::from(days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consequence_follows_what_is_typed() {
        assert_eq!(kept_until("2026-06-02", "365").map(|date| date.to_string()).as_deref(), Some("2027-06-02"));
        for (end, days) in [("2026-06-02", "0"), ("2026-06-02", "4000"), ("", "30"), ("2026-06-02", "many")] {
            assert_eq!(kept_until(end, days), None, "{end} {days}");
        }
    }
}
