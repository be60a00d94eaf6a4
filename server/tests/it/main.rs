//! The integration tests: everything through the router, as clients meet it, on SQLite and on PostgreSQL.

mod support;

mod architecture;
mod registry;
mod matrix;
mod states;
mod metrics;
mod isolation;
mod ingest;
mod share;
mod cms;
mod cookies;
mod cross_site;
mod odd;
mod proxies;
mod assigned;
mod confirmations;
mod pages;
mod alike;
mod crash;
mod admin;
mod erasures;
mod exports;
mod factor;
mod staff;
mod passkeys;
mod sso;
mod own_sign_in;
mod trash;
mod tokens;
mod uploads;
mod canary;
mod crowd;
mod swaps;
mod revocation;
mod texts;
