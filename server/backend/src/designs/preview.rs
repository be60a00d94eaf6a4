//! A draft as it would look. What takes long about it, the photo and the files, is kept for the next change of the draft.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use shutterpost_media::branding::{self, BrandingError, Part, Sample};
use shutterpost_media::inspect::{Limits, inspect};
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::captures::{CaptureKind, Encoding, RenditionName};
use shutterpost_model::designs::{Design, Format, PreviewOn};
use shutterpost_model::error::AppError;
use shutterpost_model::id::{CaptureId, DesignFileId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::files::{self, Files};
use super::service::check_files;
use crate::captures::queries as captures;
use crate::captures::rows::{self as captures_rows, CaptureRow};
use crate::db::Conn;
use crate::error::Failure;
use crate::events::logos_code;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::services::Deps;

/// Previews made at once; each may hold some hundred megabytes.
const AT_ONCE: usize = 2;
/// Photos that are kept, about 150 kB each.
const PHOTOS: usize = 24;
/// Bytes of files that are kept.
const FILES: usize = 48_000_000;
/// How long a photo is kept that nobody asks for again, in milliseconds.
const KEPT: i64 = 10 * 60_000;

/// A photo with nothing on it as JPEG, and when it was asked for last.
type Photo = (CaptureId, i64, Arc<[u8]>);

/// What previews keep in memory.
pub(super) struct Previews {
    room: Arc<Semaphore>,
    photos: Mutex<VecDeque<Photo>>,
    files: Mutex<VecDeque<(DesignFileId, Arc<[u8]>)>>,
}

impl fmt::Debug for Previews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Previews")
    }
}

impl Previews {
    pub(super) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(AT_ONCE)), photos: Mutex::default(), files: Mutex::default() }
    }

    /// JPEG of the draft. Its numbers were checked.
    pub(super) async fn make(
        &self,
        deps: &Deps,
        mut conn: Conn,
        (actor, scope): (&Actor, &EventScope),
        draft: &Design,
        (on, format): (PreviewOn, Format),
    ) -> Result<Vec<u8>, Failure> {
        check_files(&mut conn, scope, draft).await?;
        let row = photo_of(&mut conn, actor, scope, on).await?;
        drop(conn);
        // Who asks too often waits here, and not with pictures in memory.
        let room = Arc::clone(&self.room).acquire_owned().await;
        let room = room.map_err(|error| Failure::internal("previews have ended", error))?;
        let (format, (room, photo)) = match row {
            Some(row) => (files::format_of(row.width, row.height), self.photo(deps, scope, &row, room).await?),
            None => (format, (room, None)),
        };
        let parts = draft.of(format).clone();
        let counts = if draft.same_for_all { Format::Landscape } else { format };
        let named: Vec<DesignFileId> = parts.files().into_iter().map(|(_, _, file)| file.clone()).collect();
        let draft = files::to_media(&parts, &self.files(deps, scope, &named).await?)?;
        let work = move || {
            let sample = photo.as_deref().map_or(Sample::Drawn(files::to_format(format)), Sample::Photo);
            let made = branding::preview(&draft, sample);
            // The next one begins when this one has really ended, whoever waits for it.
            drop(room);
            made
        };
        let made = tokio::task::spawn_blocking(work).await;
        let made = made.map_err(|error| Failure::internal("a preview's task ended early", error))?;
        let told = |error: BrandingError| {
            AppError::field(format!("{}.{}", counts.as_str(), field(&error)), files::code(error))
        };
        Ok(made.map_err(told)?.bytes)
    }

    /// The photo without anything on it; `None` if there is none of it, as of what moves. The room is held by what works.
    async fn photo(
        &self,
        deps: &Deps,
        scope: &EventScope,
        row: &CaptureRow,
        mut room: OwnedSemaphorePermit,
    ) -> Result<(OwnedSemaphorePermit, Option<Arc<[u8]>>), Failure> {
        let (id, now): (CaptureId, _) = (stored(&row.id)?, deps.world.now().0);
        {
            let mut photos = self.photos.lock().unwrap_or_else(PoisonError::into_inner);
            photos.retain(|(_, asked_at, _)| now.saturating_sub(*asked_at) < KEPT);
            if let Some((_, asked_at, photo)) = photos.iter_mut().find(|(capture, ..)| *capture == id) {
                *asked_at = now;
                return Ok((room, Some(Arc::clone(photo))));
            }
        }
        if row.kind()? != CaptureKind::Still {
            return Ok((room, None));
        }
        let key = deps.keystore.get(&captures_rows::key(scope.organisation(), &row.key_subject)).await?;
        let unmarked = match row.mark {
            // The rendition of this size has nothing on it.
            None => {
                let mut conn = deps.db.read().await?;
                let renditions = captures::renditions(&mut conn, scope, &id).await?;
                renditions.into_iter().find(|one| one.kind() == Some((RenditionName::Web, Encoding::Jpeg)))
            }
            Some(_) => None,
        };
        let photo: Arc<[u8]> = match unmarked {
            Some(rendition) => deps.storage.get(&rendition.object, &key).await?.into(),
            None => {
                let original = deps.storage.get(&row.object, &key).await?;
                let orientation = u8::try_from(row.orientation).unwrap_or(1);
                let work = move || match inspect(&original, &Limits::default()) {
                    Ok(_) => (room, branding::base(&original, Some(orientation)).map(Some)),
                    // A moving picture of one frame.
                    Err(_) => (room, Ok(None)),
                };
                let worked = tokio::task::spawn_blocking(work).await;
                let (held, base) = worked.map_err(|error| Failure::internal("a preview's task ended early", error))?;
                room = held;
                match base.map_err(logos_code)? {
                    Some(base) => base.into(),
                    None => return Ok((room, None)),
                }
            }
        };
        let mut photos = self.photos.lock().unwrap_or_else(PoisonError::into_inner);
        photos.push_back((id, now, Arc::clone(&photo)));
        while photos.len() > PHOTOS {
            photos.pop_front();
        }
        Ok((room, Some(photo)))
    }

    /// Files of the event: what is kept was proved to be the event's by the check before.
    async fn files(&self, deps: &Deps, scope: &EventScope, named: &[DesignFileId]) -> Result<Files, Failure> {
        let mut found = {
            let kept = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let of_named = kept.iter().filter(|(file, _)| named.contains(file));
            of_named.map(|(file, bytes)| (file.clone(), Arc::clone(bytes))).collect::<Files>()
        };
        let missing: Vec<DesignFileId> = named.iter().filter(|file| !found.contains_key(*file)).cloned().collect();
        let read = files::read(deps, scope, &missing).await?;
        let mut kept = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(read.iter().map(|(file, bytes)| (file.clone(), Arc::clone(bytes))));
        while kept.len() > 1 && kept.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > FILES {
            kept.pop_front();
        }
        found.extend(read);
        Ok(found)
    }
}

/// The field of the design that an error is about.
const fn field(error: &BrandingError) -> &'static str {
    match error {
        BrandingError::TooLarge { part, .. }
        | BrandingError::Picture { part, .. }
        | BrandingError::Drawing { part, .. } => match part {
            Part::Overlay => "overlay.file",
            Part::Frame => "frame.file",
            Part::Logo => "logo.file",
        },
        BrandingError::Text(_) => "line.text",
        // The numbers were checked, and the photo is ours.
        BrandingError::Number { field, .. } => field,
        BrandingError::Sample(_) => "on",
    }
}

/// The capture that a preview is made of, if it is one.
async fn photo_of(
    conn: &mut Conn,
    actor: &Actor,
    scope: &EventScope,
    on: PreviewOn,
) -> Result<Option<CaptureRow>, Failure> {
    match on {
        PreviewOn::Sample => Ok(None),
        PreviewOn::Newest => {
            OrgScope::prove(actor, Permission::CaptureRead)?;
            captures::newest_still(conn, scope).await
        }
        PreviewOn::Capture(capture) => {
            let org = OrgScope::prove(actor, Permission::CaptureRead)?;
            let (row, _) = captures::find(conn, &org, &capture).await?;
            if row.event_id == scope.event().as_str() { Ok(Some(row)) } else { Err(Failure::NotFound) }
        }
    }
}
