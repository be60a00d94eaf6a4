//! SAML 2.0, as service provider.
//!
//! What a provider sends is proved by one function behind [`SamlVerifier`] and by nothing else. Two things read the
//! message: the pinned crate `saml`, in [`adapter`] alone, which verifies and reads in one tree; and [`message`], which
//! looks at what is not proved, for two uses that cannot let anybody in: to say why a message was refused, and to refuse
//! more.
//!
//! No clock, no randomness and no memory of its own: the time and the bytes come in, and what has to be remembered goes
//! out as a [`login::Tracker`] and a [`login::OneUse`].

mod adapter;
pub mod certificate;
pub mod connection;
pub mod login;
pub mod logout;
mod message;
pub mod metadata;
pub mod reject;
pub mod report;
mod request;
mod wire;
mod xml;

use std::fmt;

use shutterpost_model::time::Millis;

pub use adapter::Verifier;
use connection::{Connection, Unusable};
use login::{Attempt, Consumed, Departure, Form, Tracker};
use logout::{Demand, LogoutAttempt, LogoutMessage, LogoutTracker, Outcome};
use reject::Reject;

/// How far the clocks of a provider and of this server may be apart, in milliseconds.
pub const SKEW: i64 = 60_000;

/// How long a sign-in may take, in milliseconds.
pub const ATTEMPT: i64 = 10 * 60_000;

/// The largest message in bytes, as it is sent and once it is inflated.
pub const MESSAGE_LIMIT: usize = 256 * 1024;

/// Proves what identity providers say. One implementation, so that another crate could take its place.
pub trait SamlVerifier: fmt::Debug + Send + Sync {
    /// Where to send the browser, and what to remember until it comes back.
    fn start(&self, connection: &Connection, attempt: &Attempt<'_>) -> Result<(Departure, Tracker), Unusable>;

    /// Proves the response that came to the connection's assertion consumer. `tracker` is what was remembered under the
    /// relay state; without one nobody had asked. That a tracker and an assertion are used once is the caller's to see to,
    /// in the transaction that makes the session.
    fn consume(&self, connection: &Connection, tracker: Option<&Tracker>, form: &Form<'_>, now: Millis) -> Consumed;

    /// Asks the provider to end the person's session there too. The session here is ended before.
    fn start_logout(
        &self,
        connection: &Connection,
        attempt: &LogoutAttempt<'_>,
    ) -> Result<(Departure, LogoutTracker), Unusable>;

    /// Reads what the provider says of it. Must be signed; whatever it says, the session here is over.
    fn finish_logout(
        &self,
        connection: &Connection,
        tracker: &LogoutTracker,
        message: &LogoutMessage<'_>,
        now: Millis,
    ) -> Result<Outcome, Reject>;

    /// Reads a provider's wish to end sessions. Must be signed, must be new.
    fn receive_logout(
        &self,
        connection: &Connection,
        message: &LogoutMessage<'_>,
        now: Millis,
    ) -> Result<Demand, Reject>;

    /// Tells the provider that it was done; `id` are 20 random bytes.
    fn answer_logout(
        &self,
        connection: &Connection,
        demand: &Demand,
        id: [u8; 20],
        now: Millis,
    ) -> Result<Departure, Unusable>;
}
