//! Keeping the promise that data end: on request, with a receipt; by retention; from the trash; and what crashes leave
//! behind.

mod erasure;
mod keys;
mod orphans;
mod queries;
mod retention;
mod rows;
pub(crate) mod scrub;
mod service;
mod sweep;
mod trash;

#[cfg(test)]
mod tests;

pub(crate) use erasure::FinishErasure;
pub use scrub::{Flawed, Scrubbed, scrub_all};
pub use service::{PrivacyService, receipt_of};
pub use sweep::Swept;
pub(crate) use sweep::sweep;
pub use trash::TrashService;
