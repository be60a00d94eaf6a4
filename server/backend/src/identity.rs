//! Organisations, users, memberships, sessions, invitations and API tokens.
//!
//! The only home of [`shutterpost_model::access::Actor::proven`]: whoever acts has been proved here, for one request; our staff in
//! [`crate::support`].

pub(crate) mod scope;

pub mod admin;
mod policy;
mod service;
pub(crate) mod removed;

pub(crate) mod bearer;
mod blocklist;
pub(crate) mod factors;
pub(crate) mod hasher;
pub(crate) mod notices;
pub(crate) mod one_time;
mod passkeys;
pub(crate) mod session;
pub(crate) mod throttle;
mod trace;

pub(crate) mod queries;
pub(crate) mod rows;

#[cfg(test)]
mod tests;

pub use policy::PasswordPolicy;
pub use service::{AccountsService, DirectoryService};
pub(crate) use service::{own_sign_in, provided};
