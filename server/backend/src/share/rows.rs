//! Rows of share links.

use diesel::prelude::*;
use shutterpost_model::share::LinkKind;

use crate::error::Failure;
use crate::events::rows::EventRow;
use crate::keystore::Sealed;
use crate::schema::{captures, share_links};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = share_links)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct LinkRow {
    pub(crate) id: String,
    pub(crate) organisation_id: String,
    pub(crate) capture_id: String,
    pub(crate) guest_id: Option<String>,
    pub(crate) kind: String,
    pub(crate) generation: i32,
    pub(crate) token_hash: Vec<u8>,
    pub(crate) media_hash: Vec<u8>,
    pub(crate) created_at: i64,
    pub(crate) revoked_at: Option<i64>,
}

impl LinkRow {
    pub(crate) fn kind(&self) -> Result<LinkKind, Failure> {
        [LinkKind::Owner, LinkKind::View]
            .into_iter()
            .find(|kind| kind.as_str() == self.kind)
            .ok_or_else(|| Failure::Internal("a stored link is of an unknown kind".into()))
    }
}

/// A link together with what decides whether it is good, and what its page shows.
#[derive(Debug, Clone, Queryable)]
pub(super) struct OpenRow {
    pub(super) link: LinkRow,
    pub(super) event: EventRow,
    pub(super) organisation: String,
    pub(super) captured_at: i64,
    pub(super) revision: i32,
    pub(super) shown: ShownRow,
}

/// What of a capture says how its page shows it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = captures)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct ShownRow {
    pub(super) id: String,
    pub(super) key_subject: String,
    pub(super) kind: String,
    pub(super) duration: Option<i64>,
    pub(super) unplayable: bool,
    pub(super) look: Option<Sealed<String>>,
}

/// What a file under a media token needs: object, validator, what its key belongs to, and the end of retention.
#[derive(Debug, Clone, Queryable)]
pub(super) struct FileRow {
    pub(super) object: String,
    pub(super) etag: String,
    pub(super) organisation: String,
    /// A capture for renditions, the event for a logo.
    pub(super) key_subject: String,
    pub(super) kept_until: String,
    pub(super) time_zone: String,
}
