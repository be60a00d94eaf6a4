//! Sign-in by a company's own identity provider: OpenID Connect as relying party, SAML 2.0 as service provider.
//!
//! Bytes of a provider in, a proved [`Person`] or a named refusal out. No database and no server: what has to be
//! remembered between two requests is handed out and in again, and what has to be fetched goes through a port.

pub mod fetch;
pub mod oidc;
mod person;
pub mod saml;

pub use person::Person;
