//! Keys that follow a link of the page.

use leptos::ev;
use leptos::prelude::{document, window_event_listener};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent, MouseEvent};

use super::dom::all;

pub(super) fn listen() {
    // Lives as long as the page.
    std::mem::forget(window_event_listener(ev::keydown, |event| {
        if is_elsewhere(&event) {
            return;
        }
        let key = event.key();
        let wanted = all("a[data-key]").into_iter().find(|link| link.get_attribute("data-key").as_ref() == Some(&key));
        if let Some(link) = wanted.and_then(|link| link.dyn_into::<HtmlElement>().ok()) {
            event.prevent_default();
            link.click();
        }
    }));
}

/// Whether a key belongs to a text field, an open dialog or the browser, and not to the page.
pub fn is_elsewhere(event: &KeyboardEvent) -> bool {
    if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() {
        return true;
    }
    if document().query_selector("dialog[open]").ok().flatten().is_some() {
        return true;
    }
    let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
        return false;
    };
    let typing = "input:not([type=checkbox]), textarea, select, [contenteditable], summary, iframe";
    target.closest(typing).is_ok_and(|found| found.is_some())
}

/// Whether a press asks for no more than the link itself: not a new tab, not a download.
pub fn is_unmodified(event: &MouseEvent) -> bool {
    !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key())
}
