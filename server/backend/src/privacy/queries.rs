//! The SQL of erasures.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{CaptureId, ErasureId, EventId, GuestId, OrganisationId};
use shutterpost_model::support::GrantState;
use shutterpost_model::time::Millis;

use super::rows::ErasureRow;
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::schema::{
    captures, captures_renditions, events, events_design_files, events_logos, guests, identity_invitations,
    identity_memberships, identity_organisations, identity_removed_members, identity_sessions, identity_tokens,
    identity_users, installation, messages, privacy_erasures, sso_connections, support_grants,
};

/// The organisation's erasure of an object.
pub(super) async fn of_object(
    conn: &mut Conn,
    scope: &impl Tenant,
    object: &str,
) -> Result<Option<ErasureRow>, Failure> {
    on_db!(conn, c => privacy_erasures::table
        .filter(privacy_erasures::organisation_id.eq(scope.organisation().as_str()))
        .filter(privacy_erasures::object.eq(object))
        .select(ErasureRow::as_select())
        .first(c).await.optional())
}

/// An erasure of the organisation.
pub(super) async fn find(conn: &mut Conn, scope: &OrgScope, id: &ErasureId) -> Result<ErasureRow, Failure> {
    on_db!(conn, c => privacy_erasures::table
        .filter(privacy_erasures::organisation_id.eq(scope.organisation().as_str()))
        .filter(privacy_erasures::id.eq(id.as_str()))
        .select(ErasureRow::as_select())
        .first(c).await)
}

/// Erasures of the organisation older than one of them, newest first.
pub(super) async fn list(
    conn: &mut Conn,
    scope: &OrgScope,
    before: Option<&str>,
    most: i64,
) -> Result<Vec<ErasureRow>, Failure> {
    // Greater than every id of the kind.
    let before = before.unwrap_or("era_~");
    on_db!(conn, c => privacy_erasures::table
        .filter(privacy_erasures::organisation_id.eq(scope.organisation().as_str()))
        .filter(privacy_erasures::id.lt(before))
        .order(privacy_erasures::id.desc())
        .limit(most)
        .select(ErasureRow::as_select())
        .load(c).await)
}

/// An erasure that a job was left to finish; `None` if it is not there any more.
pub(super) async fn of_job(conn: &mut Conn, _permit: &Permit, id: &str) -> Result<Option<ErasureRow>, Failure> {
    on_db!(conn, c => privacy_erasures::table
        .filter(privacy_erasures::id.eq(id))
        .select(ErasureRow::as_select())
        .first(c).await.optional())
}

/// A receipt by the id of its erasure or object, whosever it is.
pub(super) async fn receipt_of(conn: &mut Conn, id: &str) -> Result<Option<String>, Failure> {
    let found = on_db!(conn, c => privacy_erasures::table
        .filter(privacy_erasures::id.eq(id).or(privacy_erasures::object.eq(id)))
        .select(privacy_erasures::receipt)
        .first::<Option<String>>(c).await.optional())?;
    Ok(found.flatten())
}

pub(super) async fn insert(tx: &mut Tx, row: &ErasureRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(privacy_erasures::table).values(row).execute(c).await)?;
    Ok(())
}

/// That the guest is the organisation's.
pub(super) async fn prove_guest(conn: &mut Conn, scope: &OrgScope, guest: &GuestId) -> Result<(), Failure> {
    on_db!(conn, c => guests::table
        .filter(guests::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests::id.eq(guest.as_str()))
        .select(guests::id)
        .first::<String>(c).await)?;
    Ok(())
}

/// That the capture is the organisation's.
pub(super) async fn prove_capture(conn: &mut Conn, scope: &OrgScope, capture: &CaptureId) -> Result<(), Failure> {
    on_db!(conn, c => captures::table
        .filter(captures::organisation_id.eq(scope.organisation().as_str()))
        .filter(captures::id.eq(capture.as_str()))
        .select(captures::id)
        .first::<String>(c).await)?;
    Ok(())
}

/// That the event is the organisation's; deleted from now on, if it was not before.
pub(super) async fn mark_event(tx: &mut Tx, scope: &OrgScope, event: &EventId, now: Millis) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(tx, c => events::table
        .filter(events::organisation_id.eq(organisation))
        .filter(events::id.eq(event.as_str()))
        .select(events::id)
        .first::<String>(c).await)?;
    on_db!(tx, c => diesel::update(events::table)
        .filter(events::organisation_id.eq(organisation))
        .filter(events::id.eq(event.as_str()))
        .filter(events::deleted_at.is_null())
        .set((events::deleted_at.eq(now.0), events::version.eq(events::version + 1)))
        .execute(c).await)?;
    Ok(())
}

/// Whose the events among the ids are.
pub(super) async fn events_among(conn: &mut Conn, ids: &[&str]) -> Result<Vec<(String, String)>, Failure> {
    on_db!(conn, c => events::table
        .filter(events::id.eq_any(ids.iter().copied()))
        .select((events::organisation_id, events::id))
        .load(c).await)
}

/// Which of the ids are organisations.
pub(super) async fn organisations_among(conn: &mut Conn, ids: &[String]) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => identity_organisations::table
        .filter(identity_organisations::id.eq_any(ids.iter()))
        .select(identity_organisations::id)
        .load(c).await)
}

/// Deletes accounts, invitations, API tokens and connections among the ids; gives how many there were.
pub(super) async fn delete_people(tx: &mut Tx, ids: &[String]) -> Result<usize, Failure> {
    let mut deleted = on_db!(tx, c => diesel::delete(identity_users::table)
        .filter(identity_users::id.eq_any(ids.iter()))
        .execute(c).await)?;
    deleted += on_db!(tx, c => diesel::delete(identity_invitations::table)
        .filter(identity_invitations::id.eq_any(ids.iter()))
        .execute(c).await)?;
    deleted += on_db!(tx, c => diesel::delete(identity_tokens::table)
        .filter(identity_tokens::id.eq_any(ids.iter()))
        .execute(c).await)?;
    deleted += on_db!(tx, c => diesel::delete(sso_connections::table)
        .filter(sso_connections::id.eq_any(ids.iter()))
        .execute(c).await)?;
    Ok(deleted)
}

/// Holds the erasure until the end of the transaction; `false` if it is finished.
pub(super) async fn hold(tx: &mut Tx, id: &str) -> Result<bool, Failure> {
    let held = on_db!(tx, c => diesel::update(privacy_erasures::table)
        .filter(privacy_erasures::id.eq(id))
        .filter(privacy_erasures::finished_at.is_null())
        .set(privacy_erasures::requested_at.eq(privacy_erasures::requested_at))
        .execute(c).await)?;
    Ok(held == 1)
}

/// Keeps the receipt, unless there is one: the first is the true one.
pub(super) async fn keep_receipt(tx: &mut Tx, id: &str, receipt: &str) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(privacy_erasures::table)
        .filter(privacy_erasures::id.eq(id))
        .filter(privacy_erasures::receipt.is_null())
        .set(privacy_erasures::receipt.eq(receipt))
        .execute(c).await)?;
    Ok(())
}

pub(super) async fn finish(tx: &mut Tx, id: &str, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(privacy_erasures::table)
        .filter(privacy_erasures::id.eq(id))
        .filter(privacy_erasures::finished_at.is_null())
        .set(privacy_erasures::finished_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}

/// Ids of captures of the event behind one of them, in their order.
pub(super) async fn captures_after(
    conn: &mut Conn,
    scope: &EventScope,
    after: &str,
    most: i64,
) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => captures::table
        .filter(captures::organisation_id.eq(scope.organisation().as_str()))
        .filter(captures::event_id.eq(scope.event().as_str()))
        .filter(captures::id.gt(after))
        .order(captures::id)
        .limit(most)
        .select(captures::id)
        .load(c).await)
}

/// The same of guests.
pub(super) async fn guests_after(
    conn: &mut Conn,
    scope: &EventScope,
    after: &str,
    most: i64,
) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => guests::table
        .filter(guests::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests::event_id.eq(scope.event().as_str()))
        .filter(guests::id.gt(after))
        .order(guests::id)
        .limit(most)
        .select(guests::id)
        .load(c).await)
}

/// What an event holds, for its receipt: names and counts.
pub(super) async fn contents(conn: &mut Conn, scope: &EventScope) -> Result<Vec<(&'static str, i64)>, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let of_captures: i64 = on_db!(conn, c => captures::table
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::event_id.eq(event))
        .count().get_result(c).await)?;
    let of_renditions: i64 = on_db!(conn, c => captures_renditions::table
        .inner_join(captures::table.on(captures::id.eq(captures_renditions::capture_id)))
        // One that names the original is no file of its own.
        .filter(captures_renditions::object.ne(captures::object))
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::event_id.eq(event))
        .count().get_result(c).await)?;
    let of_logos: i64 = on_db!(conn, c => events_logos::table
        .filter(events_logos::organisation_id.eq(organisation))
        .filter(events_logos::event_id.eq(event))
        .count().get_result(c).await)?;
    let of_designs: i64 = on_db!(conn, c => events_design_files::table
        .filter(events_design_files::organisation_id.eq(organisation))
        .filter(events_design_files::event_id.eq(event))
        .count().get_result(c).await)?;
    let of_guests: i64 = on_db!(conn, c => guests::table
        .filter(guests::organisation_id.eq(organisation))
        .filter(guests::event_id.eq(event))
        .count().get_result(c).await)?;
    let of_messages: i64 = on_db!(conn, c => messages::table
        .filter(messages::organisation_id.eq(organisation))
        .filter(messages::event_id.eq(event))
        .count().get_result(c).await)?;
    Ok(vec![
        ("captures", of_captures),
        ("events", 1),
        ("files", of_captures + of_renditions + of_logos + of_designs),
        ("guests", of_guests),
        ("messages", of_messages),
    ])
}

/// Every event of the organisation, deleted or not.
pub(super) async fn events_of(conn: &mut Conn, scope: &OrgScope) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => events::table
        .filter(events::organisation_id.eq(scope.organisation().as_str()))
        .order(events::id)
        .select(events::id)
        .load(c).await)
}

/// Nobody and nothing acts in the organisation from now on: sessions, tokens and invitations are gone, and so are
/// memberships, but for people who are nowhere else, who cannot sign in any more; and its events are deleted.
pub(super) async fn close(tx: &mut Tx, scope: &OrgScope, now: Millis) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    let only_here = only_here(tx, scope).await?;
    on_db!(tx, c => diesel::update(identity_users::table)
        .filter(identity_users::id.eq_any(only_here.iter()))
        .set(identity_users::disabled_at.eq(now.0))
        .execute(c).await)?;
    on_db!(tx, c => diesel::delete(identity_memberships::table)
        .filter(identity_memberships::organisation_id.eq(organisation))
        .filter(identity_memberships::user_id.ne_all(only_here.iter()))
        .execute(c).await)?;
    on_db!(tx, c => diesel::delete(identity_removed_members::table)
        .filter(identity_removed_members::organisation_id.eq(organisation))
        .filter(identity_removed_members::user_id.ne_all(only_here.iter()))
        .execute(c).await)?;
    on_db!(tx, c => diesel::delete(identity_sessions::table)
        .filter(identity_sessions::organisation_id.eq(organisation))
        .execute(c).await)?;
    on_db!(tx, c => diesel::delete(identity_tokens::table)
        .filter(identity_tokens::organisation_id.eq(organisation))
        .execute(c).await)?;
    on_db!(tx, c => diesel::delete(identity_invitations::table)
        .filter(identity_invitations::organisation_id.eq(organisation))
        .execute(c).await)?;
    on_db!(tx, c => diesel::update(support_grants::table)
        .filter(support_grants::organisation_id.eq(organisation))
        .filter(support_grants::ended_at.is_null())
        .set((support_grants::state.eq(GrantState::Ended.as_str()), support_grants::ended_at.eq(now.0)))
        .execute(c).await)?;
    on_db!(tx, c => diesel::delete(sso_connections::table)
        .filter(sso_connections::organisation_id.eq(organisation))
        .execute(c).await)?;
    on_db!(tx, c => diesel::update(events::table)
        .filter(events::organisation_id.eq(organisation))
        .filter(events::deleted_at.is_null())
        .set(events::deleted_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}

/// Members, and those in the trash, who are in no other organisation and in no other's trash.
pub(super) async fn only_here(conn: &mut Conn, scope: &OrgScope) -> Result<Vec<String>, Failure> {
    let organisation = scope.organisation().as_str();
    let mut members: Vec<String> = on_db!(conn, c => identity_memberships::table
        .filter(identity_memberships::organisation_id.eq(organisation))
        .select(identity_memberships::user_id)
        .load(c).await)?;
    members.extend(on_db!(conn, c => identity_removed_members::table
        .filter(identity_removed_members::organisation_id.eq(organisation))
        .select(identity_removed_members::user_id)
        .load::<String>(c).await)?);
    members.sort_unstable();
    members.dedup();
    let mut elsewhere: Vec<String> = on_db!(conn, c => identity_memberships::table
        .filter(identity_memberships::organisation_id.ne(organisation))
        .filter(identity_memberships::user_id.eq_any(members.iter()))
        .select(identity_memberships::user_id)
        .load(c).await)?;
    elsewhere.extend(on_db!(conn, c => identity_removed_members::table
        .filter(identity_removed_members::organisation_id.ne(organisation))
        .filter(identity_removed_members::user_id.eq_any(members.iter()))
        .select(identity_removed_members::user_id)
        .load::<String>(c).await)?);
    members.retain(|member| !elsewhere.contains(member));
    Ok(members)
}

pub(super) async fn delete_users(tx: &mut Tx, users: &[String]) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(identity_users::table)
        .filter(identity_users::id.eq_any(users.iter()))
        .execute(c).await)?;
    Ok(())
}

/// Deletes the organisation; whatever is left of it goes along by its foreign keys.
pub(super) async fn delete_organisation(tx: &mut Tx, organisation: &OrganisationId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(identity_organisations::table)
        .filter(identity_organisations::id.eq(organisation.as_str()))
        .execute(c).await)?;
    Ok(())
}

/// Until when destroyed keys have no rows left.
pub(super) async fn finished_until(conn: &mut Conn) -> Result<Millis, Failure> {
    let at = on_db!(conn, c => installation::table.select(installation::erasures_finished_until).first(c).await)?;
    Ok(Millis(at))
}

pub(super) async fn note_finished(tx: &mut Tx, until: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(installation::table)
        .filter(installation::erasures_finished_until.lt(until.0))
        .set(installation::erasures_finished_until.eq(until.0))
        .execute(c).await)?;
    Ok(())
}
