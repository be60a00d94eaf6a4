//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn MessagesPage() -> impl IntoView {}
