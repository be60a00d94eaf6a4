//! Members in the trash: their place in an organisation as it was.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::UserId;
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::{Removed, RemovedRow};
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::schema::{identity_memberships, identity_removed_members, identity_users};

/// Ends the membership and keeps it in the trash.
pub(in crate::identity) async fn remove(
    tx: &mut Tx,
    scope: &OrgScope,
    user: &UserId,
    by: Option<&str>,
    now: Millis,
) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    let (role, created_at, last_seen_at) = on_db!(tx, c => identity_memberships::table
        .filter(identity_memberships::organisation_id.eq(organisation))
        .filter(identity_memberships::user_id.eq(user.as_str()))
        .select((
            identity_memberships::role,
            identity_memberships::created_at,
            identity_memberships::last_seen_at,
        ))
        .first::<(String, i64, Option<i64>)>(c).await)?;
    on_db!(tx, c => diesel::insert_into(identity_removed_members::table)
        .values((
            identity_removed_members::organisation_id.eq(organisation),
            identity_removed_members::user_id.eq(user.as_str()),
            identity_removed_members::role.eq(&role),
            identity_removed_members::created_at.eq(created_at),
            identity_removed_members::last_seen_at.eq(last_seen_at),
            identity_removed_members::deleted_at.eq(now.0),
            identity_removed_members::deleted_by.eq(by),
        ))
        .execute(c).await)?;
    on_db!(tx, c => diesel::delete(identity_memberships::table)
        .filter(identity_memberships::organisation_id.eq(organisation))
        .filter(identity_memberships::user_id.eq(user.as_str()))
        .execute(c).await)?;
    Ok(())
}

/// A member who was removed at `since` or later.
pub(in crate::identity) async fn find(
    conn: &mut Conn,
    scope: &OrgScope,
    user: &UserId,
    since: Millis,
) -> Result<Removed, Failure> {
    let row = on_db!(conn, c => identity_removed_members::table
        .filter(identity_removed_members::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_removed_members::user_id.eq(user.as_str()))
        .filter(identity_removed_members::deleted_at.ge(since.0))
        .select((
            identity_removed_members::role,
            identity_removed_members::created_at,
            identity_removed_members::last_seen_at,
        ))
        .first::<(String, i64, Option<i64>)>(c).await)?;
    row.try_into()
}

/// Gives back what was removed.
pub(in crate::identity) async fn put_back(
    tx: &mut Tx,
    scope: &OrgScope,
    user: &UserId,
    removed: &Removed,
) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    forget(tx, organisation, user).await?;
    on_db!(tx, c => diesel::insert_into(identity_memberships::table)
        .values((
            identity_memberships::organisation_id.eq(organisation),
            identity_memberships::user_id.eq(user.as_str()),
            identity_memberships::role.eq(removed.role.as_str()),
            identity_memberships::created_at.eq(removed.since.0),
            identity_memberships::last_seen_at.eq(removed.last_seen.map(|at| at.0)),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Takes a member out of the trash, if they are in it.
pub(in crate::identity) async fn forget(tx: &mut Tx, organisation: &str, user: &UserId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(identity_removed_members::table)
        .filter(identity_removed_members::organisation_id.eq(organisation))
        .filter(identity_removed_members::user_id.eq(user.as_str()))
        .execute(c).await)?;
    Ok(())
}

/// The same of a member who has been in the trash since before; says whether there was one.
pub(in crate::identity) async fn forget_older(
    tx: &mut Tx,
    scope: &OrgScope,
    user: &UserId,
    before: Millis,
) -> Result<bool, Failure> {
    let gone = on_db!(tx, c => diesel::delete(identity_removed_members::table)
        .filter(identity_removed_members::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_removed_members::user_id.eq(user.as_str()))
        .filter(identity_removed_members::deleted_at.lt(before.0))
        .execute(c).await)?;
    Ok(gone == 1)
}

/// Members removed at `since` or later, newest first, from a place in that order on.
pub(in crate::identity) async fn list(
    conn: &mut Conn,
    scope: &OrgScope,
    since: Millis,
    after: (i64, &str),
    most: i64,
) -> Result<Vec<RemovedRow>, Failure> {
    let (at, id) = after;
    on_db!(conn, c => identity_removed_members::table
        .inner_join(identity_users::table.on(identity_users::id.eq(identity_removed_members::user_id)))
        .filter(identity_removed_members::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_removed_members::deleted_at.ge(since.0))
        .filter(identity_removed_members::deleted_at.lt(at)
            .or(identity_removed_members::deleted_at.eq(at).and(identity_removed_members::user_id.lt(id))))
        .order((identity_removed_members::deleted_at.desc(), identity_removed_members::user_id.desc()))
        .limit(most)
        .select((
            identity_users::id,
            identity_users::name,
            identity_users::email,
            identity_removed_members::role,
            identity_removed_members::deleted_at,
            identity_removed_members::deleted_by,
        ))
        .load(c).await)
}

/// Members who have been in the trash since before: organisation and user.
pub(in crate::identity) async fn old(
    conn: &mut Conn,
    _permit: &Permit,
    before: Millis,
    most: i64,
) -> Result<Vec<(String, String)>, Failure> {
    on_db!(conn, c => identity_removed_members::table
        .filter(identity_removed_members::deleted_at.lt(before.0))
        .order((identity_removed_members::organisation_id, identity_removed_members::user_id))
        .limit(most)
        .select((identity_removed_members::organisation_id, identity_removed_members::user_id))
        .load(c).await)
}

/// Holds the account until the end of the transaction, so that nobody joins by it meanwhile.
pub(in crate::identity) async fn hold_account(tx: &mut Tx, user: &UserId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_users::table)
        .filter(identity_users::id.eq(user.as_str()))
        .set(identity_users::language.eq(identity_users::language))
        .execute(c).await)?;
    Ok(())
}

/// Whether the person is a member of any organisation, or could be restored to one.
pub(in crate::identity) async fn belongs_somewhere(conn: &mut Conn, user: &UserId) -> Result<bool, Failure> {
    let member: i64 = on_db!(conn, c => identity_memberships::table
        .filter(identity_memberships::user_id.eq(user.as_str()))
        .count()
        .get_result(c).await)?;
    let removed: i64 = on_db!(conn, c => identity_removed_members::table
        .filter(identity_removed_members::user_id.eq(user.as_str()))
        .count()
        .get_result(c).await)?;
    Ok(member + removed > 0)
}

/// Deletes an account; what hangs on it goes along by its foreign keys.
pub(in crate::identity) async fn delete_account(tx: &mut Tx, user: &UserId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(identity_users::table)
        .filter(identity_users::id.eq(user.as_str()))
        .execute(c).await)?;
    Ok(())
}
