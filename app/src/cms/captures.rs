//! Captures: the live grid of an event, and the page of one.

pub mod api;
mod bar;
mod detail;
mod feed;
mod grid;
mod links;
mod list;
mod live;
mod look;
mod queue;
mod selection;
mod send;
mod state;
mod upload;

pub use detail::CapturePage;
pub use list::CapturesPage;
