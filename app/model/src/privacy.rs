//! Erasures: making data unrecoverable at once, backups included, and the receipt that proves it.

pub mod trash;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::error::{AppError, Code};
use crate::id::{CaptureId, ErasureId, EventId, GuestId, OrganisationId};
use crate::identity::Client;
use crate::time::Millis;

/// Longest receipt that is looked at, in bytes; a genuine one is far shorter.
pub const RECEIPT_MOST: usize = 32 * 1024;

/// What can be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErasureKind {
    /// A guest: contact data, consents, owner links, messages, and the captures that show nobody else.
    Guest,
    /// A capture with its renditions and links, and the guests who have no other.
    Capture,
    /// An event with everything in it.
    Event,
    /// An organisation with everything it has.
    Organisation,
}

impl ErasureKind {
    pub const ALL: [Self; 4] = [Self::Guest, Self::Capture, Self::Event, Self::Organisation];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Capture => "capture",
            Self::Event => "event",
            Self::Organisation => "organisation",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One thing to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasureTarget {
    Guest(GuestId),
    Capture(CaptureId),
    Event(EventId),
    Organisation(OrganisationId),
}

impl ErasureTarget {
    pub const fn kind(&self) -> ErasureKind {
        match self {
            Self::Guest(_) => ErasureKind::Guest,
            Self::Capture(_) => ErasureKind::Capture,
            Self::Event(_) => ErasureKind::Event,
            Self::Organisation(_) => ErasureKind::Organisation,
        }
    }

    /// The object's id.
    pub fn object(&self) -> &str {
        match self {
            Self::Guest(id) => id.as_str(),
            Self::Capture(id) => id.as_str(),
            Self::Event(id) => id.as_str(),
            Self::Organisation(id) => id.as_str(),
        }
    }

    /// Reads kind and id; what is no id of that kind is not found, as a foreign one is not.
    pub fn parse(kind: ErasureKind, object: &str) -> Result<Self, Code> {
        let target = match kind {
            ErasureKind::Guest => object.parse().map(Self::Guest),
            ErasureKind::Capture => object.parse().map(Self::Capture),
            ErasureKind::Event => object.parse().map(Self::Event),
            ErasureKind::Organisation => object.parse().map(Self::Organisation),
        };
        target.map_err(|_| Code::NotFound)
    }
}

/// An erasure as shown. Nothing in it is personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureView {
    pub id: ErasureId,
    pub kind: ErasureKind,
    /// Id of what was erased.
    pub object: String,
    pub requested_at: Millis,
    /// When the rows and files that nobody can read any more are deleted as well; `None` while that goes on.
    pub finished_at: Option<Millis>,
    /// There as soon as the keys are destroyed.
    pub receipt: Option<ReceiptView>,
}

/// What a receipt says, and the receipt itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptView {
    /// Signed text, to be kept by whoever asked for the erasure.
    pub text: String,
    pub facts: ReceiptFacts,
}

/// The content of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptFacts {
    /// The erasure's id.
    pub id: String,
    /// Id of the organisation whose data it was.
    pub organisation: String,
    pub kind: ErasureKind,
    /// Id of what was erased.
    pub object: String,
    /// What was destroyed, e.g. `captures` 3, by rising names.
    pub destroyed: Vec<(String, i64)>,
    /// How many keys were destroyed.
    pub keys: i64,
    /// When they were; from then on no copy of the data can be read without a backup of the keys.
    pub erased_at: Millis,
    /// From when on no backup of the keys can be read either.
    pub last_backup_unreadable_at: Millis,
}

/// What is wrong with a text that should be a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptFault {
    /// It is no receipt, or not a whole one.
    Malformed,
    /// It was changed, or not made here.
    Refused,
    /// Another installation's.
    OtherKey,
    /// Made by a newer version.
    Newer,
}

/// Erasures of an organisation, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasurePage {
    pub items: Vec<ErasureView>,
    pub next: Option<String>,
}

/// The port of erasures.
#[async_trait]
pub trait Privacy: Send + Sync {
    /// Erases at once and for good. Whoever asks twice gets the same erasure. Who may: of guests, who may write guests;
    /// of captures and events, who manages privacy; of the actor's own organisation, owners.
    async fn erase(&self, actor: &Actor, target: &ErasureTarget) -> Result<ErasureView, AppError>;
    /// "Delete my photo" of an owner link: bytes and contact data go at once. `None` if the link is none or does not
    /// allow it.
    async fn erase_by_owner(&self, token: &str, client: Client) -> Result<Option<ErasureView>, AppError>;
    /// The organisation's erasures.
    async fn erasures(&self, actor: &Actor, cursor: Option<String>) -> Result<ErasurePage, AppError>;
    /// One of them.
    async fn erasure(&self, actor: &Actor, id: &ErasureId) -> Result<ErasureView, AppError>;
    /// What a receipt says, if it is genuine.
    fn verify(&self, receipt: &str) -> Result<ReceiptFacts, ReceiptFault>;
    /// The key that verifies receipts: 32 bytes of Ed25519 (RFC 8032) in base64url.
    fn public_key(&self) -> String;
}
