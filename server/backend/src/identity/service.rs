//! The rules of identity, one service a port.

mod accounts;
mod directory;
mod joining;
mod passwords;

pub use accounts::AccountsService;
pub use directory::DirectoryService;
