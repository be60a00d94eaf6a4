//! Islands: the parts of a page that live in the browser. Everything else is HTML that the server wrote, so the bundle
//! holds the islands' code alone, however many pages there are.
//!
//! The server writes an island with its props beside it; [`wake`] reads them and takes the HTML over.

use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A part of a page that lives in the browser. The value is its props: the same on both sides, so that both draw the
/// same. Its view may use nothing of the request but the language.
pub trait Island: Serialize + DeserializeOwned + Send + 'static {
    /// Unique among all islands.
    const NAME: &'static str;

    /// What stands in the page.
    fn view(self) -> AnyView;
}

/// HTML that the server writes into an island and the browser leaves alone: links and forms that need no script. It does
/// not travel with the props.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slot(String);

impl Slot {
    /// Renders the view, which must not wait for anything. On the server only.
    #[cfg(feature = "ssr")]
    pub fn of(view: impl IntoView) -> Self {
        Self(view.into_view().to_html())
    }

    /// The place of the HTML in the island.
    pub fn place(self) -> impl IntoView {
        view! { <div class="slot" inner_html=self.0></div> }
    }
}

/// The island in its page.
#[cfg(feature = "ssr")]
pub fn island<I: Island>(island: I) -> impl IntoView {
    // Props are plain data of ours; one that cannot be written leaves an island that stays plain HTML.
    let props = serde_json::to_string(&island).unwrap_or_default();
    view! { <div class="island" data-island=I::NAME data-props=props>{island.view()}</div> }
}

/// Takes over every island of this kind on the page.
#[cfg(feature = "hydrate")]
pub fn wake<I: Island>() {
    use leptos::mount::hydrate_from;
    use wasm_bindgen::JsCast;

    let Ok(places) = document().query_selector_all(&format!("[data-island={}]", I::NAME)) else { return };
    for place in (0..places.length()).filter_map(|index| places.get(index)?.dyn_into::<web_sys::HtmlElement>().ok()) {
        let props = place.get_attribute("data-props").unwrap_or_default();
        // From bytes, as the answers of server functions are read: a second kind of reader would be code in the bundle.
        match serde_json::from_slice::<I>(props.as_bytes()) {
            Ok(island) => hydrate_from(place, move || island.view()).forget(),
            Err(error) => leptos::logging::error!("{}: {error}", I::NAME),
        }
    }
}
