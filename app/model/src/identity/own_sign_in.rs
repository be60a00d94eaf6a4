//! Sign-in by the organisation's own provider for everybody, and the owners who may still get in when that is down.

use serde::{Deserialize, Serialize};

use crate::id::{ConnectionId, UserId};
use crate::pii::Disclosed;
use crate::time::Millis;

/// For how many days an owner can be armed.
pub const ARMED_DAYS: [i64; 3] = [1, 7, 30];

/// What an organisation asks of everybody's sign-in, for those who decide it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSignIn {
    /// Since when sign-in by its own provider is asked for; `None` if it is not.
    pub required_at: Option<Millis>,
    /// Whoever asks came by a connection that is on, and so may ask others for it.
    pub came_by: bool,
    /// Those who may get in without it, soonest over first.
    pub armed: Vec<ArmedOwner>,
    /// Owners who have a second factor, and so can be armed.
    pub candidates: Vec<Candidate>,
}

/// An owner who may sign in with their own second factor for a while, when the provider is down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmedOwner {
    pub user: UserId,
    pub name: Disclosed<String>,
    /// From this moment on no more.
    pub ends_at: Millis,
    /// When they got in that way for the first time.
    pub used_at: Option<Millis>,
    /// Still an owner with a second factor; otherwise it opens nothing.
    pub counts: bool,
}

/// Somebody who can be armed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub user: UserId,
    pub name: Disclosed<String>,
}

/// A connection by which people of an organisation get in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayIn {
    pub connection: ConnectionId,
    pub name: String,
}
