//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn CapturesPage() -> impl IntoView {}

#[component]
pub fn CapturePage() -> impl IntoView {}
