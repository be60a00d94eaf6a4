//! The way back from a capture leads to the same place in the grid: the list as far as it was loaded, and the focus.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use shutterpost_model::captures::CapturePage;
use shutterpost_model::id::{CaptureId, EventId};

use super::feed::FilterQuery;
use super::live;
use super::state::Grid;

/// Where the place is kept: in this tab only, and ended by the sign-out like everything else.
const KEY: &str = "captures-place";

#[derive(Serialize, Deserialize)]
struct Place {
    event: EventId,
    query: FilterQuery,
    page: CapturePage,
    seen: CaptureId,
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok()?
}

/// Notes the place before a capture is opened. A browser without room for it forgets the place.
pub fn leave(grid: Grid, seen: CaptureId) {
    let place = Place { event: grid.event(), query: grid.query(), page: grid.page(), seen };
    if let (Some(storage), Ok(text)) = (storage(), serde_json::to_string(&place)) {
        drop(storage.set_item(KEY, &text));
    }
}

fn take(grid: Grid) -> Option<Place> {
    let storage = storage()?;
    let text = storage.get_item(KEY).ok()??;
    drop(storage.remove_item(KEY));
    let place: Place = serde_json::from_slice(text.as_bytes()).ok()?;
    (place.event == grid.event() && place.query == grid.query()).then_some(place)
}

/// Back from a capture of this list, the grid is as it was, and that capture has the focus.
pub fn come_back(grid: Grid) {
    Effect::new(move || {
        let Some(Place { page, seen, .. }) = take(grid) else { return };
        grid.show(page);
        // After the frame in which the tiles are put into the page.
        request_animation_frame(move || live::focus(&seen));
        grid.look(true);
    });
}
