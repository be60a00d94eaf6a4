//! Asking before acting, on the native `<dialog>`: it traps focus, closes by Escape and needs no library.

use leptos::prelude::*;
use leptos::web_sys::{HtmlDialogElement, MouseEvent};
use leptos_i18n::td_string;
use wasm_bindgen::JsCast;

use super::button::{face, given};
use super::{Icon, IconName, Text, Tone};
use crate::texts::use_locale;

fn find(id: &str) -> Option<HtmlDialogElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Whether the browser opens the dialog by itself.
fn knows_command(event: &MouseEvent) -> bool {
    event
        .current_target()
        .is_some_and(|button| js_sys::Reflect::has(&button, &"commandForElement".into()).unwrap_or(false))
}

/// Shows the dialog unless it is open already.
fn show(id: &str) {
    if let Some(dialog) = find(id)
        && !dialog.open()
        && dialog.show_modal().is_err()
    {
        leptos::logging::warn!("dialog.open: the dialog is not in the document");
    }
}

/// Opens the dialog with the given id; without script too, where the browser knows `command`.
#[component]
pub fn DialogButton(
    /// Id of the [`Dialog`].
    #[prop(into)]
    dialog: Text,
    #[prop(optional)] tone: Tone,
    #[prop(optional)] icon: Option<IconName>,
    /// Name of a button that shows an icon only.
    #[prop(optional, into)]
    label: Text,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let label = given(label);
    let id = dialog.clone();
    view! {
        <button
            r#type="button"
            class=tone.class()
            aria-haspopup="dialog"
            aria-label=label.clone()
            title=label
            command="show-modal"
            commandfor=dialog
            on:click=move |event| {
                if !knows_command(&event) {
                    show(&id);
                }
            }
        >
            {face(icon, children)}
        </button>
    }
}

/// A modal dialog. Put the form inside and end with [`DialogActions`].
#[component]
pub fn Dialog(
    #[prop(into)] id: Text,
    #[prop(into)] title: Text,
    /// Stands open at once, because its form was refused.
    #[prop(optional)]
    open: bool,
    children: Children,
) -> impl IntoView {
    let locale = use_locale();
    if open {
        // What the server wrote is open but not modal; only a call makes it so.
        let id = id.clone();
        Effect::new(move |_| {
            if let Some(dialog) = find(&id) {
                dialog.close();
            }
            show(&id);
        });
    }
    let heading = format!("{id}-title");
    view! {
        <dialog class="dialog" id=id.clone() open=open aria-labelledby=heading>
            <div class="dialog-head">
                <h2 class="dialog-title" id=heading.clone()>{title}</h2>
                <form method="dialog">
                    <button class="button button-quiet" aria-label=td_string!(locale, common.close)>
                        <Icon name=IconName::Close/>
                    </button>
                </form>
            </div>
            <div class="dialog-body">{children()}</div>
        </dialog>
    }
}

/// The last row of a dialog's form: a way out, then the action.
#[component]
pub fn DialogActions(children: Children) -> impl IntoView {
    let locale = use_locale();
    view! {
        <div class="dialog-actions">
            // Not validated: who leaves need not fill in anything.
            <button class="button" formmethod="dialog" formnovalidate=true>
                {td_string!(locale, common.cancel)}
            </button>
            {children()}
        </div>
    }
}
