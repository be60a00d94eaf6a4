//! Uploads that end without a capture: terminated, too old, or of an event that is erased. The key goes first: a key whose
//! row is gone would not be looked at again.

use shutterpost_model::id::{EventId, OrganisationId};
use shutterpost_vault::data_key::KeyId;

use super::queries;
use super::rows::PURPOSE;
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::jobs::Permit;
use crate::jobs::queue::{self, JobKind};
use crate::keystore::{KeyStore, Realm};
use crate::services::Deps;

/// Uploads looked at in one go.
const BATCH: i64 = 200;
/// Keys destroyed in one go.
const KEYS: usize = 200;
/// An upload that got no byte for so long (in milliseconds) is nobody's any more, if room is wanted.
const FORSAKEN: i64 = 10 * 60_000;

fn realm(scope: &impl Tenant) -> Realm {
    Realm::Organisation(scope.organisation().clone())
}

/// Destroys the keys of uploads; nobody can read their pieces from then on.
pub(super) async fn forget(keystore: &KeyStore, scope: &impl Tenant, ids: &[&str]) -> Result<Vec<KeyId>, Failure> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    keystore.destroy(&realm(scope), &[PURPOSE], ids).await
}

/// Takes the pieces of an upload out of the rows; their objects are deleted by jobs, or by the caller after the commit.
pub(super) async fn drop_parts(
    tx: &mut Tx,
    world: &World,
    scope: &impl Tenant,
    id: &str,
) -> Result<Vec<String>, Failure> {
    let objects: Vec<String> = queries::parts(tx, scope, id).await?.into_iter().map(|part| part.object).collect();
    for object in &objects {
        queue::enqueue(tx, world, JobKind::DeleteObject, object, world.now()).await?;
    }
    queries::delete_parts(tx, scope, &objects).await?;
    Ok(objects)
}

/// Erases one upload with everything that came of it.
pub(super) async fn erase(deps: &Deps, scope: &EventScope, id: &str) -> Result<(), Failure> {
    forget(&deps.keystore, scope, &[id]).await?;
    let (world, scope, id) = (deps.world.clone(), scope.clone(), id.to_owned());
    let objects = write_tx!(deps.db, tx => {
        let objects = drop_parts(tx, &world, &scope, &id).await?;
        queries::delete(tx, &scope, &id).await?;
        Ok(objects)
    })?;
    deps.storage.delete_all(&objects).await;
    Ok(())
}

/// Destroys the keys of all uploads of an event.
pub(crate) async fn destroy_keys(deps: &Deps, scope: &EventScope) -> Result<Vec<KeyId>, Failure> {
    let ids = queries::ids_of_event(&mut deps.db.read().await?, scope).await?;
    let mut destroyed = Vec::new();
    for batch in ids.chunks(KEYS) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        destroyed.extend(forget(&deps.keystore, scope, &batch).await?);
    }
    Ok(destroyed)
}

/// Makes room for another upload of somebody who has too many open: erases their oldest one that never got a byte. Of a POST
/// whose answer was lost nobody knows the address. `false` if there is none.
pub(super) async fn make_room(deps: &Deps, scope: &EventScope, uploader: &str) -> Result<bool, Failure> {
    let before = deps.world.now().plus(-FORSAKEN);
    let found = queries::forsaken(&mut deps.db.read().await?, scope, uploader, before).await?;
    let Some(id) = found else { return Ok(false) };
    // Whoever begins to write it in this moment comes before that, and it stays, or after, and finds nothing.
    let held = {
        let (scope, id) = (scope.clone(), id.clone());
        write_tx!(deps.db, tx => queries::hold_forsaken(tx, &scope, &id).await)?
    };
    if held {
        erase(deps, scope, &id).await?;
    }
    Ok(held)
}

/// Erases all uploads of an event that is being erased; gives the objects, for which there are jobs.
pub(crate) async fn erase_of_event(
    tx: &mut Tx,
    world: &World,
    keystore: &KeyStore,
    scope: &EventScope,
) -> Result<Vec<String>, Failure> {
    // Also of those that ended: their keys went then, unless the process stopped in that moment.
    for batch in queries::ids_of_event(tx, scope).await?.chunks(KEYS) {
        let named: Vec<&str> = batch.iter().map(String::as_str).collect();
        forget(keystore, scope, &named).await?;
    }
    let objects = queries::objects_of_event(tx, scope).await?;
    for object in &objects {
        queue::enqueue(tx, world, JobKind::DeleteObject, object, world.now()).await?;
    }
    queries::delete_of_event(tx, scope).await?;
    Ok(objects)
}

/// Erases what lay untouched for too long, and forgets what became captures then.
pub(crate) async fn sweep(permit: &Permit, deps: &Deps) -> Result<(), Failure> {
    loop {
        let now = deps.world.now();
        let expired = queries::expired(&mut deps.db.read().await?, permit, now, BATCH).await?;
        if expired.is_empty() {
            return Ok(());
        }
        let mut erased = 0_i64;
        for (organisation, event, id) in expired {
            let (organisation, event): (OrganisationId, EventId) = (stored(&organisation)?, stored(&event)?);
            let scope = EventScope::of_sweep(permit, organisation, event);
            // From here on nobody writes: whoever does lost the claim, and nobody gets another.
            let held = {
                let (scope, id) = (scope.clone(), id.clone());
                write_tx!(deps.db, tx => queries::hold_expired(tx, &scope, &id, now).await)?
            };
            if held {
                erase(deps, &scope, &id).await?;
                erased += 1;
            }
        }
        if erased == 0 {
            return Ok(());
        }
        tracing::info!(uploads.erased = erased, "uploads that lay untouched were erased");
    }
}
