//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn InvitationPage() -> impl IntoView {}
