//! Buttons, and links that look like them.

use leptos::prelude::*;

use super::{Icon, IconName, Text};

/// How much weight a control or a state has. One primary action a page; danger never stands in a primary place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    Primary,
    #[default]
    Plain,
    /// Without a border, for rows and bars.
    Quiet,
    Danger,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Primary => "button button-primary",
            Self::Plain => "button",
            Self::Quiet => "button button-quiet",
            Self::Danger => "button button-danger",
        }
    }
}

/// Icon and text of a control; with a `label` the text is for screen readers and the tooltip.
pub(super) fn face(icon: Option<IconName>, children: Option<Children>) -> impl IntoView {
    view! {
        {icon.map(|name| view! { <Icon name/> })}
        {children.map(|children| view! { <span class="button-text">{children()}</span> })}
    }
}

pub(super) fn given(text: Text) -> Option<Text> {
    (!text.is_empty()).then_some(text)
}

/// Acts in the browser; never sends a form.
#[component]
pub fn Button(
    on_press: Callback<()>,
    #[prop(optional)] tone: Tone,
    #[prop(optional)] icon: Option<IconName>,
    #[prop(optional, into)] disabled: Signal<bool>,
    /// Name of a button that shows an icon only.
    #[prop(optional, into)]
    label: Text,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let label = given(label);
    view! {
        <button
            r#type="button"
            class=tone.class()
            aria-label=label.clone()
            title=label
            disabled=move || disabled.get()
            on:click=move |_| on_press.run(())
        >
            {face(icon, children)}
        </button>
    }
}

/// Sends the form it is in, or the one named by `form`, with the given `intent`.
#[component]
pub fn Submit(
    /// Value of the field `intent`; nothing is sent for pages with one form.
    #[prop(optional, into)]
    intent: Text,
    #[prop(optional)] tone: Tone,
    #[prop(optional)] icon: Option<IconName>,
    /// Id of the form, if the button stands outside of it.
    #[prop(optional, into)]
    form: Text,
    /// Name of a button that shows an icon only.
    #[prop(optional, into)]
    label: Text,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let label = given(label);
    let intent = given(intent);
    view! {
        <button
            r#type="submit"
            class=tone.class()
            name=intent.is_some().then_some("intent")
            value=intent
            form=given(form)
            aria-label=label.clone()
            title=label
        >
            {face(icon, children)}
        </button>
    }
}

/// A link in the shape of a button.
#[component]
pub fn ButtonLink(
    #[prop(into)] href: Text,
    #[prop(optional)] tone: Tone,
    #[prop(optional)] icon: Option<IconName>,
    /// For addresses that are no page of the CMS (downloads, share pages): the browser loads them, in a new tab.
    #[prop(optional)]
    external: bool,
    #[prop(optional, into)] label: Text,
    /// `KeyboardEvent.key` that follows the link.
    #[prop(optional, into)]
    key: Text,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let label = given(label);
    view! {
        <a
            data-key=given(key)
            class=tone.class()
            href=href
            aria-label=label.clone()
            title=label
            rel=external.then_some("noopener")
            target=external.then_some("_blank")
        >
            {face(icon, children)}
        </a>
    }
}
