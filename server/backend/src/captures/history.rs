//! What happened to a capture, from the audit trail.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::captures::HistoryLine;
use shutterpost_model::id::CaptureId;
use shutterpost_model::time::Millis;

use crate::db::{Conn, on_db};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::schema::{audit_entries, events_devices, identity_memberships, identity_tokens, identity_users};

/// Lines shown; a capture has a handful.
const MOST: i64 = 100;

/// Time, action, kind of actor, id of actor.
type EntryRow = (i64, String, String, Option<String>);

/// The lines of a capture, newest first. An entry for many captures names the event instead; the one that deleted
/// this capture is recognised by its instant.
pub(super) async fn read(
    conn: &mut Conn,
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
    let names = names(conn, scope, &entries).await?;
    let line = |(at, action, _, actor): EntryRow| HistoryLine {
        at: Millis(at),
        action,
        actor: actor.and_then(|id| names.get(&id).cloned()),
    };
    Ok(entries.into_iter().map(line).collect())
}

/// Names of those who still have one in the organisation, by id.
async fn names(conn: &mut Conn, scope: &EventScope, entries: &[EntryRow]) -> Result<HashMap<String, String>, Failure> {
    let organisation = scope.organisation().as_str();
    let of = |wanted: &str| -> Vec<&str> {
        entries.iter().filter(|(_, _, kind, _)| kind == wanted).filter_map(|(.., id)| id.as_deref()).collect()
    };
    let mut names = HashMap::new();
    let users = of("user");
    if !users.is_empty() {
        names.extend(on_db!(conn, c => identity_users::table
            .inner_join(identity_memberships::table.on(identity_memberships::user_id.eq(identity_users::id)))
            .filter(identity_memberships::organisation_id.eq(organisation))
            .filter(identity_users::id.eq_any(users))
            .select((identity_users::id, identity_users::name))
            .load::<(String, String)>(c).await)?);
    }
    let devices = of("device");
    if !devices.is_empty() {
        names.extend(on_db!(conn, c => events_devices::table
            .filter(events_devices::organisation_id.eq(organisation))
            .filter(events_devices::id.eq_any(devices))
            .select((events_devices::id, events_devices::name))
            .load::<(String, String)>(c).await)?);
    }
    let tokens = of("token");
    if !tokens.is_empty() {
        names.extend(on_db!(conn, c => identity_tokens::table
            .filter(identity_tokens::organisation_id.eq(organisation))
            .filter(identity_tokens::id.eq_any(tokens))
            .select((identity_tokens::id, identity_tokens::name))
            .load::<(String, String)>(c).await)?);
    }
    Ok(names)
}
