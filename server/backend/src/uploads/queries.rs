//! The SQL of uploads. Whatever makes bytes count asks in the same statement whether nobody else began to write since.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::UploadId;
use shutterpost_model::time::Millis;
use shutterpost_model::uploads::decide::Claim;

use super::rows::{OPEN, PartRow, UploadRow, count};
use crate::captures::queries::CHUNK;
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::schema::{uploads, uploads_parts};

/// An upload of the uploader, in whichever event.
pub(super) async fn find(
    conn: &mut Conn,
    scope: &OrgScope,
    uploader: &str,
    id: &UploadId,
) -> Result<Option<UploadRow>, Failure> {
    on_db!(conn, c => uploads::table
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::uploader.eq(uploader))
        .filter(uploads::id.eq(id.as_str()))
        .select(UploadRow::as_select())
        .first(c).await.optional())
}

/// Uploads of the uploader in the event, by their ids.
pub(super) async fn of_ids(
    conn: &mut Conn,
    scope: &EventScope,
    uploader: &str,
    ids: &[UploadId],
) -> Result<Vec<UploadRow>, Failure> {
    let ids: Vec<&str> = ids.iter().map(UploadId::as_str).collect();
    on_db!(conn, c => uploads::table
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::event_id.eq(scope.event().as_str()))
        .filter(uploads::uploader.eq(uploader))
        .filter(uploads::id.eq_any(ids.iter().copied()))
        .select(UploadRow::as_select())
        .load(c).await)
}

/// How many uploads the uploader has open.
pub(super) async fn open(conn: &mut Conn, scope: &EventScope, uploader: &str) -> Result<i64, Failure> {
    on_db!(conn, c => uploads::table
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::uploader.eq(uploader))
        .filter(uploads::state.eq(OPEN))
        .count().get_result(c).await)
}

pub(super) async fn insert(tx: &mut Tx, row: &UploadRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(uploads::table).values(row).execute(c).await)?;
    Ok(())
}

/// Begins to write, from where it was decided; `false` if the upload has moved since.
pub(super) async fn claim(tx: &mut Tx, scope: &EventScope, id: &str, claim: Claim) -> Result<bool, Failure> {
    let claimed = on_db!(tx, c => diesel::update(uploads::table)
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::id.eq(id))
        .filter(uploads::claim.eq(claim.number.saturating_sub(1)))
        .filter(uploads::taken.eq(count(claim.offset)))
        .filter(uploads::state.eq(OPEN))
        .set((uploads::claim.eq(claim.number), uploads::length.eq(claim.length.map(count))))
        .execute(c).await)?;
    Ok(claimed == 1)
}

/// Makes bytes count, from one end to another; `false` if somebody else has begun to write since.
pub(super) async fn advance(
    tx: &mut Tx,
    scope: &EventScope,
    id: &str,
    claim: Claim,
    (from, to): (u64, u64),
    expires_at: Millis,
) -> Result<bool, Failure> {
    let moved = on_db!(tx, c => diesel::update(uploads::table)
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::id.eq(id))
        .filter(uploads::claim.eq(claim.number))
        .filter(uploads::taken.eq(count(from)))
        .filter(uploads::state.eq(OPEN))
        .set((uploads::taken.eq(count(to)), uploads::expires_at.eq(expires_at.0)))
        .execute(c).await)?;
    Ok(moved == 1)
}

/// Enters a stored piece.
pub(super) async fn insert_part(tx: &mut Tx, row: &PartRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(uploads_parts::table).values(row).execute(c).await)?;
    Ok(())
}

/// The pieces of an upload, in their order.
pub(super) async fn parts(conn: &mut Conn, scope: &impl Tenant, upload: &str) -> Result<Vec<PartRow>, Failure> {
    on_db!(conn, c => uploads_parts::table
        .filter(uploads_parts::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads_parts::upload_id.eq(upload))
        .order((uploads_parts::begins_at, uploads_parts::size))
        .select(PartRow::as_select())
        .load(c).await)
}

pub(super) async fn delete_parts(tx: &mut Tx, scope: &impl Tenant, objects: &[String]) -> Result<(), Failure> {
    for chunk in objects.chunks(CHUNK) {
        on_db!(tx, c => diesel::delete(uploads_parts::table)
            .filter(uploads_parts::organisation_id.eq(scope.organisation().as_str()))
            .filter(uploads_parts::object.eq_any(chunk.iter()))
            .execute(c).await)?;
    }
    Ok(())
}

/// How an upload ended.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    pub(super) state: &'static str,
    pub(super) capture: Option<String>,
    pub(super) link: Option<String>,
    pub(super) refusal: Option<String>,
}

/// Closes an upload; what its client said about the file is forgotten. `false` if it was closed before.
pub(super) async fn close(tx: &mut Tx, scope: &EventScope, id: &str, ending: &Ending) -> Result<bool, Failure> {
    let Ending { state, capture, link, refusal } = ending;
    let closed = on_db!(tx, c => diesel::update(uploads::table)
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::id.eq(id))
        .filter(uploads::state.eq(OPEN))
        .set((
            uploads::state.eq(*state),
            uploads::capture_id.eq(capture),
            uploads::link_id.eq(link),
            uploads::refusal.eq(refusal),
            uploads::metadata.eq(None::<Vec<u8>>),
        ))
        .execute(c).await)?;
    Ok(closed == 1)
}

pub(super) async fn delete(tx: &mut Tx, scope: &impl Tenant, id: &str) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(uploads::table)
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::id.eq(id))
        .execute(c).await)?;
    Ok(())
}

/// Organisation, event and id of uploads whose time is over.
pub(super) async fn expired(
    conn: &mut Conn,
    _permit: &Permit,
    now: Millis,
    most: i64,
) -> Result<Vec<(String, String, String)>, Failure> {
    on_db!(conn, c => uploads::table
        .filter(uploads::expires_at.le(now.0))
        .order(uploads::expires_at)
        .limit(most)
        .select((uploads::organisation_id, uploads::event_id, uploads::id))
        .load(c).await)
}

/// Whether the upload's time is over still, which stays so until the end of the transaction.
pub(super) async fn hold_expired(tx: &mut Tx, scope: &EventScope, id: &str, now: Millis) -> Result<bool, Failure> {
    let held = on_db!(tx, c => diesel::update(uploads::table)
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::id.eq(id))
        .filter(uploads::expires_at.le(now.0))
        .set(uploads::claim.eq(uploads::claim + 1))
        .execute(c).await)?;
    Ok(held == 1)
}

/// Every upload of the event.
pub(super) async fn ids_of_event(conn: &mut Conn, scope: &EventScope) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => uploads::table
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::event_id.eq(scope.event().as_str()))
        .select(uploads::id)
        .load(c).await)
}

/// The pieces of all uploads of the event.
pub(super) async fn objects_of_event(conn: &mut Conn, scope: &EventScope) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => uploads_parts::table
        .inner_join(uploads::table.on(uploads::id.eq(uploads_parts::upload_id)))
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::event_id.eq(scope.event().as_str()))
        .select(uploads_parts::object)
        .load(c).await)
}

/// Deletes all uploads of the event, with their pieces.
pub(super) async fn delete_of_event(tx: &mut Tx, scope: &EventScope) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(uploads::table)
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::event_id.eq(scope.event().as_str()))
        .execute(c).await)?;
    Ok(())
}

/// The uploader's oldest upload that was begun before and never got a byte.
pub(super) async fn forsaken(
    conn: &mut Conn,
    scope: &EventScope,
    uploader: &str,
    before: Millis,
) -> Result<Option<String>, Failure> {
    on_db!(conn, c => uploads::table
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::uploader.eq(uploader))
        .filter(uploads::state.eq(OPEN))
        .filter(uploads::taken.eq(0))
        .filter(uploads::created_at.lt(before.0))
        .order((uploads::created_at, uploads::id))
        .select(uploads::id)
        .first(c).await.optional())
}

/// Takes the claim of an upload that still has no byte, so that nobody writes it any more; `false` if it has some.
pub(super) async fn hold_forsaken(tx: &mut Tx, scope: &EventScope, id: &str) -> Result<bool, Failure> {
    let held = on_db!(tx, c => diesel::update(uploads::table)
        .filter(uploads::organisation_id.eq(scope.organisation().as_str()))
        .filter(uploads::id.eq(id))
        .filter(uploads::state.eq(OPEN))
        .filter(uploads::taken.eq(0))
        .set(uploads::claim.eq(uploads::claim + 1))
        .execute(c).await)?;
    Ok(held == 1)
}

/// Which of the objects are pieces.
pub(crate) async fn in_use(conn: &mut Conn, objects: &[String]) -> Result<HashSet<String>, Failure> {
    let mut used = HashSet::new();
    for chunk in objects.chunks(CHUNK) {
        used.extend(on_db!(conn, c => uploads_parts::table
            .filter(uploads_parts::object.eq_any(chunk.iter()))
            .select(uploads_parts::object)
            .load::<String>(c).await)?);
    }
    Ok(used)
}
