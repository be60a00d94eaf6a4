//! A state in a word or two.

use leptos::prelude::*;

/// What a state means for the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Meaning {
    #[default]
    Neutral,
    Good,
    Warn,
    Bad,
    Info,
}

impl Meaning {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Info => "info",
        }
    }
}

/// A state; the words say it, the colour only helps.
#[component]
pub fn Badge(#[prop(optional)] meaning: Meaning, children: Children) -> impl IntoView {
    view! { <span class=format!("badge badge-{}", meaning.name())>{children()}</span> }
}
