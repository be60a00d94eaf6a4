//! Sign-in by other providers, from outside: against providers that mean harm, and against real ones.

mod oidc;
mod saml;
