//! A part of a page that changes by itself: taken anew every few seconds, as long as it says so. What stands around it is left
//! alone meanwhile, so that a button keeps its focus; it changes once, with the end.

use std::time::Duration;

use leptos::prelude::set_timeout;
use wasm_bindgen_futures::spawn_local;
use web_sys::Element;

use super::dom::all;
use super::more;

const PAUSE: Duration = Duration::from_secs(2);
const PART: &str = "[data-polls]";
const AROUND: &str = "[data-polled]";

pub(super) fn start() {
    all(PART).into_iter().for_each(later);
}

fn later(part: Element) {
    set_timeout(
        move || {
            spawn_local(async move {
                match renew(&part).await {
                    Some(Next::Again(part)) => later(part),
                    Some(Next::Ended) => super::localise(),
                    // Not reached, perhaps for a moment.
                    None => later(part),
                }
            });
        },
        PAUSE,
    );
}

enum Next {
    Again(Element),
    Ended,
}

async fn renew(part: &Element) -> Option<Next> {
    let page = more::fetch(&part.get_attribute("data-polls")?).await.ok()?;
    if let Some(fresh) = page.query_selector(PART).ok()? {
        part.replace_with_with_node_1(&fresh).ok()?;
        return Some(Next::Again(fresh));
    }
    let fresh = page.query_selector(AROUND).ok()??;
    part.closest(AROUND).ok()??.replace_with_with_node_1(&fresh).ok()?;
    Some(Next::Ended)
}
