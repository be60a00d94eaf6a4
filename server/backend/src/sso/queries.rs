//! The SQL of sign-ins by connections. Nobody has a scope yet: each query names the connection, which belongs to one
//! organisation.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{ConnectionId, IdentityId, SessionId, UserId};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;

use super::attempts::Purpose;
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::keystore::Sealed;
use crate::schema::{sso_attempts, sso_identities, sso_used};

/// Something that was begun, as it is stored.
pub(super) struct AttemptRow<'a> {
    pub(super) state_hash: &'a str,
    pub(super) connection: &'a ConnectionId,
    pub(super) purpose: Purpose,
    pub(super) payload: Sealed<Secret>,
    pub(super) browser_hash: &'a str,
    pub(super) holder: Option<&'a (UserId, SessionId)>,
    pub(super) next: Option<&'a str>,
    pub(super) now: Millis,
    pub(super) expires: Millis,
}

pub(super) async fn begin(tx: &mut Tx, row: AttemptRow<'_>) -> Result<(), Failure> {
    let AttemptRow { state_hash, connection, purpose, payload, browser_hash, holder, next, now, expires } = row;
    on_db!(tx, c => diesel::insert_into(sso_attempts::table)
        .values((
            sso_attempts::state_hash.eq(state_hash),
            sso_attempts::connection_id.eq(connection.as_str()),
            sso_attempts::purpose.eq(purpose.as_str()),
            sso_attempts::payload.eq(&payload),
            sso_attempts::browser_hash.eq(browser_hash),
            sso_attempts::user_id.eq(holder.map(|(user, _)| user.as_str())),
            sso_attempts::session_id.eq(holder.map(|(_, session)| session.as_str())),
            sso_attempts::next.eq(next),
            sso_attempts::created_at.eq(now.0),
            sso_attempts::expires_at.eq(expires.0),
        ))
        .execute(c).await)?;
    Ok(())
}

#[derive(Queryable)]
pub(super) struct FoundRow {
    pub(super) purpose: String,
    pub(super) payload: Sealed<Secret>,
    pub(super) browser_hash: String,
    pub(super) user: Option<String>,
    pub(super) session: Option<String>,
    pub(super) next: Option<String>,
}

/// What was begun under that state at this connection.
pub(super) async fn find(
    conn: &mut Conn,
    connection: &ConnectionId,
    state_hash: &str,
    now: Millis,
) -> Result<Option<FoundRow>, Failure> {
    on_db!(conn, c => sso_attempts::table
        .filter(sso_attempts::state_hash.eq(state_hash))
        .filter(sso_attempts::connection_id.eq(connection.as_str()))
        .filter(sso_attempts::expires_at.gt(now.0))
        .select((
            sso_attempts::purpose,
            sso_attempts::payload,
            sso_attempts::browser_hash,
            sso_attempts::user_id,
            sso_attempts::session_id,
            sso_attempts::next,
        ))
        .first(c).await.optional())
}

/// Takes it out of the table; `false` if somebody was faster.
pub(super) async fn take(tx: &mut Tx, connection: &ConnectionId, state_hash: &str) -> Result<bool, Failure> {
    let taken = on_db!(tx, c => diesel::delete(sso_attempts::table)
        .filter(sso_attempts::state_hash.eq(state_hash))
        .filter(sso_attempts::connection_id.eq(connection.as_str()))
        .execute(c).await)?;
    Ok(taken == 1)
}

/// Notes that something was used; `false` if it had been before.
pub(super) async fn use_up(
    tx: &mut Tx,
    connection: &ConnectionId,
    hash: &[u8; 32],
    expires: Millis,
) -> Result<bool, Failure> {
    let noted = on_db!(tx, c => diesel::insert_into(sso_used::table)
        .values((
            sso_used::connection_id.eq(connection.as_str()),
            sso_used::hash.eq(hash.as_slice()),
            sso_used::expires_at.eq(expires.0),
        ))
        .on_conflict_do_nothing()
        .execute(c).await)?;
    Ok(noted == 1)
}

/// Who that person at the provider is here.
pub(super) async fn user_of(
    conn: &mut Conn,
    connection: &ConnectionId,
    hash: &[u8; 32],
) -> Result<Option<UserId>, Failure> {
    let found: Option<String> = on_db!(conn, c => sso_identities::table
        .filter(sso_identities::connection_id.eq(connection.as_str()))
        .filter(sso_identities::hash.eq(hash.as_slice()))
        .select(sso_identities::user_id)
        .first(c).await.optional())?;
    found.map(|id| id.parse().map_err(|_| Failure::Internal("a stored id does not read".into()))).transpose()
}

/// Notes that the person came once more; `false` if they are not known here any more.
pub(super) async fn touch(
    tx: &mut Tx,
    connection: &ConnectionId,
    (hash, user): (&[u8; 32], &UserId),
    now: Millis,
) -> Result<bool, Failure> {
    let touched = on_db!(tx, c => diesel::update(sso_identities::table)
        .filter(sso_identities::connection_id.eq(connection.as_str()))
        .filter(sso_identities::hash.eq(hash.as_slice()))
        .filter(sso_identities::user_id.eq(user.as_str()))
        .set(sso_identities::last_used_at.eq(now.0))
        .execute(c).await)?;
    Ok(touched == 1)
}

/// Ties a person at the provider to an account; `false` if somebody was faster.
pub(super) async fn tie(
    tx: &mut Tx,
    connection: &ConnectionId,
    id: &IdentityId,
    (hash, subject, user): (&[u8; 32], &Sealed<Secret>, &UserId),
    now: Millis,
) -> Result<bool, Failure> {
    let tied = on_db!(tx, c => diesel::insert_into(sso_identities::table)
        .values((
            sso_identities::id.eq(id.as_str()),
            sso_identities::connection_id.eq(connection.as_str()),
            sso_identities::hash.eq(hash.as_slice()),
            sso_identities::subject.eq(subject),
            sso_identities::user_id.eq(user.as_str()),
            sso_identities::created_at.eq(now.0),
            sso_identities::last_used_at.eq(now.0),
        ))
        .on_conflict_do_nothing()
        .execute(c).await)?;
    Ok(tied == 1)
}

pub(super) async fn delete_expired(tx: &mut Tx, now: Millis) -> Result<usize, Failure> {
    let attempts = on_db!(tx, c => diesel::delete(sso_attempts::table)
        .filter(sso_attempts::expires_at.le(now.0))
        .execute(c).await)?;
    let used = on_db!(tx, c => diesel::delete(sso_used::table)
        .filter(sso_used::expires_at.le(now.0))
        .execute(c).await)?;
    Ok(attempts + used)
}
