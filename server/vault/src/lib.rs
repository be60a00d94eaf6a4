//! Keys, sealing, tokens and keyed hashes of an installation. No database, no HTTP, no clock, no randomness of its own:
//! the caller passes the random source in, so that tests are repeatable.
//!
//! What an installation cannot lose:
//! - [`keys`][]: the key ring and its file.
//! - [`token`][]: what is derived from it or made at random: share links, media tokens, one-time tokens, API secrets.
//! - [`cursor`][]: authenticated paging cursors.
//! - [`password`][]: Argon2id.
//!
//! What it must be able to lose, so that erased data stay erased:
//! - [`data_key`][]: the random keys of the key store, one for each organisation, person, event, capture.
//! - [`field`][]: values in database columns, sealed under them.
//! - [`stream`][]: pictures and films, sealed in segments.
//! - [`index`][]: what sealed columns are looked up by.
//! - [`wrap`][]: keys wrapped under keys.
//! - [`root`][]: root generations, which wrap the first of them, in a folder or behind a key service.
//!
//! What proves it afterwards:
//! - [`sign`][]: Ed25519.
//! - [`ledger`][]: the list of erased keys that is applied before a restored system may serve.
//! - [`receipt`][]: what a person gets after an erasure.
//!
//! No type that holds a secret is `Serialize` or `Display`; `Debug` prints the type's name; comparison takes constant
//! time; memory is overwritten on drop.

pub mod keys;
pub mod token;

pub mod cursor;
pub mod password;

pub mod data_key;
pub mod field;
pub mod stream;
pub mod index;
pub mod wrap;
pub mod root;

pub mod sign;
pub mod ledger;
pub mod receipt;

mod disk;
pub mod faults;
mod encoding;
mod envelope;
mod file;
mod kdf;
#[cfg(test)]
mod testing;
