//! Password resets, and invitations as seen by the holder of their link.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{InvitationId, ResetId, UserId};
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::{self, OpenInvitation, OpenInvitationRow};
use crate::keystore::KeyStore;
use crate::schema::{identity_invitations, identity_organisations, identity_resets, identity_users};

/// How many resets a user asked for since then.
pub(in crate::identity) async fn resets_since(conn: &mut Conn, user: &UserId, since: Millis) -> Result<i64, Failure> {
    on_db!(conn, c => identity_resets::table
        .filter(identity_resets::user_id.eq(user.as_str()))
        .filter(identity_resets::created_at.gt(since.0))
        .count()
        .get_result(c).await)
}

pub(in crate::identity) async fn insert_reset(
    tx: &mut Tx,
    reset: &ResetId,
    user: &UserId,
    hash: &[u8; 32],
    now: Millis,
    expires_at: Millis,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(identity_resets::table)
        .values((
            identity_resets::id.eq(reset.as_str()),
            identity_resets::user_id.eq(user.as_str()),
            identity_resets::token_hash.eq(hash.as_slice()),
            identity_resets::created_at.eq(now.0),
            identity_resets::expires_at.eq(expires_at.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// The reset of a link, if it can still be used.
pub(in crate::identity) async fn open_reset(
    conn: &mut Conn,
    hash: &[u8; 32],
    now: Millis,
) -> Result<Option<(ResetId, UserId)>, Failure> {
    let row: Option<(String, String)> = on_db!(conn, c => identity_resets::table
        .inner_join(identity_users::table.on(identity_users::id.eq(identity_resets::user_id)))
        .filter(identity_resets::token_hash.eq(hash.as_slice()))
        .filter(identity_resets::used_at.is_null())
        .filter(identity_resets::expires_at.gt(now.0))
        .filter(identity_users::disabled_at.is_null())
        .select((identity_resets::id, identity_resets::user_id))
        .first(c).await.optional())?;
    row.map(|(reset, user)| Ok((rows::id(reset)?, rows::id(user)?))).transpose()
}

/// Uses a reset; `false` if somebody was faster.
pub(in crate::identity) async fn use_reset(tx: &mut Tx, reset: &ResetId, now: Millis) -> Result<bool, Failure> {
    let used = on_db!(tx, c => diesel::update(identity_resets::table)
        .filter(identity_resets::id.eq(reset.as_str()))
        .filter(identity_resets::used_at.is_null())
        .set(identity_resets::used_at.eq(now.0))
        .execute(c).await)?;
    Ok(used > 0)
}

/// Makes all links that a user was sent worthless: the password they were to replace is gone.
pub(in crate::identity) async fn use_resets_of(tx: &mut Tx, user: &UserId, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_resets::table)
        .filter(identity_resets::user_id.eq(user.as_str()))
        .filter(identity_resets::used_at.is_null())
        .set(identity_resets::used_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}

/// Removes resets that expired before then.
pub(in crate::identity) async fn delete_resets(tx: &mut Tx, before: Millis) -> Result<usize, Failure> {
    on_db!(tx, c => diesel::delete(identity_resets::table)
        .filter(identity_resets::expires_at.lt(before.0))
        .execute(c).await)
}

/// The invitation of a link, if it can still be accepted.
pub(in crate::identity) async fn open_invitation(
    conn: &mut Conn,
    keystore: &KeyStore,
    hash: &[u8; 32],
    now: Millis,
) -> Result<Option<OpenInvitation>, Failure> {
    let row: Option<OpenInvitationRow> = on_db!(conn, c => identity_invitations::table
        .inner_join(identity_organisations::table
            .on(identity_organisations::id.eq(identity_invitations::organisation_id)))
        .filter(identity_invitations::token_hash.eq(hash.as_slice()))
        .filter(identity_invitations::accepted_at.is_null())
        .filter(identity_invitations::revoked_at.is_null())
        .filter(identity_invitations::expires_at.gt(now.0))
        .select((
            identity_invitations::id,
            identity_invitations::organisation_id,
            identity_organisations::name,
            identity_invitations::email,
            identity_invitations::role,
        ))
        .first(c).await.optional())?;
    match row {
        Some(row) => row.open(keystore).await.map(Some),
        None => Ok(None),
    }
}

/// Uses an invitation by the very token that was shown; `false` if it was used, revoked or renewed in the meantime.
pub(in crate::identity) async fn accept(
    tx: &mut Tx,
    invitation: &InvitationId,
    hash: &[u8; 32],
    now: Millis,
) -> Result<bool, Failure> {
    let accepted = on_db!(tx, c => diesel::update(identity_invitations::table)
        .filter(identity_invitations::id.eq(invitation.as_str()))
        .filter(identity_invitations::token_hash.eq(hash.as_slice()))
        .filter(identity_invitations::accepted_at.is_null())
        .filter(identity_invitations::revoked_at.is_null())
        .set(identity_invitations::accepted_at.eq(now.0))
        .execute(c).await)?;
    Ok(accepted > 0)
}
