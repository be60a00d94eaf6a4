//! A form is sent once, however often its button is pressed; a select may send its form by itself.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlFormElement, HtmlSelectElement, SubmitEvent};

use super::dom::{all, nearest, set};

/// Marks a form that is on its way; the style sheet makes its buttons look busy.
const SENDING: &str = "data-sending";
/// Marks a page that is being left.
const LEAVING: &str = "data-leaving";
/// A page that is still here after this was not left: it was a download, or the reader stopped it.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn listen() {
    // All of them live as long as the page.
    std::mem::forget(window_event_listener(ev::submit, |event| {
        let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
        let Some(form) = form.filter(|_| !event.default_prevented() && !leaves_dialog(&event)) else { return };
        if form.target() == "_blank" || form.method() == "dialog" {
            return;
        }
        if form.method() == "post" {
            if form.has_attribute(SENDING) {
                event.prevent_default();
                return;
            }
            set(&form, SENDING, Some(""));
        }
        mark_leaving(true);
    }));
    // Back from the next page: the browser may show this one as it was left.
    std::mem::forget(window_event_listener(ev::pageshow, |_| {
        mark_leaving(false);
        for form in all("form[data-sending]") {
            set(&form, SENDING, None);
        }
    }));
    std::mem::forget(window_event_listener(ev::change, |event| {
        let select =
            nearest(&event, "select[data-submits]").and_then(|found| found.dyn_into::<HtmlSelectElement>().ok());
        if let Some(form) = select.and_then(|select| select.form())
            && form.request_submit().is_err()
        {
            leptos::logging::warn!("form: not sent");
        }
    }));
}

/// Calls `typed` with name and text of whatever field of the page is typed into, as long as the caller lives.
pub fn typed_into(typed: impl Fn(&str, String) + 'static) {
    let typed = StoredValue::new_local(typed);
    Effect::new(move || {
        let input = window_event_listener(ev::input, move |event| {
            let field = nearest(&event, "[name]").and_then(|field| field.get_attribute("name"));
            if let Some(name) = field {
                typed.with_value(|typed| typed(&name, event_target_value(&event)));
            }
        });
        on_cleanup(move || input.remove());
    });
}

pub(super) fn mark_leaving(leaving: bool) {
    let Some(root) = document().document_element() else { return };
    set(&root, LEAVING, leaving.then_some(""));
    if leaving {
        set_timeout(|| mark_leaving(false), PATIENCE);
    }
}

/// Whether the pressed button only closes the dialog.
fn leaves_dialog(event: &SubmitEvent) -> bool {
    event
        .submitter()
        .is_some_and(|button| Element::get_attribute(&button, "formmethod").is_some_and(|method| method == "dialog"))
}
