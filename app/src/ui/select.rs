//! One of a few, and yes or no.

use leptos::prelude::*;

use super::button::given;
use super::field::{below, described_by};
use super::{Text, escape};

/// An entry of a [`Select`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub value: Text,
    pub label: Text,
}

impl Choice {
    pub fn new(value: impl Into<Text>, label: impl Into<Text>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// A labelled native select.
#[component]
pub fn Select(
    #[prop(into)] name: Text,
    #[prop(into)] label: Text,
    options: Vec<Choice>,
    /// The chosen entry's value; the first if it is none of them.
    #[prop(optional, into)]
    value: Text,
    #[prop(optional, into)] hint: Text,
    #[prop(default = None)] error: Option<Text>,
    /// Id, if it must differ from the name.
    #[prop(optional, into)]
    id: Text,
) -> impl IntoView {
    let id = given(id).unwrap_or_else(|| name.clone());
    let hint = given(hint);
    let described = described_by(&id, hint.as_ref(), error.as_ref());
    view! {
        <div class="field">
            <label class="field-label" for=id.clone()>{label}</label>
            <select
                class="input select"
                id=id.clone()
                name=name
                aria-invalid=error.is_some().then_some("true")
                aria-describedby=described
            >
                {options
                    .into_iter()
                    .map(|option| {
                        let selected = option.value == value;
                        // As HTML, because a text among nodes may come with a marker beside it, and an option is text alone.
                        view! { <option value=option.value selected=selected inner_html=escape(&option.label)></option> }
                    })
                    .collect_view()}
            </select>
            {below(&id, hint, error)}
        </div>
    }
}

/// A labelled checkbox. Unchecked, the form does not hold its name at all.
#[component]
pub fn Checkbox(
    #[prop(into)] name: Text,
    #[prop(into)] label: Text,
    #[prop(optional)] checked: bool,
    /// What is sent when checked.
    #[prop(default = Text::Borrowed("on"), into)]
    value: Text,
    #[prop(optional, into)] hint: Text,
    #[prop(default = None)] error: Option<Text>,
    /// Id, if it must differ from the name.
    #[prop(optional, into)]
    id: Text,
) -> impl IntoView {
    let id = given(id).unwrap_or_else(|| name.clone());
    let hint = given(hint);
    let described = described_by(&id, hint.as_ref(), error.as_ref());
    view! {
        <div class="field field-check">
            <label class="check" for=id.clone()>
                <input
                    r#type="checkbox"
                    id=id.clone()
                    name=name
                    value=value
                    checked=checked
                    aria-invalid=error.is_some().then_some("true")
                    aria-describedby=described
                />
                <span>{label}</span>
            </label>
            {below(&id, hint, error)}
        </div>
    }
}
