//! Messages to guests and members, and what became of them.

mod list;
pub mod timeline;

pub use list::MessagesPage;
