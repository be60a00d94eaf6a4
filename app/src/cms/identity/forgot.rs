//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn ForgotPage() -> impl IntoView {}

#[component]
pub fn ResetPage() -> impl IntoView {}
