//! Connections of organisations to their identity providers: what owners agree with a provider, and whether it can be used.
//!
//! Who signs in by them is decided elsewhere, by [`queries::usable`] and [`queries::note_report`].

mod draft;
pub mod providers;
pub(crate) mod queries;
pub(crate) mod rows;
mod service;

#[cfg(test)]
mod tests;

pub use service::ConnectionsService;
