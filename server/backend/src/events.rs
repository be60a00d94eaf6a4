//! Events, their branding and consent texts, and the devices that upload into them.

pub(crate) mod scope;
pub(crate) mod zone;

mod service;
mod logos;

pub(crate) mod consents;
pub(crate) mod counters;
pub(crate) mod devices;
mod overview;
pub(crate) mod queries;
pub(crate) mod rows;
pub(crate) mod trash;

#[cfg(test)]
mod tests;

pub(crate) use logos::code as logos_code;
pub use service::EventsService;
