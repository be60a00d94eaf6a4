//! A part of a page that changes by itself: taken anew every few seconds, as long as it says so. What stands around it is left
//! alone meanwhile, so that a button keeps its focus; it changes once, with the end.
//!
//! Nobody stays signed in by a page that is left open: it asks for a quarter of an hour, and only while it is seen.

use std::time::Duration;

use leptos::prelude::{document, set_timeout};
use wasm_bindgen_futures::spawn_local;
use web_sys::Element;

use super::dom::all;
use super::more;

const PAUSE: Duration = Duration::from_secs(2);
/// Pauses in a quarter of an hour.
const PAUSES: u16 = 450;
const PART: &str = "[data-polls]";
const AROUND: &str = "[data-polled]";

pub(super) fn start() {
    all(PART).into_iter().for_each(|part| later(part, PAUSES));
}

fn later(part: Element, left: u16) {
    let Some(left) = left.checked_sub(1) else { return };
    set_timeout(
        move || {
            spawn_local(async move {
                let next = if document().hidden() { Some(part) } else { renew(part).await };
                if let Some(part) = next {
                    later(part, left);
                }
            });
        },
        PAUSE,
    );
}

/// What is to be taken anew after the next pause; `None` if it has ended, or if the page is another one by now, such as the
/// sign-in.
async fn renew(part: Element) -> Option<Element> {
    let Ok(page) = more::fetch(&part.get_attribute("data-polls")?).await else {
        // Not reached, perhaps for a moment.
        return Some(part);
    };
    if let Some(fresh) = page.query_selector(PART).ok()? {
        part.replace_with_with_node_1(&fresh).ok()?;
        return Some(fresh);
    }
    let fresh = page.query_selector(AROUND).ok()??;
    part.closest(AROUND).ok()??.replace_with_with_node_1(&fresh).ok()?;
    super::localise();
    None
}
