//! Taking a capture in: the use case that ties capture, guest, link and message together.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::error::AppError;
use crate::guests::NewGuest;
use crate::id::{CaptureId, EventId};
use crate::time::Millis;

/// A file that came in, complete and within the size limit.
#[derive(Debug, Clone)]
pub struct Upload {
    pub bytes: Vec<u8>,
    /// The type the client declared for the file, if any; a wrong one is refused.
    pub declared: Option<String>,
    pub guest: Option<NewGuest>,
    /// `Idempotency-Key` of the request, unique per uploader.
    pub key: Option<String>,
    /// When the picture was taken, if the client knows; else the time of receipt.
    pub captured_at: Option<Millis>,
}

/// The answer to an upload; the same for a repeated request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    pub id: CaptureId,
    pub status: CaptureStatus,
    /// Whole address of the view link.
    pub share_url: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureStatus {
    /// Renditions are made and the share page works.
    Ready,
}

/// The port of uploads.
#[async_trait]
pub trait Ingest: Send + Sync {
    /// Takes a capture in: renditions are stored, then capture, guest, links, message and job are written in one
    /// transaction. On any error nothing stays behind.
    async fn accept(&self, actor: &Actor, event: &EventId, upload: Upload) -> Result<Accepted, AppError>;
}
