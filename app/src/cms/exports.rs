//! Exports: the archives of an event that can be downloaded.

mod list;

pub use list::ExportsPage;
