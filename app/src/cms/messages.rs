//! Messages to guests and members, and what became of them.

pub mod api;
mod list;
pub mod timeline;

pub use list::MessagesPage;
