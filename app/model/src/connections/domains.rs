//! Domains of an organisation: proved by DNS, they lead to the connection by which their people sign in.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::error::AppError;
use crate::id::ConnectionId;
use crate::pii::Pii;
use crate::time::{DAY, Millis};

/// Domains of one organisation.
pub const MOST: usize = 20;
/// The name in front of a domain at which its proof is published.
pub const LABEL: &str = "_shutterpost";
/// For so long a proof may be missing before the owners are told.
pub const TOLD_AFTER: i64 = 3 * DAY;
/// And for so long before the domain counts no more.
pub const LOST_AFTER: i64 = 7 * DAY;

/// A domain and its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainView {
    /// In ASCII, as DNS has it.
    pub domain: String,
    /// Where the proof is published: a TXT record of this name.
    pub record: String,
    /// Its text.
    pub proof: String,
    /// `None` until the proof was seen, or when it was missing for too long.
    pub verified_at: Option<Millis>,
    /// Since when it is missing.
    pub failing_since: Option<Millis>,
    /// Where its people are led to sign in.
    pub connection: Option<ConnectionId>,
}

/// The domains of the actor's organisation. All of it needs [`crate::access::Permission::SignInManage`], and what changes
/// something a fresh proof of who one is.
#[async_trait]
pub trait Domains: Send + Sync {
    /// By name.
    async fn list(&self, actor: &Actor) -> Result<Vec<DomainView>, AppError>;
    /// Begins the proof; a domain that is there already stays as it is. [`crate::error::Code::PublicDomain`] for those where
    /// anybody has an address.
    async fn add(&self, actor: &Actor, domain: &str) -> Result<(), AppError>;
    /// Asks DNS. [`crate::error::Code::DomainUnproven`] if the proof is not there,
    /// [`crate::error::Code::DomainTaken`] if another organisation was first.
    async fn verify(&self, actor: &Actor, domain: &str) -> Result<(), AppError>;
    /// Leads the domain's people to a connection of the organisation, or to none.
    async fn route(&self, actor: &Actor, domain: &str, connection: Option<ConnectionId>) -> Result<(), AppError>;
    async fn remove(&self, actor: &Actor, domain: &str) -> Result<(), AppError>;
    /// The connection by which somebody with this address signs in. By the domain alone: whether there is an account plays
    /// no part. For everybody.
    async fn connection_of(&self, email: &Pii<String>) -> Result<Option<ConnectionId>, AppError>;
}
