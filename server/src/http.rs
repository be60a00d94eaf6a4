//! HTTP: translates requests into calls of ports and answers into responses; decides nothing.
//!
//! Every route is an entry of [`registry`]; the router is built from it, so an unlisted route cannot exist. The
//! [`guard`] in front of each handler proves what the entry says.

pub mod registry;
pub mod guard;
pub mod context;
pub mod state;

mod headers;
mod problem;
mod limit;

mod health;
mod assets;
mod share;
mod verify;
pub mod share_cache;
mod media;
mod cms;
mod sso;
mod functions;
mod api;
mod uploads;
mod dev;

pub mod serve;

pub use assets::read_bundle as assets_of;
pub(crate) use serve::PAGE;
pub use state::{Http, HttpParts, Operations};

use axum::Router;

/// The router with every route of the registry. The door for the binary and for tests.
pub fn build_router(http: Http) -> Router {
    router_of(&http, registry::routes(&http))
}

/// The router of the admin port.
pub fn build_admin_router(http: Http) -> Router {
    router_of(&http, registry::admin_routes())
}

fn router_of(http: &Http, routes: Vec<registry::Route>) -> Router {
    let mut router = Router::new();
    for route in routes {
        let registry::Route { spec, handler } = route;
        router = router.route(spec.path, guard::wrap(http, spec, handler));
    }
    router.fallback_service(guard::wrap_fallback(http)).with_state(http.clone())
}
