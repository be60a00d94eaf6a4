//! Sessions of the staff, and sign-ins that wait for the second factor.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{GrantId, StaffId, StaffPendingId, StaffSessionId};
use shutterpost_model::identity::security::FACTOR_TRIES;
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::id;
use crate::schema::{support_invitations, support_pending, support_sessions, support_staff};

pub(in crate::support) async fn insert_pending(
    tx: &mut Tx,
    pending: &StaffPendingId,
    staff: &StaffId,
    hash: &[u8; 32],
    (now, expires_at): (Millis, Millis),
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(support_pending::table)
        .values((
            support_pending::id.eq(pending.as_str()),
            support_pending::secret_hash.eq(hash.as_slice()),
            support_pending::staff_id.eq(staff.as_str()),
            support_pending::tries.eq(0),
            support_pending::created_at.eq(now.0),
            support_pending::expires_at.eq(expires_at.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// The sign-in of a cookie, of somebody who is not disabled.
pub(in crate::support) async fn pending(
    conn: &mut Conn,
    hash: &[u8; 32],
    now: Millis,
) -> Result<Option<(StaffPendingId, StaffId)>, Failure> {
    let row: Option<(String, String)> = on_db!(conn, c => support_pending::table
        .inner_join(support_staff::table.on(support_staff::id.eq(support_pending::staff_id)))
        .filter(support_pending::secret_hash.eq(hash.as_slice()))
        .filter(support_pending::expires_at.gt(now.0))
        .filter(support_pending::tries.lt(FACTOR_TRIES))
        .filter(support_staff::disabled_at.is_null())
        .select((support_pending::id, support_pending::staff_id))
        .first(c).await.optional())?;
    row.map(|(pending, staff)| Ok((id(pending)?, id(staff)?))).transpose()
}

/// Counts a try; gives how many are left after it, `None` if there was none any more.
pub(in crate::support) async fn try_pending(tx: &mut Tx, pending: &StaffPendingId) -> Result<Option<i32>, Failure> {
    let counted = on_db!(tx, c => diesel::update(support_pending::table)
        .filter(support_pending::id.eq(pending.as_str()))
        .filter(support_pending::tries.lt(FACTOR_TRIES))
        .set(support_pending::tries.eq(support_pending::tries + 1))
        .execute(c).await)?;
    if counted == 0 {
        return Ok(None);
    }
    let tries: i32 = on_db!(tx, c => support_pending::table
        .filter(support_pending::id.eq(pending.as_str()))
        .select(support_pending::tries)
        .first(c).await)?;
    Ok(Some(FACTOR_TRIES - tries))
}

/// Ends a sign-in; `false` if somebody else did.
pub(in crate::support) async fn end_pending(tx: &mut Tx, pending: &StaffPendingId) -> Result<bool, Failure> {
    let ended = on_db!(tx, c => diesel::delete(support_pending::table)
        .filter(support_pending::id.eq(pending.as_str()))
        .execute(c).await)?;
    Ok(ended == 1)
}

pub(in crate::support) async fn insert(
    tx: &mut Tx,
    session: &StaffSessionId,
    staff: &StaffId,
    hash: &[u8; 32],
    (now, expires_at): (Millis, Millis),
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(support_sessions::table)
        .values((
            support_sessions::id.eq(session.as_str()),
            support_sessions::secret_hash.eq(hash.as_slice()),
            support_sessions::staff_id.eq(staff.as_str()),
            support_sessions::created_at.eq(now.0),
            support_sessions::last_seen_at.eq(now.0),
            support_sessions::expires_at.eq(expires_at.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// A session that was not over at that moment.
#[derive(Debug, Clone)]
pub(in crate::support) struct FoundSession {
    pub(in crate::support) id: StaffSessionId,
    pub(in crate::support) staff: StaffId,
    pub(in crate::support) grant: Option<GrantId>,
    pub(in crate::support) last_seen: Millis,
}

/// The session of a cookie, of somebody who has their factor and is not disabled, used after `idle_since`.
pub(in crate::support) async fn find(
    conn: &mut Conn,
    hash: &[u8; 32],
    (now, idle_since): (Millis, Millis),
) -> Result<Option<FoundSession>, Failure> {
    let row: Option<(String, String, Option<String>, i64)> = on_db!(conn, c => support_sessions::table
        .inner_join(support_staff::table.on(support_staff::id.eq(support_sessions::staff_id)))
        .filter(support_sessions::secret_hash.eq(hash.as_slice()))
        .filter(support_sessions::expires_at.gt(now.0))
        .filter(support_sessions::last_seen_at.gt(idle_since.0))
        .filter(support_staff::disabled_at.is_null())
        .filter(support_staff::totp_secret.is_not_null())
        .select((
            support_sessions::id,
            support_sessions::staff_id,
            support_sessions::grant_id,
            support_sessions::last_seen_at,
        ))
        .first(c).await.optional())?;
    row.map(|(session, staff, grant, last_seen)| {
        let grant = grant.map(id).transpose()?;
        Ok(FoundSession { id: id(session)?, staff: id(staff)?, grant, last_seen: Millis(last_seen) })
    })
    .transpose()
}

pub(in crate::support) async fn seen(tx: &mut Tx, session: &StaffSessionId, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(support_sessions::table)
        .filter(support_sessions::id.eq(session.as_str()))
        .set(support_sessions::last_seen_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}

/// The grant that the session has open.
pub(in crate::support) async fn grant(conn: &mut Conn, session: &StaffSessionId) -> Result<Option<GrantId>, Failure> {
    let found: Option<Option<String>> = on_db!(conn, c => support_sessions::table
        .filter(support_sessions::id.eq(session.as_str()))
        .select(support_sessions::grant_id)
        .first(c).await.optional())?;
    found.flatten().map(id).transpose()
}

/// Gives a session another id and cookie, and a grant to act by; `false` if it has ended.
pub(in crate::support) async fn renew(
    tx: &mut Tx,
    session: &StaffSessionId,
    (id, hash): (&StaffSessionId, &[u8; 32]),
    grant: &GrantId,
) -> Result<bool, Failure> {
    let renewed = on_db!(tx, c => diesel::update(support_sessions::table)
        .filter(support_sessions::id.eq(session.as_str()))
        .set((
            support_sessions::id.eq(id.as_str()),
            support_sessions::secret_hash.eq(hash.as_slice()),
            support_sessions::grant_id.eq(grant.as_str()),
        ))
        .execute(c).await)?;
    Ok(renewed == 1)
}

/// The session acts by no grant any more.
pub(in crate::support) async fn leave_grant(tx: &mut Tx, session: &StaffSessionId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(support_sessions::table)
        .filter(support_sessions::id.eq(session.as_str()))
        .set(support_sessions::grant_id.eq(None::<&str>))
        .execute(c).await)?;
    Ok(())
}

/// `false` if it had ended before.
pub(in crate::support) async fn delete(tx: &mut Tx, session: &StaffSessionId) -> Result<bool, Failure> {
    let deleted = on_db!(tx, c => diesel::delete(support_sessions::table)
        .filter(support_sessions::id.eq(session.as_str()))
        .execute(c).await)?;
    Ok(deleted == 1)
}

/// Removes what is over: sessions, sign-ins and invitations.
pub(in crate::support) async fn delete_expired(
    tx: &mut Tx,
    (now, idle_since): (Millis, Millis),
) -> Result<usize, Failure> {
    let sessions = on_db!(tx, c => diesel::delete(support_sessions::table)
        .filter(support_sessions::expires_at.le(now.0).or(support_sessions::last_seen_at.le(idle_since.0)))
        .execute(c).await)?;
    let pending = on_db!(tx, c => diesel::delete(support_pending::table)
        .filter(support_pending::expires_at.le(now.0))
        .execute(c).await)?;
    let invitations = on_db!(tx, c => diesel::delete(support_invitations::table)
        .filter(support_invitations::expires_at.le(now.0))
        .execute(c).await)?;
    Ok(sessions + pending + invitations)
}
