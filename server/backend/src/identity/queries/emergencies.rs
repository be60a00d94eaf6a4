//! Owners who may sign in with their own second factor where the organisation's provider is asked for.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::connections::State;
use shutterpost_model::id::{OrganisationId, UserId};
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::schema::{identity_emergencies, identity_organisations, sso_connections};

/// Since when an organisation asks for sign-in by its own provider; writes or takes back.
pub(in crate::identity) async fn set_required(
    tx: &mut Tx,
    scope: &OrgScope,
    at: Option<Millis>,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_organisations::table)
        .filter(identity_organisations::id.eq(scope.organisation().as_str()))
        .set(identity_organisations::sso_required_at.eq(at.map(|at| at.0)))
        .execute(c).await)?;
    Ok(())
}

/// Id and name of the connections of an organisation that are on, by name.
pub(in crate::identity) async fn switched_on(
    conn: &mut Conn,
    organisation: &OrganisationId,
) -> Result<Vec<(String, String)>, Failure> {
    on_db!(conn, c => sso_connections::table
        .filter(sso_connections::organisation_id.eq(organisation.as_str()))
        .filter(sso_connections::state.eq(State::On.as_str()))
        .order((sso_connections::name, sso_connections::id))
        .select((sso_connections::id, sso_connections::name))
        .load(c).await)
}

/// Arms somebody from `now` until `ends_at`; what they were armed for before is over.
pub(in crate::identity) async fn arm(
    tx: &mut Tx,
    organisation: &OrganisationId,
    user: &UserId,
    by: Option<&UserId>,
    (now, ends_at): (Millis, Millis),
) -> Result<(), Failure> {
    disarm(tx, organisation, user).await?;
    on_db!(tx, c => diesel::insert_into(identity_emergencies::table)
        .values((
            identity_emergencies::organisation_id.eq(organisation.as_str()),
            identity_emergencies::user_id.eq(user.as_str()),
            identity_emergencies::armed_by.eq(by.map(UserId::as_str)),
            identity_emergencies::armed_at.eq(now.0),
            identity_emergencies::ends_at.eq(ends_at.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Takes that back; `false` if there was nothing to take back.
pub(in crate::identity) async fn disarm(
    tx: &mut Tx,
    organisation: &OrganisationId,
    user: &UserId,
) -> Result<bool, Failure> {
    let deleted = on_db!(tx, c => diesel::delete(identity_emergencies::table)
        .filter(identity_emergencies::organisation_id.eq(organisation.as_str()))
        .filter(identity_emergencies::user_id.eq(user.as_str()))
        .execute(c).await)?;
    Ok(deleted > 0)
}

/// Whether somebody is armed at that moment, and if so, when they used it first.
pub(in crate::identity) async fn armed(
    conn: &mut Conn,
    organisation: &OrganisationId,
    user: &UserId,
    now: Millis,
) -> Result<Option<Option<Millis>>, Failure> {
    let used: Option<Option<i64>> = on_db!(conn, c => identity_emergencies::table
        .filter(identity_emergencies::organisation_id.eq(organisation.as_str()))
        .filter(identity_emergencies::user_id.eq(user.as_str()))
        .filter(identity_emergencies::ends_at.gt(now.0))
        .select(identity_emergencies::used_at)
        .first(c).await.optional())?;
    Ok(used.map(|used| used.map(Millis)))
}

/// Notes the first use; `false` if it was used before, or is over.
pub(in crate::identity) async fn used(
    tx: &mut Tx,
    organisation: &OrganisationId,
    user: &UserId,
    now: Millis,
) -> Result<bool, Failure> {
    let changed = on_db!(tx, c => diesel::update(identity_emergencies::table)
        .filter(identity_emergencies::organisation_id.eq(organisation.as_str()))
        .filter(identity_emergencies::user_id.eq(user.as_str()))
        .filter(identity_emergencies::ends_at.gt(now.0))
        .filter(identity_emergencies::used_at.is_null())
        .set(identity_emergencies::used_at.eq(now.0))
        .execute(c).await)?;
    Ok(changed > 0)
}

/// Who is armed in the organisation at that moment, until when, and when they used it first; soonest over first.
pub(in crate::identity) async fn list(
    conn: &mut Conn,
    scope: &OrgScope,
    now: Millis,
) -> Result<Vec<(String, i64, Option<i64>)>, Failure> {
    on_db!(conn, c => identity_emergencies::table
        .filter(identity_emergencies::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_emergencies::ends_at.gt(now.0))
        .order((identity_emergencies::ends_at, identity_emergencies::user_id))
        .select((identity_emergencies::user_id, identity_emergencies::ends_at, identity_emergencies::used_at))
        .load(c).await)
}

/// Removes what is over; the trail keeps that it was.
pub(in crate::identity) async fn delete_ended(tx: &mut Tx, now: Millis) -> Result<usize, Failure> {
    on_db!(tx, c => diesel::delete(identity_emergencies::table)
        .filter(identity_emergencies::ends_at.le(now.0))
        .execute(c).await)
}
