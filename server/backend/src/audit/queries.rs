//! The SQL of reading the trail.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::OrganisationId;
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;

use super::rows::AuditRow;
use crate::db::{Conn, on_db};
use crate::error::Failure;
use crate::events::rows::device_names;
use crate::identity::rows::{token_names, user_names};
use crate::identity::scope::OrgScope;
use crate::keystore::{KeyStore, Sealed};
use crate::schema::{
    audit_entries, events_devices, identity_memberships, identity_tokens, identity_users, support_grants, support_staff,
};
use crate::support::rows::staff_names;

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

/// Whether the trail of an organisation says already, after `since`, that this was done to the object: by `actor`, or by
/// whomever.
pub(crate) async fn noted(
    conn: &mut Conn,
    organisation: &OrganisationId,
    actor: Option<&str>,
    (action, object): (&str, &str),
    since: Millis,
) -> Result<bool, Failure> {
    let found: i64 = on_db!(conn, c => {
        let mut query = audit_entries::table
            .filter(audit_entries::organisation_id.eq(organisation.as_str()))
            .filter(audit_entries::object.eq(object))
            .filter(audit_entries::action.eq(action))
            .filter(audit_entries::at.gt(since.0))
            .count()
            .into_boxed();
        if let Some(actor) = actor {
            query = query.filter(audit_entries::actor_id.eq(actor));
        }
        query.get_result(c).await
    })?;
    Ok(found > 0)
}

/// Names of those of the ids that are members, devices or tokens of, or our staff known to, the organisation, whether revoked or not.
pub(crate) async fn names(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    ids: &[String],
) -> Result<HashMap<String, String>, Failure> {
    let organisation = scope.organisation();
    let users = on_db!(conn, c => identity_memberships::table
        .inner_join(identity_users::table.on(identity_users::id.eq(identity_memberships::user_id)))
        .filter(identity_memberships::organisation_id.eq(organisation.as_str()))
        .filter(identity_users::id.eq_any(ids))
        .select((identity_users::id, identity_users::name))
        .load::<(String, Sealed<Pii<String>>)>(c).await)?;
    let devices = on_db!(conn, c => events_devices::table
        .filter(events_devices::organisation_id.eq(organisation.as_str()))
        .filter(events_devices::id.eq_any(ids))
        .select((events_devices::id, events_devices::event_id, events_devices::name))
        .load::<(String, String, Sealed<String>)>(c).await)?;
    let tokens = on_db!(conn, c => identity_tokens::table
        .filter(identity_tokens::organisation_id.eq(organisation.as_str()))
        .filter(identity_tokens::id.eq_any(ids))
        .select((identity_tokens::id, identity_tokens::name))
        .load::<(String, Sealed<String>)>(c).await)?;
    // Those alone who ever asked this organisation.
    let staff = on_db!(conn, c => support_grants::table
        .inner_join(support_staff::table.on(support_staff::id.eq(support_grants::staff_id)))
        .filter(support_grants::organisation_id.eq(organisation.as_str()))
        .filter(support_staff::id.eq_any(ids))
        .select((support_staff::id, support_staff::name))
        .distinct()
        .load::<(String, Sealed<Pii<String>>)>(c).await)?;
    let mut names = HashMap::new();
    names.extend(staff_names(keystore, staff).await?.into_iter().map(|(id, name)| (id, name.into_inner())));
    names.extend(user_names(keystore, users).await?.into_iter().map(|(id, name)| (id, name.into_inner())));
    names.extend(device_names(keystore, organisation, devices).await?);
    names.extend(token_names(keystore, organisation, tokens).await?);
    Ok(names)
}
