//! The binary's parts: configuration, command line, HTTP and wiring. `http` translates and decides nothing; `wiring`
//! puts the services together and decides nothing.

pub mod adapters;
pub mod config;
pub mod wiring;
pub mod http;
pub mod push;
pub mod log;
pub mod metrics;
pub mod monitor;
pub mod cli;
