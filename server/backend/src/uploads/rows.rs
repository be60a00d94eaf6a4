//! Rows of uploads and what they become.

use diesel::prelude::*;
use shutterpost_model::error::AppError;
use shutterpost_model::id::{OrganisationId, UploadId};
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;
use shutterpost_model::uploads::Kind;
use shutterpost_model::uploads::decide::Stored;
use shutterpost_vault::wrap::Purpose;

use crate::error::Failure;
use crate::events::rows::{stored, stored_option};
use crate::ingest::Taken;
use crate::keystore::{KeyRef, Place, Realm, Sealed};
use crate::schema::{uploads, uploads_parts};

pub(super) const OPEN: &str = "open";
pub(super) const DONE: &str = "done";
pub(super) const REFUSED: &str = "refused";

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = uploads)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct UploadRow {
    pub(super) id: String,
    pub(super) organisation_id: String,
    pub(super) event_id: String,
    pub(super) uploader: String,
    pub(super) kind: String,
    pub(super) joined_of: Option<String>,
    pub(super) length: Option<i64>,
    pub(super) taken: i64,
    pub(super) claim: i64,
    pub(super) metadata: Option<Sealed<Pii<String>>>,
    pub(super) state: String,
    pub(super) capture_id: Option<String>,
    pub(super) link_id: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
}

/// A piece that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = uploads_parts)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct PartRow {
    pub(super) object: String,
    pub(super) upload_id: String,
    pub(super) organisation_id: String,
    pub(super) begins_at: i64,
    pub(super) size: i64,
}

/// What the keys of uploads are for.
pub(super) const PURPOSE: Purpose = Purpose::Upload;

/// The key of an upload's pieces and of what its client says about it.
pub(super) fn key(organisation: &OrganisationId, upload: &str) -> KeyRef {
    KeyRef::of(organisation, PURPOSE, upload)
}

/// Where what a client says about the file stands.
pub(super) fn metadata_place<'a>(realm: &'a Realm, upload: &'a str) -> Place<'a> {
    Place { realm, table: "uploads", column: "metadata", row: upload }
}

/// Bytes as the database counts them.
pub(super) fn count(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn bytes(count: i64) -> Result<u64, Failure> {
    u64::try_from(count).map_err(|error| Failure::internal("a stored number of bytes", error))
}

pub(super) const fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Whole => "whole",
        Kind::Partial => "partial",
        Kind::Joined(_) => "joined",
    }
}

/// The column `joined_of`.
pub(super) fn joined_of(kind: &Kind) -> Option<String> {
    let Kind::Joined(parts) = kind else { return None };
    Some(parts.iter().map(UploadId::as_str).collect::<Vec<_>>().join(" "))
}

impl UploadRow {
    pub(super) fn kind(&self) -> Result<Kind, Failure> {
        match (self.kind.as_str(), &self.joined_of) {
            ("whole", _) => Ok(Kind::Whole),
            ("partial", _) => Ok(Kind::Partial),
            ("joined", Some(parts)) => parts.split(' ').map(stored).collect::<Result<_, _>>().map(Kind::Joined),
            _ => Err(Failure::Internal("a stored kind of upload does not read".into())),
        }
    }

    pub(super) fn stored(&self) -> Result<Stored, Failure> {
        Ok(Stored {
            kind: self.kind()?,
            length: self.length.map(bytes).transpose()?,
            offset: bytes(self.taken)?,
            closed: self.state != OPEN,
            expires_at: Millis(self.expires_at),
            claim: self.claim,
        })
    }

    /// Whether all bytes are here and nobody has taken the file in yet. A partial upload waits for its others.
    pub(super) fn is_ripe(&self) -> bool {
        self.state == OPEN && self.kind != "partial" && self.length == Some(self.taken)
    }

    /// What it became, if it became a capture.
    pub(super) fn taken(&self) -> Result<Option<Taken>, Failure> {
        let capture = stored_option(self.capture_id.as_deref())?;
        let link = stored_option(self.link_id.as_deref())?;
        Ok(capture.zip(link).map(|(capture, link)| Taken { capture, link }))
    }

    /// Why it was refused, if it was.
    pub(super) fn refusal(&self) -> Result<Option<AppError>, Failure> {
        Ok(self.refusal.as_deref().map(serde_json::from_str).transpose()?)
    }
}

impl PartRow {
    /// Where it ends.
    pub(super) const fn end(&self) -> i64 {
        self.begins_at.saturating_add(self.size)
    }
}
