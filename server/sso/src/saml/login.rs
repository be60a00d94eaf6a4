//! What goes into a sign-in and comes out of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use shutterpost_model::time::Millis;

use super::logout::NameId;
use super::reject::Reject;
use super::report::Report;
use crate::Person;

/// A sign-in about to begin.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// Random, at most 80 characters of base64url: the key under which the tracker is kept.
    pub relay_state: &'a str,
    /// 20 random bytes: the request's id.
    pub id: [u8; 20],
    pub freshness: Freshness,
    pub now: Millis,
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("freshness", &self.freshness).field("now", &self.now).finish_non_exhaustive()
    }
}

/// Whether an earlier sign-in at the provider will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    Any,
    /// They have to prove themselves there once more, and the provider has to say that they did.
    Again,
}

/// How the browser gets to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    Redirect(String),
    /// A form that is sent to `action` with one field and the relay state.
    Form {
        action: String,
        field: &'static str,
        value: String,
        relay_state: Option<String>,
    },
}

/// What is remembered of a sign-in, on the server, under a hash of its relay state, bound to the browser, used once and
/// forgotten at [`Tracker::ends`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracker {
    pub(super) request: String,
    /// SHA-256 of the relay state.
    pub(super) relay_state: [u8; 32],
    pub(super) provider: String,
    pub(super) acs: String,
    /// Of the certificates that were trusted when it began; one that is added meanwhile is not for this sign-in.
    pub(super) certificates: Vec<[u8; 32]>,
    pub(super) freshness: Freshness,
    pub(super) began: Millis,
}

impl Tracker {
    /// From then on it is of no use.
    pub const fn ends(&self) -> Millis {
        self.began.plus(super::ATTEMPT)
    }
}

/// The fields of the form that came to the assertion consumer, decoded once.
#[derive(Clone, Copy)]
pub struct Form<'a> {
    pub saml_response: &'a str,
    pub relay_state: Option<&'a str>,
}

impl fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").finish_non_exhaustive()
    }
}

/// The verdict, and how it came about.
#[derive(Debug)]
pub struct Consumed {
    pub outcome: Result<Proved, Reject>,
    pub report: Report,
}

/// A person, proved.
#[derive(Debug, Clone)]
pub struct Proved {
    pub person: Person,
    /// What the provider calls them; kept with the session for signing out.
    pub name_id: NameId,
    /// Must not have been seen before, on any node.
    pub assertion: OneUse,
    /// SHA-256 of the certificate that signed: tells how far a rollover has come.
    pub certificate: [u8; 32],
}

/// What may be used once: kept in a table with (connection, id) as its key, in the transaction that acts on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneUse {
    pub id: String,
    /// Until then it could be sent again; afterwards it is refused anyway.
    pub keep_until: Millis,
}
