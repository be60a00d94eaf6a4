//! What stands in the place of what is on its way.

use leptos::prelude::*;
use leptos_i18n::td_string;

use crate::texts::use_locale;

/// A small turning ring.
#[component]
pub fn Spinner() -> impl IntoView {
    view! { <span class="spinner" aria-hidden="true"></span> }
}

/// Grey blocks in the shape of the pictures that come.
#[component]
pub fn Skeleton() -> impl IntoView {
    let locale = use_locale();
    view! {
        <div class="skeleton" role="status" aria-label=td_string!(locale, common.loading)>
            {(0..15).map(|_| view! { <div class="skeleton-block"></div> }).collect_view()}
        </div>
    }
}
