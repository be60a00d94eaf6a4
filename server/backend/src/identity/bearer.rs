//! The secrets of devices (`spd_…`) and API tokens (`spt_…`): making them, and the actor behind one.

use shutterpost_model::access::{Actor, Credential, Role};
use shutterpost_model::pii::Secret;
use shutterpost_vault::keys::Keys;
use shutterpost_vault::token::{self, ApiSecret};

use super::queries::bearers;
use super::session::NOTED_EVERY;
use crate::context::World;
use crate::db::{Db, write_tx};
use crate::error::Failure;

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

/// The actor behind a secret; `None` if it is unknown or revoked, or its event is deleted. Notes the use, at most once
/// a minute.
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
            let Some(found) = bearers::token(&mut conn, &hash).await? else { return Ok(None) };
            drop(conn);
            if stale(found.last_used) {
                let id = found.token.clone();
                super::session::noted(write_tx!(db, tx => bearers::token_used(tx, &id, now).await));
            }
            Ok(Some(Actor::proven(Credential::Token(found.token), Some((found.organisation, found.role)))))
        }
        _ => Ok(None),
    }
}
