//! The SQL of guests.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{CaptureId, GuestId};
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;

use super::rows::{ConsentRow, GuestRow};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::keystore::Sealed;
use crate::schema::{events, guests, guests_captures, guests_consents, messages, privacy_erasures};

/// A guest outside the trash, of an event that exists.
pub(super) async fn find(conn: &mut Conn, scope: &OrgScope, guest: &GuestId) -> Result<GuestRow, Failure> {
    on_db!(conn, c => guests::table
        .inner_join(events::table.on(events::id.eq(guests::event_id)))
        .filter(guests::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests::id.eq(guest.as_str()))
        .filter(guests::deleted_at.is_null())
        .filter(events::deleted_at.is_null())
        .select(GuestRow::as_select())
        .first(c).await)
}

/// The guests of a capture outside the trash, in the order in which they were added.
pub(super) async fn of_capture(
    conn: &mut Conn,
    scope: &OrgScope,
    capture: &CaptureId,
) -> Result<Vec<GuestRow>, Failure> {
    on_db!(conn, c => guests_captures::table
        .inner_join(guests::table.on(guests::id.eq(guests_captures::guest_id)))
        .filter(guests_captures::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests_captures::capture_id.eq(capture.as_str()))
        .filter(guests::deleted_at.is_null())
        .order((guests_captures::created_at.asc(), guests::id.asc()))
        .select(GuestRow::as_select())
        .load(c).await)
}

/// These guests, without those in the trash.
pub(super) async fn these(conn: &mut Conn, scope: &OrgScope, ids: &[String]) -> Result<Vec<GuestRow>, Failure> {
    on_db!(conn, c => guests::table
        .filter(guests::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests::id.eq_any(ids))
        .filter(guests::deleted_at.is_null())
        .select(GuestRow::as_select())
        .load(c).await)
}

/// All consents of these guests that were recorded until then, the oldest first.
pub(super) async fn consents_of(
    conn: &mut Conn,
    scope: &OrgScope,
    ids: &[String],
    until: Millis,
) -> Result<Vec<ConsentRow>, Failure> {
    on_db!(conn, c => guests_consents::table
        .filter(guests_consents::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests_consents::guest_id.eq_any(ids))
        .filter(guests_consents::recorded_at.le(until.0))
        .order(guests_consents::id)
        .select(ConsentRow::as_select())
        .load(c).await)
}

/// Number of captures that show the guest.
pub(crate) async fn captures_of(conn: &mut Conn, scope: &impl Tenant, guest: &str) -> Result<i64, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => guests_captures::table
        .filter(guests_captures::organisation_id.eq(organisation))
        .filter(guests_captures::guest_id.eq(guest))
        .count()
        .get_result(c).await)
}

/// How many guests a capture shows, those in the trash included.
pub(super) async fn guests_of(conn: &mut Conn, scope: &impl Tenant, capture: &str) -> Result<i64, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => guests_captures::table
        .filter(guests_captures::organisation_id.eq(organisation))
        .filter(guests_captures::capture_id.eq(capture))
        .count()
        .get_result(c).await)
}

/// Ids of the guests that the captures show.
pub(super) async fn shown_in(conn: &mut Conn, scope: &impl Tenant, ids: &[&str]) -> Result<Vec<String>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => guests_captures::table
        .filter(guests_captures::organisation_id.eq(organisation))
        .filter(guests_captures::capture_id.eq_any(ids.iter().copied()))
        .select(guests_captures::guest_id)
        .distinct()
        .load(c).await)
}

/// All consents of the guest, newest first.
pub(super) async fn consents(conn: &mut Conn, scope: &impl Tenant, guest: &str) -> Result<Vec<ConsentRow>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => guests_consents::table
        .filter(guests_consents::organisation_id.eq(organisation))
        .filter(guests_consents::guest_id.eq(guest))
        .order(guests_consents::id.desc())
        .select(ConsentRow::as_select())
        .load(c).await)
}

pub(super) async fn insert_consents(tx: &mut Tx, _scope: &EventScope, rows: &[ConsentRow]) -> Result<(), Failure> {
    for row in rows {
        on_db!(tx, c => diesel::insert_into(guests_consents::table).values(row).execute(c).await)?;
    }
    Ok(())
}

/// A guest to be written.
#[derive(Insertable)]
#[diesel(table_name = guests)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct NewRow<'a> {
    pub(super) id: &'a str,
    pub(super) organisation_id: &'a str,
    pub(super) event_id: &'a str,
    pub(super) name: Option<Sealed<Pii<String>>>,
    pub(super) email: Option<Sealed<Pii<String>>>,
    pub(super) phone: Option<Sealed<Pii<String>>>,
    pub(super) language: &'a str,
    pub(super) created_at: i64,
}

/// Writes the guest unless there is one of this id; says whether it did.
pub(super) async fn insert(tx: &mut Tx, _scope: &EventScope, row: &NewRow<'_>) -> Result<bool, Failure> {
    let written = on_db!(tx, c => diesel::insert_into(guests::table)
        .values(row)
        .on_conflict(guests::id)
        .do_nothing()
        .execute(c).await)?;
    Ok(written == 1)
}

/// Brings a guest up to date: what was given this time replaces what was known. `false` if they are in the trash.
pub(super) async fn refresh(tx: &mut Tx, scope: &EventScope, row: &NewRow<'_>) -> Result<bool, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    if let Some(name) = &row.name {
        on_db!(tx, c => diesel::update(guests::table)
            .filter(guests::organisation_id.eq(organisation))
            .filter(guests::id.eq(row.id))
            .set(guests::name.eq(name))
            .execute(c).await)?;
    }
    if let Some(phone) = &row.phone {
        on_db!(tx, c => diesel::update(guests::table)
            .filter(guests::organisation_id.eq(organisation))
            .filter(guests::id.eq(row.id))
            .set(guests::phone.eq(phone))
            .execute(c).await)?;
    }
    let updated = on_db!(tx, c => diesel::update(guests::table)
        .filter(guests::organisation_id.eq(organisation))
        .filter(guests::event_id.eq(event))
        .filter(guests::id.eq(row.id))
        .filter(guests::deleted_at.is_null())
        .set(guests::language.eq(row.language))
        .execute(c).await)?;
    Ok(updated == 1)
}

/// Whether somebody asked for the guest to be erased, and that is not done yet.
pub(super) async fn is_leaving(conn: &mut Conn, scope: &impl Tenant, guest: &str) -> Result<bool, Failure> {
    let open: Option<String> = on_db!(conn, c => privacy_erasures::table
        .filter(privacy_erasures::organisation_id.eq(scope.organisation().as_str()))
        .filter(privacy_erasures::object.eq(guest))
        .filter(privacy_erasures::finished_at.is_null())
        .select(privacy_erasures::id)
        .first(c).await.optional())?;
    Ok(open.is_some())
}

/// Notes that the capture shows the guest.
pub(super) async fn insert_shown(
    tx: &mut Tx,
    scope: &EventScope,
    guest: &str,
    capture: &CaptureId,
    now: Millis,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(guests_captures::table)
        .values((
            guests_captures::guest_id.eq(guest),
            guests_captures::capture_id.eq(capture.as_str()),
            guests_captures::organisation_id.eq(scope.organisation().as_str()),
            guests_captures::created_at.eq(now.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Deletes what was to be sent to the guest, and what is known of it.
pub(super) async fn delete_messages(tx: &mut Tx, scope: &impl Tenant, guest: &GuestId) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(tx, c => diesel::delete(messages::table)
        .filter(messages::organisation_id.eq(organisation))
        .filter(messages::guest_id.eq(guest.as_str()))
        .execute(c).await)?;
    Ok(())
}

/// Deletes the guest; consents, owner links and messages go along by their foreign keys. Says whether there was one.
pub(super) async fn delete(tx: &mut Tx, scope: &impl Tenant, guest: &str) -> Result<bool, Failure> {
    let organisation = scope.organisation().as_str();
    let deleted = on_db!(tx, c => diesel::delete(guests::table)
        .filter(guests::organisation_id.eq(organisation))
        .filter(guests::id.eq(guest))
        .execute(c).await)?;
    Ok(deleted == 1)
}

/// Ids of guests of the event.
pub(crate) async fn ids_of_event(conn: &mut Conn, scope: &EventScope, most: i64) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => guests::table
        .filter(guests::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests::event_id.eq(scope.event().as_str()))
        .select(guests::id)
        .limit(most)
        .load(c).await)
}

/// Holds the guests' rows until the end of the transaction, in a way that both databases know.
pub(super) async fn lock(tx: &mut Tx, scope: &impl Tenant, ids: &[&str]) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(tx, c => diesel::update(guests::table)
        .filter(guests::organisation_id.eq(organisation))
        .filter(guests::id.eq_any(ids.iter().copied()))
        .set(guests::language.eq(guests::language))
        .execute(c).await)?;
    Ok(())
}

/// Which of the guests still have a capture.
pub(super) async fn still_shown(conn: &mut Conn, scope: &impl Tenant, ids: &[&str]) -> Result<Vec<String>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => guests_captures::table
        .filter(guests_captures::organisation_id.eq(organisation))
        .filter(guests_captures::guest_id.eq_any(ids.iter().copied()))
        .select(guests_captures::guest_id)
        .distinct()
        .load(c).await)
}
