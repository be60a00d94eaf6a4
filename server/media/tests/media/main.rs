//! The crate through its public functions, with files made in code.

#![expect(clippy::unwrap_used, reason = "the lint knows tests by their attribute only, not the functions they share")]

mod animations;
mod bad_inputs;
mod branding;
mod conversions;
mod families;
mod film_metadata;
mod films;
mod heic;
mod hostile;
mod inks;
mod marked_films;
mod memory;
mod renditions;
mod stages;
mod stripping;
mod synth;
mod tools;
mod webm;
