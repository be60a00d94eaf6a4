//! The rules of captures.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::captures::{Capture, CaptureFilter, CapturePage, Captures, MediaFile, RenditionFile};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{CaptureId, EventId};
use shutterpost_model::share::ChangeTarget;
use shutterpost_model::time::Millis;

use super::parts::CaptureParts;
use super::rows::{self, CaptureRow, Position};
use super::{history, list, queries, sample, trash};
use crate::audit::record::{Doer, Entry, record};
use crate::changes;
use crate::context::{Clock, World};
use crate::db::write_tx;
use crate::error::Failure;
use crate::events::counters;
use crate::events::rows::{device_names, stored, stored_option};
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::services::Deps;
use crate::storage::StoredFile;
use crate::support::approvals;

/// Most captures of one delete or restore.
const BULK_MOST: usize = 10_000;
/// From so many on, the whole event is declared stale instead of each capture.
const STALE_EACH: usize = 100;

/// The port of captures on the database.
#[derive(Debug, Clone)]
pub struct CapturesService {
    deps: Deps,
    parts: CaptureParts,
}

/// Into or out of the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Delete,
    Restore,
}

/// A clock that stands still for one transaction, so that its audit entry and its rows carry the same instant.
#[derive(Debug)]
struct Instant(Millis);

impl Clock for Instant {
    fn now(&self) -> Millis {
        self.0
    }
}

impl CapturesService {
    pub const fn new(deps: Deps, parts: CaptureParts) -> Self {
        Self { deps, parts }
    }

    async fn read_page(
        &self,
        actor: &Actor,
        event: &EventId,
        filter: CaptureFilter,
        cursor: Option<String>,
        limit: i64,
    ) -> Result<CapturePage, Failure> {
        let org = OrgScope::prove(actor, Permission::CaptureRead)?;
        let mut conn = self.deps.db.read().await?;
        let scope = EventScope::prove(&mut conn, org, event).await?;
        list::page(&mut conn, &scope, &self.deps.keys, &filter, cursor.as_deref(), limit).await
    }

    async fn read_capture(&self, actor: &Actor, capture: &CaptureId) -> Result<Capture, Failure> {
        let org = OrgScope::prove(actor, Permission::CaptureRead)?;
        let mut conn = self.deps.db.read().await?;
        let (row, event_name) = queries::find(&mut conn, &org, capture).await?;
        let scope = EventScope::prove(&mut conn, org, &queries::event_of(&row)?).await?;
        let position = Position { captured_at: row.captured_at, id: capture.clone() };
        let (newer, older) = queries::neighbours(&mut conn, &scope, &position).await?;
        let device = match &row.device_id {
            Some(device) => match queries::device_name(&mut conn, &scope, device).await? {
                Some(name) => {
                    let row = (device.clone(), row.event_id.clone(), name);
                    let names = device_names(&self.deps.keystore, scope.organisation(), vec![row]).await?;
                    names.into_iter().next().map(|(_, name)| name)
                }
                None => None,
            },
            None => None,
        };
        let renditions = queries::renditions(&mut conn, &scope, capture).await?.into_iter();
        let mut renditions: Vec<_> = renditions.filter_map(|one| one.into_rendition(capture, row.revision)).collect();
        renditions.sort_by_key(|rendition| (rendition.width, rendition.height, rendition.encoding.extension()));
        let history = history::read(&mut conn, &self.deps.keystore, &scope, capture, row.deleted_at).await?;
        let CaptureParts { guests, links, messages } = &self.parts;
        // A token may see captures and not who is on them.
        let guests = if actor.may(Permission::GuestRead) {
            guests.of_capture(&mut conn, scope.org(), capture).await?
        } else {
            Vec::new()
        };
        let links = links.of_capture(&mut conn, scope.org(), capture).await?;
        let messages = messages.of_capture(&mut conn, scope.org(), capture).await?;
        let CaptureRow {
            id,
            organisation_id: _,
            event_id,
            device_id: _,
            uploader: _,
            media_type: _,
            width,
            height,
            size,
            orientation: _,
            object: _,
            key_subject: _,
            revision: _,
            captured_at,
            received_at,
            guests: _,
            delivery: _,
            deleted_at,
            kind,
            duration,
            look: _,
            mark: _,
            unplayable,
        } = row;
        Ok(Capture {
            id: stored(&id)?,
            event: stored(&event_id)?,
            event_name,
            kind: rows::kind(&kind)?,
            duration,
            unplayable,
            captured_at: Millis(captured_at),
            received_at: Millis(received_at),
            width,
            height,
            size,
            device,
            deleted_at: deleted_at.map(Millis),
            renditions,
            guests,
            links,
            messages,
            history,
            newer: stored_option(newer.as_deref())?,
            older: stored_option(older.as_deref())?,
        })
    }

    /// All or none: one id that is no capture of the event undoes the rest.
    async fn shift(&self, actor: &Actor, event: &EventId, captures: &[CaptureId], way: Move) -> Result<i64, Failure> {
        let org = OrgScope::prove(actor, Permission::CaptureWrite)?;
        let scope = EventScope::prove(&mut self.deps.db.read().await?, org, event).await?;
        let mut captures = captures.to_vec();
        captures.sort_unstable();
        captures.dedup();
        if captures.is_empty() {
            return Err(AppError::field("captures", Code::Required).into());
        }
        if captures.len() > BULK_MOST {
            return Err(AppError::field("captures", Code::OutOfRange).into());
        }
        let doer = Doer::from(actor);
        let world = World { clock: Arc::new(Instant(self.deps.world.now())), ..self.deps.world.clone() };
        write_tx!(self.deps.db, tx => {
            let scope = EventScope::prove(tx, scope.org().clone(), scope.event()).await?;
            let ids: Vec<&str> = captures.iter().map(CaptureId::as_str).collect();
            if usize::try_from(queries::count_of(tx, &scope, &ids).await?) != Ok(ids.len()) {
                return Err(Failure::NotFound);
            }
            if way == Move::Delete && !approvals::settle(tx, &world, scope.org(), "captures.delete", &ids).await? {
                return Ok(Err(Code::ApprovalNeeded.into()));
            }
            let (action, changed, difference) = match way {
                Move::Delete => {
                    let changed = trash::put(tx, &scope, &ids, doer.id().as_deref(), world.now()).await?;
                    ("captures.delete", changed, -changed)
                }
                Move::Restore => {
                    let changed = trash::take(tx, &scope, &ids, trash::since(&world)).await?;
                    ("captures.restore", changed, changed)
                }
            };
            let object = match captures.as_slice() {
                [one] => one.as_str(),
                _ => scope.event().as_str(),
            };
            let entry = Entry::new(action).object(object).count(changed);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            counters::add_captures(tx, &scope, scope.event().as_str(), difference).await?;
            if captures.len() < STALE_EACH {
                for capture in captures {
                    changes::record(tx, &world, ChangeTarget::Capture(capture)).await?;
                }
            } else {
                changes::record(tx, &world, ChangeTarget::Event(scope.event().clone())).await?;
            }
            Ok(Ok(changed))
        })?
    }

    async fn read_media(&self, actor: &Actor, capture: &CaptureId, file: RenditionFile) -> Result<MediaFile, Failure> {
        let scope = OrgScope::prove(actor, Permission::CaptureRead)?;
        if let Some(picture) = sample::media(capture, file) {
            return Ok(picture);
        }
        let mut conn = self.deps.db.read().await?;
        let (object, etag, subject) = queries::rendition(&mut conn, &scope, capture, file).await?;
        // Reading the file takes longer than the query; the connection is for others meanwhile.
        drop(conn);
        let key = self.deps.keystore.get(&rows::key(scope.organisation(), &subject)).await?;
        let content = Arc::new(StoredFile::new(&self.deps.storage, object, key));
        Ok(MediaFile { content, media_type: file.encoding.media_type(), etag })
    }
}

#[async_trait]
impl Captures for CapturesService {
    async fn list(
        &self,
        actor: &Actor,
        event: &EventId,
        filter: CaptureFilter,
        cursor: Option<String>,
        limit: i64,
    ) -> Result<CapturePage, AppError> {
        Ok(self.read_page(actor, event, filter, cursor, limit).await?)
    }

    async fn find(&self, actor: &Actor, capture: &CaptureId) -> Result<Capture, AppError> {
        Ok(self.read_capture(actor, capture).await?)
    }

    async fn delete(&self, actor: &Actor, event: &EventId, captures: &[CaptureId]) -> Result<i64, AppError> {
        Ok(self.shift(actor, event, captures, Move::Delete).await?)
    }

    async fn restore(&self, actor: &Actor, event: &EventId, captures: &[CaptureId]) -> Result<i64, AppError> {
        Ok(self.shift(actor, event, captures, Move::Restore).await?)
    }

    async fn media(&self, actor: &Actor, capture: &CaptureId, file: RenditionFile) -> Result<MediaFile, AppError> {
        Ok(self.read_media(actor, capture, file).await?)
    }
}
