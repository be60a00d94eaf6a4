//! Second factors and sign-ins that wait for one.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{OrganisationId, PendingId, UserId};
use shutterpost_model::identity::security::FACTOR_TRIES;
use shutterpost_model::pii::Secret;
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::factors::RecoveryCode;
use crate::identity::queries::passkeys;
use crate::identity::{rows, throttle};
use crate::keystore::Sealed;
use crate::schema::{identity_pending, identity_recovery_codes, identity_totp, identity_users};

/// The authenticator app of a user.
#[derive(Debug, Clone)]
pub(in crate::identity) struct TotpFactor {
    pub(in crate::identity) secret: Sealed<Secret>,
    pub(in crate::identity) created_at: Millis,
    /// `None` until its first code was shown.
    pub(in crate::identity) confirmed_at: Option<Millis>,
}

pub(in crate::identity) async fn totp(conn: &mut Conn, user: &UserId) -> Result<Option<TotpFactor>, Failure> {
    let row: Option<(Sealed<Secret>, i64, Option<i64>)> = on_db!(conn, c => identity_totp::table
        .filter(identity_totp::user_id.eq(user.as_str()))
        .select((identity_totp::secret, identity_totp::created_at, identity_totp::confirmed_at))
        .first(c).await.optional())?;
    Ok(row.map(|(secret, created_at, confirmed_at)| TotpFactor {
        secret,
        created_at: Millis(created_at),
        confirmed_at: confirmed_at.map(Millis),
    }))
}

/// Whether codes of an app are taken.
pub(in crate::identity) async fn has_totp(conn: &mut Conn, user: &UserId) -> Result<bool, Failure> {
    Ok(totp(conn, user).await?.is_some_and(|factor| factor.confirmed_at.is_some()))
}

/// Whether the user has a second factor, which is asked for at sign-in: an app in use, or a passkey.
pub(in crate::identity) async fn is_active(conn: &mut Conn, user: &UserId) -> Result<bool, Failure> {
    Ok(has_totp(conn, user).await? || passkeys::count(conn, user).await? > 0)
}

/// Stores a secret that waits for its first code; `false` if there is one in use, which is never replaced this way.
pub(in crate::identity) async fn begin_totp(
    tx: &mut Tx,
    user: &UserId,
    secret: &Sealed<Secret>,
    now: Millis,
) -> Result<bool, Failure> {
    on_db!(tx, c => diesel::delete(identity_totp::table)
        .filter(identity_totp::user_id.eq(user.as_str()))
        .filter(identity_totp::confirmed_at.is_null())
        .execute(c).await)?;
    if has_totp(tx, user).await? {
        return Ok(false);
    }
    on_db!(tx, c => diesel::insert_into(identity_totp::table)
        .values((
            identity_totp::user_id.eq(user.as_str()),
            identity_totp::secret.eq(secret),
            identity_totp::created_at.eq(now.0),
            identity_totp::failures.eq(0),
            identity_totp::throttled_until.eq(0),
        ))
        .execute(c).await)?;
    Ok(true)
}

/// Puts a secret into use; `false` if it was replaced meanwhile or is in use.
pub(in crate::identity) async fn confirm_totp(
    tx: &mut Tx,
    user: &UserId,
    secret: &Sealed<Secret>,
    step: i64,
    now: Millis,
) -> Result<bool, Failure> {
    let confirmed = on_db!(tx, c => diesel::update(identity_totp::table)
        .filter(identity_totp::user_id.eq(user.as_str()))
        .filter(identity_totp::secret.eq(secret))
        .filter(identity_totp::confirmed_at.is_null())
        .set((
            identity_totp::confirmed_at.eq(now.0),
            identity_totp::last_step.eq(step),
            identity_totp::failures.eq(0),
            identity_totp::throttled_until.eq(0),
        ))
        .execute(c).await)?;
    Ok(confirmed == 1)
}

/// Takes the app away.
pub(in crate::identity) async fn remove_totp(tx: &mut Tx, user: &UserId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(identity_totp::table)
        .filter(identity_totp::user_id.eq(user.as_str()))
        .execute(c).await)?;
    Ok(())
}

/// Takes the app, all passkeys and all recovery codes away.
pub(in crate::identity) async fn remove(tx: &mut Tx, user: &UserId) -> Result<(), Failure> {
    remove_totp(tx, user).await?;
    passkeys::remove_all(tx, user).await?;
    delete_recovery(tx, user).await
}

/// Counts a try as failed before it is compared, so that tries at the same time are all counted. Gives the number of
/// failures in a row with this one; `None` if none is taken for now, and then nothing is counted.
pub(in crate::identity) async fn count_try(tx: &mut Tx, user: &UserId, now: Millis) -> Result<Option<i32>, Failure> {
    let counted = on_db!(tx, c => diesel::update(identity_totp::table)
        .filter(identity_totp::user_id.eq(user.as_str()))
        .filter(identity_totp::throttled_until.le(now.0))
        .set(identity_totp::failures.eq(identity_totp::failures + 1))
        .execute(c).await)?;
    if counted == 0 {
        return Ok(None);
    }
    let failures: i32 = on_db!(tx, c => identity_totp::table
        .filter(identity_totp::user_id.eq(user.as_str()))
        .select(identity_totp::failures)
        .first(c).await)?;
    let until = now.plus(throttle::account_delay(failures));
    on_db!(tx, c => diesel::update(identity_totp::table)
        .filter(identity_totp::user_id.eq(user.as_str()))
        .set(identity_totp::throttled_until.eq(until.0))
        .execute(c).await)?;
    Ok(Some(failures))
}

/// Uses up the code of a time step; `false` if it or a later one was used. One statement, so that of two at the same
/// time one wins.
pub(in crate::identity) async fn use_step(
    tx: &mut Tx,
    user: &UserId,
    secret: &Sealed<Secret>,
    step: i64,
) -> Result<bool, Failure> {
    let used = on_db!(tx, c => diesel::update(identity_totp::table)
        .filter(identity_totp::user_id.eq(user.as_str()))
        .filter(identity_totp::secret.eq(secret))
        .filter(identity_totp::confirmed_at.is_not_null())
        .filter(identity_totp::last_step.is_null().or(identity_totp::last_step.lt(step)))
        .set(identity_totp::last_step.eq(step))
        .execute(c).await)?;
    if used == 1 {
        forget_failures(tx, user).await?;
    }
    Ok(used == 1)
}

async fn forget_failures(tx: &mut Tx, user: &UserId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_totp::table)
        .filter(identity_totp::user_id.eq(user.as_str()))
        .set((identity_totp::failures.eq(0), identity_totp::throttled_until.eq(0)))
        .execute(c).await)?;
    Ok(())
}

/// Uses up a recovery code; `false` if there is no such one any more.
pub(in crate::identity) async fn use_recovery(
    tx: &mut Tx,
    user: &UserId,
    selector: &str,
    hash: &[u8; 32],
) -> Result<bool, Failure> {
    let used = on_db!(tx, c => diesel::delete(identity_recovery_codes::table)
        .filter(identity_recovery_codes::user_id.eq(user.as_str()))
        .filter(identity_recovery_codes::selector.eq(selector))
        .filter(identity_recovery_codes::hash.eq(hash.as_slice()))
        .execute(c).await)?;
    if used == 1 {
        forget_failures(tx, user).await?;
    }
    Ok(used == 1)
}

pub(in crate::identity) async fn delete_recovery(tx: &mut Tx, user: &UserId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(identity_recovery_codes::table)
        .filter(identity_recovery_codes::user_id.eq(user.as_str()))
        .execute(c).await)?;
    Ok(())
}

/// Puts a new set in the place of the old one.
pub(in crate::identity) async fn replace_recovery(
    tx: &mut Tx,
    user: &UserId,
    codes: &[(&RecoveryCode, [u8; 32])],
    now: Millis,
) -> Result<(), Failure> {
    delete_recovery(tx, user).await?;
    for (code, hash) in codes {
        on_db!(tx, c => diesel::insert_into(identity_recovery_codes::table)
            .values((
                identity_recovery_codes::user_id.eq(user.as_str()),
                identity_recovery_codes::selector.eq(code.selector()),
                identity_recovery_codes::hash.eq(hash.as_slice()),
                identity_recovery_codes::created_at.eq(now.0),
            ))
            .execute(c).await)?;
    }
    Ok(())
}

pub(in crate::identity) async fn recovery_left(conn: &mut Conn, user: &UserId) -> Result<i64, Failure> {
    on_db!(conn, c => identity_recovery_codes::table
        .filter(identity_recovery_codes::user_id.eq(user.as_str()))
        .count()
        .get_result(c).await)
}

/// A sign-in that waits for its second factor.
#[derive(Debug, Clone)]
pub(in crate::identity) struct Pending {
    pub(in crate::identity) id: PendingId,
    pub(in crate::identity) user: UserId,
    pub(in crate::identity) organisation: Option<OrganisationId>,
    pub(in crate::identity) persistent: bool,
}

pub(in crate::identity) async fn insert_pending(
    tx: &mut Tx,
    pending: &Pending,
    hash: &[u8; 32],
    now: Millis,
    expires_at: Millis,
) -> Result<(), Failure> {
    let Pending { id, user, organisation, persistent } = pending;
    on_db!(tx, c => diesel::insert_into(identity_pending::table)
        .values((
            identity_pending::id.eq(id.as_str()),
            identity_pending::secret_hash.eq(hash.as_slice()),
            identity_pending::user_id.eq(user.as_str()),
            identity_pending::organisation_id.eq(organisation.as_ref().map(OrganisationId::as_str)),
            identity_pending::persistent.eq(*persistent),
            identity_pending::tries.eq(0),
            identity_pending::created_at.eq(now.0),
            identity_pending::expires_at.eq(expires_at.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// The pending sign-in of a cookie, of a user who is not disabled.
pub(in crate::identity) async fn pending(
    conn: &mut Conn,
    hash: &[u8; 32],
    now: Millis,
) -> Result<Option<Pending>, Failure> {
    let row: Option<(String, String, Option<String>, bool)> = on_db!(conn, c => identity_pending::table
        .inner_join(identity_users::table.on(identity_users::id.eq(identity_pending::user_id)))
        .filter(identity_pending::secret_hash.eq(hash.as_slice()))
        .filter(identity_pending::expires_at.gt(now.0))
        .filter(identity_pending::tries.lt(FACTOR_TRIES))
        .filter(identity_users::disabled_at.is_null())
        .select((
            identity_pending::id,
            identity_pending::user_id,
            identity_pending::organisation_id,
            identity_pending::persistent,
        ))
        .first(c).await.optional())?;
    row.map(|(id, user, organisation, persistent)| {
        let organisation = organisation.map(rows::id).transpose()?;
        Ok(Pending { id: rows::id(id)?, user: rows::id(user)?, organisation, persistent })
    })
    .transpose()
}

/// Counts a try of a pending sign-in; gives how many are left after it, `None` if there was none any more.
pub(in crate::identity) async fn try_pending(tx: &mut Tx, pending: &PendingId) -> Result<Option<i32>, Failure> {
    let counted = on_db!(tx, c => diesel::update(identity_pending::table)
        .filter(identity_pending::id.eq(pending.as_str()))
        .filter(identity_pending::tries.lt(FACTOR_TRIES))
        .set(identity_pending::tries.eq(identity_pending::tries + 1))
        .execute(c).await)?;
    if counted == 0 {
        return Ok(None);
    }
    let tries: i32 = on_db!(tx, c => identity_pending::table
        .filter(identity_pending::id.eq(pending.as_str()))
        .select(identity_pending::tries)
        .first(c).await)?;
    Ok(Some(FACTOR_TRIES - tries))
}

/// Ends a pending sign-in; `false` if somebody else did.
pub(in crate::identity) async fn end_pending(tx: &mut Tx, pending: &PendingId) -> Result<bool, Failure> {
    let ended = on_db!(tx, c => diesel::delete(identity_pending::table)
        .filter(identity_pending::id.eq(pending.as_str()))
        .execute(c).await)?;
    Ok(ended == 1)
}

/// Ends all pending sign-ins of a user: what they proved is no longer what it was.
pub(in crate::identity) async fn end_pending_of(tx: &mut Tx, user: &UserId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(identity_pending::table)
        .filter(identity_pending::user_id.eq(user.as_str()))
        .execute(c).await)?;
    Ok(())
}

pub(in crate::identity) async fn delete_expired(
    tx: &mut Tx,
    now: Millis,
    unconfirmed: Millis,
) -> Result<usize, Failure> {
    let pending = on_db!(tx, c => diesel::delete(identity_pending::table)
        .filter(identity_pending::expires_at.le(now.0))
        .execute(c).await)?;
    let begun = on_db!(tx, c => diesel::delete(identity_totp::table)
        .filter(identity_totp::confirmed_at.is_null())
        .filter(identity_totp::created_at.le(unconfirmed.0))
        .execute(c).await)?;
    let asked = passkeys::delete_expired(tx, now).await?;
    Ok(pending + begun + asked)
}
