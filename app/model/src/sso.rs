//! Signing in by an organisation's own identity provider: what a browser is sent there with, what it comes back with, and
//! what becomes of it.

use async_trait::async_trait;

use crate::access::Actor;
use crate::error::AppError;
use crate::id::ConnectionId;
use crate::identity::security::SignedIn;
use crate::identity::{Client, NewSession};
use crate::language::Language;
use crate::pii::{Disclosed, Secret};

/// Seconds for which a browser is known that was sent to a provider. Somebody looks for their telephone meanwhile.
pub const ATTEMPT: i64 = 15 * 60;

/// How the browser gets to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leave {
    To(String),
    /// A form that is sent to `action`, of which the reader presses the button.
    Form {
        action: String,
        fields: Vec<(String, String)>,
    },
}

/// A browser about to leave for a provider.
#[derive(Debug, Clone)]
pub struct Departure {
    pub leave: Leave,
    /// To be set as the cookie by which the browser is known when it comes back. It opens nothing.
    pub browser: Secret,
}

/// What became of the wish to go there.
#[derive(Debug, Clone)]
pub enum Begun {
    Leave(Departure),
    /// It cannot begin, by the stable name of the check that failed.
    Refused {
        check: &'static str,
    },
}

/// What a browser brings back from a provider. Nothing of it is proved.
#[derive(Debug, Clone)]
pub enum Answer {
    Oidc(OidcAnswer),
    Saml(SamlAnswer),
}

/// Parameters of an address, or of a form where the provider answers by one.
#[derive(Debug, Clone, Default)]
pub struct OidcAnswer {
    pub state: Option<Secret>,
    pub code: Option<Secret>,
    pub iss: Option<String>,
    pub error: Option<String>,
    pub user: Option<Secret>,
}

#[derive(Debug, Clone, Default)]
pub struct SamlAnswer {
    pub response: Secret,
    pub relay_state: Option<Secret>,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum Arrived {
    /// Signed in, or on to the second factor, and then to the page that was wanted.
    SignedIn { signed_in: SignedIn, next: Option<String> },
    /// Somebody has an account with this address, and has to prove once that it is theirs.
    Tie { cookie: Secret, max_age: i64 },
    /// Showed once more who they are; the session goes on under another cookie.
    Confirmed { session: NewSession, next: Option<String> },
    /// A test of the connection ended; its page tells how.
    Tested,
    /// Refused, by the stable name of the check that failed.
    Refused { check: &'static str },
}

/// Whose account a person at a provider says they have.
#[derive(Debug, Clone)]
pub struct TieView {
    pub connection: String,
    pub email: Disclosed<String>,
    /// The account has a second factor, which has to be shown as well.
    pub two_factor: bool,
}

/// A message by which a SAML provider ends sessions, or says that it did.
#[derive(Debug, Clone)]
pub enum LogoutMessage {
    /// The query exactly as it was sent: it is signed.
    Redirect(String),
    Request {
        value: String,
        relay_state: Option<String>,
    },
    Response {
        value: String,
        relay_state: Option<String>,
    },
}

/// Sign-in by connections. Addresses of unknown connections, and of those that are off, are all answered alike: not found.
#[async_trait]
pub trait SingleSignOn: Send + Sync {
    /// Begins a sign-in that leads to `next` in the end, a path within the CMS.
    async fn start(&self, connection: &ConnectionId, next: Option<String>, client: Client) -> Result<Begun, AppError>;
    /// Begins a sign-in that only tries a connection of the actor's organisation, on or off. For owners.
    async fn start_test(&self, actor: &Actor, connection: &ConnectionId) -> Result<Begun, AppError>;
    /// The name of the connection by which the actor can show once more who they are; nothing if they have a password or a
    /// second factor, or did not come by a connection.
    async fn proves_by(&self, actor: &Actor) -> Result<Option<String>, AppError>;
    /// Begins to show once more who one is; leads back to `next`.
    async fn start_confirm(&self, actor: &Actor, next: Option<String>) -> Result<Begun, AppError>;
    /// Ends what was begun. `browser` is the cookie that [`Departure::browser`] became.
    async fn arrive(
        &self,
        connection: &ConnectionId,
        answer: Answer,
        browser: Option<Secret>,
        who: (Client, Language),
    ) -> Result<Arrived, AppError>;

    /// Whose account is to be tied, by the cookie of [`Arrived::Tie`].
    async fn tie_view(&self, connection: &ConnectionId, cookie: &str) -> Result<TieView, AppError>;
    /// Proves the account and ties it to the person at the provider; signs them in. `code` where there is a second factor.
    async fn tie(
        &self,
        connection: &ConnectionId,
        cookie: &str,
        proof: (Secret, Secret),
        client: Client,
    ) -> Result<(NewSession, Option<String>), AppError>;

    /// Ends the actor's session here; gives where the browser goes to end it at the provider too.
    async fn sign_out(&self, actor: &Actor) -> Result<Option<Leave>, AppError>;
    /// Whether a browser comes back from a sign-out that began here.
    async fn signed_out(&self, connection: &ConnectionId, state: &Secret) -> Result<bool, AppError>;
    /// A provider says that sessions have ended there (Back-Channel Logout). `BadRequest` if it does not prove it.
    async fn ended(&self, connection: &ConnectionId, token: &str) -> Result<(), AppError>;
    /// The same by SAML; gives where the browser goes with the answer, if there is one to give.
    async fn logout_message(
        &self,
        connection: &ConnectionId,
        message: LogoutMessage,
    ) -> Result<Option<Leave>, AppError>;
    /// Our own SAML metadata for the connection, on or off: an administrator needs it before.
    async fn metadata(&self, connection: &ConnectionId) -> Result<String, AppError>;
}
