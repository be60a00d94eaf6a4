//! Siblings of a page and filters of a list: links, so that every state has an address.

use leptos::prelude::*;

use super::Text;

/// An entry of [`Tabs`] or [`Chips`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    pub href: Text,
    pub label: Text,
    pub current: bool,
}

impl Tab {
    pub fn new(href: impl Into<Text>, label: impl Into<Text>, current: bool) -> Self {
        Self { href: href.into(), label: label.into(), current }
    }
}

fn links(tabs: Vec<Tab>, class: &'static str) -> impl IntoView {
    tabs.into_iter()
        .map(|tab| {
            view! {
                <a class=class href=tab.href aria-current=tab.current.then_some("page")>
                    {tab.label}
                </a>
            }
        })
        .collect_view()
}

/// A row of tabs, each a page of its own.
#[component]
pub fn Tabs(#[prop(into)] label: Text, tabs: Vec<Tab>) -> impl IntoView {
    view! { <nav class="tabs" aria-label=label>{links(tabs, "tab")}</nav> }
}

/// A row of filters, of which one is chosen.
#[component]
pub fn Chips(#[prop(into)] label: Text, tabs: Vec<Tab>) -> impl IntoView {
    view! { <nav class="chips" aria-label=label>{links(tabs, "chip")}</nav> }
}
