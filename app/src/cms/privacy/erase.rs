//! Erasing what a page is about, at once instead of by way of the trash.

use leptos::prelude::*;

use crate::ui::{Dialog, DialogActions, DialogButton, IconName, Submit, Text, Tone};

/// A button with the question behind it; the form goes to the page it stands on, with the intent `erase`.
#[component]
pub fn EraseAtOnce(
    /// Id of the dialog.
    #[prop(into)]
    dialog: Text,
    /// On the button that opens it.
    #[prop(into)]
    label: Text,
    #[prop(into)] question: Text,
    /// On the button that does it.
    #[prop(into)]
    confirm: Text,
    /// What is lost.
    children: Children,
) -> impl IntoView {
    view! {
        <DialogButton dialog=dialog.clone() icon=IconName::Shred>{label}</DialogButton>
        <Dialog id=dialog title=question>
            <form class="stack" method="post">
                {children()}
                <DialogActions>
                    <Submit intent="erase" tone=Tone::Danger>{confirm}</Submit>
                </DialogActions>
            </form>
        </Dialog>
    }
}
