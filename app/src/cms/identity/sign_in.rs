//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn SignInPage() -> impl IntoView {}
