//! Signing in by an organisation's own identity provider: on the way there, when it went wrong, and tying an account.

pub mod leaving;
pub mod refused;
pub mod tie;
mod words;

pub use words::CHECKS;
