//! The product's mark: a shutter whose blades form an envelope's flap.

use leptos::prelude::*;

/// The mark, 28 px, in the accent colour.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <rect class="mark-ground" width="32" height="32" rx="8"/>
            <path class="mark-line" d="M7 11.5h18v11H7z M7 11.5l9 7 9-7 M7 22.5l6.2-6.2 M25 22.5l-6.2-6.2"/>
        </svg>
    }
}
