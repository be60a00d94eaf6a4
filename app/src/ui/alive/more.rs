//! The next rows of a list, put below those that are there: the rows of the page that the link leads to.

use leptos::prelude::{document, window};
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, DomParser, Element, HtmlElement, Response, SupportedType};

use super::dom::{all_in, set};

const ROWS: &str = "[data-rows]";
const NEXT: &str = ".load-more";

/// Adds the rows; if that fails, the link is followed as it would be without script.
pub(super) fn add(link: Element) {
    if link.get_attribute("aria-busy").is_some() {
        return;
    }
    set(&link, "aria-busy", Some("true"));
    let href = link.get_attribute("href").unwrap_or_default();
    spawn_local(async move {
        let added = fetch(&href).await.ok().and_then(|page| take_in(&link, &page));
        if added.is_none() && window().location().assign(&href).is_err() {
            set(&link, "aria-busy", None);
        }
    });
}

/// The page at an address of ours.
pub(super) async fn fetch(href: &str) -> Result<Document, JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str(href)).await?.dyn_into()?;
    if !response.ok() {
        return Err(JsValue::NULL);
    }
    let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    DomParser::new()?.parse_from_string(&text, SupportedType::TextHtml)
}

/// Moves the rows over. `None` if the page is not of this kind.
fn take_in(link: &Element, page: &Document) -> Option<()> {
    let place = document().query_selector(ROWS).ok()??;
    let rows = all_in(&page.query_selector(ROWS).ok()??, ":scope > *");
    let first = rows.first().cloned();
    for row in rows {
        place.append_child(&row).ok()?;
    }
    let old = link.closest(NEXT).ok()??;
    match page.query_selector(NEXT).ok()? {
        Some(next) => old.replace_with_with_node_1(&next).ok()?,
        None => old.remove(),
    }
    super::localise();
    // Whoever reads by ear or keyboard goes on where the new rows begin.
    if let Some(first) = first.and_then(|row| row.dyn_into::<HtmlElement>().ok()) {
        set(&first, "tabindex", Some("-1"));
        drop(first.focus());
    }
    Some(())
}
