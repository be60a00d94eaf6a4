//! The SQL of exports.

mod people;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use shutterpost_media::zip::Plan;
use shutterpost_model::id::{CaptureId, ExportId};
use shutterpost_model::time::Millis;

use crate::captures::queries::CHUNK;
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::schema::{captures, captures_originals, events, exports, exports_entries};

pub(super) use people::{
    PlacedPerson, files_of, freeze_people, leave_out_person, people_alive, people_behind, person_at, place_person,
};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = exports)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct ExportRow {
    pub(super) id: String,
    pub(super) organisation_id: String,
    pub(super) event_id: String,
    pub(super) request_hash: Vec<u8>,
    pub(super) folder: String,
    pub(super) entries: i64,
    pub(super) placed: i64,
    pub(super) plan_entries: i64,
    pub(super) plan_files: i64,
    pub(super) plan_directory: i64,
    pub(super) list_length: i64,
    pub(super) list_crc: i64,
    pub(super) ready_at: Option<i64>,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
    pub(super) created_by: Option<String>,
    pub(super) people: bool,
    pub(super) guests: i64,
    pub(super) guests_placed: i64,
    pub(super) guests_length: i64,
    pub(super) guests_crc: i64,
    pub(super) consents_length: i64,
    pub(super) consents_crc: i64,
    pub(super) json_length: i64,
    pub(super) json_crc: i64,
}

/// A number that we wrote, and never below nought.
pub(super) fn unsigned(number: i64) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| Failure::Internal("a stored length is below nought".into()))
}

pub(super) fn signed(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| Failure::Internal("a length is beyond what is stored".into()))
}

impl ExportRow {
    pub(super) fn plan(&self) -> Result<Plan, Failure> {
        let Self { plan_entries, plan_files, plan_directory, .. } = self;
        Ok(Plan::resume(unsigned(*plan_entries)?, unsigned(*plan_files)?, unsigned(*plan_directory)?))
    }
}

/// What an archive says of an original.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = captures_originals)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct OriginalRow {
    pub(crate) capture_id: String,
    pub(crate) organisation_id: String,
    pub(crate) length: i64,
    pub(crate) crc: i64,
    pub(crate) sha256: Vec<u8>,
}

/// Of a capture that an entry names.
#[derive(Debug, Clone, Queryable)]
pub(super) struct Source {
    pub(super) object: String,
    pub(super) key_subject: String,
    pub(super) media_type: String,
    pub(super) captured_at: i64,
    pub(super) deleted_at: Option<i64>,
}

/// An entry that waits for its place.
#[derive(Debug, Clone, Queryable)]
pub(super) struct Waiting {
    pub(super) position: i64,
    pub(super) capture_id: String,
    pub(super) source: Source,
    pub(super) original: Option<OriginalRow>,
}

/// An entry that has its place.
#[derive(Debug, Clone, Queryable)]
pub(super) struct Placed {
    pub(super) at: Option<i64>,
    pub(super) directory_at: Option<i64>,
    pub(super) name: Option<String>,
    pub(super) source: Source,
    pub(super) original: OriginalRow,
}

macro_rules! source {
    () => {
        (captures::object, captures::key_subject, captures::media_type, captures::captured_at, captures::deleted_at)
    };
}

macro_rules! placed {
    ($export:expr) => {
        exports_entries::table
            .inner_join(captures::table.on(captures::id.eq(exports_entries::capture_id)))
            .inner_join(captures_originals::table.on(captures_originals::capture_id.eq(exports_entries::capture_id)))
            .filter(exports_entries::export_id.eq($export))
            .filter(exports_entries::at.is_not_null())
            .select((
                exports_entries::at,
                exports_entries::directory_at,
                exports_entries::name,
                source!(),
                OriginalRow::as_select(),
            ))
    };
}

/// Only exports of events that exist, and not past their time.
pub(super) async fn find(
    conn: &mut Conn,
    scope: &OrgScope,
    export: &ExportId,
    now: Millis,
) -> Result<ExportRow, Failure> {
    on_db!(conn, c => exports::table
        .inner_join(events::table.on(events::id.eq(exports::event_id)))
        .filter(exports::organisation_id.eq(scope.organisation().as_str()))
        .filter(exports::id.eq(export.as_str()))
        .filter(exports::expires_at.gt(now.0))
        .filter(events::deleted_at.is_null())
        .select(ExportRow::as_select())
        .first(c).await)
}

/// The event's exports that are not past their time, newest first.
pub(super) async fn list(
    conn: &mut Conn,
    scope: &EventScope,
    now: Millis,
    most: i64,
) -> Result<Vec<ExportRow>, Failure> {
    on_db!(conn, c => exports::table
        .filter(exports::organisation_id.eq(scope.organisation().as_str()))
        .filter(exports::event_id.eq(scope.event().as_str()))
        .filter(exports::expires_at.gt(now.0))
        .order((exports::created_at.desc(), exports::id.desc()))
        .limit(most)
        .select(ExportRow::as_select())
        .load(c).await)
}

/// For the job, which knows the id alone.
pub(super) async fn of_job(
    conn: &mut Conn,
    _permit: &crate::jobs::Permit,
    export: &str,
) -> Result<Option<ExportRow>, Failure> {
    on_db!(conn, c => exports::table
        .filter(exports::id.eq(export))
        .select(ExportRow::as_select())
        .first(c).await.optional())
}

/// The export that was made for this request before.
pub(super) async fn by_request(
    conn: &mut Conn,
    scope: &EventScope,
    request: &[u8],
    now: Millis,
) -> Result<Option<ExportRow>, Failure> {
    on_db!(conn, c => exports::table
        .filter(exports::organisation_id.eq(scope.organisation().as_str()))
        .filter(exports::event_id.eq(scope.event().as_str()))
        .filter(exports::request_hash.eq(request))
        .filter(exports::expires_at.gt(now.0))
        .select(ExportRow::as_select())
        .first(c).await.optional())
}

/// What people called the event.
pub(super) async fn event_name(conn: &mut Conn, scope: &EventScope) -> Result<String, Failure> {
    on_db!(conn, c => events::table
        .filter(events::organisation_id.eq(scope.organisation().as_str()))
        .filter(events::id.eq(scope.event().as_str()))
        .select(events::name)
        .first::<String>(c).await)
}

pub(super) async fn insert(tx: &mut Tx, _scope: &EventScope, row: &ExportRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(exports::table).values(row).execute(c).await)?;
    Ok(())
}

/// Freezes every capture of the event outside the trash, the oldest first; gives how many.
pub(super) async fn freeze_event(tx: &mut Tx, scope: &EventScope, export: &str) -> Result<i64, Failure> {
    const SQLITE: &str = "INSERT INTO exports_entries (export_id, position, organisation_id, capture_id) \
        SELECT ?, row_number() OVER (ORDER BY captured_at, id), organisation_id, id FROM captures \
        WHERE organisation_id = ? AND event_id = ? AND deleted_at IS NULL";
    const POSTGRES: &str = "INSERT INTO exports_entries (export_id, position, organisation_id, capture_id) \
        SELECT $1, row_number() OVER (ORDER BY captured_at, id), organisation_id, id FROM captures \
        WHERE organisation_id = $2 AND event_id = $3 AND deleted_at IS NULL";
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let entries = on_db!(
        tx,
        sqlite c => diesel::sql_query(SQLITE)
            .bind::<Text, _>(export).bind::<Text, _>(organisation).bind::<Text, _>(event).execute(c).await,
        postgres c => diesel::sql_query(POSTGRES)
            .bind::<Text, _>(export).bind::<Text, _>(organisation).bind::<Text, _>(event).execute(c).await,
    )?;
    i64::try_from(entries).map_err(|error| Failure::internal("an export", error))
}

/// Freezes these captures; [`Failure::NotFound`] if one of them is not in the event, or in the trash.
pub(super) async fn freeze_these(
    tx: &mut Tx,
    scope: &EventScope,
    export: &str,
    wanted: &[CaptureId],
) -> Result<i64, Failure> {
    let mut found: Vec<(i64, String)> = Vec::with_capacity(wanted.len());
    for chunk in wanted.chunks(CHUNK) {
        found.extend(on_db!(tx, c => captures::table
            .filter(captures::organisation_id.eq(scope.organisation().as_str()))
            .filter(captures::event_id.eq(scope.event().as_str()))
            .filter(captures::id.eq_any(chunk.iter().map(CaptureId::as_str)))
            .filter(captures::deleted_at.is_null())
            .select((captures::captured_at, captures::id))
            .load::<(i64, String)>(c).await)?);
    }
    if found.len() != wanted.len() {
        return Err(Failure::NotFound);
    }
    found.sort_unstable();
    let mut position = 0;
    for (_, capture) in found {
        position += 1;
        on_db!(tx, c => diesel::insert_into(exports_entries::table)
            .values((
                exports_entries::export_id.eq(export),
                exports_entries::position.eq(position),
                exports_entries::organisation_id.eq(scope.organisation().as_str()),
                exports_entries::capture_id.eq(&capture),
            ))
            .execute(c).await)?;
    }
    Ok(position)
}

pub(super) async fn set_entries(tx: &mut Tx, _scope: &EventScope, export: &str, entries: i64) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(exports::table)
        .filter(exports::id.eq(export))
        .set(exports::entries.eq(entries))
        .execute(c).await)?;
    Ok(())
}

/// Entries behind a position.
pub(super) async fn waiting(conn: &mut Conn, row: &ExportRow, most: i64) -> Result<Vec<Waiting>, Failure> {
    on_db!(conn, c => exports_entries::table
        .inner_join(captures::table.on(captures::id.eq(exports_entries::capture_id)))
        .left_join(captures_originals::table.on(captures_originals::capture_id.eq(exports_entries::capture_id)))
        .filter(exports_entries::export_id.eq(&row.id))
        .filter(exports_entries::position.gt(row.placed))
        .order(exports_entries::position)
        .limit(most)
        .select((
            exports_entries::position,
            exports_entries::capture_id,
            source!(),
            Option::<OriginalRow>::as_select(),
        ))
        .load::<Waiting>(c).await)
}

/// Notes what an archive says of an original, if it is not known yet and the capture is still there.
pub(crate) async fn insert_original(tx: &mut Tx, row: &OriginalRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(captures_originals::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c).await)?;
    Ok(())
}

/// Gives an entry its place.
pub(super) async fn place(
    tx: &mut Tx,
    row: &ExportRow,
    position: i64,
    (at, directory_at): (i64, i64),
    name: &str,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(exports_entries::table)
        .filter(exports_entries::export_id.eq(&row.id))
        .filter(exports_entries::position.eq(position))
        .set((
            exports_entries::at.eq(at),
            exports_entries::directory_at.eq(directory_at),
            exports_entries::name.eq(name),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Leaves out what went to the trash before it had a place.
pub(super) async fn leave_out(tx: &mut Tx, row: &ExportRow, position: i64) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(exports_entries::table)
        .filter(exports_entries::export_id.eq(&row.id))
        .filter(exports_entries::position.eq(position))
        .execute(c).await)?;
    Ok(())
}

/// Notes how far the preparation came.
pub(super) async fn keep(tx: &mut Tx, row: &ExportRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(exports::table)
        .filter(exports::id.eq(&row.id))
        .set((
            exports::placed.eq(row.placed),
            exports::plan_entries.eq(row.plan_entries),
            exports::plan_files.eq(row.plan_files),
            exports::plan_directory.eq(row.plan_directory),
            exports::list_length.eq(row.list_length),
            exports::list_crc.eq(row.list_crc),
            exports::ready_at.eq(row.ready_at),
            exports::guests.eq(row.guests),
            exports::guests_placed.eq(row.guests_placed),
            exports::guests_length.eq(row.guests_length),
            exports::guests_crc.eq(row.guests_crc),
            exports::consents_length.eq(row.consents_length),
            exports::consents_crc.eq(row.consents_crc),
            exports::json_length.eq(row.json_length),
            exports::json_crc.eq(row.json_crc),
        ))
        .execute(c).await)?;
    Ok(())
}

/// The entry in which a byte of the archive lies, if it is still there.
pub(super) async fn at(conn: &mut Conn, row: &ExportRow, byte: i64) -> Result<Option<Placed>, Failure> {
    on_db!(conn, c => placed!(&row.id)
        .filter(exports_entries::at.le(byte))
        .order(exports_entries::at.desc())
        .first::<Placed>(c).await.optional())
}

/// Entries from a place on, in their order.
pub(super) async fn from(conn: &mut Conn, row: &ExportRow, at: i64, most: i64) -> Result<Vec<Placed>, Failure> {
    on_db!(conn, c => placed!(&row.id)
        .filter(exports_entries::at.ge(at))
        .order(exports_entries::at)
        .limit(most)
        .load::<Placed>(c).await)
}

/// Where the entry lies whose line of the directory holds a byte: in the archive, and in the directory.
pub(super) async fn in_directory(
    conn: &mut Conn,
    row: &ExportRow,
    byte: i64,
) -> Result<Option<(Option<i64>, Option<i64>)>, Failure> {
    on_db!(conn, c => exports_entries::table
        .filter(exports_entries::export_id.eq(&row.id))
        .filter(exports_entries::directory_at.le(byte))
        .order(exports_entries::directory_at.desc())
        .select((exports_entries::at, exports_entries::directory_at))
        .first::<(Option<i64>, Option<i64>)>(c).await.optional())
}

/// How many of the entries are still there, outside the trash.
pub(super) async fn alive(conn: &mut Conn, row: &ExportRow) -> Result<i64, Failure> {
    on_db!(conn, c => exports_entries::table
        .inner_join(captures::table.on(captures::id.eq(exports_entries::capture_id)))
        .filter(exports_entries::export_id.eq(&row.id))
        .filter(captures::deleted_at.is_null())
        .count()
        .get_result::<i64>(c).await)
}

/// Forgets exports past their time.
pub(crate) async fn clear(tx: &mut Tx, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(exports::table).filter(exports::expires_at.le(now.0)).execute(c).await)?;
    Ok(())
}
