//! The number of captures of an event, kept apart so that no page counts them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::scope::{EventScope, Tenant};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::schema::events_counters;

/// Captures outside the trash.
pub(crate) async fn captures(conn: &mut Conn, scope: &EventScope) -> Result<i64, Failure> {
    on_db!(conn, c => events_counters::table
        .filter(events_counters::event_id.eq(scope.event().as_str()))
        .select(events_counters::captures)
        .first(c).await)
}

/// Adds to the number, or takes from it. The row stays locked until the end of the transaction: call it late.
pub(crate) async fn add_captures(
    tx: &mut Tx,
    scope: &impl Tenant,
    event: &str,
    difference: i64,
) -> Result<(), Failure> {
    if difference == 0 {
        return Ok(());
    }
    let organisation = scope.organisation().as_str();
    on_db!(tx, c => diesel::update(events_counters::table)
        .filter(events_counters::organisation_id.eq(organisation))
        .filter(events_counters::event_id.eq(event))
        .set(events_counters::captures.eq(events_counters::captures + difference))
        .execute(c).await)?;
    Ok(())
}
