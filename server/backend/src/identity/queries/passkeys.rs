//! Passkeys, and questions to them that wait for an answer.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::{PasskeyId, UserId};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::Millis;

use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::identity::rows::passkeys::{NewPasskeyRow, PasskeyRow};
use crate::keystore::Sealed;
use crate::schema::{identity_ceremonies, identity_passkeys};

/// Stores a passkey; `false` if it is known already, to whomever.
pub(in crate::identity) async fn insert(tx: &mut Tx, row: &NewPasskeyRow<'_>) -> Result<bool, Failure> {
    let inserted = on_db!(tx, c => diesel::insert_into(identity_passkeys::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c).await)?;
    Ok(inserted == 1)
}

/// Oldest first.
pub(in crate::identity) async fn of_user(conn: &mut Conn, user: &UserId) -> Result<Vec<PasskeyRow>, Failure> {
    on_db!(conn, c => identity_passkeys::table
        .filter(identity_passkeys::user_id.eq(user.as_str()))
        .order((identity_passkeys::created_at, identity_passkeys::id))
        .select(PasskeyRow::as_select())
        .load(c).await)
}

/// How many passkeys a user has, those included from which nothing is taken any more: a copied one must not make the
/// password enough.
pub(in crate::identity) async fn count(conn: &mut Conn, user: &UserId) -> Result<i64, Failure> {
    on_db!(conn, c => identity_passkeys::table
        .filter(identity_passkeys::user_id.eq(user.as_str()))
        .count()
        .get_result(c).await)
}

pub(in crate::identity) async fn by_credential(
    conn: &mut Conn,
    hash: &[u8; 32],
) -> Result<Option<PasskeyRow>, Failure> {
    on_db!(conn, c => identity_passkeys::table
        .filter(identity_passkeys::credential_hash.eq(hash.as_slice()))
        .select(PasskeyRow::as_select())
        .first(c).await.optional())
}

/// `false` if the user has no such passkey.
pub(in crate::identity) async fn rename(
    tx: &mut Tx,
    user: &UserId,
    passkey: &PasskeyId,
    name: &Sealed<Pii<String>>,
) -> Result<bool, Failure> {
    let renamed = on_db!(tx, c => diesel::update(identity_passkeys::table)
        .filter(identity_passkeys::id.eq(passkey.as_str()))
        .filter(identity_passkeys::user_id.eq(user.as_str()))
        .set(identity_passkeys::name.eq(name))
        .execute(c).await)?;
    Ok(renamed == 1)
}

/// `false` if the user has no such passkey.
pub(in crate::identity) async fn remove(tx: &mut Tx, user: &UserId, passkey: &PasskeyId) -> Result<bool, Failure> {
    let removed = on_db!(tx, c => diesel::delete(identity_passkeys::table)
        .filter(identity_passkeys::id.eq(passkey.as_str()))
        .filter(identity_passkeys::user_id.eq(user.as_str()))
        .execute(c).await)?;
    Ok(removed == 1)
}

pub(in crate::identity) async fn remove_all(tx: &mut Tx, user: &UserId) -> Result<(), Failure> {
    on_db!(tx, c => diesel::delete(identity_passkeys::table)
        .filter(identity_passkeys::user_id.eq(user.as_str()))
        .execute(c).await)?;
    Ok(())
}

/// Writes down the use of a passkey, with its counter; `false` if it was used at the same time, removed or refused.
pub(in crate::identity) async fn used(
    tx: &mut Tx,
    before: &PasskeyRow,
    after: &Sealed<Secret>,
    verifies: bool,
    now: Millis,
) -> Result<bool, Failure> {
    let used = on_db!(tx, c => diesel::update(identity_passkeys::table)
        .filter(identity_passkeys::id.eq(&before.id))
        .filter(identity_passkeys::credential.eq(&before.credential))
        .filter(identity_passkeys::refused_at.is_null())
        .set((
            identity_passkeys::credential.eq(after),
            identity_passkeys::verifies.eq(verifies),
            identity_passkeys::last_used_at.eq(now.0),
        ))
        .execute(c).await)?;
    Ok(used == 1)
}

/// Nothing is taken from this passkey any more.
pub(in crate::identity) async fn refuse(tx: &mut Tx, passkey: &PasskeyRow, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(identity_passkeys::table)
        .filter(identity_passkeys::id.eq(&passkey.id))
        .set(identity_passkeys::refused_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}

/// A question that waits: hashes of challenge and browser, for what it was asked, and of whom if that is known.
#[derive(Debug, Clone)]
pub(in crate::identity) struct Ceremony<'a> {
    pub(in crate::identity) challenge: [u8; 32],
    pub(in crate::identity) browser: [u8; 32],
    pub(in crate::identity) purpose: &'static str,
    pub(in crate::identity) user: Option<&'a UserId>,
}

pub(in crate::identity) async fn insert_ceremony(
    tx: &mut Tx,
    ceremony: &Ceremony<'_>,
    state: &Sealed<Secret>,
    expires_at: Millis,
) -> Result<(), Failure> {
    let Ceremony { challenge, browser, purpose, user } = ceremony;
    on_db!(tx, c => diesel::insert_into(identity_ceremonies::table)
        .values((
            identity_ceremonies::challenge_hash.eq(challenge.as_slice()),
            identity_ceremonies::browser_hash.eq(browser.as_slice()),
            identity_ceremonies::purpose.eq(*purpose),
            identity_ceremonies::user_id.eq(user.map(UserId::as_str)),
            identity_ceremonies::state.eq(state),
            identity_ceremonies::expires_at.eq(expires_at.0),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Takes the question away and gives what its answer must be; `None` if there is no such one, or not for this browser,
/// person and purpose, or no more.
pub(in crate::identity) async fn take_ceremony(
    tx: &mut Tx,
    ceremony: &Ceremony<'_>,
    now: Millis,
) -> Result<Option<Sealed<Secret>>, Failure> {
    let Ceremony { challenge, browser, purpose, user } = ceremony;
    let found: Option<(Option<String>, Sealed<Secret>)> = on_db!(tx, c => identity_ceremonies::table
        .filter(identity_ceremonies::challenge_hash.eq(challenge.as_slice()))
        .filter(identity_ceremonies::browser_hash.eq(browser.as_slice()))
        .filter(identity_ceremonies::purpose.eq(*purpose))
        .filter(identity_ceremonies::expires_at.gt(now.0))
        .select((identity_ceremonies::user_id, identity_ceremonies::state))
        .first(c).await.optional())?;
    let Some((_, state)) = found.filter(|(of, _)| of.as_deref() == user.map(UserId::as_str)) else { return Ok(None) };
    // Of two that take it at once, the second finds that it is gone.
    let taken = on_db!(tx, c => diesel::delete(identity_ceremonies::table)
        .filter(identity_ceremonies::challenge_hash.eq(challenge.as_slice()))
        .execute(c).await)?;
    Ok((taken == 1).then_some(state))
}

pub(in crate::identity) async fn delete_expired(tx: &mut Tx, now: Millis) -> Result<usize, Failure> {
    on_db!(tx, c => diesel::delete(identity_ceremonies::table)
        .filter(identity_ceremonies::expires_at.le(now.0))
        .execute(c).await)
}
