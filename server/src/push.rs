//! `shutterpost push FOLDER`: the uploader of booths. Watches a folder, waits until a file is whole, and uploads it in pieces
//! until the server has it, whatever fails in between. What it knows stands in a journal, so that a restart goes on and no
//! file is uploaded twice.

mod folder;
mod journal;
mod client;
mod upload;
mod status;
mod run;

pub use client::{Address, AddressError};
pub use run::{Ended, Options, Token, run};
