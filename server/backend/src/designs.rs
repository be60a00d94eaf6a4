//! Picture designs: what is put on the pictures of an event, its files, and how far older pictures have it. Making
//! pictures is ingest's.

mod files;
mod preview;
mod service;
mod wanted;

pub(crate) mod queries;
pub(crate) mod rows;

#[cfg(test)]
mod tests;

pub(crate) use files::{erase_of_event, in_use, named, prepare, read};
pub use service::DesignsService;
pub(crate) use wanted::{Wanted, Worn, came_late, newer, of_mark, of_run, wanted};
