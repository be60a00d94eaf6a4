//! Connections of organisations to their identity providers: what owners agree with a provider, and whether it can be used.
//!
//! Who signs in by them is decided elsewhere, by [`queries::usable`] and [`queries::note_report`].

pub(crate) mod certificates;
pub mod dns;
pub(crate) mod domains;
mod draft;
mod probe;
pub mod providers;
pub(crate) mod queries;
pub(crate) mod rows;
mod service;

#[cfg(test)]
mod tests;

pub use domains::DomainsService;
pub use service::ConnectionsService;
