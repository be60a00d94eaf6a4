//! The pages of the people who run events: rendered on the server, taken over in the browser.
//!
//! A feature is a room: `api.rs` holds its server functions (thin: actor, one call of a port, error mapped), the
//! other files its pages. Everything that changes something is a plain form posted to its own page, so that it works
//! before the bundle has arrived and without it; see [`context::FormOutcome`].

pub mod context;
pub mod app;
#[cfg(feature = "ssr")]
pub mod shell;
pub mod frame;
pub mod plain;
mod mark;
mod sending;
pub mod error_page;
pub mod load;
pub mod done;
pub mod forms;
pub mod words;
#[cfg(feature = "ssr")]
mod respond;

pub mod identity;
pub mod overview;
pub mod events;
pub mod captures;
pub mod guests;
pub mod messages;
pub mod audit;

#[cfg(feature = "hydrate")]
pub use app::hydrate;
pub use app::{App, page_paths};
pub use context::{CmsError, FormOutcome};
#[cfg(feature = "ssr")]
pub use context::{RequestContext, provide_request_context};
#[cfg(feature = "ssr")]
pub use shell::{Asset, Assets, STYLESHEET, shell, stylesheet_path};

#[cfg(all(test, feature = "ssr"))]
mod tests;
