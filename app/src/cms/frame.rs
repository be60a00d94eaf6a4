//! The frame around the pages of signed-in people.

use leptos::prelude::*;
use leptos_router::components::Outlet;

use shutterpost_model::identity::Me;

use super::context::Answer;
use super::identity::api;

/// The signed-in person, loaded once for all pages.
pub type MeResource = Resource<Answer<Me>>;

/// Rail, top bar, content.
#[component]
pub fn Frame() -> impl IntoView {
    let me: MeResource = Resource::new(|| (), |()| api::me());
    provide_context(me);
    view! { <main id="content"><Outlet/></main> }
}
