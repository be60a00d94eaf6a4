//! Files that come in pieces (tus 1.0.0): kept sealed, seen by their uploader alone, and handed to `crate::ingest` when the
//! last byte is here. What is decided stands in `shutterpost_model::uploads`; here it is carried out.

mod service;
mod pen;
mod finish;
mod erase;

mod queries;
mod rows;

#[cfg(test)]
mod tests;

pub(crate) use erase::{destroy_keys, erase_of_event, sweep};
pub(crate) use queries::in_use;
pub use service::UploadsService;
