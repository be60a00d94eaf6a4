//! What the guard found out about a request, for the handler behind it.

use shutterpost_model::access::Actor;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::RequestId;
use shutterpost_model::identity::Client;
use shutterpost_model::language::Language;
use shutterpost_model::pii::Secret;
use shutterpost_model::support::StaffActor;

/// Name of the session cookie; the prefix makes browsers insist on `Secure`, `Path=/` and no domain.
pub const COOKIE: &str = "__Host-shutterpost";

/// Name of the cookie of a sign-in that waits for its second factor. Another than the session's, so that one is never
/// taken for the other.
pub const PENDING_COOKIE: &str = "__Host-shutterpost-factor";

/// Name of the cookie of a browser on its way to an identity provider and back. The only one that comes along from other
/// sites; it opens nothing.
pub const PROVIDER_COOKIE: &str = "__Host-shutterpost-sso";

/// Name of the cookie of somebody whom a provider has proved and who is to prove an account.
pub const TIE_COOKIE: &str = "__Host-shutterpost-tie";

/// Name of the cookie by which a browser is known that signed in before. It opens nothing.
pub const KNOWN_COOKIE: &str = "__Host-shutterpost-known";

/// Name of the cookie of a session of our own staff. Another than that of users: one person may have both.
pub const STAFF_COOKIE: &str = "__Host-shutterpost-staff";

/// Name of the cookie of a sign-in of the staff that waits for its second factor.
pub const STAFF_PENDING_COOKIE: &str = "__Host-shutterpost-staff-factor";

/// Name of the cookie of a browser that asks a passkey something: the answer counts from there alone.
pub const CEREMONY_COOKIE: &str = "__Host-shutterpost-passkey";

/// The request's facts; handlers take it by `Extension`.
#[derive(Debug, Clone)]
pub struct Context {
    pub actor: Option<Actor>,
    /// One of our own staff, on their own pages.
    pub staff: Option<StaffActor>,
    pub client: Client,
    /// The cookie of a sign-in that waits, on the routes that finish one.
    pub pending: Option<Secret>,
    /// The cookie of a browser that asked a passkey something.
    pub ceremony: Option<Secret>,
    /// The cookies of a sign-in by a provider, on its routes.
    pub browser: Option<Secret>,
    pub tie: Option<Secret>,
    pub request: RequestId,
    /// By `Accept-Language`, or `?lang=`.
    pub language: Language,
}

impl Context {
    /// The actor; routes that need one never get here without.
    pub fn actor(&self) -> Result<&Actor, AppError> {
        self.actor.as_ref().ok_or_else(|| AppError::new(Code::SignInNeeded))
    }

    /// The member of the staff; the same holds.
    pub fn staff(&self) -> Result<&StaffActor, AppError> {
        self.staff.as_ref().ok_or_else(|| AppError::new(Code::SignInNeeded))
    }
}

/// The code of a failed response, for the log; put into the response's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Failed(pub Code);
