//! Members in the trash: back with the role they had, or gone for good with the account that leads nowhere any more.

use shutterpost_model::access::Role;
use shutterpost_model::error::Code;
use shutterpost_model::id::UserId;
use shutterpost_model::time::Millis;
use shutterpost_vault::wrap::Purpose;

use super::queries::{directory, memberships, removed};
use super::rows::{RemovedMember, RemovedRow};
use super::scope::OrgScope;
use crate::db::{Conn, Tx};
use crate::error::Failure;
use crate::jobs::Permit;
use crate::keystore::{KeyStore, Realm};

/// Nobody gives, takes or touches a role they could not grant: admins leave owners alone.
pub(super) fn may_touch(scope: &OrgScope, role: Role) -> Result<(), Failure> {
    if may_give(scope, role) { Ok(()) } else { Err(Code::RoleTooHigh.into()) }
}

/// Whether the actor could grant the role.
pub(crate) fn may_give(scope: &OrgScope, role: Role) -> bool {
    scope.actor().is_some_and(|actor| actor.may_grant(role))
}

/// Members in the trash since `since`, newest first.
pub(crate) async fn list(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    since: Millis,
    after: (i64, &str),
    most: i64,
) -> Result<Vec<RemovedMember>, Failure> {
    let rows = removed::list(conn, scope, since, after, most).await?;
    let wanted = rows.iter().map(RemovedRow::key).collect::<Result<Vec<_>, _>>()?;
    let ring = keystore.find(&wanted).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        match row.opened(&ring) {
            Ok(member) => found.push(member),
            // Being erased at this moment.
            Err(Failure::NotFound) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(found)
}

/// Gives a member back the place they had; `false` if they have one. Who restores must be able to grant the role.
pub(crate) async fn restore(tx: &mut Tx, scope: &OrgScope, user: &UserId, since: Millis) -> Result<bool, Failure> {
    directory::lock_members(tx, scope).await?;
    if memberships::role(tx, scope.organisation(), user).await?.is_some() {
        return Ok(false);
    }
    let found = removed::find(tx, scope, user, since).await?;
    may_touch(scope, found.role)?;
    removed::put_back(tx, scope, user, &found).await?;
    Ok(true)
}

/// The role of a member in the trash, if the actor may touch it.
pub(crate) async fn prove(conn: &mut Conn, scope: &OrgScope, user: &UserId) -> Result<(), Failure> {
    may_touch(scope, removed::find(conn, scope, user, Millis(i64::MIN)).await?.role)
}

/// Members who have been in the trash since before: organisation and user.
pub(crate) async fn old(
    conn: &mut Conn,
    permit: &Permit,
    before: Millis,
    most: i64,
) -> Result<Vec<(String, String)>, Failure> {
    removed::old(conn, permit, before, most).await
}

/// Forgets a member who has been in the trash since before, and erases the account if they belong nowhere else: its key first. `false` if they are
/// not in the trash (any more).
pub(crate) async fn erase(
    tx: &mut Tx,
    keystore: &KeyStore,
    scope: &OrgScope,
    user: &UserId,
    before: Millis,
) -> Result<bool, Failure> {
    removed::hold_account(tx, user).await?;
    if !removed::forget_older(tx, scope, user, before).await? {
        return Ok(false);
    }
    if !removed::belongs_somewhere(tx, user).await? {
        keystore.destroy(&Realm::Installation, &[Purpose::Subject], &[user.as_str()]).await?;
        removed::delete_account(tx, user).await?;
    }
    Ok(true)
}
