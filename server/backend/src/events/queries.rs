//! The SQL of events.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::events::EventDraft;
use shutterpost_model::id::LogoId;
use shutterpost_model::time::Millis;

use super::rows::{EventRow, LogoRow, SummaryRow};
use super::scope::{EventScope, Tenant};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::schema::{captures, events, events_counters, events_logos};

/// Events that are not deleted, newest start first.
pub(super) async fn list(conn: &mut Conn, scope: &OrgScope, most: i64) -> Result<Vec<SummaryRow>, Failure> {
    let organisation = scope.organisation().as_str();
    // The newest capture by the index `captures_list`, once for the id and once for the revision.
    on_db!(conn, c => events::table
        .inner_join(events_counters::table.on(events_counters::event_id.eq(events::id)))
        .filter(events::organisation_id.eq(organisation))
        .filter(events::deleted_at.is_null())
        .order((events::starts_on.desc(), events::id.desc()))
        .limit(most)
        .select((
            events::id,
            events::name,
            events::starts_on,
            events::ends_on,
            events::time_zone,
            events_counters::captures,
            captures::table
                .filter(captures::event_id.eq(events::id))
                .filter(captures::deleted_at.is_null())
                .order((captures::captured_at.desc(), captures::id.desc()))
                .limit(1)
                .select(captures::id)
                .single_value(),
            captures::table
                .filter(captures::event_id.eq(events::id))
                .filter(captures::deleted_at.is_null())
                .order((captures::captured_at.desc(), captures::id.desc()))
                .limit(1)
                .select(captures::revision)
                .single_value(),
        ))
        .load::<SummaryRow>(c).await)
}

pub(crate) async fn find(conn: &mut Conn, scope: &EventScope) -> Result<EventRow, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(conn, c => events::table
        .filter(events::organisation_id.eq(organisation))
        .filter(events::id.eq(event))
        .select(EventRow::as_select())
        .first(c).await)
}

pub(super) async fn insert(tx: &mut Tx, _scope: &OrgScope, row: &EventRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(events::table).values(row).execute(c).await)?;
    on_db!(tx, c => diesel::insert_into(events_counters::table)
        .values((
            events_counters::event_id.eq(&row.id),
            events_counters::organisation_id.eq(&row.organisation_id),
            events_counters::captures.eq(0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Saves the draft over exactly this version; `false` if it is no longer the current one.
pub(super) async fn update(tx: &mut Tx, scope: &EventScope, draft: &EventDraft, version: i32) -> Result<bool, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let changed = on_db!(tx, c => diesel::update(events::table)
        .filter(events::organisation_id.eq(organisation))
        .filter(events::id.eq(event))
        .filter(events::version.eq(version))
        .set((
            events::name.eq(&draft.name),
            events::starts_on.eq(draft.starts_on.to_string()),
            events::ends_on.eq(draft.ends_on.to_string()),
            events::time_zone.eq(&draft.time_zone),
            events::retention_days.eq(draft.retention_days),
            events::kept_until.eq(draft.kept_until().to_string()),
            events::version.eq(version.saturating_add(1)),
        ))
        .execute(c).await)?;
    Ok(changed == 1)
}

/// Saves the branding over exactly this version; `false` if it is no longer the current one.
pub(super) async fn update_branding(
    tx: &mut Tx,
    scope: &EventScope,
    branding: &str,
    logo: Option<&str>,
    version: i32,
) -> Result<bool, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let changed = on_db!(tx, c => diesel::update(events::table)
        .filter(events::organisation_id.eq(organisation))
        .filter(events::id.eq(event))
        .filter(events::version.eq(version))
        .set((
            events::branding.eq(branding),
            events::logo_id.eq(logo),
            events::version.eq(version.saturating_add(1)),
        ))
        .execute(c).await)?;
    Ok(changed == 1)
}

/// Moves the event into the trash; everything below it is found no more.
pub(super) async fn mark_deleted(
    tx: &mut Tx,
    scope: &EventScope,
    by: Option<&str>,
    now: Millis,
) -> Result<(), Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(tx, c => diesel::update(events::table)
        .filter(events::organisation_id.eq(organisation))
        .filter(events::id.eq(event))
        .set((
            events::deleted_at.eq(now.0),
            events::deleted_by.eq(by),
            events::version.eq(events::version + 1),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Deletes the event for good; what is left below it goes along. Says whether there was one.
pub(crate) async fn erase(tx: &mut Tx, scope: &EventScope) -> Result<bool, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let gone = on_db!(tx, c => diesel::delete(events::table)
        .filter(events::organisation_id.eq(organisation))
        .filter(events::id.eq(event))
        .execute(c).await)?;
    Ok(gone == 1)
}

/// The logo by its id, if it is one of the event.
pub(crate) async fn logo(conn: &mut Conn, scope: &EventScope, logo: &LogoId) -> Result<LogoRow, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(conn, c => events_logos::table
        .filter(events_logos::organisation_id.eq(organisation))
        .filter(events_logos::event_id.eq(event))
        .filter(events_logos::id.eq(logo.as_str()))
        .select(LogoRow::as_select())
        .first(c).await)
}

/// All logos of the event: at most one is in use.
pub(crate) async fn logos(conn: &mut Conn, scope: &EventScope) -> Result<Vec<LogoRow>, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(conn, c => events_logos::table
        .filter(events_logos::organisation_id.eq(organisation))
        .filter(events_logos::event_id.eq(event))
        .select(LogoRow::as_select())
        .load(c).await)
}

pub(super) async fn insert_logo(tx: &mut Tx, _scope: &EventScope, row: &LogoRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(events_logos::table).values(row).execute(c).await)?;
    Ok(())
}

pub(super) async fn delete_logo(tx: &mut Tx, scope: &EventScope, logo: &str) -> Result<(), Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    on_db!(tx, c => diesel::delete(events_logos::table)
        .filter(events_logos::organisation_id.eq(organisation))
        .filter(events_logos::event_id.eq(event))
        .filter(events_logos::id.eq(logo))
        .execute(c).await)?;
    Ok(())
}
