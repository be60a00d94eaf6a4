//! Sign-in sessions.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{OrganisationId, SessionId, UserId};
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::sessions::{
    FoundSession, FoundSessionRow, NewSessionRow, OwnSessionRow, ReplacedSessionRow, Rules,
};
use crate::identity::scope::OrgScope;
use crate::schema::{
    identity_memberships, identity_organisations, identity_passkeys, identity_sessions, identity_totp, identity_users,
};

pub(in crate::identity) async fn insert(tx: &mut Tx, row: &NewSessionRow<'_>) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(identity_sessions::table).values(row).execute(c).await)?;
    Ok(())
}

/// The session of a cookie, whatever its limits say.
pub(in crate::identity) async fn find(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<FoundSession>, Failure> {
    let row: Option<FoundSessionRow> = on_db!(conn, c => identity_sessions::table
        .inner_join(identity_users::table.on(identity_users::id.eq(identity_sessions::user_id)))
        .left_join(identity_memberships::table.on(identity_memberships::user_id
            .eq(identity_sessions::user_id)
            .and(identity_memberships::organisation_id.nullable().eq(identity_sessions::organisation_id))))
        .left_join(identity_organisations::table
            .on(identity_organisations::id.nullable().eq(identity_sessions::organisation_id)))
        .left_join(identity_totp::table.on(identity_totp::user_id.eq(identity_sessions::user_id)))
        .filter(identity_sessions::secret_hash.eq(hash.as_slice()))
        .select((
            identity_sessions::id,
            identity_sessions::user_id,
            identity_users::disabled_at,
            identity_memberships::organisation_id.nullable(),
            identity_memberships::role.nullable(),
            identity_sessions::last_seen_at,
            identity_sessions::idle_millis,
            identity_sessions::expires_at,
            identity_sessions::confirmed_at,
            identity_sessions::created_at,
            Option::<Rules>::as_select(),
            identity_totp::confirmed_at.nullable(),
            exists(identity_passkeys::table.filter(identity_passkeys::user_id.eq(identity_sessions::user_id))),
            identity_sessions::method,
            identity_sessions::connection_id,
        ))
        .first(c).await.optional())?;
    row.map(FoundSession::try_from).transpose()
}

/// Takes a session out of the table, for one that goes on in its place; `None` if it has ended.
pub(in crate::identity) async fn take(tx: &mut Tx, session: &SessionId) -> Result<Option<ReplacedSessionRow>, Failure> {
    let row: Option<ReplacedSessionRow> = on_db!(tx, c => identity_sessions::table
        .filter(identity_sessions::id.eq(session.as_str()))
        .select(ReplacedSessionRow::as_select())
        .first(c).await.optional())?;
    // Of two that take it at once, the second finds that it is gone.
    let deleted = delete(tx, session).await?;
    Ok(row.filter(|_| deleted))
}

/// The living sessions of a user, the one used last first.
pub(in crate::identity) async fn of_user(
    conn: &mut Conn,
    user: &UserId,
    now: Millis,
) -> Result<Vec<OwnSessionRow>, Failure> {
    on_db!(conn, c => identity_sessions::table
        .left_join(identity_organisations::table
            .on(identity_organisations::id.nullable().eq(identity_sessions::organisation_id)))
        .filter(identity_sessions::user_id.eq(user.as_str()))
        .filter(identity_sessions::expires_at.gt(now.0))
        .filter((identity_sessions::last_seen_at + identity_sessions::idle_millis).gt(now.0))
        .filter(identity_organisations::session_idle_millis.is_null().or(
            (identity_sessions::last_seen_at.nullable() + identity_organisations::session_idle_millis.nullable()).gt(now.0)))
        .filter(identity_organisations::session_absolute_millis.is_null().or(
            (identity_sessions::created_at.nullable() + identity_organisations::session_absolute_millis.nullable()).gt(now.0)))
        .order((identity_sessions::last_seen_at.desc(), identity_sessions::id.desc()))
        .select((
            identity_sessions::id,
            identity_sessions::persistent,
            identity_sessions::created_at,
            identity_sessions::last_seen_at,
            identity_sessions::method,
            identity_sessions::device,
            identity_sessions::address,
        ))
        .load(c).await)
}

pub(in crate::identity) async fn seen(tx: &mut Tx, session: &SessionId, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_sessions::table)
        .filter(identity_sessions::id.eq(session.as_str()))
        .set(identity_sessions::last_seen_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}

/// Makes an organisation the current one; `false` if the session has ended.
pub(in crate::identity) async fn set_organisation(
    tx: &mut Tx,
    session: &SessionId,
    organisation: &OrganisationId,
) -> Result<bool, Failure> {
    let changed = on_db!(tx, c => diesel::update(identity_sessions::table)
        .filter(identity_sessions::id.eq(session.as_str()))
        .set(identity_sessions::organisation_id.eq(organisation.as_str()))
        .execute(c).await)?;
    Ok(changed > 0)
}

/// Ends one of a user's own sessions; `false` if it is not theirs or had ended before.
pub(in crate::identity) async fn delete_own(tx: &mut Tx, user: &UserId, session: &SessionId) -> Result<bool, Failure> {
    let deleted = on_db!(tx, c => diesel::delete(identity_sessions::table)
        .filter(identity_sessions::user_id.eq(user.as_str()))
        .filter(identity_sessions::id.eq(session.as_str()))
        .execute(c).await)?;
    Ok(deleted > 0)
}

/// Ends one session; `false` if it had ended before.
pub(in crate::identity) async fn delete(tx: &mut Tx, session: &SessionId) -> Result<bool, Failure> {
    let deleted = on_db!(tx, c => diesel::delete(identity_sessions::table)
        .filter(identity_sessions::id.eq(session.as_str()))
        .execute(c).await)?;
    Ok(deleted > 0)
}

/// Ends all sessions of a user but the one to keep.
pub(in crate::identity) async fn delete_of_user(
    tx: &mut Tx,
    user: &UserId,
    keep: Option<&SessionId>,
) -> Result<usize, Failure> {
    // No id is empty, so without one to keep none is kept.
    let keep = keep.map_or("", SessionId::as_str);
    on_db!(tx, c => diesel::delete(identity_sessions::table)
        .filter(identity_sessions::user_id.eq(user.as_str()))
        .filter(identity_sessions::id.ne(keep))
        .execute(c).await)
}

/// Ends the sessions in which a user acts in the organisation.
pub(in crate::identity) async fn delete_in(tx: &mut Tx, scope: &OrgScope, user: &UserId) -> Result<usize, Failure> {
    on_db!(tx, c => diesel::delete(identity_sessions::table)
        .filter(identity_sessions::organisation_id.eq(scope.organisation().as_str()))
        .filter(identity_sessions::user_id.eq(user.as_str()))
        .execute(c).await)
}

pub(in crate::identity) async fn delete_expired(tx: &mut Tx, now: Millis) -> Result<usize, Failure> {
    on_db!(tx, c => diesel::delete(identity_sessions::table)
        .filter(identity_sessions::expires_at.le(now.0)
            .or((identity_sessions::last_seen_at + identity_sessions::idle_millis).le(now.0)))
        .execute(c).await)
}
