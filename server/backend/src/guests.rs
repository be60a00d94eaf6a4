//! Guests: the people in the pictures, their contact points and consents.

mod service;

pub(crate) mod consents;
pub(crate) mod enrol;
pub(crate) mod erase;
pub(crate) mod queries;
pub(crate) mod rows;

#[cfg(test)]
mod tests;

pub use service::GuestsService;
