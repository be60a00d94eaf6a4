//! Sign-in sessions: 32 random bytes in a cookie, of which the database keeps a keyed hash; two limits, one since the
//! last use and one since sign-in.

use data_encoding::BASE64URL_NOPAD;
use shutterpost_model::access::{Actor, Credential};
use shutterpost_model::id::{OrganisationId, SessionId, UserId};
use shutterpost_model::identity::NewSession;
use shutterpost_model::pii::Secret;
use shutterpost_model::time::DAY;
use shutterpost_vault::keys::Keys;

use super::queries::{memberships, sessions};
use super::rows::NewSessionRow;
use crate::context::World;
use crate::db::{Db, Tx, write_tx};
use crate::error::Failure;
use crate::jobs::Permit;

const HOUR: i64 = 3_600_000;
const SECRET_BYTES: usize = 32;
/// Length of the secret in base64url.
const COOKIE_CHARS: usize = 43;
/// The use of a session, device or token is written down at most this often (milliseconds): a write for each request
/// would make the one writer of SQLite the bottleneck.
pub(super) const NOTED_EVERY: i64 = 60_000;
/// Used and expired resets are kept this long, since messages refer to them.
const RESETS_KEPT: i64 = 30 * DAY;

/// How long a session lasts, in milliseconds.
struct Limits {
    idle: i64,
    absolute: i64,
}

const BROWSER: Limits = Limits { idle: HOUR, absolute: 12 * HOUR };
const REMEMBERED: Limits = Limits { idle: 14 * DAY, absolute: 30 * DAY };

/// Whether the browser keeps the cookie when it is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Browser,
    Remembered,
}

/// Makes a session. The id is always new: one that a client brought along is never adopted.
pub(super) async fn open(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    user: &UserId,
    organisation: Option<&OrganisationId>,
    kind: Kind,
) -> Result<(SessionId, NewSession), Failure> {
    let secret: [u8; SECRET_BYTES] = world.bytes();
    let id = world.id(SessionId::new);
    let now = world.now();
    let (limits, persistent) = match kind {
        Kind::Browser => (BROWSER, false),
        Kind::Remembered => (REMEMBERED, true),
    };
    let row = NewSessionRow {
        id: id.as_str(),
        secret_hash: &hash(keys, &secret),
        user_id: user.as_str(),
        organisation_id: organisation.map(OrganisationId::as_str),
        persistent,
        created_at: now.0,
        last_seen_at: now.0,
        idle_millis: limits.idle,
        expires_at: now.plus(limits.absolute).0,
    };
    if let Some(organisation) = organisation {
        memberships::seen(tx, organisation, user, now).await?;
    }
    sessions::insert(tx, &row).await?;
    let cookie = Secret::new(BASE64URL_NOPAD.encode(&secret));
    Ok((id, NewSession { cookie, max_age: persistent.then_some(limits.absolute / 1000) }))
}

/// What a session that replaces this one takes over: the organisation acted in and the kind. `None` if it has ended.
pub(super) async fn place(tx: &mut Tx, session: &SessionId) -> Result<Option<(Option<OrganisationId>, Kind)>, Failure> {
    let found = sessions::place(tx, session).await?;
    let kind = |persistent| if persistent { Kind::Remembered } else { Kind::Browser };
    Ok(found.map(|(organisation, persistent)| (organisation, kind(persistent))))
}

fn hash(keys: &Keys, secret: &[u8]) -> [u8; 32] {
    keys.lookup("session", secret)
}

/// The actor behind a cookie: a user who is not disabled, acting in the organisation chosen last or, if they left it,
/// in the first of theirs by name. Notes the use, at most once a minute.
pub(super) async fn resolve(db: &Db, world: &World, keys: &Keys, cookie: &str) -> Result<Option<Actor>, Failure> {
    if cookie.len() != COOKIE_CHARS {
        return Ok(None);
    }
    let Ok(secret) = BASE64URL_NOPAD.decode(cookie.as_bytes()) else { return Ok(None) };
    let now = world.now();
    let mut conn = db.read().await?;
    let Some(found) = sessions::find(&mut conn, &hash(keys, &secret)).await? else { return Ok(None) };
    if found.disabled || now >= found.expires_at || now >= found.last_seen.plus(found.idle_millis) {
        return Ok(None);
    }
    let membership = match found.membership {
        Some(membership) => Some(membership),
        None => memberships::first(&mut conn, &found.user).await?,
    };
    drop(conn);
    if now >= found.last_seen.plus(NOTED_EVERY) {
        let (session, user) = (found.session.clone(), found.user.clone());
        let organisation = membership.as_ref().map(|(organisation, _)| organisation.clone());
        noted(write_tx!(db, tx => {
            if let Some(organisation) = &organisation {
                memberships::seen(tx, organisation, &user, now).await?;
            }
            sessions::seen(tx, &session, now).await
        }));
    }
    Ok(Some(Actor::proven(Credential::Session { user: found.user, session: found.session }, membership)))
}

/// Swallows a failure to write down the time of last use: no reason to refuse who is entitled.
pub(super) fn noted(result: Result<(), Failure>) {
    if let Err(failure) = result {
        tracing::warn!(error.cause = ?failure, "the time of last use was not written");
    }
}

/// Removes expired sessions and old resets; gives the number of rows. For the sweep of the installation.
pub(crate) async fn sweep(db: &Db, world: &World, _permit: &Permit) -> Result<usize, Failure> {
    let now = world.now();
    write_tx!(db, tx => {
        let sessions = sessions::delete_expired(tx, now).await?;
        let resets = super::queries::one_time::delete_resets(tx, now.plus(-RESETS_KEPT)).await?;
        Ok(sessions + resets)
    })
}
