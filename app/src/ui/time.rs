//! Instants, in the reader's zone once the browser can say which that is.

use leptos::prelude::*;

use shutterpost_model::time::Millis;

use crate::texts::{language_of, use_locale};

/// An instant. The server writes it in UTC and says so; the browser's half of this writes its own zone, with the exact
/// time on hover.
#[component]
pub fn Time(
    at: Millis,
    /// "4 min ago" up to a day.
    #[prop(optional)]
    relative: bool,
) -> impl IntoView {
    let text = format!("{} UTC", at.readable(language_of(use_locale()), 0));
    view! {
        <time
            class="time"
            datetime=at.rfc3339()
            data-at=at.0.to_string()
            data-relative=relative.then_some("")
            title=text.clone()
        >
            {text.clone()}
        </time>
    }
}
