//! Signing in by the connections of organisations: what begins and ends between two requests of a browser.
//!
//! What a provider proves is decided in the crate of that name. Here it is decided, in one transaction with the session, that
//! an attempt and an assertion are used once, who the person is, and what they may be.

mod admission;
mod arrive;
mod attempts;
mod leave;
mod queries;
mod report;
mod service;
mod tie;
mod visit;

#[cfg(test)]
mod tests;

pub use service::SsoService;

use crate::context::World;
use crate::db::{Db, write_tx};
use crate::error::Failure;
use crate::jobs::Permit;

/// Removes what was begun and not ended, and what could not be used again anyway; gives the number of rows.
pub(crate) async fn sweep(db: &Db, world: &World, _permit: &Permit) -> Result<usize, Failure> {
    let now = world.now();
    write_tx!(db, tx => queries::delete_expired(tx, now).await)
}
