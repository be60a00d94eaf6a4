//! The services behind the ports of `shutterpost-model`. Diesel lives here and only here.
//!
//! Each feature has `service.rs` (the rules), `queries.rs` (the SQL) and `rows.rs` (rows and their conversion). A
//! feature calls a lower one's `pub(crate)` functions with an open transaction; lower never imports higher:
//! identity < events < captures < guests < share < messages < ingest < privacy; audit and jobs are called by all.

pub mod context;
pub mod db;
pub mod error;
pub(crate) mod schema;

pub mod audit;
pub mod jobs;

pub mod identity;
