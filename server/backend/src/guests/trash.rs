//! Guests on their way into the trash and out of it, with the captures that show nobody else.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{CaptureId, GuestId};
use shutterpost_model::time::Millis;

use super::rows::GuestRow;
use super::{queries, rows};
use crate::captures::{purge, trash as captures_trash};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::counters;
use crate::events::rows::stored;
use crate::events::scope::Tenant;
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::keystore::{KeyStore, Lookup, Realm};
use crate::schema::{captures, events, guests, guests_captures, messages};

/// What a move changed.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    /// Captures whose share pages are stale.
    pub(crate) stale: Vec<CaptureId>,
    /// Whether the guest was not there before.
    pub(crate) changed: bool,
}

/// Moves a guest of an event that exists into the trash. Captures that show nobody else outside the trash go along.
pub(crate) async fn put(
    tx: &mut Tx,
    scope: &OrgScope,
    guest: &GuestId,
    by: Option<&str>,
    now: Millis,
) -> Result<Moved, Failure> {
    // Guest, capture and counter in this order, as in an erasure, so that nobody waits for each other.
    queries::lock(tx, scope, &[guest.as_str()]).await?;
    if place(tx, scope, guest).await?.is_some() {
        return Ok(Moved::default());
    }
    on_db!(tx, c => diesel::update(guests::table)
        .filter(guests::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests::id.eq(guest.as_str()))
        .set((guests::deleted_at.eq(now.0), guests::deleted_by.eq(by)))
        .execute(c).await)?;
    let mut moved = Moved { changed: true, ..Moved::default() };
    for Shown { capture, event, deleted_at, with: _ } in held(tx, scope, guest).await? {
        let there = recount(tx, scope, &capture).await?.there;
        if there == 0 && deleted_at.is_none() {
            captures_trash::put_with(tx, scope, &capture, guest.as_str(), by, now).await?;
            counters::add_captures(tx, scope, &event, -1).await?;
        }
        moved.stale.push(stored(&capture)?);
    }
    Ok(moved)
}

/// Takes a guest out of the trash who was deleted since, with the captures that lie there for want of a guest.
pub(crate) async fn take(tx: &mut Tx, scope: &OrgScope, guest: &GuestId, since: Millis) -> Result<Moved, Failure> {
    queries::lock(tx, scope, &[guest.as_str()]).await?;
    match place(tx, scope, guest).await? {
        None => return Ok(Moved::default()),
        Some(deleted_at) if deleted_at < since.0 => return Err(Failure::NotFound),
        Some(_) => {}
    }
    on_db!(tx, c => diesel::update(guests::table)
        .filter(guests::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests::id.eq(guest.as_str()))
        .set((guests::deleted_at.eq(None::<i64>), guests::deleted_by.eq(None::<String>)))
        .execute(c).await)?;
    let mut moved = Moved { changed: true, ..Moved::default() };
    for Shown { capture, event, deleted_at: _, with } in held(tx, scope, guest).await? {
        recount(tx, scope, &capture).await?;
        if with.is_some() {
            captures_trash::take_with(tx, scope, &capture).await?;
            counters::add_captures(tx, scope, &event, 1).await?;
        }
        moved.stale.push(stored(&capture)?);
    }
    Ok(moved)
}

/// Lets a guest be recognised by their contact point again, unless somebody came in between who has it now.
pub(crate) async fn recognise(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    guest: &GuestId,
) -> Result<(), Failure> {
    let row: GuestRow = on_db!(conn, c => guests::table
        .filter(guests::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests::id.eq(guest.as_str()))
        .select(GuestRow::as_select())
        .first(c).await)?;
    let ring = keystore.find(&[row.key()?]).await?;
    let rows::Contact { name: _, email, phone } = row.contact(&ring)?;
    let contact = rows::contact(
        email.as_ref().map(|email| email.expose().as_str()),
        phone.as_ref().map(|phone| phone.expose().as_str()),
    );
    if let Some(contact) = contact {
        let realm = Realm::Organisation(scope.organisation().clone());
        let lookup = Lookup::within(realm, rows::BY_CONTACT, &row.event_id);
        keystore.claim(&lookup, &contact, guest.as_str()).await?;
    }
    Ok(())
}

/// Whether the guest is in the trash; `false` if there is no such guest.
pub(super) async fn rests(conn: &mut Conn, scope: &impl Tenant, guest: &str) -> Result<bool, Failure> {
    let organisation = scope.organisation().as_str();
    let found = on_db!(conn, c => guests::table
        .filter(guests::organisation_id.eq(organisation))
        .filter(guests::id.eq(guest))
        .select(guests::deleted_at)
        .first::<Option<i64>>(c).await.optional())?;
    Ok(found.flatten().is_some())
}

/// Since when a guest of an event that exists is in the trash.
async fn place(conn: &mut Conn, scope: &OrgScope, guest: &GuestId) -> Result<Option<i64>, Failure> {
    on_db!(conn, c => guests::table
        .inner_join(events::table.on(events::id.eq(guests::event_id)))
        .filter(guests::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests::id.eq(guest.as_str()))
        .filter(events::deleted_at.is_null())
        .select(guests::deleted_at)
        .first(c).await)
}

/// A capture that shows the guest.
#[derive(Debug, Queryable)]
pub(super) struct Shown {
    pub(super) capture: String,
    pub(super) event: String,
    /// Since when it is in the trash, and with whom.
    pub(super) deleted_at: Option<i64>,
    with: Option<String>,
}

/// The captures that show the guest, held until the end of the transaction.
pub(super) async fn held(tx: &mut Tx, scope: &impl Tenant, guest: &GuestId) -> Result<Vec<Shown>, Failure> {
    let shown = showing(tx, scope, guest).await?;
    let ids: Vec<&str> = shown.iter().map(|shown| shown.capture.as_str()).collect();
    purge::lock(tx, scope, &ids).await?;
    // Another guest of the same picture may have been leaving at this moment.
    showing(tx, scope, guest).await
}

async fn showing(conn: &mut Conn, scope: &impl Tenant, guest: &GuestId) -> Result<Vec<Shown>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => guests_captures::table
        .inner_join(captures::table.on(captures::id.eq(guests_captures::capture_id)))
        .filter(guests_captures::organisation_id.eq(organisation))
        .filter(guests_captures::guest_id.eq(guest.as_str()))
        .order(captures::id.asc())
        .select((captures::id, captures::event_id, captures::deleted_at, captures::deleted_with))
        .load(c).await)
}

/// Whom a capture shows.
pub(super) struct Counted {
    /// Guests outside the trash.
    pub(super) there: usize,
    /// One who is in it.
    pub(super) resting: Option<String>,
}

/// Notes again how many guests outside the trash a capture shows, and the state of the newest message to them.
pub(super) async fn recount(tx: &mut Tx, scope: &impl Tenant, capture: &str) -> Result<Counted, Failure> {
    let organisation = scope.organisation().as_str();
    let shown = on_db!(tx, c => guests_captures::table
        .inner_join(guests::table.on(guests::id.eq(guests_captures::guest_id)))
        .filter(guests_captures::organisation_id.eq(organisation))
        .filter(guests_captures::capture_id.eq(capture))
        .order(guests::id.asc())
        .select((guests::id, guests::deleted_at))
        .load::<(String, Option<i64>)>(c).await)?;
    let there = shown.iter().filter(|(_, deleted_at)| deleted_at.is_none()).count();
    let resting = shown.into_iter().find(|(_, deleted_at)| deleted_at.is_some()).map(|(guest, _)| guest);
    let delivery = newest_delivery(tx, scope, capture).await?;
    on_db!(tx, c => diesel::update(captures::table)
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::id.eq(capture))
        .set((
            captures::guests.eq(i32::try_from(there).unwrap_or(i32::MAX)),
            captures::delivery.eq(delivery.as_deref()),
        ))
        .execute(c).await)?;
    Ok(Counted { there, resting })
}

/// State of the newest message about a capture, but for those to guests in the trash.
async fn newest_delivery(conn: &mut Conn, scope: &impl Tenant, capture: &str) -> Result<Option<String>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => messages::table
        .left_join(guests::table.on(messages::guest_id.eq(guests::id.nullable())))
        .filter(messages::organisation_id.eq(organisation))
        .filter(messages::capture_id.eq(capture))
        .filter(guests::deleted_at.is_null())
        .order(messages::id.desc())
        .select(messages::state)
        .first::<String>(c).await.optional())
}

/// A line of the trash: the guest, the event's name, since when, by whom.
pub(crate) type TrashedGuest = (GuestRow, String, Option<i64>, Option<String>);

/// Guests in the trash of events that are not, newest first, from a place in that order on.
pub(crate) async fn list(
    conn: &mut Conn,
    scope: &OrgScope,
    since: Millis,
    after: (i64, &str),
    most: i64,
) -> Result<Vec<TrashedGuest>, Failure> {
    let (at, id) = after;
    on_db!(conn, c => guests::table
        .inner_join(events::table.on(events::id.eq(guests::event_id)))
        .filter(guests::organisation_id.eq(scope.organisation().as_str()))
        .filter(guests::deleted_at.is_not_null())
        .filter(guests::deleted_at.ge(since.0))
        .filter(guests::deleted_at.lt(at).or(guests::deleted_at.eq(at).and(guests::id.lt(id))))
        .filter(events::deleted_at.is_null())
        .order((guests::deleted_at.desc(), guests::id.desc()))
        .limit(most)
        .select((GuestRow::as_select(), events::name, guests::deleted_at, guests::deleted_by))
        .load(c).await)
}

/// Guests who have been in the trash since before: organisation, event, id.
pub(crate) async fn old(
    conn: &mut Conn,
    _permit: &Permit,
    before: Millis,
    most: i64,
) -> Result<Vec<(String, String, String)>, Failure> {
    on_db!(conn, c => guests::table
        .filter(guests::deleted_at.is_not_null())
        .filter(guests::deleted_at.lt(before.0))
        .order(guests::id)
        .select((guests::organisation_id, guests::event_id, guests::id))
        .limit(most)
        .load(c).await)
}

/// Whether the guest has been in the trash since before. They stay as they are until the end of the transaction.
pub(crate) async fn is_old(tx: &mut Tx, scope: &impl Tenant, guest: &GuestId, before: Millis) -> Result<bool, Failure> {
    queries::lock(tx, scope, &[guest.as_str()]).await?;
    let organisation = scope.organisation().as_str();
    let old: i64 = on_db!(tx, c => guests::table
        .filter(guests::organisation_id.eq(organisation))
        .filter(guests::id.eq(guest.as_str()))
        .filter(guests::deleted_at.lt(before.0))
        .count()
        .get_result(c).await)?;
    Ok(old == 1)
}
