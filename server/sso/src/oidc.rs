//! OpenID Connect, as relying party.
