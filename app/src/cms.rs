//! The pages of the people who run events: HTML written by the server, with islands that live in the browser.
//!
//! A feature is a room. Its pages are the server's alone: they ask the ports ([`load`]) and write plain HTML, with forms
//! posted to their own page ([`context::FormOutcome`]), so that everything works before the bundle has arrived and
//! without it. What must live (the grid, previews) is an [`island::Island`], compiled for both sides; `api.rs` holds the
//! server functions that islands call (thin: actor, one call of a port, error mapped).

pub mod context;
pub mod island;
pub mod refusal;

pub mod captures;
pub mod designs;
pub mod events;
pub mod guests;
pub mod identity;

#[cfg(feature = "ssr")]
pub mod app;
#[cfg(feature = "ssr")]
pub mod audit;
#[cfg(feature = "ssr")]
pub mod connections;
#[cfg(feature = "ssr")]
pub mod done;
#[cfg(feature = "ssr")]
pub mod error_page;
#[cfg(feature = "ssr")]
pub mod exports;
#[cfg(feature = "ssr")]
pub mod forms;
#[cfg(feature = "ssr")]
pub mod frame;
#[cfg(feature = "ssr")]
pub mod load;
#[cfg(feature = "ssr")]
mod mark;
#[cfg(feature = "ssr")]
pub mod messages;
#[cfg(feature = "ssr")]
pub mod overview;
#[cfg(feature = "ssr")]
pub mod plain;
#[cfg(feature = "ssr")]
pub mod privacy;
#[cfg(feature = "ssr")]
mod respond;
#[cfg(feature = "ssr")]
pub mod sso;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod support;

#[cfg(feature = "ssr")]
pub use app::{App, page_paths};
pub use context::CmsError;
#[cfg(feature = "ssr")]
pub use context::{FormOutcome, RequestContext, provide_request_context};
#[cfg(feature = "ssr")]
pub use shell::{Asset, Assets, shell, stylesheet, stylesheet_path};

#[cfg(all(test, feature = "ssr"))]
mod tests;

/// Brings the page that the server wrote to life: every island, then what the design system adds.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    // Whoever reports a broken page can then say more than "unreachable".
    std::panic::set_hook(Box::new(|panic| leptos::logging::error!("{panic}")));
    island::wake::<captures::board::Board>();
    island::wake::<events::colours::Colours>();
    island::wake::<events::kept::Kept>();
    island::wake::<events::preview::Preview>();
    island::wake::<guests::contact::Contact>();
    identity::ask::listen();
    designs::live::listen();
    crate::ui::alive::start();
}
