//! Staff, their factors and invitations.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{StaffId, StaffInvitationId};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::factors::RecoveryCode;
use crate::identity::rows::id;
use crate::identity::throttle;
use crate::keystore::{KeyStore, Lookup, Realm, Sealed};
use crate::schema::{support_invitations, support_pending, support_recovery_codes, support_sessions, support_staff};
use crate::support::rows::{BY_ADDRESS, Staff, StaffRow};

/// Where staff are found by their address.
pub(in crate::support) fn by_address() -> Lookup {
    Lookup::everywhere(Realm::Installation, BY_ADDRESS)
}

/// The member of the staff of an address in canonical form.
pub(in crate::support) async fn by_email(
    conn: &mut Conn,
    keystore: &KeyStore,
    email: &Pii<String>,
) -> Result<Option<Staff>, Failure> {
    match keystore.holder(&by_address(), email.expose()).await? {
        Some(staff) => by_id(conn, keystore, &id(staff)?).await,
        None => Ok(None),
    }
}

pub(in crate::support) async fn by_id(
    conn: &mut Conn,
    keystore: &KeyStore,
    staff: &StaffId,
) -> Result<Option<Staff>, Failure> {
    let row: Option<StaffRow> = on_db!(conn, c => support_staff::table
        .filter(support_staff::id.eq(staff.as_str()))
        .select(StaffRow::as_select())
        .first(c).await.optional())?;
    match row {
        Some(row) => row.open(keystore).await.map(Some),
        None => Ok(None),
    }
}

pub(in crate::support) async fn all(conn: &mut Conn) -> Result<Vec<StaffRow>, Failure> {
    on_db!(conn, c => support_staff::table
        .order(support_staff::created_at)
        .select(StaffRow::as_select())
        .load(c).await)
}

/// Writes somebody who was invited and has neither password nor factor yet.
pub(in crate::support) async fn insert(
    tx: &mut Tx,
    staff: &StaffId,
    (email, name): (&Sealed<Pii<String>>, &Sealed<Pii<String>>),
    language: Language,
    now: Millis,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(support_staff::table)
        .values((
            support_staff::id.eq(staff.as_str()),
            support_staff::email.eq(email),
            support_staff::name.eq(name),
            support_staff::language.eq(language.tag()),
            support_staff::failures.eq(0),
            support_staff::throttled_until.eq(0),
            support_staff::code_failures.eq(0),
            support_staff::code_throttled_until.eq(0),
            support_staff::created_at.eq(now.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Puts a new one-time link in the place of every other of the person.
pub(in crate::support) async fn invite(
    tx: &mut Tx,
    invitation: &StaffInvitationId,
    staff: &StaffId,
    (hash, secret): (&[u8; 32], &Sealed<Secret>),
    (now, expires_at): (Millis, Millis),
) -> Result<(), Failure> {
    forget_invitations(tx, staff).await?;
    on_db!(tx, c => diesel::insert_into(support_invitations::table)
        .values((
            support_invitations::id.eq(invitation.as_str()),
            support_invitations::staff_id.eq(staff.as_str()),
            support_invitations::token_hash.eq(hash.as_slice()),
            support_invitations::totp_secret.eq(secret),
            support_invitations::created_at.eq(now.0),
            support_invitations::expires_at.eq(expires_at.0),
        ))
        .execute(c).await)?;
    Ok(())
}

async fn forget_invitations(tx: &mut Tx, staff: &StaffId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(support_invitations::table)
        .filter(support_invitations::staff_id.eq(staff.as_str()))
        .execute(c).await)?;
    Ok(())
}

/// An invitation that can still be accepted.
#[derive(Debug, Clone)]
pub(in crate::support) struct OpenInvitation {
    pub(in crate::support) id: StaffInvitationId,
    pub(in crate::support) staff: StaffId,
    pub(in crate::support) secret: Sealed<Secret>,
}

pub(in crate::support) async fn invitation(
    conn: &mut Conn,
    hash: &[u8; 32],
    now: Millis,
) -> Result<Option<OpenInvitation>, Failure> {
    let row: Option<(String, String, Sealed<Secret>)> = on_db!(conn, c => support_invitations::table
        .inner_join(support_staff::table.on(support_staff::id.eq(support_invitations::staff_id)))
        .filter(support_invitations::token_hash.eq(hash.as_slice()))
        .filter(support_invitations::expires_at.gt(now.0))
        .filter(support_staff::disabled_at.is_null())
        .select((support_invitations::id, support_invitations::staff_id, support_invitations::totp_secret))
        .first(c).await.optional())?;
    row.map(|(invitation, staff, secret)| Ok(OpenInvitation { id: id(invitation)?, staff: id(staff)?, secret }))
        .transpose()
}

/// Uses up an invitation; `false` if somebody was faster.
pub(in crate::support) async fn accept(
    tx: &mut Tx,
    invitation: &StaffInvitationId,
    now: Millis,
) -> Result<bool, Failure> {
    let used = on_db!(tx, c => diesel::delete(support_invitations::table)
        .filter(support_invitations::id.eq(invitation.as_str()))
        .filter(support_invitations::expires_at.gt(now.0))
        .execute(c).await)?;
    Ok(used == 1)
}

/// Sets password and authenticator app, together and with the first code used up; `false` for somebody who is disabled.
pub(in crate::support) async fn set_proofs(
    tx: &mut Tx,
    staff: &StaffId,
    (hash, secret): (&Sealed<Secret>, &Sealed<Secret>),
    step: i64,
) -> Result<bool, Failure> {
    let set = on_db!(tx, c => diesel::update(support_staff::table)
        .filter(support_staff::id.eq(staff.as_str()))
        .filter(support_staff::disabled_at.is_null())
        .set((
            support_staff::password_hash.eq(hash),
            support_staff::totp_secret.eq(secret),
            support_staff::last_step.eq(step),
            support_staff::failures.eq(0),
            support_staff::throttled_until.eq(0),
            support_staff::code_failures.eq(0),
            support_staff::code_throttled_until.eq(0),
        ))
        .execute(c).await)?;
    Ok(set == 1)
}

/// Takes password and factor away, which nobody has one of alone, and with them every session and sign-in under way.
pub(in crate::support) async fn forget_proofs(tx: &mut Tx, staff: &StaffId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(support_staff::table)
        .filter(support_staff::id.eq(staff.as_str()))
        .set((
            support_staff::password_hash.eq(None::<Sealed<Secret>>),
            support_staff::totp_secret.eq(None::<Sealed<Secret>>),
            support_staff::last_step.eq(None::<i64>),
        ))
        .execute(c).await)?;
    on_db!(tx, c => diesel::delete(support_recovery_codes::table)
        .filter(support_recovery_codes::staff_id.eq(staff.as_str()))
        .execute(c).await)?;
    end_all(tx, staff).await
}

/// Ends every session of somebody, every sign-in under way and every open invitation.
pub(in crate::support) async fn end_all(tx: &mut Tx, staff: &StaffId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(support_sessions::table)
        .filter(support_sessions::staff_id.eq(staff.as_str()))
        .execute(c).await)?;
    on_db!(tx, c => diesel::delete(support_pending::table)
        .filter(support_pending::staff_id.eq(staff.as_str()))
        .execute(c).await)?;
    forget_invitations(tx, staff).await
}

/// `false` if they were disabled before.
pub(in crate::support) async fn disable(tx: &mut Tx, staff: &StaffId, now: Millis) -> Result<bool, Failure> {
    let disabled = on_db!(tx, c => diesel::update(support_staff::table)
        .filter(support_staff::id.eq(staff.as_str()))
        .filter(support_staff::disabled_at.is_null())
        .set(support_staff::disabled_at.eq(now.0))
        .execute(c).await)?;
    Ok(disabled == 1)
}

/// Counts a password as wrong before it is compared; `false` if none is taken for now.
pub(in crate::support) async fn count_password(tx: &mut Tx, staff: &StaffId, now: Millis) -> Result<bool, Failure> {
    let counted = on_db!(tx, c => diesel::update(support_staff::table)
        .filter(support_staff::id.eq(staff.as_str()))
        .filter(support_staff::throttled_until.le(now.0))
        .set(support_staff::failures.eq(support_staff::failures + 1))
        .execute(c).await)?;
    if counted == 0 {
        return Ok(false);
    }
    let failures: i32 = on_db!(tx, c => support_staff::table
        .filter(support_staff::id.eq(staff.as_str()))
        .select(support_staff::failures)
        .first(c).await)?;
    let until = now.plus(throttle::account_delay(failures));
    on_db!(tx, c => diesel::update(support_staff::table)
        .filter(support_staff::id.eq(staff.as_str()))
        .set(support_staff::throttled_until.eq(until.0))
        .execute(c).await)?;
    Ok(true)
}

/// Forgets the failures after a right password; `false` if the person was disabled or has another since.
pub(in crate::support) async fn settle_password(
    tx: &mut Tx,
    staff: &StaffId,
    proved: &Sealed<Secret>,
) -> Result<bool, Failure> {
    let settled = on_db!(tx, c => diesel::update(support_staff::table)
        .filter(support_staff::id.eq(staff.as_str()))
        .filter(support_staff::disabled_at.is_null())
        .filter(support_staff::password_hash.eq(proved))
        .set((support_staff::failures.eq(0), support_staff::throttled_until.eq(0)))
        .execute(c).await)?;
    Ok(settled == 1)
}

/// Counts a code as wrong before it is compared; `false` if none is taken for now.
pub(in crate::support) async fn count_code(tx: &mut Tx, staff: &StaffId, now: Millis) -> Result<bool, Failure> {
    let counted = on_db!(tx, c => diesel::update(support_staff::table)
        .filter(support_staff::id.eq(staff.as_str()))
        .filter(support_staff::code_throttled_until.le(now.0))
        .set(support_staff::code_failures.eq(support_staff::code_failures + 1))
        .execute(c).await)?;
    if counted == 0 {
        return Ok(false);
    }
    let failures: i32 = on_db!(tx, c => support_staff::table
        .filter(support_staff::id.eq(staff.as_str()))
        .select(support_staff::code_failures)
        .first(c).await)?;
    let until = now.plus(throttle::account_delay(failures));
    on_db!(tx, c => diesel::update(support_staff::table)
        .filter(support_staff::id.eq(staff.as_str()))
        .set(support_staff::code_throttled_until.eq(until.0))
        .execute(c).await)?;
    Ok(true)
}

async fn forget_codes(tx: &mut Tx, staff: &StaffId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(support_staff::table)
        .filter(support_staff::id.eq(staff.as_str()))
        .set((support_staff::code_failures.eq(0), support_staff::code_throttled_until.eq(0)))
        .execute(c).await)?;
    Ok(())
}

/// Uses up the code of a time step; `false` if it or a later one was used. One statement, so that of two one wins.
pub(in crate::support) async fn use_step(
    tx: &mut Tx,
    staff: &StaffId,
    secret: &Sealed<Secret>,
    step: i64,
) -> Result<bool, Failure> {
    let used = on_db!(tx, c => diesel::update(support_staff::table)
        .filter(support_staff::id.eq(staff.as_str()))
        .filter(support_staff::disabled_at.is_null())
        .filter(support_staff::totp_secret.eq(secret))
        .filter(support_staff::last_step.is_null().or(support_staff::last_step.lt(step)))
        .set(support_staff::last_step.eq(step))
        .execute(c).await)?;
    if used == 1 {
        forget_codes(tx, staff).await?;
    }
    Ok(used == 1)
}

/// Uses up a recovery code; `false` if there is no such one any more.
pub(in crate::support) async fn use_recovery(
    tx: &mut Tx,
    staff: &StaffId,
    selector: &str,
    hash: &[u8; 32],
) -> Result<bool, Failure> {
    let used = on_db!(tx, c => diesel::delete(support_recovery_codes::table)
        .filter(support_recovery_codes::staff_id.eq(staff.as_str()))
        .filter(support_recovery_codes::selector.eq(selector))
        .filter(support_recovery_codes::hash.eq(hash.as_slice()))
        .execute(c).await)?;
    if used == 1 {
        forget_codes(tx, staff).await?;
    }
    Ok(used == 1)
}

/// Puts a new set of recovery codes in the place of the old one.
pub(in crate::support) async fn replace_recovery(
    tx: &mut Tx,
    staff: &StaffId,
    codes: &[(&RecoveryCode, [u8; 32])],
    now: Millis,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(support_recovery_codes::table)
        .filter(support_recovery_codes::staff_id.eq(staff.as_str()))
        .execute(c).await)?;
    for (code, hash) in codes {
        on_db!(tx, c => diesel::insert_into(support_recovery_codes::table)
            .values((
                support_recovery_codes::staff_id.eq(staff.as_str()),
                support_recovery_codes::selector.eq(code.selector()),
                support_recovery_codes::hash.eq(hash.as_slice()),
                support_recovery_codes::created_at.eq(now.0),
            ))
            .execute(c).await)?;
    }
    Ok(())
}
