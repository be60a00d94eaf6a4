//! Keys, tokens and keyed hashes of an installation. No database, no HTTP, no clock, no randomness of its own: the
//! caller passes the random source in, so that tests are repeatable.
//!
//! - [`keys`][]: the key ring and its file.
//! - [`token`][]: what is derived from it or made at random: share links, media tokens, one-time tokens, API secrets.
//! - [`cursor`][]: authenticated paging cursors.
//! - [`password`][]: Argon2id.
//!
//! No type that holds a secret is `Serialize` or `Display`; `Debug` prints the type's name; comparison takes constant
//! time; memory is overwritten on drop.

pub mod keys;
pub mod token;

pub mod cursor;
pub mod password;

mod encoding;
mod file;
