//! Small words for the document.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, NodeList};

fn elements(list: Result<NodeList, wasm_bindgen::JsValue>) -> Vec<Element> {
    let Ok(list) = list else { return Vec::new() };
    (0..list.length()).filter_map(|index| list.get(index)?.dyn_into().ok()).collect()
}

/// All elements of the page that fit.
pub fn all(selector: &str) -> Vec<Element> {
    elements(document().query_selector_all(selector))
}

/// All elements inside of this one that fit.
pub fn all_in(element: &Element, selector: &str) -> Vec<Element> {
    elements(element.query_selector_all(selector))
}

/// The element that the event happened to, or the nearest one around it, that fits.
pub fn nearest(event: &Event, selector: &str) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok()?
}

/// Sets an attribute, or takes it away. Names are constants of ours, which no browser refuses.
pub fn set(element: &Element, name: &str, value: Option<&str>) {
    let result = match value {
        Some(value) => element.set_attribute(name, value),
        None => element.remove_attribute(name),
    };
    if result.is_err() {
        leptos::logging::warn!("{name}: refused");
    }
}

pub fn set_hidden(element: &Element, hidden: bool) {
    set(element, "hidden", hidden.then_some(""));
}
