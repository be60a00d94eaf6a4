//! SAML against SimpleSAMLphp, pysaml2 and samlp: what they send is taken, and nothing that was made of it.

mod content;
mod edges;
mod http;
mod logout;
mod metadata;
mod mutations;
mod parsing;
mod providers;
mod references;
mod reports;
mod signatures;
mod tree;
mod wrapping;
mod xmlsec;
