//! What the browser tells the grid: time passes, the end comes into view, keys are pressed.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{HtmlElement, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

use shutterpost_model::id::CaptureId;

use super::selection::{Direction, step};
use super::state::Grid;

/// How often the newest page is looked at while the tab is visible.
const LOOK: Duration = Duration::from_secs(4);
/// Pixels scrolled down from which new captures wait behind the pill.
const SCROLLED: f64 = 240.0;
/// How far ahead of the reader the next page is fetched.
const AHEAD: &str = "1600px";

/// Whether the reader has left the top of the page.
pub fn is_scrolled() -> bool {
    window().scroll_y().is_ok_and(|y| y > SCROLLED)
}

/// Looks for new captures every few seconds, and at once when the tab comes back into view.
pub fn watch(grid: Grid) {
    let look = move || {
        if !document().hidden() {
            grid.look(is_scrolled());
        }
    };
    Effect::new(move || {
        if let Ok(timer) = set_interval_with_handle(look, LOOK) {
            on_cleanup(move || timer.clear());
        }
        // Fired at the document, from where it rises to the window.
        let visible = window_event_listener_untyped("visibilitychange", move |_| look());
        on_cleanup(move || visible.remove());
    });
}

/// Fetches the next page before the reader reaches the element at the end of the list.
pub fn load_ahead(grid: Grid, end: NodeRef<leptos::html::Div>) {
    Effect::new(move || {
        let Some(end) = end.get() else { return };
        let seen = Closure::<dyn FnMut(Vec<IntersectionObserverEntry>)>::new(
            move |entries: Vec<IntersectionObserverEntry>| {
                let failed = grid.trouble.with_untracked(Option::is_some);
                if !failed && entries.iter().any(IntersectionObserverEntry::is_intersecting) {
                    grid.load_more();
                }
            },
        );
        let options = IntersectionObserverInit::new();
        options.set_root_margin(AHEAD);
        let Ok(observer) = IntersectionObserver::new_with_options(seen.as_ref().unchecked_ref(), &options) else {
            return;
        };
        // A page that does not fill the window leaves the end in view: nothing would be reported again. So the element
        // is looked at afresh after each page.
        grid.next.track();
        observer.observe(&end);
        let kept = StoredValue::new_local((observer, seen));
        on_cleanup(move || {
            kept.try_with_value(|(observer, _)| observer.disconnect());
        });
    });
}

/// The tile that has the focus.
pub fn focused() -> Option<CaptureId> {
    let element = document().active_element()?.closest("[data-capture]").ok()??;
    element.get_attribute("data-capture")?.parse().ok()
}

/// Puts the focus on a tile and scrolls it into view.
pub fn focus(capture: &CaptureId) {
    let link = document().query_selector(&format!("[data-capture='{capture}'] a")).ok().flatten();
    if let Some(link) = link.and_then(|link| link.dyn_into::<HtmlElement>().ok()) {
        // An element that has just gone cannot be focused; there is nothing to do about it.
        drop(link.focus());
    }
}

/// Moves the focus by an arrow key; from nowhere to the first tile.
pub fn walk(grid: Grid, direction: Direction) {
    let order = grid.order();
    let target = match focused().and_then(|id| order.iter().position(|other| *other == id)) {
        Some(current) => step(direction, current, &centres()),
        None => Some(0),
    };
    if let Some(id) = target.and_then(|index| order.get(index)) {
        focus(id);
    }
}

/// Centres of all tiles in page order.
fn centres() -> Vec<(f64, f64)> {
    let Ok(tiles) = document().query_selector_all("[data-capture]") else { return Vec::new() };
    (0..tiles.length())
        .filter_map(|index| tiles.get(index)?.dyn_into::<web_sys::Element>().ok())
        .map(|tile| {
            let place = tile.get_bounding_client_rect();
            (place.left() + place.width() / 2.0, place.top() + place.height() / 2.0)
        })
        .collect()
}

/// Whether the key was pressed on a checkbox.
pub fn is_box(event: &web_sys::KeyboardEvent) -> bool {
    event.target().is_some_and(|target| target.is_instance_of::<web_sys::HtmlInputElement>())
}
