//! The SQL of captures.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use shutterpost_model::captures::{CaptureFilter, CaptureKind, RenditionFile};
use shutterpost_model::id::{CaptureId, EventId};
use shutterpost_model::time::Millis;

use super::rows::{CaptureRow, Position, RenditionRow, SummaryRow};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::keystore::Sealed;
use crate::schema::{captures, captures_renditions, events, events_devices};

/// Ids in one statement; far below SQLite's 32 766 parameters.
pub(crate) const CHUNK: usize = 500;

diesel::define_sql_function! {
    fn coalesce(value: diesel::sql_types::Nullable<diesel::sql_types::Text>, otherwise: diesel::sql_types::Text)
        -> diesel::sql_types::Text;
}

/// The statement of [`list`], for whichever database it is used with; apart, so that tests ask for its plan.
///
/// The event was proved to be the organisation's, so it alone is searched for: a second condition on the organisation
/// leads SQLite to the index of the foreign key, and to sorting the whole event.
macro_rules! listed {
    ($scope:expr, $filter:expr, $after:expr, $most:expr) => {{
        let CaptureFilter { delivery, guest, device, from, to, trash } = $filter;
        let mut query = captures::table
            .filter(captures::event_id.eq($scope.event().as_str()))
            .order((captures::captured_at.desc(), captures::id.desc()))
            .limit($most)
            .select(SummaryRow::as_select())
            .into_boxed();
        query = if *trash {
            query.filter(captures::deleted_at.is_not_null()).filter(captures::deleted_with.is_null())
        } else {
            query.filter(captures::deleted_at.is_null())
        };
        if let Some(delivery) = delivery {
            query = query.filter(captures::delivery.eq(delivery.as_str()));
        }
        // The words of the partial indexes: a parameter would not be known to be zero.
        match guest {
            Some(true) => query = query.filter(sql::<Bool>("captures.guests > 0")),
            Some(false) => query = query.filter(sql::<Bool>("captures.guests = 0")),
            None => {}
        }
        if let Some(device) = device {
            query = query.filter(captures::device_id.eq(device.as_str()));
        }
        if let Some(from) = from {
            query = query.filter(captures::captured_at.ge(from.0));
        }
        if let Some(to) = to {
            query = query.filter(captures::captured_at.lt(to.0));
        }
        if let Some(position) = $after {
            query = query.filter(position.older());
        }
        query
    }};
}

#[cfg(test)]
pub(super) use listed;

/// Captures of the event, newest first, after a position.
pub(super) async fn list(
    conn: &mut Conn,
    scope: &EventScope,
    filter: &CaptureFilter,
    after: Option<&Position>,
    most: i64,
) -> Result<Vec<SummaryRow>, Failure> {
    // On SQLite read where the database is: as a stream every value of every row would be copied on its way here, which
    // took half of the request's time.
    let (owned, position) = (filter.clone(), after.cloned());
    let event = scope.clone();
    on_db!(
        conn,
        sqlite c => c.spawn_blocking(move |c| {
            diesel::RunQueryDsl::load(listed!(event, &owned, position.as_ref(), most), c)
        }).await,
        postgres c => listed!(scope, filter, after, most).load(c).await,
    )
}

/// The neighbours of a position among the captures outside the trash: newer, older.
pub(super) async fn neighbours(
    conn: &mut Conn,
    scope: &EventScope,
    position: &Position,
) -> Result<(Option<String>, Option<String>), Failure> {
    let newer = on_db!(conn, c => captures::table
        .filter(captures::event_id.eq(scope.event().as_str()))
        .filter(captures::deleted_at.is_null())
        .filter(position.newer())
        .order((captures::captured_at.asc(), captures::id.asc()))
        .select(captures::id)
        .first::<String>(c).await.optional())?;
    let older = on_db!(conn, c => captures::table
        .filter(captures::event_id.eq(scope.event().as_str()))
        .filter(captures::deleted_at.is_null())
        .filter(position.older())
        .order((captures::captured_at.desc(), captures::id.desc()))
        .select(captures::id)
        .first::<String>(c).await.optional())?;
    Ok((newer, older))
}

/// A capture of an event that exists, with the event's name. One that lies in the trash with its guest is not there.
pub(crate) async fn find(
    conn: &mut Conn,
    scope: &OrgScope,
    capture: &CaptureId,
) -> Result<(CaptureRow, String), Failure> {
    on_db!(conn, c => captures::table
        .inner_join(events::table.on(events::id.eq(captures::event_id)))
        .filter(captures::id.eq(capture.as_str()))
        .filter(captures::organisation_id.eq(scope.organisation().as_str()))
        .filter(captures::deleted_with.is_null())
        .filter(events::deleted_at.is_null())
        .select((CaptureRow::as_select(), events::name))
        .first(c).await)
}

/// The newest capture of the event outside the trash.
pub(crate) async fn newest(conn: &mut Conn, scope: &EventScope) -> Result<Option<CaptureRow>, Failure> {
    on_db!(conn, c => captures::table
        .filter(captures::event_id.eq(scope.event().as_str()))
        .filter(captures::deleted_at.is_null())
        .order((captures::captured_at.desc(), captures::id.desc()))
        .select(CaptureRow::as_select())
        .first(c).await.optional())
}

/// The newest one of them that does not move.
pub(crate) async fn newest_still(conn: &mut Conn, scope: &EventScope) -> Result<Option<CaptureRow>, Failure> {
    on_db!(conn, c => captures::table
        .filter(captures::event_id.eq(scope.event().as_str()))
        .filter(captures::deleted_at.is_null())
        .filter(captures::kind.eq(CaptureKind::Still.as_str()))
        .order((captures::captured_at.desc(), captures::id.desc()))
        .select(CaptureRow::as_select())
        .first(c).await.optional())
}

/// How many captures the event has, in the trash or not, and how many of them have this on their pictures.
pub(crate) async fn count_marked(
    conn: &mut Conn,
    scope: &EventScope,
    mark: Option<&str>,
) -> Result<(i64, i64), Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let all = on_db!(conn, c => captures::table
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::event_id.eq(event))
        .count()
        .get_result::<i64>(c).await)?;
    let marked = match mark {
        Some(mark) => on_db!(conn, c => captures::table
            .filter(captures::organisation_id.eq(organisation))
            .filter(captures::event_id.eq(event))
            .filter(captures::mark.eq(mark))
            .count()
            .get_result::<i64>(c).await)?,
        None => on_db!(conn, c => captures::table
            .filter(captures::organisation_id.eq(organisation))
            .filter(captures::event_id.eq(event))
            .filter(captures::mark.is_null())
            .count()
            .get_result::<i64>(c).await)?,
    };
    Ok((all, marked))
}

/// What new captures have by now, since when.
#[derive(Debug, Clone)]
pub(crate) struct Newer {
    pub(crate) since: Millis,
    pub(crate) mark: Option<String>,
}

/// Captures of the event, in the trash or not, that have something else on their pictures; in the order of their ids, after
/// one. Those that are newer, and have what newer ones are to have, are left out.
pub(crate) async fn otherwise_marked(
    conn: &mut Conn,
    scope: &EventScope,
    (mark, newer): (Option<&str>, Option<&Newer>),
    after: &str,
    most: i64,
) -> Result<Vec<CaptureRow>, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    // Without a newer one nothing is received after the end of time.
    let since = newer.map_or(i64::MAX, |newer| newer.since.0);
    // No mark is the empty text.
    let theirs = newer.and_then(|newer| newer.mark.as_deref()).unwrap_or_default();
    match mark {
        Some(mark) => on_db!(conn, c => captures::table
            .filter(captures::organisation_id.eq(organisation))
            .filter(captures::event_id.eq(event))
            .filter(captures::id.gt(after))
            .filter(captures::mark.is_null().or(captures::mark.ne(mark)))
            .filter(captures::received_at.lt(since).or(coalesce(captures::mark, "").ne(theirs)))
            .order(captures::id)
            .limit(most)
            .select(CaptureRow::as_select())
            .load(c).await),
        None => on_db!(conn, c => captures::table
            .filter(captures::organisation_id.eq(organisation))
            .filter(captures::event_id.eq(event))
            .filter(captures::id.gt(after))
            .filter(captures::mark.is_not_null())
            .filter(captures::received_at.lt(since).or(coalesce(captures::mark, "").ne(theirs)))
            .order(captures::id)
            .limit(most)
            .select(CaptureRow::as_select())
            .load(c).await),
    }
}

/// Sealed name of a device of the event, revoked or not.
pub(super) async fn device_name(
    conn: &mut Conn,
    scope: &EventScope,
    device: &str,
) -> Result<Option<Sealed<String>>, Failure> {
    on_db!(conn, c => events_devices::table
        .filter(events_devices::organisation_id.eq(scope.organisation().as_str()))
        .filter(events_devices::event_id.eq(scope.event().as_str()))
        .filter(events_devices::id.eq(device))
        .select(events_devices::name)
        .first::<Sealed<String>>(c).await.optional())
}

pub(crate) async fn renditions(
    conn: &mut Conn,
    scope: &impl Tenant,
    capture: &CaptureId,
) -> Result<Vec<RenditionRow>, Failure> {
    renditions_of(conn, scope.organisation().as_str(), capture.as_str()).await
}

pub(super) async fn renditions_of(
    conn: &mut Conn,
    organisation: &str,
    capture: &str,
) -> Result<Vec<RenditionRow>, Failure> {
    on_db!(conn, c => captures_renditions::table
        .filter(captures_renditions::capture_id.eq(capture))
        .filter(captures_renditions::organisation_id.eq(organisation))
        .select(RenditionRow::as_select())
        .load(c).await)
}

/// One rendition in this revision, or what was made of it since, for pages that are open: its object, its validator, and the
/// capture whose key opens it.
pub(super) async fn rendition(
    conn: &mut Conn,
    scope: &OrgScope,
    capture: &CaptureId,
    file: RenditionFile,
) -> Result<(String, String, String), Failure> {
    on_db!(conn, c => captures_renditions::table
        .inner_join(captures::table.on(captures::id.eq(captures_renditions::capture_id)))
        .inner_join(events::table.on(events::id.eq(captures::event_id)))
        .filter(captures_renditions::capture_id.eq(capture.as_str()))
        .filter(captures_renditions::name.eq(file.name.as_str()))
        .filter(captures_renditions::encoding.eq(file.encoding.extension()))
        .filter(captures::organisation_id.eq(scope.organisation().as_str()))
        .filter(captures::revision.ge(file.revision))
        .filter(events::deleted_at.is_null())
        .select((captures_renditions::object, captures_renditions::etag, captures::key_subject))
        .first(c).await)
}

pub(crate) async fn insert(
    tx: &mut Tx,
    _scope: &EventScope,
    row: &CaptureRow,
    renditions: &[RenditionRow],
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(captures::table).values(row).execute(c).await)?;
    for rendition in renditions {
        on_db!(tx, c => diesel::insert_into(captures_renditions::table).values(rendition).execute(c).await)?;
    }
    Ok(())
}

/// A capture that a job is about, in the trash or not.
pub(crate) async fn of_job(
    conn: &mut Conn,
    _permit: &crate::jobs::Permit,
    capture: &str,
) -> Result<Option<CaptureRow>, Failure> {
    on_db!(conn, c => captures::table
        .filter(captures::id.eq(capture))
        .select(CaptureRow::as_select())
        .first(c).await.optional())
}

/// The revision that a capture is of; `None` if it is gone.
pub(crate) async fn revision(conn: &mut Conn, scope: &EventScope, capture: &CaptureId) -> Result<Option<i32>, Failure> {
    on_db!(conn, c => captures::table
        .filter(captures::id.eq(capture.as_str()))
        .filter(captures::organisation_id.eq(scope.organisation().as_str()))
        .select(captures::revision)
        .first::<i32>(c).await.optional())
}

/// How many of the ids are captures of the event, in the trash or not.
pub(super) async fn count_of(tx: &mut Tx, scope: &EventScope, ids: &[&str]) -> Result<i64, Failure> {
    let mut count = 0;
    for chunk in ids.chunks(CHUNK) {
        count += on_db!(tx, c => captures::table
            .filter(captures::event_id.eq(scope.event().as_str()))
            .filter(captures::id.eq_any(chunk.iter().copied()))
            .count()
            .get_result::<i64>(c).await)?;
    }
    Ok(count)
}

/// Ids of captures of the event, trash included.
pub(crate) async fn ids_of_event(conn: &mut Conn, scope: &EventScope, most: i64) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => captures::table
        .filter(captures::organisation_id.eq(scope.organisation().as_str()))
        .filter(captures::event_id.eq(scope.event().as_str()))
        .select(captures::id)
        .limit(most)
        .load(c).await)
}

/// Those of the captures that have been in the trash since before `before`.
pub(crate) async fn trashed(
    tx: &mut Tx,
    scope: &EventScope,
    ids: &[&str],
    before: Millis,
) -> Result<Vec<String>, Failure> {
    on_db!(tx, c => captures::table
        .filter(captures::organisation_id.eq(scope.organisation().as_str()))
        .filter(captures::id.eq_any(ids.iter().copied()))
        .filter(captures::deleted_at.lt(before.0))
        .select(captures::id)
        .load(c).await)
}

/// Captures that have been in the trash since before: organisation, event, id.
pub(crate) async fn old_trash(
    conn: &mut Conn,
    _permit: &crate::jobs::Permit,
    before: Millis,
    most: i64,
) -> Result<Vec<(String, String, String)>, Failure> {
    on_db!(conn, c => captures::table
        .filter(captures::deleted_at.is_not_null())
        .filter(captures::deleted_at.lt(before.0))
        .select((captures::organisation_id, captures::event_id, captures::id))
        .limit(most)
        .load(c).await)
}

/// The event that a row belongs to.
pub(crate) fn event_of(row: &CaptureRow) -> Result<EventId, Failure> {
    crate::events::rows::stored(&row.event_id)
}
