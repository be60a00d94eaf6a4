//! What stands in the place of what is on its way.

use leptos::prelude::*;
use leptos_i18n::td_string;

use crate::texts::use_locale;

/// A small turning ring.
#[component]
pub fn Spinner() -> impl IntoView {
    view! { <span class="spinner" aria-hidden="true"></span> }
}

/// The outline of what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// A heading and rows.
    #[default]
    Rows,
    /// A heading and tiles.
    Grid,
    /// A heading and a form.
    Form,
    /// A picture and a column beside it.
    Detail,
    /// Cards with numbers.
    Cards,
}

/// Grey blocks in the shape of the page that comes.
#[component]
pub fn Skeleton(#[prop(optional)] shape: Shape) -> impl IntoView {
    let locale = use_locale();
    let (class, count) = match shape {
        Shape::Rows => ("skeleton-rows", 8),
        Shape::Grid => ("skeleton-grid", 15),
        Shape::Form => ("skeleton-form", 4),
        Shape::Detail => ("skeleton-detail", 2),
        Shape::Cards => ("skeleton-cards", 4),
    };
    view! {
        <div class="skeleton" role="status" aria-label=td_string!(locale, common.loading)>
            <div class="skeleton-heading"></div>
            <div class=class>
                {(0..count).map(|_| view! { <div class="skeleton-block"></div> }).collect_view()}
            </div>
        </div>
    }
}
