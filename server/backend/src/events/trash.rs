//! Events in the trash, with everything in them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::EventId;
use shutterpost_model::time::{Date, Millis};

use super::rows::stored;
use super::scope::{EventScope, Tenant};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::schema::{events, events_counters};

/// Takes an event out of the trash that was deleted since; `false` if it is not there.
pub(crate) async fn take(tx: &mut Tx, scope: &OrgScope, event: &EventId, since: Millis) -> Result<bool, Failure> {
    let organisation = scope.organisation().as_str();
    let taken = on_db!(tx, c => diesel::update(events::table)
        .filter(events::organisation_id.eq(organisation))
        .filter(events::id.eq(event.as_str()))
        .filter(events::deleted_at.ge(since.0))
        .set((
            events::deleted_at.eq(None::<i64>),
            events::deleted_by.eq(None::<String>),
            events::version.eq(events::version + 1),
        ))
        .execute(c).await)?;
    if taken == 1 {
        return Ok(true);
    }
    EventScope::prove(tx, scope.clone(), event).await?;
    Ok(false)
}

/// Whether the event has been in the trash since before. It stays as it is until the end of the transaction, done in a
/// way that both databases know.
pub(crate) async fn is_old(tx: &mut Tx, scope: &EventScope, before: Millis) -> Result<bool, Failure> {
    let (organisation, event) = (scope.organisation().as_str(), scope.event().as_str());
    let held = on_db!(tx, c => diesel::update(events::table)
        .filter(events::organisation_id.eq(organisation))
        .filter(events::id.eq(event))
        .filter(events::deleted_at.lt(before.0))
        .set(events::version.eq(events::version))
        .execute(c).await)?;
    Ok(held == 1)
}

/// A line of the trash.
#[derive(Debug, Queryable)]
pub(crate) struct TrashedEvent {
    pub(crate) id: String,
    pub(crate) name: String,
    starts_on: String,
    ends_on: String,
    pub(crate) captures: i64,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) deleted_by: Option<String>,
}

impl TrashedEvent {
    /// First and last day.
    pub(crate) fn days(&self) -> Result<(Date, Date), Failure> {
        Ok((stored(&self.starts_on)?, stored(&self.ends_on)?))
    }
}

/// Events in the trash, newest first, from a place in that order on.
pub(crate) async fn list(
    conn: &mut Conn,
    scope: &OrgScope,
    since: Millis,
    after: (i64, &str),
    most: i64,
) -> Result<Vec<TrashedEvent>, Failure> {
    let (at, id) = after;
    on_db!(conn, c => events::table
        .inner_join(events_counters::table.on(events_counters::event_id.eq(events::id)))
        .filter(events::organisation_id.eq(scope.organisation().as_str()))
        .filter(events::deleted_at.is_not_null())
        .filter(events::deleted_at.ge(since.0))
        .filter(events::deleted_at.lt(at).or(events::deleted_at.eq(at).and(events::id.lt(id))))
        .order((events::deleted_at.desc(), events::id.desc()))
        .limit(most)
        .select((
            events::id,
            events::name,
            events::starts_on,
            events::ends_on,
            events_counters::captures,
            events::deleted_at,
            events::deleted_by,
        ))
        .load(c).await)
}
