//! Types, rules and ports of Shutterpost.
//!
//! Nothing here does I/O, reads a clock or draws a random number; it compiles for the server and for the browser.
//! Each feature has one module with its types, its rules (plain functions with tests) and its port: the trait
//! through which pages and HTTP handlers use the services of `backend`.

pub mod access;
pub mod error;
pub mod id;
pub mod language;
pub mod pii;
pub mod time;
pub mod validate;

pub mod tokens;
pub mod identity;
pub mod connections;
pub mod sso;
pub mod events;
pub mod captures;
pub mod designs;
pub mod exports;
pub mod guests;
pub mod share;
pub mod messages;
pub mod ingest;
pub mod uploads;
pub mod privacy;
pub mod support;
pub mod audit;

pub mod services;
