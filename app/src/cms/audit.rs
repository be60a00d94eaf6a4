//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn AuditPage() -> impl IntoView {}
