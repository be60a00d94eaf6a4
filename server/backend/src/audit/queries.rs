//! The SQL of reading the trail.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::rows::AuditRow;
use crate::db::{Conn, on_db};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::schema::{audit_entries, events_devices, identity_memberships, identity_tokens, identity_users};

/// Which entries, in the form that the query needs.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Lower-case letters only: it becomes part of a pattern.
    pub(super) feature: Option<String>,
    pub(super) object: Option<String>,
    /// Entries older than this id.
    pub(super) before: Option<String>,
}

/// Entries of the organisation, newest first.
pub(super) async fn list(
    conn: &mut Conn,
    scope: &OrgScope,
    selection: &Selection,
    limit: i64,
) -> Result<Vec<AuditRow>, Failure> {
    let Selection { feature, object, before } = selection;
    on_db!(conn, c => {
        let mut query = audit_entries::table
            .filter(audit_entries::organisation_id.eq(scope.organisation().as_str()))
            .select(AuditRow::as_select())
            .order(audit_entries::id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(feature) = feature {
            query = query.filter(audit_entries::action.like(format!("{feature}.%")));
        }
        if let Some(object) = object {
            query = query.filter(audit_entries::object.eq(object));
        }
        if let Some(before) = before {
            query = query.filter(audit_entries::id.lt(before));
        }
        query.load(c).await
    })
}

/// Names of those of the ids that are members, devices or tokens of the organisation, whether revoked or not.
pub(super) async fn names(conn: &mut Conn, scope: &OrgScope, ids: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let organisation = scope.organisation().as_str();
    let mut names: Vec<(String, String)> = on_db!(conn, c => identity_memberships::table
        .inner_join(identity_users::table.on(identity_users::id.eq(identity_memberships::user_id)))
        .filter(identity_memberships::organisation_id.eq(organisation))
        .filter(identity_users::id.eq_any(ids))
        .select((identity_users::id, identity_users::name))
        .load(c).await)?;
    let devices: Vec<(String, String)> = on_db!(conn, c => events_devices::table
        .filter(events_devices::organisation_id.eq(organisation))
        .filter(events_devices::id.eq_any(ids))
        .select((events_devices::id, events_devices::name))
        .load(c).await)?;
    let tokens: Vec<(String, String)> = on_db!(conn, c => identity_tokens::table
        .filter(identity_tokens::organisation_id.eq(organisation))
        .filter(identity_tokens::id.eq_any(ids))
        .select((identity_tokens::id, identity_tokens::name))
        .load(c).await)?;
    names.extend(devices);
    names.extend(tokens);
    Ok(names)
}
