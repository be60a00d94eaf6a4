//! Sessions of the staff: as those of users, in tables and cookies of their own. A session begins with the second factor
//! and nowhere else, is never kept by the browser, and ends after a quarter of an hour without use and after eight hours.

use data_encoding::BASE64URL_NOPAD;
use shutterpost_model::id::{GrantId, StaffId, StaffPendingId, StaffSessionId};
use shutterpost_model::identity::NewSession;
use shutterpost_model::identity::security::NewPending;
use shutterpost_model::pii::Secret;

use super::queries::sessions::{self, FoundSession};
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::identity::session::{NOTED_EVERY, SECRET_BYTES, noted, secret_of};
use crate::jobs::Permit;
use crate::services::Deps;
use shutterpost_vault::keys::Keys;

const MINUTE: i64 = 60_000;
/// Without use.
pub(super) const IDLE: i64 = 15 * MINUTE;
/// Since signing in, used or not.
pub(super) const ABSOLUTE: i64 = 8 * 60 * MINUTE;
/// How long a sign-in waits for its second factor.
const PENDING: i64 = 10 * MINUTE;

fn session_hash(keys: &Keys, secret: &[u8]) -> [u8; 32] {
    keys.lookup("staff_session", secret)
}

fn pending_hash(keys: &Keys, secret: &[u8]) -> [u8; 32] {
    keys.lookup("staff_pending", secret)
}

/// Begins a sign-in that waits for its second factor.
pub(super) async fn open_pending(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    staff: &StaffId,
) -> Result<NewPending, Failure> {
    let secret: [u8; SECRET_BYTES] = world.bytes();
    let (id, now) = (world.id(StaffPendingId::new), world.now());
    sessions::insert_pending(tx, &id, staff, &pending_hash(keys, &secret), (now, now.plus(PENDING))).await?;
    Ok(NewPending { cookie: Secret::new(BASE64URL_NOPAD.encode(&secret)), max_age: PENDING / 1000 })
}

/// The sign-in behind the cookie of one that waits.
pub(super) async fn pending(deps: &Deps, cookie: &str) -> Result<Option<(StaffPendingId, StaffId)>, Failure> {
    let Some(secret) = secret_of(cookie) else { return Ok(None) };
    let hash = pending_hash(&deps.keys, &secret);
    sessions::pending(&mut deps.db.read().await?, &hash, deps.world.now()).await
}

/// Makes a session, for somebody who has just shown the second factor.
pub(super) async fn open(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    staff: &StaffId,
) -> Result<(StaffSessionId, NewSession), Failure> {
    let secret: [u8; SECRET_BYTES] = world.bytes();
    let (id, now) = (world.id(StaffSessionId::new), world.now());
    sessions::insert(tx, &id, staff, &session_hash(keys, &secret), (now, now.plus(ABSOLUTE))).await?;
    let cookie = Secret::new(BASE64URL_NOPAD.encode(&secret));
    Ok((id, NewSession { cookie, max_age: None, known: None }))
}

/// Lets a session go on under another id and cookie, acting by a grant; `None` if it has ended. Its limits stay as they
/// were.
pub(super) async fn act_by(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    session: &StaffSessionId,
    grant: &GrantId,
) -> Result<Option<NewSession>, Failure> {
    let secret: [u8; SECRET_BYTES] = world.bytes();
    let id = world.id(StaffSessionId::new);
    let goes_on = sessions::renew(tx, session, (&id, &session_hash(keys, &secret)), grant).await?;
    let cookie = Secret::new(BASE64URL_NOPAD.encode(&secret));
    Ok(goes_on.then_some(NewSession { cookie, max_age: None, known: None }))
}

/// The session behind a cookie. Notes the use, at most once a minute.
pub(super) async fn resolve(deps: &Deps, cookie: &str) -> Result<Option<FoundSession>, Failure> {
    let Some(secret) = secret_of(cookie) else { return Ok(None) };
    let now = deps.world.now();
    let hash = session_hash(&deps.keys, &secret);
    let found = sessions::find(&mut deps.db.read().await?, &hash, (now, now.plus(-IDLE))).await?;
    if let Some(session) = found.as_ref().filter(|session| now >= session.last_seen.plus(NOTED_EVERY)) {
        let id = session.id.clone();
        noted(write_tx!(deps.db, tx => sessions::seen(tx, &id, now).await));
    }
    Ok(found)
}

/// Removes what is over; gives the number of rows. For the sweep of the installation.
pub(crate) async fn sweep(_permit: &Permit, deps: &Deps) -> Result<usize, Failure> {
    let now = deps.world.now();
    write_tx!(deps.db, tx => sessions::delete_expired(tx, (now, now.plus(-IDLE))).await)
}
