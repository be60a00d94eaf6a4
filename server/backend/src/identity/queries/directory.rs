//! Members, invitations and API tokens of one organisation.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::{Actor, Role};
use shutterpost_model::error::Code;
use shutterpost_model::id::{InvitationId, UserId};
use shutterpost_model::identity::SessionLimits;
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::sessions::{MINUTE, Rules};
use crate::identity::rows::{self, InvitationRow, MemberRow, NewInvitationRow, PendingInvitation};
use crate::identity::scope::OrgScope;
use crate::keystore::{KeyRef, KeyStore};
use crate::schema::{
    identity_invitations, identity_memberships, identity_organisations, identity_passkeys, identity_totp,
    identity_users,
};

/// Makes changes of memberships wait for each other. Whoever lost their own place or role to the one before has no say
/// any more ([`Code::Forbidden`]): of two who remove each other, one stays.
pub(in crate::identity) async fn lock_members(tx: &mut Tx, scope: &OrgScope) -> Result<(), Failure> {
    super::memberships::lock(tx, scope.organisation()).await?;
    let Some(actor) = scope.user() else { return Ok(()) };
    let role = member_role(tx, scope, actor).await?;
    if role == scope.actor().and_then(Actor::role) { Ok(()) } else { Err(Code::Forbidden.into()) }
}

/// Members; their names are sealed, so whoever lists them sorts.
pub(in crate::identity) async fn members(conn: &mut Conn, scope: &OrgScope) -> Result<Vec<MemberRow>, Failure> {
    on_db!(conn, c => identity_memberships::table
        .inner_join(identity_users::table.on(identity_users::id.eq(identity_memberships::user_id)))
        .left_join(identity_totp::table.on(identity_totp::user_id.eq(identity_users::id)))
        .filter(identity_memberships::organisation_id.eq(scope.organisation().as_str()))
        .select((
            identity_users::id,
            identity_users::name,
            identity_users::email,
            identity_memberships::role,
            identity_memberships::created_at,
            identity_memberships::last_seen_at,
            identity_totp::confirmed_at.nullable(),
            exists(identity_passkeys::table.filter(identity_passkeys::user_id.eq(identity_users::id))),
        ))
        .load(c).await)
}

/// What the organisation asks of sessions.
pub(in crate::identity) async fn rules(conn: &mut Conn, scope: &OrgScope) -> Result<Rules, Failure> {
    on_db!(conn, c => identity_organisations::table
        .filter(identity_organisations::id.eq(scope.organisation().as_str()))
        .select(Rules::as_select())
        .first(c).await)
}

pub(in crate::identity) async fn set_limits(
    tx: &mut Tx,
    scope: &OrgScope,
    limits: SessionLimits,
) -> Result<(), Failure> {
    let millis = |minutes: Option<i64>| minutes.map(|minutes| minutes * MINUTE);
    on_db!(tx, c => diesel::update(identity_organisations::table)
        .filter(identity_organisations::id.eq(scope.organisation().as_str()))
        .set((
            identity_organisations::session_idle_millis.eq(millis(limits.idle)),
            identity_organisations::session_absolute_millis.eq(millis(limits.absolute)),
        ))
        .execute(c).await)?;
    Ok(())
}

pub(in crate::identity) async fn set_factor_required(
    tx: &mut Tx,
    scope: &OrgScope,
    at: Option<Millis>,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_organisations::table)
        .filter(identity_organisations::id.eq(scope.organisation().as_str()))
        .set(identity_organisations::factor_required_at.eq(at.map(|at| at.0)))
        .execute(c).await)?;
    Ok(())
}

/// How many members have a second factor in use, and how many there are.
pub(in crate::identity) async fn with_factor(conn: &mut Conn, scope: &OrgScope) -> Result<(i64, i64), Failure> {
    let members: Vec<(Option<i64>, bool)> = on_db!(conn, c => identity_memberships::table
        .left_join(identity_totp::table.on(identity_totp::user_id.eq(identity_memberships::user_id)))
        .filter(identity_memberships::organisation_id.eq(scope.organisation().as_str()))
        .select((
            identity_totp::confirmed_at.nullable(),
            exists(identity_passkeys::table.filter(identity_passkeys::user_id.eq(identity_memberships::user_id))),
        ))
        .load(c).await)?;
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Ok((count(members.iter().filter(|(app, passkey)| app.is_some() || *passkey).count()), count(members.len())))
}

/// A member's role; `None` for strangers.
pub(in crate::identity) async fn member_role(
    conn: &mut Conn,
    scope: &OrgScope,
    user: &UserId,
) -> Result<Option<Role>, Failure> {
    super::memberships::role(conn, scope.organisation(), user).await
}

/// Whether the address is a member's.
pub(in crate::identity) async fn is_member(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    email: &Pii<String>,
) -> Result<bool, Failure> {
    match keystore.holder(&super::users::by_address(), email.expose()).await? {
        Some(user) => Ok(member_role(conn, scope, &rows::id(user)?).await?.is_some()),
        None => Ok(false),
    }
}

pub(in crate::identity) async fn owners(conn: &mut Conn, scope: &OrgScope) -> Result<i64, Failure> {
    on_db!(conn, c => identity_memberships::table
        .filter(identity_memberships::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_memberships::role.eq(Role::Owner.as_str()))
        .count()
        .get_result(c).await)
}

pub(in crate::identity) async fn set_role(
    tx: &mut Tx,
    scope: &OrgScope,
    user: &UserId,
    role: Role,
) -> Result<(), Failure> {
    super::memberships::set_role(tx, scope.organisation(), user, role).await
}

/// Invitations neither accepted nor revoked, newest first.
pub(in crate::identity) async fn invitations(conn: &mut Conn, scope: &OrgScope) -> Result<Vec<InvitationRow>, Failure> {
    on_db!(conn, c => identity_invitations::table
        .filter(identity_invitations::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_invitations::accepted_at.is_null())
        .filter(identity_invitations::revoked_at.is_null())
        .order((identity_invitations::created_at.desc(), identity_invitations::id.desc()))
        .select(InvitationRow::as_select())
        .load(c).await)
}

pub(in crate::identity) async fn insert_invitation(
    tx: &mut Tx,
    _scope: &OrgScope,
    row: &NewInvitationRow<'_>,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(identity_invitations::table).values(row).execute(c).await)?;
    Ok(())
}

/// An invitation neither accepted nor revoked.
pub(in crate::identity) async fn pending_invitation(
    conn: &mut Conn,
    scope: &OrgScope,
    invitation: &InvitationId,
) -> Result<Option<PendingInvitation>, Failure> {
    let row: Option<(String, String, i32)> = on_db!(conn, c => identity_invitations::table
        .filter(identity_invitations::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_invitations::id.eq(invitation.as_str()))
        .filter(identity_invitations::accepted_at.is_null())
        .filter(identity_invitations::revoked_at.is_null())
        .select((identity_invitations::role, identity_invitations::language, identity_invitations::generation))
        .first(c).await.optional())?;
    row.map(PendingInvitation::read).transpose()
}

/// Gives a pending invitation its next token; `false` if it changed since `generation` was read.
pub(in crate::identity) async fn renew_invitation(
    tx: &mut Tx,
    scope: &OrgScope,
    invitation: &InvitationId,
    generation: i32,
    hash: &[u8; 32],
    expires_at: Millis,
) -> Result<bool, Failure> {
    let renewed = on_db!(tx, c => diesel::update(identity_invitations::table)
        .filter(identity_invitations::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_invitations::id.eq(invitation.as_str()))
        .filter(identity_invitations::generation.eq(generation))
        .filter(identity_invitations::accepted_at.is_null())
        .filter(identity_invitations::revoked_at.is_null())
        .set((
            identity_invitations::generation.eq(generation + 1),
            identity_invitations::token_hash.eq(hash.as_slice()),
            identity_invitations::expires_at.eq(expires_at.0),
        ))
        .execute(c).await)?;
    Ok(renewed > 0)
}

/// Revokes a pending invitation; `false` if there is none (any more).
pub(in crate::identity) async fn revoke_invitation(
    tx: &mut Tx,
    scope: &OrgScope,
    invitation: &InvitationId,
    now: Millis,
) -> Result<bool, Failure> {
    let revoked = on_db!(tx, c => diesel::update(identity_invitations::table)
        .filter(identity_invitations::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_invitations::id.eq(invitation.as_str()))
        .filter(identity_invitations::accepted_at.is_null())
        .filter(identity_invitations::revoked_at.is_null())
        .set(identity_invitations::revoked_at.eq(now.0))
        .execute(c).await)?;
    Ok(revoked > 0)
}

/// Pending invitations of an address, with the roles that they promise.
pub(in crate::identity) async fn invitations_of(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    email: &Pii<String>,
) -> Result<Vec<(InvitationId, Role)>, Failure> {
    let organisation = scope.organisation();
    let pending = invitations(conn, scope).await?;
    let wanted: Vec<KeyRef> = pending.iter().map(|row| rows::subject_key(organisation, &row.id)).collect();
    let ring = keystore.find(&wanted).await?;
    let mut found = Vec::new();
    for row in pending {
        if row.email(organisation, &ring)? == *email {
            found.push(row.promised()?);
        }
    }
    Ok(found)
}
