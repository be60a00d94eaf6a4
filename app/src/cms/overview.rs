//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn OverviewPage() -> impl IntoView {}
