//! What goes into a sign-out and comes out of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;

use super::login::OneUse;

/// A person as the provider calls them in this session. To end it, it wants its own words back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameId {
    pub value: Pii<String>,
    pub format: Option<String>,
    pub qualifier: Option<String>,
    pub sp_qualifier: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredNameId {
    value: String,
    format: Option<String>,
    qualifier: Option<String>,
    sp_qualifier: Option<String>,
}

impl NameId {
    /// As JSON, to be sealed and kept with the session.
    pub fn to_stored(&self) -> Pii<String> {
        let Self { value, format, qualifier, sp_qualifier } = self;
        let stored = StoredNameId {
            value: value.expose().clone(),
            format: format.clone(),
            qualifier: qualifier.clone(),
            sp_qualifier: sp_qualifier.clone(),
        };
        Pii::new(serde_json::to_string(&stored).expect("four texts are JSON"))
    }

    /// Back from [`NameId::to_stored`].
    pub fn from_stored(text: &str) -> Result<Self, serde_json::Error> {
        let StoredNameId { value, format, qualifier, sp_qualifier } = serde_json::from_str(text)?;
        Ok(Self { value: Pii::new(value), format, qualifier, sp_qualifier })
    }
}

/// A sign-out about to begin.
#[derive(Clone, Copy)]
pub struct LogoutAttempt<'a> {
    pub name_id: &'a NameId,
    pub session: Option<&'a str>,
    /// Random, at most 80 characters of base64url: the key under which the tracker is kept.
    pub relay_state: &'a str,
    /// 20 random bytes: the request's id.
    pub id: [u8; 20],
    pub now: Millis,
}

impl fmt::Debug for LogoutAttempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutAttempt").field("now", &self.now).finish_non_exhaustive()
    }
}

/// What is remembered of a sign-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutTracker {
    pub(super) request: String,
    pub(super) provider: String,
    pub(super) began: Millis,
}

/// A message that came to the address for signing out.
#[derive(Clone, Copy)]
pub enum LogoutMessage<'a> {
    /// The query exactly as it was sent, without its question mark: the signature is over these bytes.
    Redirect { query: &'a str },
    /// The form's `SAMLRequest` or `SAMLResponse`, decoded once, and its relay state.
    Post { value: &'a str, relay_state: Option<&'a str> },
}

impl fmt::Debug for LogoutMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redirect { .. } => "Redirect",
            Self::Post { .. } => "Post",
        })
    }
}

/// What the provider says became of the session there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Ended,
    /// There, but not everywhere else the person was signed in by it.
    Partly,
    Failed,
}

/// A provider's wish that sessions end: all of the person, or those named.
#[derive(Debug, Clone)]
pub struct Demand {
    pub name_id: NameId,
    /// Empty: all of them.
    pub sessions: Vec<String>,
    /// Must not have been seen before.
    pub message: OneUse,
    /// Goes back with the answer, as it came.
    pub relay_state: Option<String>,
}
