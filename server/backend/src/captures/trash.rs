//! Captures on their way into the trash and out of it: by themselves, or together with the only guest they show.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::captures::{Encoding, RenditionFile, RenditionName, cms_media};
use shutterpost_model::id::CaptureId;
use shutterpost_model::privacy::trash::TRASH_DAYS;
use shutterpost_model::time::{DAY, Millis};

use super::queries::CHUNK;
use crate::context::World;
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::schema::{captures, events};

/// How long something lies in the trash, in milliseconds.
pub(crate) const KEPT: i64 = TRASH_DAYS * DAY;

/// What was deleted since can be restored; what was deleted before is erased.
pub(crate) fn since(world: &World) -> Millis {
    world.now().plus(-KEPT)
}

/// Moves captures into the trash; gives how many were outside before.
pub(super) async fn put(
    tx: &mut Tx,
    scope: &EventScope,
    ids: &[&str],
    by: Option<&str>,
    now: Millis,
) -> Result<i64, Failure> {
    let mut changed = 0;
    for chunk in ids.chunks(CHUNK) {
        changed += on_db!(tx, c => diesel::update(captures::table)
            .filter(captures::event_id.eq(scope.event().as_str()))
            .filter(captures::id.eq_any(chunk.iter().copied()))
            .filter(captures::deleted_at.is_null())
            .set((captures::deleted_at.eq(now.0), captures::deleted_by.eq(by)))
            .execute(c).await)?;
    }
    Ok(i64::try_from(changed).unwrap_or(i64::MAX))
}

/// Takes captures out of the trash that were deleted since and by themselves; gives how many.
pub(crate) async fn take(tx: &mut Tx, scope: &EventScope, ids: &[&str], since: Millis) -> Result<i64, Failure> {
    let mut changed = 0;
    for chunk in ids.chunks(CHUNK) {
        changed += on_db!(tx, c => diesel::update(captures::table)
            .filter(captures::event_id.eq(scope.event().as_str()))
            .filter(captures::id.eq_any(chunk.iter().copied()))
            .filter(captures::deleted_at.ge(since.0))
            .filter(captures::deleted_with.is_null())
            .set((captures::deleted_at.eq(None::<i64>), captures::deleted_by.eq(None::<String>)))
            .execute(c).await)?;
    }
    Ok(i64::try_from(changed).unwrap_or(i64::MAX))
}

/// Moves a capture into the trash together with its guest.
pub(crate) async fn put_with(
    tx: &mut Tx,
    scope: &impl Tenant,
    capture: &str,
    guest: &str,
    by: Option<&str>,
    now: Millis,
) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(tx, c => diesel::update(captures::table)
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::id.eq(capture))
        .set((
            captures::deleted_at.eq(now.0),
            captures::deleted_by.eq(by),
            captures::deleted_with.eq(guest),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Takes a capture out of the trash with the guest it went with.
pub(crate) async fn take_with(tx: &mut Tx, scope: &impl Tenant, capture: &str) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(tx, c => diesel::update(captures::table)
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::id.eq(capture))
        .set((
            captures::deleted_at.eq(None::<i64>),
            captures::deleted_by.eq(None::<String>),
            captures::deleted_with.eq(None::<String>),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Lets captures that went with a guest lie in the trash by themselves, because the guest will not come back.
pub(crate) async fn part(tx: &mut Tx, scope: &impl Tenant, guest: &str) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(tx, c => diesel::update(captures::table)
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::deleted_with.eq(guest))
        .set(captures::deleted_with.eq(None::<String>))
        .execute(c).await)?;
    Ok(())
}

/// A line of the trash.
#[derive(Debug, Queryable)]
pub(crate) struct TrashedCapture {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) event_name: String,
    pub(crate) captured_at: i64,
    revision: i32,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) deleted_by: Option<String>,
}

impl TrashedCapture {
    /// Address of its thumbnail in the CMS.
    pub(crate) fn thumb(&self) -> Result<String, Failure> {
        let id: CaptureId = stored(&self.id)?;
        let file = RenditionFile { name: RenditionName::Thumb, encoding: Encoding::WebP, revision: self.revision };
        Ok(cms_media(&id, file))
    }
}

/// Captures in the trash by themselves, newest first, of events that are not, from a place in that order on.
pub(crate) async fn list(
    conn: &mut Conn,
    scope: &OrgScope,
    since: Millis,
    after: (i64, &str),
    most: i64,
) -> Result<Vec<TrashedCapture>, Failure> {
    let (at, id) = after;
    on_db!(conn, c => captures::table
        .inner_join(events::table.on(events::id.eq(captures::event_id)))
        .filter(captures::organisation_id.eq(scope.organisation().as_str()))
        .filter(captures::deleted_at.is_not_null())
        .filter(captures::deleted_at.ge(since.0))
        .filter(captures::deleted_at.lt(at).or(captures::deleted_at.eq(at).and(captures::id.lt(id))))
        .filter(captures::deleted_with.is_null())
        .filter(events::deleted_at.is_null())
        .order((captures::deleted_at.desc(), captures::id.desc()))
        .limit(most)
        .select((
            captures::id,
            captures::event_id,
            events::name,
            captures::captured_at,
            captures::revision,
            captures::deleted_at,
            captures::deleted_by,
        ))
        .load(c).await)
}

/// The event of a capture, and since when it is in the trash by itself.
pub(crate) async fn place(
    conn: &mut Conn,
    scope: &OrgScope,
    capture: &CaptureId,
) -> Result<(String, Option<i64>), Failure> {
    on_db!(conn, c => captures::table
        .inner_join(events::table.on(events::id.eq(captures::event_id)))
        .filter(captures::organisation_id.eq(scope.organisation().as_str()))
        .filter(captures::id.eq(capture.as_str()))
        .filter(captures::deleted_with.is_null())
        .filter(events::deleted_at.is_null())
        .select((captures::event_id, captures::deleted_at))
        .first(c).await)
}
