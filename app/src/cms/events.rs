//! Pages of this feature.

use leptos::prelude::*;

#[component]
pub fn EventsPage() -> impl IntoView {}

#[component]
pub fn NewEventPage() -> impl IntoView {}

#[component]
pub fn SettingsPage() -> impl IntoView {}

#[component]
pub fn BrandingPage() -> impl IntoView {}

#[component]
pub fn DevicesPage() -> impl IntoView {}
