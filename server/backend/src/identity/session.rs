//! Sign-in sessions: 32 random bytes in a cookie, of which the database keeps a keyed hash; two limits, one since the
//! last use and one since sign-in.

use data_encoding::BASE64URL_NOPAD;
use shutterpost_model::access::{Actor, Credential, Role};
use shutterpost_model::error::Code;
use shutterpost_model::id::{OrganisationId, PendingId, SessionId, UserId};
use shutterpost_model::identity::NewSession;
use shutterpost_model::identity::security::{Method, NewPending};
use shutterpost_model::pii::Secret;
use shutterpost_model::time::DAY;
use shutterpost_vault::data_key::DataKey;
use shutterpost_vault::keys::Keys;

use super::queries::factors::{self, Pending};
use super::queries::{emergencies, memberships, sessions, sign_ins};
use super::rows::sessions::{Membership, NewSessionRow, TABLE};
use super::service::own_sign_in;
use super::trace::{self, Trace};
use crate::context::World;
use crate::db::{Db, Tx, write_tx};
use crate::error::Failure;
use crate::jobs::Permit;

const HOUR: i64 = 3_600_000;
pub(crate) const SECRET_BYTES: usize = 32;
/// Length of the secret in base64url.
const COOKIE_CHARS: usize = 43;
/// The use of a session, device or token is written down at most this often (milliseconds): a write for each request
/// would make the one writer of SQLite the bottleneck.
pub(crate) const NOTED_EVERY: i64 = 60_000;
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

/// What a session begins with.
pub(super) struct Opening<'a> {
    pub(super) user: &'a UserId,
    pub(super) organisation: Option<&'a OrganisationId>,
    pub(super) kind: Kind,
    pub(super) method: Method,
    pub(super) trace: &'a Trace,
}

/// Makes a session and notes the sign-in. The id is always new: one that a client brought along is never adopted.
pub(super) async fn open(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    opening: Opening<'_>,
) -> Result<(SessionId, NewSession), Failure> {
    let Opening { user, organisation, kind, method, trace } = opening;
    let secret: [u8; SECRET_BYTES] = world.bytes();
    let id = world.id(SessionId::new);
    let now = world.now();
    let (limits, persistent) = match kind {
        Kind::Browser => (BROWSER, false),
        Kind::Remembered => (REMEMBERED, true),
    };
    let (device, address) = trace.sealed(world, TABLE, id.as_str());
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
        method: Some(method.as_str()),
        confirmed_at: now.0,
        device: Some(device),
        address,
        connection_id: None,
        provider_session_hash: None,
        provider_subject_hash: None,
        id_token_hint: None,
    };
    if let Some(organisation) = organisation {
        memberships::seen(tx, organisation, user, now).await?;
    }
    sessions::insert(tx, &row).await?;
    trace.note(tx, world, user, method, true).await?;
    let cookie = Secret::new(BASE64URL_NOPAD.encode(&secret));
    Ok((id, NewSession { cookie, max_age: persistent.then_some(limits.absolute / 1000), known: trace.fresh() }))
}

/// Lets a session go on under another id and cookie, because what its holder may do has changed or they proved once more
/// who they are. Its limits stay as they were. [`Code::SignInNeeded`] if it has ended, by a reset perhaps: whoever holds
/// it is nobody any more, and so is whatever still comes in the name of the old one.
pub(super) async fn renew(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    key: &DataKey,
    session: &SessionId,
) -> Result<(SessionId, NewSession), Failure> {
    let secret: [u8; SECRET_BYTES] = world.bytes();
    let id = world.id(SessionId::new);
    let old = sessions::take(tx, session).await?.ok_or(Code::SignInNeeded)?;
    sessions::insert(tx, &old.renewed(world, key, (session, &id), &hash(keys, &secret))?).await?;
    let cookie = Secret::new(BASE64URL_NOPAD.encode(&secret));
    let max_age = old.persistent.then_some((old.expires_at - world.now().0).max(0) / 1000);
    Ok((id, NewSession { cookie, max_age, known: None }))
}

/// How long a sign-in waits for its second factor.
const PENDING: i64 = 10 * 60_000;

/// Begins a sign-in that waits for its second factor. In a table of its own, so that its cookie is no session's.
pub(super) async fn open_pending(
    tx: &mut Tx,
    world: &World,
    keys: &Keys,
    user: &UserId,
    organisation: Option<OrganisationId>,
    kind: Kind,
) -> Result<(PendingId, NewPending), Failure> {
    let secret: [u8; SECRET_BYTES] = world.bytes();
    let now = world.now();
    let pending = Pending {
        id: world.id(PendingId::new),
        user: user.clone(),
        organisation,
        persistent: kind == Kind::Remembered,
    };
    factors::insert_pending(tx, &pending, &pending_hash(keys, &secret), now, now.plus(PENDING)).await?;
    let waiting = NewPending { cookie: Secret::new(BASE64URL_NOPAD.encode(&secret)), max_age: PENDING / 1000 };
    Ok((pending.id, waiting))
}

fn pending_hash(keys: &Keys, secret: &[u8]) -> [u8; 32] {
    keys.lookup("pending", secret)
}

/// The sign-in behind the cookie of one that waits.
pub(super) async fn pending(db: &Db, world: &World, keys: &Keys, cookie: &str) -> Result<Option<Pending>, Failure> {
    let Some(secret) = secret_of(cookie) else { return Ok(None) };
    factors::pending(&mut db.read().await?, &pending_hash(keys, &secret), world.now()).await
}

pub(crate) fn secret_of(cookie: &str) -> Option<Vec<u8>> {
    if cookie.len() != COOKIE_CHARS {
        return None;
    }
    BASE64URL_NOPAD.decode(cookie.as_bytes()).ok()
}

fn hash(keys: &Keys, secret: &[u8]) -> [u8; 32] {
    keys.lookup("session", secret)
}

/// The actor behind a cookie: a user who is not disabled, acting in the organisation chosen last or, if they left it,
/// in the first of theirs by name. Notes the use, at most once a minute.
pub(super) async fn resolve(db: &Db, world: &World, keys: &Keys, cookie: &str) -> Result<Option<Actor>, Failure> {
    let Some(secret) = secret_of(cookie) else { return Ok(None) };
    let now = world.now();
    let mut conn = db.read().await?;
    let Some(found) = sessions::find(&mut conn, &hash(keys, &secret)).await? else { return Ok(None) };
    if found.disabled || now >= found.expires_at || now >= found.last_seen.plus(found.idle_millis) {
        return Ok(None);
    }
    let membership = match found.membership {
        Some(membership) => Some(membership),
        // What one organisation's provider says of a person counts in that organisation.
        None if found.provided => None,
        None => memberships::first_with_rules(&mut conn, &found.user).await?,
    };
    drop(conn);
    let rules = membership.as_ref().map(|membership| membership.rules).unwrap_or_default();
    if rules.are_over(found.begun, found.last_seen, now) {
        return Ok(None);
    }
    if now >= found.last_seen.plus(NOTED_EVERY) {
        let (session, user) = (found.session.clone(), found.user.clone());
        let organisation = membership.as_ref().map(|membership| membership.organisation.clone());
        noted(write_tx!(db, tx => {
            if let Some(organisation) = &organisation {
                memberships::seen(tx, organisation, &user, now).await?;
            }
            sessions::seen(tx, &session, now).await
        }));
    }
    let outside = match &membership {
        Some(membership) if rules.own_sign_in_required_at().is_some() && !found.provided => {
            // The account's factor as well: a session outlives the factor that it began with.
            let may_be_armed = membership.role == Role::Owner && found.showed_factor && found.two_factor;
            !(may_be_armed && own_sign_in::let_in(db, world, &membership.organisation, &found.user).await?)
        }
        _ => false,
    };
    let barred = !found.two_factor && rules.factor_required();
    let membership = membership.map(|Membership { organisation, role, rules: _ }| (organisation, role));
    let actor = Actor::proven(Credential::Session { user: found.user, session: found.session }, membership);
    let actor = match (outside, barred) {
        (true, _) => actor.lacking_own_sign_in(),
        (false, true) => actor.lacking_factor(),
        (false, false) => actor,
    };
    Ok(Some(match found.confirmed_at {
        Some(at) => actor.confirmed(at),
        None => actor,
    }))
}

/// Swallows a failure to write down the time of last use: no reason to refuse who is entitled.
pub(crate) fn noted(result: Result<(), Failure>) {
    if let Err(failure) = result {
        tracing::warn!(error.cause = ?failure, "the time of last use was not written");
    }
}

/// Removes expired sessions, old resets, what was begun and not finished, and sign-ins of long ago; gives the number of rows. For the sweep of the installation.
pub(crate) async fn sweep(db: &Db, world: &World, _permit: &Permit) -> Result<usize, Failure> {
    let now = world.now();
    write_tx!(db, tx => {
        let sessions = sessions::delete_expired(tx, now).await?;
        let resets = super::queries::one_time::delete_resets(tx, now.plus(-RESETS_KEPT)).await?;
        let factors = factors::delete_expired(tx, now, now.plus(-DAY)).await?;
        let armed = emergencies::delete_ended(tx, now).await?;
        let sign_ins = sign_ins::delete_before(tx, now.plus(-trace::KEPT)).await?;
        Ok(sessions + resets + factors + armed + sign_ins)
    })
}
