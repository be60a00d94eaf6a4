//! SAML 2.0, as service provider.
