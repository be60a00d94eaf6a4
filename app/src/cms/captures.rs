//! Captures: the live grid of an event, and the page of one.

pub mod api;
mod bar;
pub mod board;
mod feed;
mod grid;
mod live;
mod look;
mod place;
mod queue;
mod selection;
mod send;
mod state;
mod upload;

#[cfg(feature = "ssr")]
mod detail;
#[cfg(feature = "ssr")]
mod links;
#[cfg(feature = "ssr")]
mod list;

#[cfg(feature = "ssr")]
pub use detail::CapturePage;
#[cfg(feature = "ssr")]
pub use list::CapturesPage;
