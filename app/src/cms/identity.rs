//! Signing in, people, API tokens and one's own account: pages and plain forms without script.

pub mod sign_in;
pub mod factor;
pub mod forgot;
pub mod invitation;
pub mod people;
pub mod rules;
pub mod tokens;
pub mod security;
pub mod two_factor;
pub mod account;
