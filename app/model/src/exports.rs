//! Archives of an event's originals, to be downloaded; of whoever may have that, with guests and consents.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::error::AppError;
use crate::id::{CaptureId, EventId, ExportId};
use crate::time::{DAY, Millis};

/// How long an archive can be downloaded.
pub const KEPT: i64 = DAY;
/// Most captures that one asks for by name; whoever wants more asks for the event.
pub const SELECTED_MOST: usize = 10_000;
/// Exports of an event that a list shows, the newest.
pub const LISTED_MOST: i64 = 20;

/// What an archive is to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// These captures or, none named, all of the event outside the trash.
    pub captures: Vec<CaptureId>,
    /// With the guests in them and their consents.
    pub people: bool,
}

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportState {
    /// What its archive says of each file is being gathered.
    Preparing,
    /// It can be downloaded.
    Ready,
    /// Something in it was deleted or changed since. A download ends there; make another.
    Broken,
}

/// An export as shown. Nothing in it is personal but the name of a colleague.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportView {
    pub id: ExportId,
    pub event: EventId,
    pub state: ExportState,
    /// Captures in it, and how many of them are prepared.
    pub captures: i64,
    pub prepared: i64,
    /// Whether guests and consents are in it: [`crate::access::Permission::PersonalExport`] opens it.
    pub people: bool,
    /// Bytes of the archive, when it is ready.
    pub length: Option<u64>,
    /// Name of the member or token that asked for it; `None` for somebody who left.
    pub by: Option<String>,
    pub created_at: Millis,
    pub expires_at: Millis,
}

/// An archive that is read from any of its bytes on.
#[async_trait]
pub trait Archive: Send {
    /// Goes on from this byte.
    fn seek(&mut self, at: u64);

    /// The next bytes; `None` at its end.
    ///
    /// # Errors
    /// [`crate::error::Code::NotFound`] where something was deleted: nothing else ever takes its place.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, AppError>;
}

/// What is needed to answer a request for an archive.
pub struct Download {
    pub length: u64,
    /// A strong validator: the archive never changes.
    pub etag: String,
    /// For the name of the file. Safe for every system.
    pub name: String,
    pub archive: Box<dyn Archive>,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Download")
    }
}

/// The port of exports. Permission: [`crate::access::Permission::CaptureExport`]; with people in it
/// [`crate::access::Permission::PersonalExport`] besides, by somebody who showed lately who they are.
#[async_trait]
pub trait Exports: Send + Sync {
    /// Freezes what is in it and prepares it after that. The same key gives the same export again.
    async fn create(&self, actor: &Actor, event: &EventId, wanted: &Wanted, key: &str) -> Result<ExportView, AppError>;

    /// The event's exports that are not past their time, newest first, at most [`LISTED_MOST`].
    async fn list(&self, actor: &Actor, event: &EventId) -> Result<Vec<ExportView>, AppError>;

    async fn find(&self, actor: &Actor, export: &ExportId) -> Result<ExportView, AppError>;

    /// Whether [`Exports::open`] would open it now, and why not.
    async fn check(&self, actor: &Actor, export: &ExportId) -> Result<(), AppError>;

    /// The archive, to be read from its beginning; [`crate::error::Code::Conflict`] while it is prepared, and when it is
    /// broken. With people in it, each opening is an audit entry.
    async fn open(&self, actor: &Actor, export: &ExportId) -> Result<Download, AppError>;
}
