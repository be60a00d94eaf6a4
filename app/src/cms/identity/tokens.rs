//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn TokensPage() -> impl IntoView {}
