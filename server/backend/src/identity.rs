//! Organisations, users, memberships, sessions, invitations and API tokens.

pub(crate) mod scope;
