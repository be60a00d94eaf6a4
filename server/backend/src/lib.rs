//! The services behind the ports of `shutterpost-model`. Diesel lives here and only here.
//!
//! Each feature has `service.rs` (the rules), `queries.rs` (the SQL) and `rows.rs` (rows and their conversion). A
//! feature calls a lower one's `pub(crate)` functions with an open transaction; lower never imports higher:
//! identity < connections < sso < support < events < captures < guests < share < messages < ingest < uploads < privacy;
//! audit, changes and jobs are called by all.

pub mod context;
pub mod db;
pub mod error;
pub mod keys;
pub mod keystore;
pub mod roots;
pub mod services;
pub mod storage;
pub mod backup;
pub mod doctor;
pub(crate) mod schema;
pub mod upgrade;

pub mod audit;
pub(crate) mod changes;
pub mod jobs;

pub mod identity;
pub mod connections;
pub mod sso;
pub mod support;
pub mod events;
pub mod captures;
pub mod designs;
pub mod exports;
pub mod guests;
pub mod share;
pub mod messages;
pub mod ingest;
pub mod uploads;
pub mod privacy;

/// For tests of this crate and, by the feature `testing`, of the server.
#[cfg(any(test, feature = "testing"))]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]
pub mod testing;

/// Power cuts and failing calls.
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]
mod faults;
