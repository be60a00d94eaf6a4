//! Share links and the page behind them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::captures::{CaptureKind, MediaFile, RenditionFile};
use crate::error::AppError;
use crate::events::Branding;
use crate::id::{CaptureId, EventId, LinkId};
use crate::time::{Date, Millis};

/// What a link allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkKind {
    /// One capture and one guest: look, save, share, see own data, delete. Travels only in a message to that guest.
    Owner,
    /// One capture: look, save, share.
    View,
}

impl LinkKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::View => "view",
        }
    }
}

/// A picture in one size, by the path that a guest fetches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharePicture {
    /// Comes later than the others.
    pub avif: Option<String>,
    pub webp: String,
    pub jpeg: String,
    pub width: i32,
    pub height: i32,
}

/// What moves, by the paths that a guest fetches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareFilm {
    pub mp4: String,
    /// The animation as it was sent, for saving.
    pub original: Option<String>,
    pub width: i32,
    pub height: i32,
    /// Milliseconds, if known.
    pub duration: Option<i64>,
    /// It has no sound and begins anew at its end.
    pub looped: bool,
}

/// Everything a share page shows; the page is a pure function of this and of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharePage {
    pub kind: LinkKind,
    pub event_name: String,
    /// Name of the organisation, for the legal foot.
    pub organisation: String,
    pub branding: Branding,
    /// Path of the logo under `/m/`, with its size.
    pub logo: Option<(String, i32, i32)>,
    /// Local date of the capture in the event's time zone.
    pub taken_on: Date,
    pub thumb: SharePicture,
    pub web: SharePicture,
    pub large: SharePicture,
    /// A blurred idea of the picture to show until it is there: a `data:` address of a few hundred bytes.
    pub placeholder: Option<String>,
    pub capture_kind: CaptureKind,
    /// What moves. `None` for a capture that is no still means that it is still being prepared, unless it is unplayable; the
    /// pictures show its poster.
    pub film: Option<ShareFilm>,
    /// Nothing that browsers play can be made of it. Then a film is for saving alone.
    pub unplayable: bool,
    /// Path of the 1200 × 630 JPEG.
    pub og: String,
    /// Path of this page, `/s/{token}`.
    pub path: String,
    /// Path that may be passed on: the view link, whatever the kind. `None` while that is revoked: then nothing is to be
    /// passed on, least of all the owner's own link.
    pub share_path: Option<String>,
    /// Canonical origin, e.g. `https://photos.example`.
    pub origin: String,
    /// Last day on which the photo exists.
    pub kept_until: Date,
}

impl SharePage {
    /// What is played on the page.
    pub fn plays(&self) -> Option<&ShareFilm> {
        self.film.as_ref().filter(|_| !self.unplayable)
    }
}

/// A page together with what its cache entry depends on.
#[derive(Debug, Clone)]
pub struct ResolvedShare {
    pub page: SharePage,
    pub link: LinkId,
    pub capture: CaptureId,
    pub event: EventId,
    /// When the page must no longer be served without asking again (retention).
    pub valid_until: Millis,
}

/// Something that made cached share pages stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareChange {
    /// Grows by one with every change, in commit order.
    pub sequence: i64,
    pub target: ChangeTarget,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeTarget {
    Capture(CaptureId),
    Event(EventId),
}

/// The port of share pages (by token, for guests) and of links (by actor, for the CMS).
#[async_trait]
pub trait Shares: Send + Sync {
    /// The page behind a token; `None` for wrong, expired, revoked and deleted alike.
    async fn page(&self, token: &str) -> Result<Option<ResolvedShare>, AppError>;
    /// A file under a media token; the link's state is checked every time.
    async fn media(&self, token: &str, file: RenditionFile) -> Result<Option<MediaFile>, AppError>;
    /// The event's logo under a media token.
    async fn logo(&self, token: &str) -> Result<Option<MediaFile>, AppError>;
    /// Changes after a sequence number, oldest first, at most 1000; and the newest number.
    async fn changes(&self, after: i64) -> Result<(Vec<ShareChange>, i64), AppError>;
    /// Kills the link's token and makes a new one.
    async fn renew(&self, actor: &Actor, link: &LinkId) -> Result<(), AppError>;
    /// Kills the link.
    async fn revoke(&self, actor: &Actor, link: &LinkId) -> Result<(), AppError>;
    /// A page with draft branding for the preview of the CMS, with the event's newest capture or a sample.
    async fn preview(&self, actor: &Actor, event: &EventId) -> Result<SharePage, AppError>;
}
