//! The secrets of devices (`spd_…`) and API tokens (`spt_…`): making them, and the actor behind one.

use shutterpost_model::access::{Actor, Credential, Role};
use shutterpost_model::pii::Secret;
use shutterpost_model::tokens::Reach;
use shutterpost_vault::keys::Keys;
use shutterpost_vault::token::{self, ApiSecret};

use super::queries::{bearers, tokens};
use super::rows::tokens::Grant;
use super::session::NOTED_EVERY;
use crate::context::World;
use crate::db::{Db, write_tx};
use crate::error::Failure;
use crate::jobs::Permit;

/// Of a device's secret.
pub(crate) const DEVICE: &str = "spd_";
/// Of an API token's secret.
pub(crate) const TOKEN: &str = "spt_";

/// A secret just made: shown once, stored as hash and hint.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) secret: Secret,
    /// For the column `secret_hash`.
    pub(crate) hash: [u8; 32],
    /// Prefix and last four characters, to recognise it by in a list: `spd_…Ab3x`.
    pub(crate) hint: String,
}

/// Makes a secret; `prefix` is [`DEVICE`] or [`TOKEN`].
pub(crate) fn fresh(world: &World, keys: &Keys, prefix: &str) -> Fresh {
    let secret = token::new_secret(prefix, &mut |bytes| world.random.fill(bytes));
    Fresh {
        hash: hash(keys, &secret),
        hint: format!("{prefix}…{}", secret.hint()),
        secret: Secret::new(secret.reveal().to_owned()),
    }
}

fn hash(keys: &Keys, secret: &ApiSecret) -> [u8; 32] {
    keys.lookup("bearer", secret.bytes())
}

/// The actor behind a secret; `None` if it is unknown, revoked or past its end, its event is deleted, or who made it is no
/// member any more. Notes the use, at most once a minute.
pub(super) async fn resolve(db: &Db, world: &World, keys: &Keys, secret: &str) -> Result<Option<Actor>, Failure> {
    let Some(secret) = ApiSecret::parse(secret) else { return Ok(None) };
    let hash = hash(keys, &secret);
    let now = world.now();
    let stale = |seen: Option<i64>| seen.is_none_or(|seen| seen.saturating_add(NOTED_EVERY) <= now.0);
    let mut conn = db.read().await?;
    match secret.prefix() {
        DEVICE => {
            let Some(found) = bearers::device(&mut conn, &hash).await? else { return Ok(None) };
            drop(conn);
            if stale(found.last_seen) {
                let id = found.device.clone();
                super::session::noted(write_tx!(db, tx => bearers::device_seen(tx, &id, now).await));
            }
            let credential = Credential::Device { device: found.device, event: found.event };
            // A device has no role; this one grants nothing and is never asked for.
            Ok(Some(Actor::proven(credential, Some((found.organisation, Role::Reporter)))))
        }
        TOKEN => {
            let Some(found) = tokens::by_secret(&mut conn, &hash).await? else { return Ok(None) };
            if found.ends_at.is_some_and(|end| now >= end) {
                return Ok(None);
            }
            let (role, reach) = match found.grant {
                Grant::WholeRole(role) => (role, Reach::WholeRole),
                Grant::Scoped { cap, scopes, maker } => {
                    // Whoever left may still hold a copy of the secret, so it does nothing that they may not do.
                    let Some(maker) = maker else { return Ok(None) };
                    let own = tokens::role_of_maker(&mut conn, &found.organisation, &maker).await?;
                    let Some(own) = own else { return Ok(None) };
                    (cap.lesser(own), Reach::Scopes(scopes))
                }
            };
            drop(conn);
            if stale(found.last_used) {
                super::session::noted(write_tx!(db, tx => tokens::used(tx, &hash, now).await));
            }
            let credential = Credential::Token { token: found.token, reach, ends_at: found.ends_at };
            Ok(Some(Actor::proven(credential, Some((found.organisation, role)))))
        }
        _ => Ok(None),
    }
}

/// Forgets replaced secrets that have ended and tokens that expired long ago; gives the number of rows. For the sweep of
/// the installation.
pub(crate) async fn sweep(db: &Db, world: &World, permit: Permit) -> Result<usize, Failure> {
    let now = world.now();
    write_tx!(db, tx => tokens::sweep(tx, &permit, now).await)
}
