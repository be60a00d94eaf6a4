//! Signing in by connections, on both databases, through the port. Named by the cases of OpenID's and SAML's attacks that they
//! show refused.

mod adversary;
mod arriving;
mod ending;
mod fixture;
mod own_sign_in;
mod people;
mod provider;
