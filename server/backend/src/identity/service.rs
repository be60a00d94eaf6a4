//! The rules of identity, one service a port.

mod accounts;
mod directory;
mod factors;
mod joining;
pub(crate) mod own_sign_in;
mod passkeys;
mod passwords;
pub(crate) mod provided;
mod security;
mod tokens;

pub use accounts::AccountsService;
pub use directory::DirectoryService;
