//! What happened to a capture, from the audit trail.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::captures::HistoryLine;
use shutterpost_model::id::CaptureId;
use shutterpost_model::time::Millis;

use crate::audit::queries as audit;
use crate::db::{Conn, on_db};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::keystore::KeyStore;
use crate::schema::audit_entries;

/// Lines shown; a capture has a handful.
const MOST: i64 = 100;

/// Time, action, kind of actor, id of actor.
type EntryRow = (i64, String, String, Option<String>);

/// The lines of a capture, newest first. An entry for many captures names the event instead; the one that deleted
/// this capture is recognised by its instant.
pub(super) async fn read(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &EventScope,
    capture: &CaptureId,
    deleted_at: Option<i64>,
) -> Result<Vec<HistoryLine>, Failure> {
    let organisation = scope.organisation().as_str();
    let columns = (audit_entries::at, audit_entries::action, audit_entries::actor_kind, audit_entries::actor_id);
    let mut entries: Vec<EntryRow> = on_db!(conn, c => audit_entries::table
        .filter(audit_entries::organisation_id.eq(organisation))
        .filter(audit_entries::object.eq(capture.as_str()))
        .order(audit_entries::id.desc())
        .limit(MOST)
        .select(columns)
        .load(c).await)?;
    if let Some(deleted_at) = deleted_at {
        let bulk: Option<EntryRow> = on_db!(conn, c => audit_entries::table
            .filter(audit_entries::organisation_id.eq(organisation))
            .filter(audit_entries::object.eq(scope.event().as_str()))
            .filter(audit_entries::action.eq("captures.delete"))
            .filter(audit_entries::at.eq(deleted_at))
            .select(columns)
            .first(c).await.optional())?;
        // First, so that the stable sort keeps it above what happened in the same millisecond.
        entries = bulk.into_iter().chain(entries).collect();
        entries.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    }
    let actors: Vec<String> = entries.iter().filter_map(|(.., actor)| actor.clone()).collect();
    // Of those who still have one in the organisation.
    let names = audit::names(conn, keystore, scope.org(), &actors).await?;
    let line = |(at, action, _, actor): EntryRow| HistoryLine {
        at: Millis(at),
        action,
        actor: actor.and_then(|id| names.get(&id).cloned()),
    };
    Ok(entries.into_iter().map(line).collect())
}
