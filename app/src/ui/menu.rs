//! A menu of rare actions on the native popover: above everything, closed by Escape or a press elsewhere.

use leptos::prelude::*;

use super::{Icon, IconName, Text};

/// A button with a list of actions. The children are `<a>`, `<button>` or whole forms.
#[component]
pub fn Menu(
    /// Unique on the page.
    #[prop(into)]
    id: Text,
    /// What the menu is of, e.g. "Actions for Anna".
    #[prop(into)]
    label: Text,
    #[prop(default = IconName::More)] icon: IconName,
    children: Children,
) -> impl IntoView {
    view! {
        <span class="menu-anchor">
            <button
                r#type="button"
                class="button button-quiet menu-button"
                aria-label=label.clone()
                title=label.clone()
                popovertarget=id.clone()
            >
                <Icon name=icon/>
            </button>
            <div class="menu" id=id popover="auto" role="group" aria-label=label>
                {children()}
            </div>
        </span>
    }
}
