//! Rows of captures and what they become.

use diesel::prelude::*;
use shutterpost_model::captures::{
    CaptureKind, CaptureSummary, Encoding, Rendition, RenditionFile, RenditionName, cms_media,
};
use shutterpost_model::error::Code;
use shutterpost_model::id::{CaptureId, OrganisationId};
use shutterpost_model::messages::DeliveryState;
use shutterpost_model::time::Millis;
use shutterpost_vault::wrap::Purpose;

use crate::error::Failure;
use crate::events::rows::stored;
use crate::keystore::{KeyRef, Sealed};
use crate::schema::{captures, captures_renditions};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = captures)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct CaptureRow {
    pub(crate) id: String,
    pub(crate) organisation_id: String,
    pub(crate) event_id: String,
    pub(crate) device_id: Option<String>,
    pub(crate) uploader: String,
    pub(crate) media_type: String,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) size: i64,
    pub(crate) orientation: i32,
    pub(crate) object: String,
    /// The capture whose key opens object and renditions: itself, but for captures that share another's bytes.
    pub(crate) key_subject: String,
    pub(crate) revision: i32,
    pub(crate) captured_at: i64,
    pub(crate) received_at: i64,
    pub(crate) guests: i32,
    pub(crate) delivery: Option<String>,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) kind: String,
    /// Milliseconds.
    pub(crate) duration: Option<i64>,
    /// See [`super::look`].
    pub(crate) look: Option<Sealed<String>>,
    /// What was put on its pictures: the id of a logo, or the name of a design.
    pub(crate) mark: Option<String>,
    /// Nothing that browsers play can be made of it.
    pub(crate) unplayable: bool,
}

impl CaptureRow {
    pub(crate) fn kind(&self) -> Result<CaptureKind, Failure> {
        kind(&self.kind)
    }
}

/// Reads a stored kind.
pub(crate) fn kind(stored: &str) -> Result<CaptureKind, Failure> {
    CaptureKind::from_name(stored).ok_or_else(|| Failure::Internal("a stored capture is of an unknown kind".into()))
}

/// What the keys of captures are for.
pub(crate) const PURPOSE: Purpose = Purpose::Capture;

/// The key of a capture's original and renditions.
pub(crate) fn key(organisation: &OrganisationId, subject: &str) -> KeyRef {
    KeyRef::of(organisation, PURPOSE, subject)
}

/// What a tile of the grid needs.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = captures)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct SummaryRow {
    pub(super) id: String,
    pub(super) captured_at: i64,
    width: i32,
    height: i32,
    revision: i32,
    guests: i32,
    delivery: Option<String>,
    deleted_at: Option<i64>,
    kind: String,
    duration: Option<i64>,
    unplayable: bool,
}

impl SummaryRow {
    pub(super) fn into_summary(self) -> Result<CaptureSummary, Failure> {
        let Self { id, captured_at, width, height, revision, guests, delivery, deleted_at, kind, duration, unplayable } =
            self;
        let id: CaptureId = stored(&id)?;
        let thumb = RenditionFile { name: RenditionName::Thumb, encoding: Encoding::WebP, revision };
        Ok(CaptureSummary {
            thumb: cms_media(&id, thumb),
            id,
            kind: self::kind(&kind)?,
            duration,
            unplayable,
            captured_at: Millis(captured_at),
            width,
            height,
            guests,
            delivery: delivery.as_deref().and_then(DeliveryState::from_name),
            deleted_at: deleted_at.map(Millis),
        })
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = captures_renditions)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct RenditionRow {
    pub(crate) capture_id: String,
    pub(crate) name: String,
    pub(crate) encoding: String,
    pub(crate) organisation_id: String,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) size: i64,
    pub(crate) object: String,
    pub(crate) etag: String,
}

impl RenditionRow {
    /// Name and encoding as types; `None` for those of a newer version, which serves beside this one for a while.
    pub(crate) fn kind(&self) -> Option<(RenditionName, Encoding)> {
        let name = RenditionName::ALL.into_iter().find(|name| name.as_str() == self.name);
        let encoding = Encoding::ALL.into_iter().find(|encoding| encoding.extension() == self.encoding);
        name.zip(encoding)
    }

    pub(super) fn into_rendition(self, capture: &CaptureId, revision: i32) -> Option<Rendition> {
        let (name, encoding) = self.kind()?;
        let Self { capture_id: _, name: _, encoding: _, organisation_id: _, width, height, size, object: _, etag: _ } =
            self;
        let url = cms_media(capture, RenditionFile { name, encoding, revision });
        Some(Rendition { name, encoding, width, height, size, url })
    }
}

/// Where a page of the list ended: the cursor's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) captured_at: i64,
    pub(super) id: CaptureId,
}

impl Position {
    /// Writes `list binding|captured_at|id`; the binding says to which event and filter the cursor belongs.
    pub(super) fn write(&self, binding: &str) -> String {
        format!("{binding}|{}|{}", self.captured_at, self.id)
    }

    /// Reads what [`Position::write`] wrote for the same list; [`Code::BadCursor`] for any other.
    pub(super) fn read(payload: &[u8], binding: &str) -> Result<Self, Code> {
        let position = || {
            let text = std::str::from_utf8(payload).ok()?;
            let (captured_at, id) = text.strip_prefix(binding)?.strip_prefix('|')?.split_once('|')?;
            Some(Self { captured_at: captured_at.parse().ok()?, id: id.parse().ok()? })
        };
        position().ok_or(Code::BadCursor)
    }
}
