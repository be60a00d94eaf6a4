//! The guests of an archive.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use super::ExportRow;
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::schema::{exports_entries, exports_guests, guests, guests_captures};

/// A guest that is in an archive: where in its files they stand, and the keyed hash of what is said of them.
#[derive(Debug, Clone, Queryable)]
pub(in crate::exports) struct PlacedPerson {
    pub(in crate::exports) position: i64,
    pub(in crate::exports) guest: String,
    pub(in crate::exports) at: (Option<i64>, Option<i64>, Option<i64>),
    pub(in crate::exports) digest: Option<Vec<u8>>,
}

macro_rules! person {
    () => {
        (
            exports_guests::position,
            exports_guests::guest_id,
            (exports_guests::guests_at, exports_guests::consents_at, exports_guests::json_at),
            exports_guests::digest,
        )
    };
}

/// Freezes the guests outside the trash whom the frozen captures show, in the order in which they came; gives how many.
pub(in crate::exports) async fn freeze_people(tx: &mut Tx, scope: &EventScope, export: &str) -> Result<usize, Failure> {
    const SQLITE: &str = "INSERT INTO exports_guests (export_id, position, organisation_id, guest_id) \
        SELECT ?, row_number() OVER (ORDER BY created_at, id), organisation_id, id FROM guests \
        WHERE organisation_id = ? AND event_id = ? AND deleted_at IS NULL AND EXISTS (SELECT 1 FROM guests_captures \
        JOIN exports_entries ON exports_entries.capture_id = guests_captures.capture_id \
        WHERE guests_captures.guest_id = guests.id AND exports_entries.export_id = ?)";
    const POSTGRES: &str = "INSERT INTO exports_guests (export_id, position, organisation_id, guest_id) \
        SELECT $1, row_number() OVER (ORDER BY created_at, id), organisation_id, id FROM guests \
        WHERE organisation_id = $2 AND event_id = $3 AND deleted_at IS NULL AND EXISTS (SELECT 1 FROM guests_captures \
        JOIN exports_entries ON exports_entries.capture_id = guests_captures.capture_id \
        WHERE guests_captures.guest_id = guests.id AND exports_entries.export_id = $4)";
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(
        tx,
        sqlite c => diesel::sql_query(SQLITE)
            .bind::<Text, _>(export).bind::<Text, _>(organisation).bind::<Text, _>(event).bind::<Text, _>(export)
            .execute(c).await,
        postgres c => diesel::sql_query(POSTGRES)
            .bind::<Text, _>(export).bind::<Text, _>(organisation).bind::<Text, _>(event).bind::<Text, _>(export)
            .execute(c).await,
    )
}

/// Guests behind a position, placed or not.
pub(in crate::exports) async fn people_behind(
    conn: &mut Conn,
    row: &ExportRow,
    position: i64,
    most: i64,
) -> Result<Vec<PlacedPerson>, Failure> {
    on_db!(conn, c => exports_guests::table
        .filter(exports_guests::export_id.eq(&row.id))
        .filter(exports_guests::position.gt(position))
        .order(exports_guests::position)
        .limit(most)
        .select(person!())
        .load::<PlacedPerson>(c).await)
}

/// The position of the guest in whose part of a file a byte lies: of the guests, of the consents, of the JSON.
pub(in crate::exports) async fn person_at(
    conn: &mut Conn,
    row: &ExportRow,
    file: usize,
    byte: i64,
) -> Result<Option<i64>, Failure> {
    macro_rules! last {
        ($column:expr) => {
            on_db!(conn, c => exports_guests::table
                .filter(exports_guests::export_id.eq(&row.id))
                .filter($column.le(byte))
                .order(($column.desc(), exports_guests::position.desc()))
                .select(exports_guests::position)
                .first::<i64>(c).await.optional())
        };
    }
    match file {
        0 => last!(exports_guests::guests_at),
        1 => last!(exports_guests::consents_at),
        _ => last!(exports_guests::json_at),
    }
}

/// The names in the archive of the captures that show these guests, in their order: guest, name.
pub(in crate::exports) async fn files_of(
    conn: &mut Conn,
    row: &ExportRow,
    people: &[String],
) -> Result<Vec<(String, Option<String>)>, Failure> {
    on_db!(conn, c => exports_entries::table
        .inner_join(guests_captures::table.on(guests_captures::capture_id.eq(exports_entries::capture_id)))
        .filter(exports_entries::export_id.eq(&row.id))
        .filter(guests_captures::organisation_id.eq(&row.organisation_id))
        .filter(guests_captures::guest_id.eq_any(people))
        .order(exports_entries::position)
        .select((guests_captures::guest_id, exports_entries::name))
        .load::<(String, Option<String>)>(c).await)
}

/// Gives a guest their place in each file.
pub(in crate::exports) async fn place_person(
    tx: &mut Tx,
    row: &ExportRow,
    position: i64,
    [guests_at, consents_at, json_at]: [i64; 3],
    digest: &[u8],
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(exports_guests::table)
        .filter(exports_guests::export_id.eq(&row.id))
        .filter(exports_guests::position.eq(position))
        .set((
            exports_guests::guests_at.eq(guests_at),
            exports_guests::consents_at.eq(consents_at),
            exports_guests::json_at.eq(json_at),
            exports_guests::digest.eq(digest),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Leaves out a guest: gone before they had a place, or another than when they got it.
pub(in crate::exports) async fn leave_out_person(tx: &mut Tx, row: &ExportRow, position: i64) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(exports_guests::table)
        .filter(exports_guests::export_id.eq(&row.id))
        .filter(exports_guests::position.eq(position))
        .execute(c).await)?;
    Ok(())
}

/// How many of the guests are still there, outside the trash.
pub(in crate::exports) async fn people_alive(conn: &mut Conn, row: &ExportRow) -> Result<i64, Failure> {
    on_db!(conn, c => exports_guests::table
        .inner_join(guests::table.on(guests::id.eq(exports_guests::guest_id)))
        .filter(exports_guests::export_id.eq(&row.id))
        .filter(guests::deleted_at.is_null())
        .count()
        .get_result::<i64>(c).await)
}
