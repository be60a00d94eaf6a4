//! Asking before acting, on the native `<dialog>`: it traps focus, closes by Escape and needs no library.

use leptos::prelude::*;
use leptos_i18n::td_string;

use super::button::{Submit, face, given};
use super::{Icon, IconName, Text, Tone};
use crate::texts::use_locale;

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
    view! {
        <button
            r#type="button"
            class=tone.class()
            aria-haspopup="dialog"
            aria-label=label.clone()
            title=label
            command="show-modal"
            commandfor=dialog
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
    /// Stands open at once, because its form was refused. What the server writes is open but not modal; the browser's
    /// half of this makes it so.
    #[prop(optional)]
    open: bool,
    children: Children,
) -> impl IntoView {
    let locale = use_locale();
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

/// Asks before one act on one thing: a sentence, and the form that does it. Whatever needs more fields has a form of its
/// own in a [`Dialog`].
#[component]
pub fn AskDialog(
    #[prop(into)] id: Text,
    #[prop(into)] title: Text,
    /// What the form posts as its intent.
    intent: &'static str,
    /// The field that names the thing, and its value.
    name: &'static str,
    #[prop(into)] value: Text,
    /// What will happen.
    #[prop(into)]
    text: Text,
    /// Of the button that does it.
    #[prop(into)]
    action: Text,
    tone: Tone,
) -> impl IntoView {
    view! {
        <Dialog id title>
            <form class="stack" method="post">
                <p>{text}</p>
                <input r#type="hidden" name=name value=value/>
                <DialogActions>
                    <Submit intent tone>{action}</Submit>
                </DialogActions>
            </form>
        </Dialog>
    }
}
