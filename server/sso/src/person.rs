//! What every protocol says in the end.

use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;

/// A person as their provider has proved them. Who they are is (connection, issuer, subject) and nothing else: addresses
/// change hands.
#[derive(Debug, Clone)]
pub struct Person {
    /// `iss` of OpenID Connect, the provider's entity id of SAML.
    pub issuer: String,
    /// `sub`, or the NameID; means nothing without the issuer.
    pub subject: Pii<String>,
    pub email: Option<Pii<String>>,
    /// The provider says that the address is the person's; what the organisation has proved of the domain is another
    /// question.
    pub email_verified: bool,
    pub name: Option<Pii<String>>,
    /// Groups and roles, as the provider names them; a connection maps them.
    pub groups: Vec<String>,
    /// How they signed in there: `amr` and `acr`, or the AuthnContextClassRef.
    pub methods: Vec<String>,
    /// The provider's own session, which it ends by this name: `sid`, or the SessionIndex.
    pub session: Option<String>,
    /// When they proved who they are there (`auth_time`, AuthnInstant), if it says so.
    pub authenticated_at: Option<Millis>,
    /// Our session must not outlive this (SessionNotOnOrAfter).
    pub until: Option<Millis>,
}
