//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn AccountPage() -> impl IntoView {}
