//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn PeoplePage() -> impl IntoView {}
