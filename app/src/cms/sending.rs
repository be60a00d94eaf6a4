//! A form is sent once, however often its button is pressed.

use leptos::ev;
use leptos::prelude::*;
use leptos::web_sys::{Element, HtmlFormElement, SubmitEvent};
use wasm_bindgen::JsCast;

/// Marks a form that is on its way; the style sheet makes its buttons look busy.
const SENDING: &str = "data-sending";

/// Refuses to send a posted form a second time. Call once in the outermost component.
pub fn guard_forms() {
    Effect::new(move |_| {
        let submit = window_event_listener(ev::submit, |event| {
            let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
            let Some(form) = form.filter(|form| form.method() == "post" && !event.default_prevented()) else { return };
            if form.has_attribute(SENDING) {
                event.prevent_default();
            } else if form.target() != "_blank" && !leaves_dialog(&event) {
                mark(&form, true);
            }
        });
        // Back from the next page: the browser may show this one as it was left.
        let show = window_event_listener(ev::pageshow, |_| unmark_all());
        on_cleanup(move || {
            submit.remove();
            show.remove();
        });
    });
}

/// Whether the pressed button only closes the dialog.
fn leaves_dialog(event: &SubmitEvent) -> bool {
    event
        .submitter()
        .is_some_and(|button| Element::get_attribute(&button, "formmethod").is_some_and(|method| method == "dialog"))
}

fn mark(form: &Element, sending: bool) {
    let result = if sending { form.set_attribute(SENDING, "") } else { form.remove_attribute(SENDING) };
    if result.is_err() {
        leptos::logging::warn!("form: the mark could not be set");
    }
}

fn unmark_all() {
    while let Ok(Some(form)) = document().query_selector("form[data-sending]") {
        mark(&form, false);
        if form.has_attribute(SENDING) {
            break;
        }
    }
}
