//! Making guests' data unrecoverable. Bytes go by the jobs that [`purge`] enqueues; the names given back may be
//! deleted at once after the transaction.

use shutterpost_model::id::{CaptureId, GuestId};
use shutterpost_vault::data_key::KeyId;

use super::trash::{self, Counted, Shown};
use super::{queries, rows};
use crate::captures::purge::{Purged, purge};
use crate::captures::queries::CHUNK;
use crate::captures::trash as captures_trash;
use crate::context::World;
use crate::db::Tx;
use crate::error::Failure;
use crate::events::counters;
use crate::events::rows::stored;
use crate::events::scope::{EventScope, Tenant};
use crate::keystore::{KeyStore, Realm};

/// What an erasure did.
#[derive(Debug, Default)]
pub(crate) struct Erased {
    /// Objects to be deleted.
    pub(crate) objects: Vec<String>,
    /// Captures whose share pages are stale: gone, or without this guest.
    pub(crate) stale: Vec<CaptureId>,
    /// Captures that are gone.
    pub(crate) captures: usize,
    /// Guests who are gone.
    pub(crate) guests: usize,
    /// Keys that are destroyed, by this erasure or one before it that was cut short.
    pub(crate) keys: Vec<KeyId>,
}

/// Erases a guest: contact data, consents, owner links, messages, and the captures that show nobody else.
///
/// The keys go first, in a store of their own: should the transaction fail after that, what is left cannot be read, and
/// the sweep deletes it.
pub(crate) async fn guest(
    tx: &mut Tx,
    world: &World,
    keystore: &KeyStore,
    scope: &impl Tenant,
    guest: &GuestId,
) -> Result<Erased, Failure> {
    // Everybody takes guest, message, capture and counter in this order, so that nobody waits for each other.
    queries::lock(tx, scope, &[guest.as_str()]).await?;
    queries::delete_messages(tx, scope, guest).await?;
    let mut alone = Vec::new();
    let mut shared: Vec<Shown> = Vec::new();
    for shown in trash::held(tx, scope, guest).await? {
        // Whoever is in the trash counts: they may come back.
        if queries::guests_of(tx, scope, &shown.capture).await? <= 1 {
            alone.push(stored(&shown.capture)?);
        } else {
            shared.push(shown);
        }
    }
    let mut keys = destroy_keys(keystore, scope, &[guest.as_str()]).await?;
    let Purged { objects, keys: theirs } = purge(tx, world, keystore, scope, &alone).await?;
    keys.extend(theirs);
    if !queries::delete(tx, scope, guest.as_str()).await? {
        return Err(Failure::NotFound);
    }
    captures_trash::part(tx, scope, guest.as_str()).await?;
    let captures = alone.len();
    let mut stale: Vec<CaptureId> = alone;
    for Shown { capture, event, deleted_at, .. } in shared {
        // What shows only guests in the trash lies there with them.
        if let Counted { there: 0, resting: Some(resting) } = trash::recount(tx, scope, &capture).await?
            && deleted_at.is_none()
        {
            captures_trash::put_with(tx, scope, &capture, &resting, None, world.now()).await?;
            counters::add_captures(tx, scope, &event, -1).await?;
        }
        stale.push(stored(&capture)?);
    }
    Ok(Erased { objects, stale, captures, guests: 1, keys })
}

/// Erases captures, and of the guests they show those who have no other capture: without a picture there is no reason
/// left to keep an address.
pub(crate) async fn captures(
    tx: &mut Tx,
    world: &World,
    keystore: &KeyStore,
    scope: &impl Tenant,
    captures: &[CaptureId],
) -> Result<Erased, Failure> {
    let mut guests = Vec::new();
    for chunk in captures.chunks(CHUNK) {
        let ids: Vec<&str> = chunk.iter().map(CaptureId::as_str).collect();
        guests.extend(queries::shown_in(tx, scope, &ids).await?);
    }
    guests.sort_unstable();
    guests.dedup();
    for chunk in guests.chunks(CHUNK) {
        let ids: Vec<&str> = chunk.iter().map(String::as_str).collect();
        // An upload may just be adding a capture to one of them: wait for it, then look.
        queries::lock(tx, scope, &ids).await?;
    }
    let Purged { objects, mut keys } = purge(tx, world, keystore, scope, captures).await?;
    let mut gone_guests = 0;
    for chunk in guests.chunks(CHUNK) {
        let ids: Vec<&str> = chunk.iter().map(String::as_str).collect();
        let kept = queries::still_shown(tx, scope, &ids).await?;
        let gone: Vec<&str> = ids.into_iter().filter(|guest| !kept.iter().any(|kept| kept == guest)).collect();
        keys.extend(destroy_keys(keystore, scope, &gone).await?);
        gone_guests += gone.len();
        for guest in gone {
            queries::delete(tx, scope, guest).await?;
        }
    }
    Ok(Erased { objects, stale: captures.to_vec(), captures: captures.len(), guests: gone_guests, keys })
}

/// Erases guests of an event whose captures are gone already; gives how many.
pub(crate) async fn remaining(tx: &mut Tx, keystore: &KeyStore, scope: &EventScope, most: i64) -> Result<i64, Failure> {
    let guests = queries::ids_of_event(tx, scope, most).await?;
    let ids: Vec<&str> = guests.iter().map(String::as_str).collect();
    destroy_keys(keystore, scope, &ids).await?;
    for guest in &guests {
        queries::delete(tx, scope, guest).await?;
    }
    Ok(i64::try_from(guests.len()).unwrap_or(i64::MAX))
}

/// Destroys the keys of guests, and forgets what they were looked up by.
pub(crate) async fn destroy_keys(
    keystore: &KeyStore,
    scope: &impl Tenant,
    guests: &[&str],
) -> Result<Vec<KeyId>, Failure> {
    let realm = Realm::Organisation(scope.organisation().clone());
    keystore.destroy(&realm, &[rows::PURPOSE], guests).await
}
