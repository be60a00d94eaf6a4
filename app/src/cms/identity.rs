//! Signing in, people, API tokens and one's own account.

pub mod api;
pub mod sign_in;
pub mod forgot;
pub mod invitation;
pub mod people;
pub mod tokens;
pub mod account;
