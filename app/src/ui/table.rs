//! Rows with a sticky head, and the step to the next ones.

use leptos::prelude::*;
use leptos_i18n::td_string;

use super::{Spinner, Text};
use crate::texts::use_locale;

/// The head of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    label: Text,
    class: &'static str,
}

impl Column {
    pub fn text(label: impl Into<Text>) -> Self {
        Self { label: label.into(), class: "" }
    }

    /// Right-aligned, with tabular figures; give its cells the class `number` as well.
    pub fn number(label: impl Into<Text>) -> Self {
        Self { label: label.into(), class: "number" }
    }

    /// Not shown on phones; give its cells the class `wide` as well.
    pub fn wide(label: impl Into<Text>) -> Self {
        Self { label: label.into(), class: "wide" }
    }

    /// The column of row actions: its name is for screen readers only.
    /// A narrow column of boxes to tick; its name is for screen readers.
    pub fn tick(label: impl Into<Text>) -> Self {
        Self { label: label.into(), class: "tick" }
    }

    pub fn actions(label: impl Into<Text>) -> Self {
        Self { label: label.into(), class: "actions" }
    }
}

/// A table; the children are its rows.
#[component]
pub fn Table(
    /// What the rows are, for screen readers.
    #[prop(into)]
    label: Text,
    columns: Vec<Column>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="table-frame" tabindex="0" role="region" aria-label=label>
            <table class="table">
                <thead>
                    <tr>
                        {columns
                            .into_iter()
                            .map(|column| {
                                let hidden = matches!(column.class, "actions" | "tick").then_some("visually-hidden");
                                view! {
                                    <th scope="col" class=column.class>
                                        <span class=hidden>{column.label}</span>
                                    </th>
                                }
                            })
                            .collect_view()}
                    </tr>
                </thead>
                <tbody data-rows="">{children()}</tbody>
            </table>
        </div>
    }
}

/// The step to the next page of a list: a link. In the browser its rows are added to those on the page, or an island
/// does what it likes by `on_press`.
#[component]
pub fn LoadMore(
    /// Address of the next page, for readers without script.
    #[prop(into)]
    href: Text,
    #[prop(optional, into)] busy: Signal<bool>,
    /// Instead of following the link.
    #[prop(optional, into)]
    on_press: Option<Callback<()>>,
) -> impl IntoView {
    let locale = use_locale();
    view! {
        <p class="load-more">
            <a
                class="button"
                href=href
                data-more=on_press.is_none().then_some("")
                aria-busy=move || busy.get().then_some("true")
                on:click=move |event| {
                    if let Some(on_press) = on_press {
                        event.prevent_default();
                        event.stop_propagation();
                        if !busy.get_untracked() {
                            on_press.run(());
                        }
                    }
                }
            >
                {move || busy.get().then(|| view! { <Spinner/> })}
                <span>{td_string!(locale, common.load_more)}</span>
            </a>
        </p>
    }
}
