//! Guests: the people in the pictures, their contact points and consents.

mod exported;
mod service;

pub(crate) mod consents;
pub(crate) mod enrol;
pub(crate) mod erase;
pub(crate) mod queries;
pub(crate) mod rows;
pub(crate) mod trash;

#[cfg(test)]
mod tests;

pub use service::GuestsService;
