//! Captures and their renditions: the grid, the detail page, the trash, and deletion for good.

pub(crate) mod parts;

mod service;
mod list;
mod order;
mod history;
pub(crate) mod sample;
pub(crate) mod look;

pub(crate) mod anew;
pub(crate) mod purge;
pub(crate) mod trash;
pub(crate) mod queries;
pub(crate) mod rows;

#[cfg(test)]
mod tests;

pub use parts::CaptureParts;
pub use service::CapturesService;
