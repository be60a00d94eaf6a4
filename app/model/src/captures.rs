//! Captures and their renditions.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::error::AppError;
use crate::guests::GuestView;
use crate::id::{CaptureId, DeviceId, EventId, LinkId};
use crate::messages::{DeliveryState, MessageView};
use crate::share::LinkKind;
use crate::time::Millis;

/// Most captures that one page of a list holds.
pub const PAGE_LARGEST: i64 = 200;
/// Captures in a page of a list that asks for no number.
pub const PAGE: i64 = 60;

/// A derived file of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RenditionName {
    /// Fits 320 × 320.
    Thumb,
    /// Fits 960 × 960.
    Web,
    /// Fits 2048 × 2048.
    Large,
    /// Exactly 1200 × 630, for link previews.
    Og,
    /// What moves, in the size in which it is shown.
    Film,
}

impl RenditionName {
    pub const ALL: [Self; 5] = [Self::Thumb, Self::Web, Self::Large, Self::Og, Self::Film];
    /// Those that every capture has, whatever its kind.
    pub const PICTURES: [Self; 4] = [Self::Thumb, Self::Web, Self::Large, Self::Og];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Thumb => "thumb",
            Self::Web => "web",
            Self::Large => "large",
            Self::Og => "og",
            Self::Film => "film",
        }
    }
}

/// The encoding of a rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Made later than the others, since it takes long: a picture may be without it.
    Avif,
    WebP,
    Jpeg,
    Mp4,
    Gif,
    Png,
}

impl Encoding {
    pub const ALL: [Self; 6] = [Self::Avif, Self::WebP, Self::Jpeg, Self::Mp4, Self::Gif, Self::Png];

    pub const fn extension(self) -> &'static str {
        match self {
            Self::Avif => "avif",
            Self::WebP => "webp",
            Self::Jpeg => "jpg",
            Self::Mp4 => "mp4",
            Self::Gif => "gif",
            Self::Png => "png",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Avif => "image/avif",
            Self::WebP => "image/webp",
            Self::Jpeg => "image/jpeg",
            Self::Mp4 => "video/mp4",
            Self::Gif => "image/gif",
            Self::Png => "image/png",
        }
    }
}

/// What a capture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureKind {
    Still,
    /// A short film without sound that begins anew at its end, sent as GIF, WebP or PNG.
    Animation,
    Film,
}

impl CaptureKind {
    pub const ALL: [Self; 3] = [Self::Still, Self::Animation, Self::Film];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Still => "still",
            Self::Animation => "animation",
            Self::Film => "film",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The last part of a media address: `web-3.webp` is the WebP web rendition of revision 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RenditionFile {
    pub name: RenditionName,
    pub encoding: Encoding,
    pub revision: i32,
}

impl RenditionFile {
    /// Reads the last part of a media address strictly: each file has exactly one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let (stem, extension) = text.rsplit_once('.')?;
        let (name, revision) = stem.rsplit_once('-')?;
        let file = Self {
            name: RenditionName::ALL.into_iter().find(|candidate| candidate.as_str() == name)?,
            encoding: Encoding::ALL.into_iter().find(|candidate| candidate.extension() == extension)?,
            revision: revision.parse().ok()?,
        };
        (file.to_string() == text && file.revision > 0).then_some(file)
    }
}

impl std::fmt::Display for RenditionFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}.{}", self.name.as_str(), self.revision, self.encoding.extension())
    }
}

/// Address of a rendition for signed-in people.
pub fn cms_media(capture: &CaptureId, file: RenditionFile) -> String {
    format!("/cms/media/{capture}/{file}")
}

/// A rendition's facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    pub name: RenditionName,
    pub encoding: Encoding,
    pub width: i32,
    pub height: i32,
    /// Bytes.
    pub size: i64,
    /// Address in the CMS.
    pub url: String,
}

/// A tile of the grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureSummary {
    pub id: CaptureId,
    pub kind: CaptureKind,
    /// Milliseconds that it plays for, if that is known.
    pub duration: Option<i64>,
    /// It is a film of which nothing that browsers play can be made.
    pub unplayable: bool,
    pub captured_at: Millis,
    /// Pixels of the upright picture.
    pub width: i32,
    pub height: i32,
    /// Address of the WebP thumb in the CMS.
    pub thumb: String,
    pub guests: i32,
    /// The furthest state of its newest message; `None` if nothing is to be sent.
    pub delivery: Option<DeliveryState>,
    /// When it was moved to the trash.
    pub deleted_at: Option<Millis>,
}

/// Which captures of an event to list. Everything unset means "no restriction"; the trash is a list of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptureFilter {
    pub delivery: Option<DeliveryState>,
    /// With (`true`) or without (`false`) a guest.
    pub guest: Option<bool>,
    pub device: Option<DeviceId>,
    /// Captured at or after.
    pub from: Option<Millis>,
    /// Captured before.
    pub to: Option<Millis>,
    pub trash: bool,
}

/// A page of a list: newest first, in keyset order of (captured_at, id).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturePage {
    pub items: Vec<CaptureSummary>,
    /// Cursor of the next page, bound to event and filter; `None` on the last page.
    pub next: Option<String>,
    /// Captures of the event outside the trash, whatever the filter.
    pub total: i64,
}

/// A share link as the CMS shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    pub id: LinkId,
    pub kind: LinkKind,
    /// Whole address; `None` once revoked.
    pub url: Option<String>,
    pub created_at: Millis,
    pub revoked_at: Option<Millis>,
}

/// One line of a capture's history, from the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryLine {
    pub at: Millis,
    /// Action as in the audit trail.
    pub action: String,
    /// Name of the member, device or token; `None` for the system or somebody who left.
    pub actor: Option<String>,
}

/// A capture with all that its page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    pub id: CaptureId,
    pub event: EventId,
    pub event_name: String,
    pub kind: CaptureKind,
    /// Milliseconds that it plays for, if that is known.
    pub duration: Option<i64>,
    /// It is a film of which nothing that browsers play can be made.
    pub unplayable: bool,
    pub captured_at: Millis,
    pub received_at: Millis,
    pub width: i32,
    pub height: i32,
    /// Bytes of the upload.
    pub size: i64,
    pub device: Option<String>,
    pub deleted_at: Option<Millis>,
    pub renditions: Vec<Rendition>,
    pub guests: Vec<GuestView>,
    pub links: Vec<LinkView>,
    pub messages: Vec<MessageView>,
    pub history: Vec<HistoryLine>,
    /// Neighbours in the event's list.
    pub newer: Option<CaptureId>,
    pub older: Option<CaptureId>,
}

/// Which bytes of a file are asked for (RFC 9110, section 14.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    All,
    /// From the first to the last position, both included; to the end without a last one.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Last(u64),
}

impl Asked {
    /// First position and number of bytes in a file of that length; no bytes if none of what is asked for exists.
    pub fn of(self, length: u64) -> (u64, u64) {
        let (first, end) = match self {
            Self::All => (0, length),
            Self::From(first, last) => (first, last.map_or(length, |last| last.saturating_add(1).min(length))),
            Self::Last(count) => (length.saturating_sub(count), length),
        };
        (first, end.saturating_sub(first))
    }
}

/// Some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub bytes: Vec<u8>,
    /// Position of the first one.
    pub first: u64,
    /// Length of the whole file.
    pub total: u64,
}

/// Where the bytes of a file come from. Nothing is read before somebody asks.
#[async_trait]
pub trait Content: std::fmt::Debug + Send + Sync {
    /// The bytes asked for; none if the file has none of them.
    async fn read(&self, asked: Asked) -> Result<Piece, AppError>;
}

/// Bytes in memory.
#[async_trait]
impl Content for Vec<u8> {
    async fn read(&self, asked: Asked) -> Result<Piece, AppError> {
        let total = self.len() as u64;
        let (first, length) = asked.of(total);
        let bytes = self.iter().copied().skip(first as usize).take(length as usize).collect();
        Ok(Piece { bytes, first, total })
    }
}

/// A file with what a response needs.
#[derive(Debug, Clone)]
pub struct MediaFile {
    pub content: Arc<dyn Content>,
    pub media_type: &'static str,
    /// Strong validator without quotes.
    pub etag: String,
}

/// The port of captures.
#[async_trait]
pub trait Captures: Send + Sync {
    /// A page of an event's captures. `limit` is clamped to 1..=[`PAGE_LARGEST`].
    async fn list(
        &self,
        actor: &Actor,
        event: &EventId,
        filter: CaptureFilter,
        cursor: Option<String>,
        limit: i64,
    ) -> Result<CapturePage, AppError>;
    async fn find(&self, actor: &Actor, capture: &CaptureId) -> Result<Capture, AppError>;
    /// Moves captures of the event to the trash; their share pages are gone at once. All or none; gives how many
    /// were not there before.
    async fn delete(&self, actor: &Actor, event: &EventId, captures: &[CaptureId]) -> Result<i64, AppError>;
    /// Takes captures of the event back out of the trash.
    async fn restore(&self, actor: &Actor, event: &EventId, captures: &[CaptureId]) -> Result<i64, AppError>;
    /// Bytes of a rendition for a signed-in actor.
    async fn media(&self, actor: &Actor, capture: &CaptureId, file: RenditionFile) -> Result<MediaFile, AppError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_file_has_one_spelling() {
        let file = RenditionFile { name: RenditionName::Web, encoding: Encoding::WebP, revision: 3 };
        assert_eq!(RenditionFile::parse("web-3.webp"), Some(file));
        for text in
            ["web-03.webp", "web-+3.webp", "web-0.webp", "web.webp", "WEB-3.webp", "web-3.bmp", "../web-3.webp", ""]
        {
            assert_eq!(RenditionFile::parse(text), None, "{text}");
        }
    }
}
