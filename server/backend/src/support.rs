//! Our own staff, and what organisations let them do.
//!
//! Beside [`crate::identity`] the only home of [`shutterpost_model::access::Actor::proven`]: support acts in an
//! organisation by a grant of it, which is looked at with the clock of each request.

pub mod admin;
pub(crate) mod approvals;
pub(crate) mod queries;
pub(crate) mod rows;

mod service;
mod session;
mod tell;

#[cfg(test)]
mod tests;

pub use service::SupportService;
pub(crate) use session::sweep;
pub(crate) use tell::end_expired;
