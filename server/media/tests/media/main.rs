//! The crate through its public functions, with files made in code.

#![expect(clippy::unwrap_used, reason = "the lint knows tests by their attribute only, not the functions they share")]

mod animations;
mod conversions;
mod films;
mod hostile;
mod renditions;
mod stripping;
mod synth;
mod tools;
