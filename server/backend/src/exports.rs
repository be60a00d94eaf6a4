//! Archives of an event's originals. What is in one is frozen when it is asked for; then each entry gets its place, by a job;
//! after that any byte of the archive can be sent, again and again the same.

mod archive;
mod names;
mod people;
mod prepare;
mod queries;
mod service;

#[cfg(test)]
mod tests;

pub(crate) use people::{People, Person};
pub(crate) use prepare::{Measure, PrepareExport};
pub(crate) use queries::{OriginalRow, clear, insert_original};
pub use service::ExportsService;
