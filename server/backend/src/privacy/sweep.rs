//! One pass over everything that is due. Done again and again; what is cut short goes on with the next pass.

use shutterpost_model::time::DAY;

use super::{keys, orphans, retention};
use crate::changes;
use crate::db::write_tx;
use crate::error::Failure;
use crate::exports;
use crate::ingest::clear_requests;
use crate::jobs::Permit;
use crate::services::Deps;

/// How long an idempotency key is remembered.
const REQUESTS: i64 = 7 * DAY;
/// How long stale pages are announced; every instance asks twice a second.
const CHANGES: i64 = DAY;

/// What a pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Captures erased, because of retention, the trash or a deleted event.
    pub captures: i64,
    /// Guests erased: from the trash, or because their captures were gone before.
    pub guests: i64,
    /// Deleted events erased.
    pub events: i64,
    /// Removed members forgotten.
    pub members: i64,
    /// Objects deleted that no row names.
    pub objects: i64,
    /// Keys destroyed that no row needs.
    pub keys: i64,
}

/// One pass. Every batch is a transaction of its own with an audit entry `privacy.retention`.
pub(crate) async fn sweep(permit: &Permit, deps: &Deps) -> Result<Swept, Failure> {
    let mut swept = Swept::default();
    keys::finish_erasures(permit, deps, &mut swept).await?;
    retention::events(permit, deps, &mut swept).await?;
    retention::trash(permit, deps, &mut swept).await?;
    clear(deps).await?;
    orphans::sweep(permit, deps, &mut swept).await?;
    keys::sweep_keys(permit, deps, &mut swept).await?;
    if swept != Swept::default() {
        let Swept { captures, guests, events, members, objects, keys } = swept;
        tracing::info!(
            privacy.captures = captures,
            privacy.guests = guests,
            privacy.events = events,
            privacy.members = members,
            privacy.objects = objects,
            privacy.keys = keys,
            "swept what was due"
        );
    }
    Ok(swept)
}

/// Forgets bookkeeping that has served its time. It holds nothing of anybody, so it leaves no audit entry.
async fn clear(deps: &Deps) -> Result<(), Failure> {
    let now = deps.world.now();
    write_tx!(deps.db, tx => {
        clear_requests(tx, now.plus(-REQUESTS)).await?;
        exports::clear(tx, now).await?;
        changes::clear(tx, now.plus(-CHANGES)).await?;
        Ok(())
    })
}
