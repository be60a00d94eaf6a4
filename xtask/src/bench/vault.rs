//! What it costs to keep things sealed. Our side is the vault's and the backend's own code: the server itself where HTTP
//! takes part, otherwise committed examples, built in release like the server and run on one core.

pub mod aead;
pub mod ingest;
pub mod serve;
pub mod range;
pub mod field;

pub mod program;
